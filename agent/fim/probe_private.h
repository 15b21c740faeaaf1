/*
 * probe_private - what the files of the probe share.
 *
 *   probe.c          a prober's life and wishes; one path: what it is and whether it stands
 *   probe_content.c  a regular file: opened, hashed or taken from another name, looked at again
 *
 * Thread   a worker; a struct prober is one worker's own.
 */
#ifndef TSUJIBAN_AGENT_FIM_PROBE_PRIVATE_H
#define TSUJIBAN_AGENT_FIM_PROBE_PRIVATE_H

#include <sys/stat.h>

#include "agent/fim/attributes.h"
#include "agent/fim/hashed.h"
#include "agent/fim/nearby.h"
#include "agent/fim/probe.h"

/* An answer of the steps below, beside 0 and negative ones. */
#define TURNED_INTO_ANOTHER 1

struct prober {
	uint64_t hash_limit_bytes;
	struct digest *digest;
	struct attributes *attributes;
	struct digest *md5; /* NULL until it is wanted, or there is none */
	const struct explainer *explainer;
	struct names *names;
	struct nearby nearby;
	uint8_t *buffer;
	size_t buffer_bytes;
	uint64_t text_most_bytes; /* 0: it is not wanted */
	struct budget *budget;
	struct hashed *hashed; /* NULL: nothing is shared */
	int64_t began_ns;      /* looking at the path at hand, by the clock of the stamps */
	enum rereading rereading;
	bool is_renamed;  /* what is known is of the old path of what is read */
	bool is_listed;   /* as a regular file, a moment ago */
	bool wants_md5;   /* of the path at hand */
	bool keeps_atime; /* O_NOATIME is refused to who is neither owner nor privileged */
};

/* A descriptor or a negative code. */
int probe_open_to_read(struct prober *prober, struct place place, int more_flags);
/* Reads what was opened to its end and closes it; `seen` is what stat(2) said of it before. */
int probe_read_opened(struct prober *prober, int fd, const struct stat *seen, struct arena *arena,
        struct reading *out);
/* The same of what is to be opened. */
int probe_read_regular(struct prober *prober, struct place place, const struct stat *seen,
        struct arena *arena, struct reading *out);

#endif
