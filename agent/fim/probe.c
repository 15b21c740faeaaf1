#include "agent/fim/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/fim/attributes.h"
#include "agent/fim/budget.h"
#include "agent/fim/hashed.h"
#include "agent/fim/nearby.h"
#include "agent/fim/statted.h"
#include "agent/touch/explainer.h"
#include "agent/touch/names.h"
#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/base/mem.h"

#define BUFFER_MIN (16u << 10)
#define BUFFER_MAX (128u << 10)
#define ATTEMPTS   4 /* when the path becomes another file between two steps */

/* The longest tick of the kernel's clock is 10 ms (HZ=100). Twice that, for a change that began in
 * one tick and was stamped in the next. */
#define FRESH_NS (20 * NS_PER_MS)

/* Answers of the steps below, beside 0 and negative ones. */
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

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && statted_ns(a->st_mtim) == statted_ns(b->st_mtim) &&
	       statted_ns(a->st_ctim) == statted_ns(b->st_ctim);
}

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

/* --- content --------------------------------------------------------------------------------- */

static int open_to_read(struct prober *prober, struct place place, int more_flags)
{
	const int FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | more_flags;
	int fd = -1;
	if (prober->keeps_atime) {
		fd = openat(place.at, place.name, FLAGS | O_NOATIME);
		if (fd >= 0 || errno != EPERM)
			return fd >= 0 ? fd : -errno;
		prober->keeps_atime = false;
	}
	fd = openat(place.at, place.name, FLAGS);
	return fd >= 0 ? fd : -errno;
}

static void fit_buffer(struct prober *prober, uint64_t size, bool is_whole)
{
	size_t wanted = size < BUFFER_MIN ? BUFFER_MIN : BUFFER_MAX;
	if (is_whole && size >= wanted)
		wanted = (size_t)size + 1;
	if (prober->buffer_bytes >= wanted)
		return;
	free(prober->buffer);
	prober->buffer = mem_new(wanted);
	prober->buffer_bytes = wanted;
}

/* Reads one byte more than the size that was seen, so that a file that has not grown needs no
 * further read to tell its end, and one that grows without end is left. */
static int hash_content(struct prober *prober, int fd, uint64_t size, struct reading *out)
{
	uint64_t left = size + 1;
	struct digest *md5 = prober->wants_md5 ? prober->md5 : NULL;
	bool keeps_text = prober->text_most_bytes > 0 && size <= prober->text_most_bytes;
	size_t kept = 0;
	fit_buffer(prober, size, keeps_text);
	digest_start(prober->digest);
	if (md5)
		digest_start(md5);
	while (left > 0) {
		size_t room = prober->buffer_bytes - kept;
		size_t most = left < room ? (size_t)left : room;
		uint8_t *to = prober->buffer + kept;
		ssize_t got = read(fd, to, most);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		digest_update(prober->digest, to, (size_t)got);
		if (md5)
			digest_update(md5, to, (size_t)got);
		if (got > 0)
			budget_spend(prober->budget, (uint64_t)got, 0);
		kept += keeps_text ? (size_t)got : 0;
		left -= (uint64_t)got;
		if (got == 0 || left == 1)
			break;
	}
	digest_finish(prober->digest, out->state.sha256);
	out->has_md5 = md5 != NULL;
	if (md5)
		digest_finish(md5, out->md5);
	if (keeps_text)
		out->text = slice_of(prober->buffer, kept);
	return 0;
}

/* --- what another name of the file was found to contain --------------------------------------- */

static struct hashed_file file_of(const struct stat *seen)
{
	return (struct hashed_file){
	        .device = seen->st_dev,
	        .inode = seen->st_ino,
	        .size = (uint64_t)seen->st_size,
	        .mtime_ns = statted_ns(seen->st_mtim),
	        .ctime_ns = statted_ns(seen->st_ctim),
	        .links = (uint32_t)seen->st_nlink,
	};
}

/* A text that is wanted has to be read. */
static enum hashed_use use_of(const struct prober *prober, const struct stat *seen)
{
	bool wants_text = prober->text_most_bytes > 0 &&
	                  (uint64_t)seen->st_size <= prober->text_most_bytes;
	if (wants_text || prober->rereading == REREAD_ALL)
		return HASHED_NEVER;
	return prober->rereading == REREAD_SHARED ? HASHED_ANY : HASHED_OLD;
}

