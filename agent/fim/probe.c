#include "agent/fim/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/fim/probe_private.h"
#include "agent/fim/statted.h"
#include "agent/touch/explainer.h"
#include "agent/touch/names.h"
#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/base/mem.h"

#define ATTEMPTS 4 /* when the path becomes another file between two steps */

/* The longest tick of the kernel's clock is 10 ms (HZ=100). Twice that, for a change that began in
 * one tick and was stamped in the next. */
#define FRESH_NS (20 * NS_PER_MS)

struct prober *prober_new(uint64_t hash_limit_bytes)
{
	struct prober *prober = mem_new(sizeof(*prober));
	prober->hash_limit_bytes = hash_limit_bytes;
	prober->digest = digest_new();
	prober->attributes = attributes_new();
	prober->names = names_new("/etc/passwd", "/etc/group");
	prober->nearby = NEARBY_INIT;
	prober->keeps_atime = true;
	return prober;
}

void prober_free(struct prober *prober)
{
	if (!prober)
		return;
	digest_free(prober->digest);
	attributes_free(prober->attributes);
	digest_free(prober->md5);
	names_free(prober->names);
	nearby_forget(&prober->nearby);
	free(prober->buffer);
	free(prober);
}

void prober_refresh(struct prober *prober)
{
	names_refresh(prober->names);
}

void prober_leave(struct prober *prober)
{
	nearby_forget(&prober->nearby);
}

void prober_ask(struct prober *prober, const struct explainer *explainer)
{
	prober->explainer = explainer;
	if (explainer && !prober->md5)
		prober->md5 = digest_new_md5();
}

void prober_rest(struct prober *prober)
{
	nearby_forget(&prober->nearby);
	free(prober->buffer);
	prober->buffer = NULL;
	prober->buffer_bytes = 0;
}

void prober_want_text(struct prober *prober, uint64_t most_bytes)
{
	prober->text_most_bytes = most_bytes;
}

void prober_pace(struct prober *prober, struct budget *budget)
{
	prober->budget = budget;
}

void prober_share(struct prober *prober, struct hashed *hashed)
{
	prober->hashed = hashed;
}

void prober_want_reread(struct prober *prober, enum rereading wanted)
{
	prober->rereading = wanted;
}

/* --- what stat(2) says ----------------------------------------------------------------------- */

/* The clock that the kernel stamps files with. */
static int64_t stamp_clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return statted_ns(now);
}

static int copy_into(struct arena *arena, struct slice *slice)
{
	if (!slice->ptr)
		return 0;
	*slice = arena_copy(arena, *slice);
	return slice->ptr ? 0 : ERR_LIMIT;
}

static int read_link(struct place place, struct arena *arena, struct reading *out)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(place.at, place.name, target, sizeof(target));
	if (len < 0)
		return errno == ENOENT || errno == EINVAL || errno == ENOTDIR ? TURNED_INTO_ANOTHER
		                                                              : 0;
	out->state.target = slice_of(target, (size_t)len);
	return copy_into(arena, &out->state.target);
}

/* --- one path -------------------------------------------------------------------------------- */

/* Whether the content need not be read again. A known ctime before mtime is no real one: the
 * state was kept as not to be relied on (is_fresh). */
static bool stands(
        const struct prober *prober, const struct filestate *known, const struct filestate *seen)
{
	struct filestate expected = *known;
	if (prober->rereading != REREAD_CHANGED || (prober->is_renamed && prober->wants_md5))
		return false;
	if (known->hash == HASH_TOO_LARGE && known->size <= prober->hash_limit_bytes)
		return false; /* the limit is another now */
	if (prober->is_renamed && known->ctime_ns >= known->mtime_ns)
		expected.ctime_ns = seen->ctime_ns;
	return filestate_stands(&expected, seen);
}

/* What stat(2) does not tell, of a file that stands. */
static int take_over(const struct filestate *known, struct arena *arena, struct filestate *state)
{
	state->hash = known->hash;
	memcpy(state->sha256, known->sha256, SHA256_BYTES);
	state->target = known->target;
	state->has_attributes = known->has_attributes;
	state->flags = known->flags;
	state->xattrs = known->xattrs;
	return filestate_keep(arena, state);
}

/* Of a directory, or of a file that is not read. */
static int open_for_attributes(
        struct prober *prober, struct place place, struct arena *arena, struct filestate *state)
{
	int fd = probe_open_to_read(prober, place, state->type == FILE_DIRECTORY ? O_DIRECTORY : 0);
	if (fd < 0)
		return 0;
	int rc = attributes_read(prober->attributes, fd, arena, state);
	close(fd);
	return rc;
}

/* A rename moves ctime, and so does whatever else changes nothing that stat(2) tells. */
static int take_over_renamed(struct prober *prober, struct place place, const char *path,
        const struct filestate *known, struct arena *arena, struct filestate *state)
{
	int rc = take_over(known, arena, state);
	if (rc < 0)
		return rc;
	state->has_attributes = false;
	state->flags = 0;
	state->xattrs = (struct slice){0};
	if (state->type == FILE_REGULAR || state->type == FILE_DIRECTORY)
		return open_for_attributes(prober, place, arena, state);
	return attributes_read_path(prober->attributes, path, arena, state);
}

