/*
 * probe - reads the state of paths as they are on disk now.
 *
 * Opens without following a link, without blocking on a FIFO or a device, without updating access
 * times where that is allowed; stats, hashes regular files (SHA-256), stats again: if it changed in
 * between, the reading says so (is_moving). A file whose stat stands as in `known` is not read: its
 * hash is taken over; so is that of another name of the same file (see hashed.h). A file above the
 * size limit is not hashed (HASH_TOO_LARGE).
 *
 * Thread   probe_read: a worker; a struct prober is one worker's own.
 */
#ifndef TSUJIBAN_AGENT_FIM_PROBE_H
#define TSUJIBAN_AGENT_FIM_PROBE_H

#include "common/base/arena.h"
#include "common/model/filestate.h"

struct explainer;
struct budget;
struct hashed;
struct prober; /* digest context, read buffer, user and group names */

struct prober *prober_new(uint64_t hash_limit_bytes);
void prober_free(struct prober *prober);
/* Once before a batch: looks whether the files with user and group names have changed. */
void prober_refresh(struct prober *prober);
/* Once after a batch: lets go of the directory that it stood in. */
void prober_leave(struct prober *prober);

/* Whom to ask, from now on, whether the MD5 of a content is wanted too; NULL: nobody. Borrowed. */
void prober_ask(struct prober *prober, const struct explainer *explainer);

/* What is read is spent of this budget while it is read; NULL: of none. */
void prober_pace(struct prober *prober, struct budget *budget);
/* What files with several names contain is looked up and kept here; NULL: nowhere. Borrowed. */
void prober_share(struct prober *prober, struct hashed *hashed);
/* Gives back what only reading needs. */
void prober_rest(struct prober *prober);

struct reading {
	struct filestate state; /* FILE_ABSENT when there is nothing; slices in the arena */
	uint32_t links;         /* how many names the file has; 0: unknown */
	bool is_moving;         /* changed while it was read: read it again later */
	/* Changed so shortly before it was read that one more change could leave the very same
	 * times (they move in steps of the kernel's clock tick): whoever keeps the state keeps it
	 * with another ctime, so that it does not stand at the next look. */
	bool is_fresh;
	bool has_md5; /* of the same bytes as state.sha256 */
	uint8_t md5[MD5_BYTES];
	/* The content that was hashed, if it was wanted; borrowed from the prober until its next
	 * reading. Absent: not wanted, too large, not read or moving. */
	struct slice text;
};

/* For the readings to come: their content is wanted if it has at most so many bytes; 0: it is not.
 */
void prober_want_text(struct prober *prober, uint64_t most_bytes);
enum rereading {
	REREAD_CHANGED, /* the content is read unless everything that stat(2) tells stands */
	REREAD_SHARED,  /* it is, unless the same file was read under another name */
	REREAD_ALL,     /* it is */
};

/* For the readings to come. */
void prober_want_reread(struct prober *prober, enum rereading wanted);

/* `known` (may be NULL) is the baseline's state of this path. Never fails: what cannot be read is
 * said in the state. What cannot even be stat'ed (but for ENOENT and ENOTDIR) is taken for as it
 * was known, unreadable. -ENOMEM-like trouble is ERR_LIMIT of the arena. */
int probe_read(struct prober *prober, struct slice path, const struct filestate *known,
        struct arena *arena, struct reading *out);
/* The same for a path that was just renamed, with the known state of its old path: a rename moves
 * ctime, so the content is taken over when everything else stands. */
int probe_read_renamed(struct prober *prober, struct slice path, const struct filestate *known,
        struct arena *arena, struct reading *out);
/* The same for a path that nothing is known of and that a directory listing has just named as a
 * regular file: saves a system call. */
int probe_read_listed(
        struct prober *prober, struct slice path, struct arena *arena, struct reading *out);

#endif
