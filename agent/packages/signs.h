/*
 * signs - tells when something happens to a package manager's log, locks or database: inotify(7).
 *
 * By name in their directories, since most of them are replaced by rename; but for a file whose
 * directory is written to all the time: it is watched itself, and looked for again by its name when
 * it is another. A directory that is not there, or is another now, is asked for again whenever
 * something is told of another place.
 *
 * Life     signs_new -> the loop -> signs_free.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_SIGNS_H
#define TSUJIBAN_AGENT_PACKAGES_SIGNS_H

#include <stddef.h>

#include "common/base/err.h"
#include "common/io/loop.h"

enum sign {
	SIGN_RUNS = 1 << 0,     /* a run has begun, or gone on */
	SIGN_CHANGED = 1 << 1,  /* the database is another */
	SIGN_UNLOCKED = 1 << 2, /* somebody who may have held a lock closed it */
	SIGN_OPENED = 1 << 3,   /* somebody opened a lock, and may be about to take it */
	SIGN_ALL = SIGN_RUNS | SIGN_CHANGED | SIGN_UNLOCKED | SIGN_OPENED,
	SIGN_ANOTHER = 1 << 8, /* a place's word: what is watched itself is another file now */
};

#define SIGNS_PLACES_MAX 4

struct signs_place {
	const char *path; /* from the root */
	uint32_t mask;    /* IN_..., of inotify(7) */
	bool is_file;     /* watched itself; when it appears, that is a sign of a run */
	/* enum sign bits for a record of inotify(7); `name` is "" for the place itself. */
	unsigned (*sign)(const char *name, uint32_t mask);
};

struct signs;

/* `root`: "" or a directory without a trailing slash; borrowed, and so are the places. `seen` gets
 * enum sign bits. */
int signs_new(struct loop *loop, const char *root, const struct signs_place *places, size_t count,
        void (*seen)(void *ctx, unsigned signs), void *ctx, struct signs **out,
        struct reason *out_why);
/* Tells now what the loop would tell in its turn. */
void signs_glance(struct signs *signs);
void signs_free(struct signs *signs);

#endif