static int read_what_it_is(struct prober *prober, struct place place, const struct stat *seen,
        const char *path, struct arena *arena, struct reading *out)
{
	struct filestate *state = &out->state;
	int rc = 0;
	if (state->type == FILE_REGULAR && state->size <= prober->hash_limit_bytes)
		return probe_read_regular(prober, place, seen, arena, out);
	if (state->type == FILE_REGULAR)
		state->hash = HASH_TOO_LARGE;
	if (state->type == FILE_REGULAR || state->type == FILE_DIRECTORY)
		return open_for_attributes(prober, place, arena, state);
	if (state->type == FILE_SYMLINK)
		rc = read_link(place, arena, out);
	return rc ? rc : attributes_read_path(prober->attributes, path, arena, state);
}

static int read_unseen(const struct filestate *known, struct arena *arena, struct reading *out)
{
	if (!known)
		return 0;
	out->state = *known;
	if (known->type == FILE_REGULAR)
		out->state.hash = HASH_UNREADABLE;
	return filestate_keep(arena, &out->state);
}

static void begin_state(const struct stat *seen, int64_t now_ns, struct reading *out)
{
	out->state = statted_state(seen);
	out->links = seen->st_nlink > UINT32_MAX ? UINT32_MAX : (uint32_t)seen->st_nlink;
	out->is_fresh = out->state.ctime_ns > now_ns - FRESH_NS;
}

/* What was listed as a regular file is opened without a stat(2) before, which is for what must not
 * be opened (a device, a FIFO that somebody waits for). */
static int read_listed(struct prober *prober, struct place place, int64_t now_ns,
        struct arena *arena, struct reading *out)
{
	struct stat seen;
	int fd = probe_open_to_read(prober, place, 0);
	if (fd < 0)
		return TURNED_INTO_ANOTHER;
	bool is_regular = fstat(fd, &seen) == 0 && S_ISREG(seen.st_mode);
	if (!is_regular || (uint64_t)seen.st_size > prober->hash_limit_bytes) {
		close(fd);
		return TURNED_INTO_ANOTHER;
	}
	begin_state(&seen, now_ns, out);
	return probe_read_opened(prober, fd, &seen, arena, out);
}

static int read_statted(struct prober *prober, struct place place, const char *path, int64_t now_ns,
        const struct filestate *known, struct arena *arena, struct reading *out)
{
	struct stat seen;
	if (fstatat(place.at, place.name, &seen, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
		bool is_absent = errno == ENOENT || errno == ENOTDIR;
		return is_absent ? 0 : read_unseen(known, arena, out);
	}
	begin_state(&seen, now_ns, out);
	if (known && stands(prober, known, &out->state))
		return prober->is_renamed
		               ? take_over_renamed(prober, place, path, known, arena, &out->state)
		               : take_over(known, arena, &out->state);
	return read_what_it_is(prober, place, &seen, path, arena, out);
}

static int read_once(struct prober *prober, const char *path, const struct filestate *known,
        struct arena *arena, struct reading *out)
{
	struct place place = nearby_find(&prober->nearby, path);
	int64_t now_ns = stamp_clock_ns();
	prober->began_ns = now_ns;
	int rc = TURNED_INTO_ANOTHER;
	*out = (struct reading){0};
	if (prober->is_listed && !known)
		rc = read_listed(prober, place, now_ns, arena, out);
	if (rc == TURNED_INTO_ANOTHER)
		rc = read_statted(prober, place, path, now_ns, known, arena, out);
	prober->is_listed = false; /* it was another, or is read again */
	if (rc != 0 || out->state.type == FILE_ABSENT)
		return rc;
	out->state.owner = names_user(prober->names, out->state.uid);
	out->state.group = names_group(prober->names, out->state.gid);
	rc = copy_into(arena, &out->state.owner);
	return rc < 0 ? rc : copy_into(arena, &out->state.group);
}

static int read_path(struct prober *prober, struct slice path, const struct filestate *known,
        struct arena *arena, struct reading *out)
{
	char text[PATH_MAX];
	if (path.len >= sizeof(text))
		return ERR_LIMIT;
	memcpy(text, path.ptr, path.len);
	text[path.len] = '\0';
	const struct explainer *explainer = prober->explainer;
	prober->wants_md5 = explainer && explainer->wants_md5(explainer, path);
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		int rc = read_once(prober, text, known, arena, out);
		if (rc != TURNED_INTO_ANOTHER)
			return rc;
	}
	/* Replaced faster than it can be read: the last stat with nothing behind it. */
	out->is_moving = true;
	if (out->state.type == FILE_REGULAR)
		out->state.hash = HASH_UNSTABLE;
	return 0;
}

int probe_read(struct prober *prober, struct slice path, const struct filestate *known,
        struct arena *arena, struct reading *out)
{
	prober->is_renamed = false;
	return read_path(prober, path, known, arena, out);
}

int probe_read_renamed(struct prober *prober, struct slice path, const struct filestate *known,
        struct arena *arena, struct reading *out)
{
	prober->is_renamed = true;
	return read_path(prober, path, known, arena, out);
}

int probe_read_listed(
        struct prober *prober, struct slice path, struct arena *arena, struct reading *out)
{
	prober->is_renamed = false;
	prober->is_listed = true;
	return read_path(prober, path, NULL, arena, out);
}
