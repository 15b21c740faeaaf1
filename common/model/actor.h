/*
 * actor - the process that changed something, as the kernel told of it.
 *
 * A plain value; the slices are borrowed. What could not be learnt is absent, or ACTOR_NO_ID.
 */
#ifndef TSUJIBAN_COMMON_MODEL_ACTOR_H
#define TSUJIBAN_COMMON_MODEL_ACTOR_H

#include "common/base/slice.h"

#define ACTOR_NO_ID         UINT32_MAX /* no login user, no audit session: the kernel's own -1 */
#define ACTOR_PARENTS_MAX   8
#define ACTOR_EXE_BYTES     4096 /* longer ones are cut */
#define ACTOR_CMDLINE_BYTES 512
#define ACTOR_PARENT_BYTES  256
#define ACTOR_NAME_BYTES    256 /* user names, container ids */

struct actor {
	uint32_t pid;         /* as the agent's pid namespace numbers it; never 0 */
	int64_t started_ns;   /* wall clock; 0: unknown */
	struct slice exe;     /* path of the program; one that was deleted ends in " (deleted)" */
	struct slice cmdline; /* arguments with a space between; may hold any bytes */
	uint32_t uid, gid;    /* effective; ACTOR_NO_ID: unknown */
	uint32_t login_uid;   /* who logged in, whatever su or sudo made of it */
	uint32_t session;     /* of the audit system */
	struct slice user, login_user;          /* names, where the host knows one */
	struct slice container;                 /* its id; absent: none */
	struct slice parent[ACTOR_PARENTS_MAX]; /* programs of the parents, nearest first */
	unsigned parent_count;
};

/* Why an event's actor is not, or not fully, known. */
enum actor_gap {
	ACTOR_KNOWN = 0,
	ACTOR_SOURCE = 1, /* the source of events names no process (inotify) */
	ACTOR_ENDED = 2, /* the process had ended before it could be asked: only its pid is known */
	ACTOR_UNSEEN = 3, /* nobody saw it happen: found by comparison with the disk */
	ACTOR_MANY = 4, /* several processes, before the file could be read: the last one is told */
};
#define ACTOR_GAP_MAX 4

/* A phrase, as in "inotify names no process"; NULL for ACTOR_KNOWN and what is no gap. */
const char *actor_gap_reason(enum actor_gap gap);

#endif
