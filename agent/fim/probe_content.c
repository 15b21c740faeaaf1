#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/fim/probe_private.h"
#include "agent/fim/statted.h"
#include "common/base/budget.h"
#include "common/base/mem.h"

#define BUFFER_MIN (16u << 10)
#define BUFFER_MAX (128u << 10)

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && statted_ns(a->st_mtim) == statted_ns(b->st_mtim) &&
	       statted_ns(a->st_ctim) == statted_ns(b->st_ctim);
}

/* --- opened and hashed ------------------------------------------------------------------------ */

int probe_open_to_read(struct prober *prober, struct place place, int more_flags)
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

int probe_read_opened(struct prober *prober, int fd, const struct stat *seen, struct arena *arena,
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

int probe_read_regular(struct prober *prober, struct place place, const struct stat *seen,
        struct arena *arena, struct reading *out)
{
	int fd = probe_open_to_read(prober, place, 0);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -ENXIO)
		return TURNED_INTO_ANOTHER;
	if (fd >= 0)
		return probe_read_opened(prober, fd, seen, arena, out);
	give_up(fd, out);
	return 0;
}