static bool take_shared(
        struct prober *prober, const struct stat *seen, uint64_t *out_turn, struct reading *out)
{
	struct hashed_file file = file_of(seen);
	struct hashed_content content;
	if (!hashed_begin(prober->hashed, &file, use_of(prober, seen),
	            prober->wants_md5 && prober->md5, prober->began_ns, out_turn, &content))
		return false;
	memcpy(out->state.sha256, content.sha256, SHA256_BYTES);
	memcpy(out->md5, content.md5, MD5_BYTES);
	out->has_md5 = content.has_md5;
	out->is_fresh = out->is_fresh || content.is_fresh;
	return true;
}

static void share(struct prober *prober, const struct stat *seen, uint64_t turn, bool is_whole,
        const struct reading *reading)
{
	struct hashed_file file = file_of(seen);
	struct hashed_content content = {
	        .has_md5 = reading->has_md5,
	        .is_fresh = reading->is_fresh,
	};
	memcpy(content.sha256, reading->state.sha256, SHA256_BYTES);
	memcpy(content.md5, reading->md5, MD5_BYTES);
	hashed_end(prober->hashed, &file, turn, is_whole ? &content : NULL);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Trouble of the moment, or our own: no property of the file. */
static bool is_passing(int code)
{
	return code == -EMFILE || code == -ENFILE || code == -ENOMEM || code == -EAGAIN ||
	       code == -EINTR || code == -ESTALE;
}

static void give_up(int code, struct reading *out)
{
	out->is_moving = is_passing(code);
	out->state.hash = out->is_moving ? HASH_UNSTABLE : HASH_UNREADABLE;
}

/* Reads what was opened to its end and closes it; `seen` is what stat(2) said of it before. */
static int read_opened(struct prober *prober, int fd, const struct stat *seen, struct arena *arena,
        struct reading *out)
{
	struct stat after = {0};
	bool is_shared = prober->hashed && seen->st_nlink > 1;
	uint64_t turn = 0;
	bool is_taken = is_shared && take_shared(prober, seen, &turn, out);
	int rc = is_taken ? 0 : hash_content(prober, fd, (uint64_t)seen->st_size, out);
	int starved = attributes_read(prober->attributes, fd, arena, &out->state);
	if (fstat(fd, &after) != 0)
		rc = -errno;
	close(fd);
	bool is_same = rc == 0 && is_same_file(seen, &after);
	bool is_whole = is_same && is_unchanged(seen, &after);
	if (is_shared && !is_taken)
		share(prober, seen, turn, is_whole, out);
	if (starved < 0)
		return starved;
	if (rc < 0) {
		give_up(rc, out);
		return 0;
	}
	if (!is_same)
		return TURNED_INTO_ANOTHER;
	if (is_whole) {
		out->state.hash = HASH_DONE;
		return 0;
	}
	out->state = statted_state(&after);
	out->state.hash = HASH_UNSTABLE;
	out->text = (struct slice){0};
	out->is_moving = true;
	return 0;
}

static int read_regular(struct prober *prober, struct place place, const struct stat *seen,
        struct arena *arena, struct reading *out)
{
	int fd = open_to_read(prober, place, 0);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -ENXIO)
		return TURNED_INTO_ANOTHER;
	if (fd >= 0)
		return read_opened(prober, fd, seen, arena, out);
	give_up(fd, out);
	return 0;
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
	int fd = open_to_read(prober, place, state->type == FILE_DIRECTORY ? O_DIRECTORY : 0);
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
		return read_regular(prober, place, seen, arena, out);
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
	int fd = open_to_read(prober, place, 0);
	if (fd < 0)
		return TURNED_INTO_ANOTHER;
	bool is_regular = fstat(fd, &seen) == 0 && S_ISREG(seen.st_mode);
	if (!is_regular || (uint64_t)seen.st_size > prober->hash_limit_bytes) {
		close(fd);
		return TURNED_INTO_ANOTHER;
	}
	begin_state(&seen, now_ns, out);
	return read_opened(prober, fd, &seen, arena, out);
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
