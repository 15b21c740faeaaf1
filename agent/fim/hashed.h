/*
 * hashed - what files with several names were found to contain, so that a content is read once and
 * not once for each of its names.
 *
 * There is no look-up by inode in the baseline (it is kept by path), so what was read is kept here:
 * for as long as work goes on, and no longer.
 *
 * Trees of links (of a backup tool, of a container runtime) are visited one after the other, with
 * more files in each than fit in here, and a cache that drops what it has not used for long would
 * never have what is asked for. So the table has sets of WAYS places, and of a full set the
 * smallest file goes, one whose names have all been seen before others: what stays is what would
 * cost most to read again.
 *
 * What is found was read when the file had the same size and times as now. A write right after that
 * reading could have left the same times: HASHED_OLD asks for a reading so long after the last
 * change that none could.
 *
 * Of two that want one content at the same time the second waits for the first.
 *
 * Life     hashed_new -> (hashed_begin -> hashed_end)*, hashed_rest* -> hashed_free.
 * Memory   up to 2 MiB while work goes on (untouched pages cost nothing), none after hashed_rest.
 * Thread   begin and end: any, HASHED_READERS_MAX at most at a time. The others: when none of
 *          them is under way.
 */
#ifndef TSUJIBAN_AGENT_FIM_HASHED_H
#define TSUJIBAN_AGENT_FIM_HASHED_H

#include <stdbool.h>

#include "common/base/digest.h"

#define HASHED_READERS_MAX 8

struct hashed;

/* A file as stat(2) told of it before it was read. */
struct hashed_file {
	uint64_t device;
	uint64_t inode;
	uint64_t size;
	int64_t mtime_ns;
	int64_t ctime_ns;
	uint32_t links;
};

struct hashed_content {
	uint8_t sha256[SHA256_BYTES];
	uint8_t md5[MD5_BYTES];
	bool has_md5;
	bool is_fresh; /* as in struct reading */
};

enum hashed_use {
	HASHED_NEVER, /* it is read whatever is known */
	HASHED_OLD,   /* known from a reading long after the last change */
	HASHED_ANY,   /* known from any reading */
};

/* Longer than times move in steps on any file system that has links: 1 s on some. */
#define HASHED_OLD_NS (2 * INT64_C(1000000000))

struct hashed *hashed_new(void);
void hashed_free(struct hashed *hashed);
/* Forgets everything. */
void hashed_rest(struct hashed *hashed);

/* True: `*out` is what the file contains. False: the caller reads the file, and says what came of
 * it with hashed_end and the same `file`. `now_ns` is a moment before the file was looked at, by
 * the clock that stamps files. Waits for whoever is reading that content already. */
bool hashed_begin(struct hashed *hashed, const struct hashed_file *file, enum hashed_use use,
        bool wants_md5, int64_t now_ns, uint64_t *out_turn, struct hashed_content *out);
/* NULL: the file changed meanwhile, or could not be read. Of two readings of one file the one that
 * began later holds. */
void hashed_end(struct hashed *hashed, const struct hashed_file *file, uint64_t turn,
        const struct hashed_content *content);

#endif
