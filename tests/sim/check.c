#include "tests/sim/check.h"

#include <stdio.h>
#include <stdlib.h>

#include <uthash.h>

#include "agent/state/baseline.h"
#include "common/base/digest.h"
#include "common/model/xattrs.h"
#include "tests/sim/calls.h"
#include "tests/sim/disk.h"
#include "tests/sim/notify.h"
#include "tests/sim/sim.h"
#include "tests/sim/stages.h"

#define ARENA_BYTES (64u << 20)
#define PATH_ROOM   4096

/* What one of the three (events, baseline, disk) says of a path. */
struct said {
	UT_hash_handle hh;
	struct filestate state;
	char path[];
};

/* --- states ----------------------------------------------------------------------------------- */

static struct said *find(struct said *table, const char *path)
{
	struct said *said = NULL;
	HASH_FIND_STR(table, path, said);
	return said;
}

static struct slice kept(struct slice bytes)
{
	if (!bytes.ptr)
		return bytes;
	uint8_t *to = sim_alloc(bytes.len + 1);
	memcpy(to, bytes.ptr, bytes.len);
	return slice_of(to, bytes.len);
}

static void keep(struct said **table, const char *path, const struct filestate *state)
{
	struct said *said = find(*table, path);
	if (!said) {
		said = sim_alloc(sizeof *said + strlen(path) + 1);
		memcpy(said->path, path, strlen(path) + 1);
		HASH_ADD_STR(*table, path, said);
	}
	said->state = *state;
	said->state.target = kept(state->target);
	said->state.xattrs = kept(state->xattrs);
}

static void drop(struct said **table, struct said *said)
{
	if (said)
		HASH_DELETE(hh, *table, said);
}

/* What every picture has to agree on. */
static bool is_equal(const struct filestate *a, const struct filestate *b)
{
	if (!a || !b)
		return !a && !b;
	if (a->type != b->type || a->mode != b->mode || a->uid != b->uid || a->gid != b->gid)
		return false;
	if (a->type != FILE_DIRECTORY && a->size != b->size)
		return false;
	if (!slice_equal(a->xattrs, b->xattrs))
		return false;
	if (a->type == FILE_SYMLINK)
		return slice_equal(a->target, b->target);
	return a->type != FILE_REGULAR ||
	       (a->hash == b->hash && memcmp(a->sha256, b->sha256, SHA256_BYTES) == 0);
}

static const char *shown(const struct filestate *state, char out[160])
{
	if (!state)
		return "nothing";
	snprintf(out, 160, "%s mode %o uid %u size %llu inode %llu hash %d %02x%02x%02x %.*s",
	        file_type_name(state->type), state->mode, state->uid,
	        (unsigned long long)state->size, (unsigned long long)state->inode, state->hash,
	        state->sha256[0], state->sha256[1], state->sha256[2],
	        state->target.len > 20 ? 20 : (int)state->target.len,
	        (const char *)state->target.ptr);
	return out;
}

/* --- the disk --------------------------------------------------------------------------------- */

static void hash_inode(const struct inode *inode, uint8_t out[SHA256_BYTES])
{
	struct buf bytes = BUF_INIT;
	for (uint64_t i = 0; i < inode->size; i++)
		buf_append_byte(&bytes, disk_byte(inode, i));
	digest_of(buf_slice(&bytes), out);
	buf_fini(&bytes);
}

static struct filestate state_of(const struct inode *inode)
{
	struct stat info;
	disk_stat(inode, &info);
	struct filestate state = {
	        .type = S_ISREG(info.st_mode)   ? FILE_REGULAR
	                : S_ISDIR(info.st_mode) ? FILE_DIRECTORY
	                : S_ISLNK(info.st_mode) ? FILE_SYMLINK
	                                        : FILE_FIFO,
	        .mode = info.st_mode & 07777,
	        .uid = info.st_uid,
	        .gid = info.st_gid,
	        .size = (uint64_t)info.st_size,
	        .mtime_ns = inode->mtime_ns,
	        .ctime_ns = inode->ctime_ns,
	        .inode = inode->number,
	        .device = info.st_dev,
	        .target = slice_text(inode->target),
	};
	if (inode->xattr) {
		struct buf packed = BUF_INIT;
		xattrs_append(&packed, slice_text(DISK_XATTR),
		        slice_of(&inode->xattr, sizeof inode->xattr));
		state.xattrs = kept(buf_slice(&packed));
		buf_fini(&packed);
	}
	if (state.type == FILE_REGULAR) {
		state.hash = HASH_DONE;
		hash_inode(inode, state.sha256);
	}
	return state;
}

static void read_disk(
        const struct filter *filter, struct inode *inode, const char *path, struct said **out)
{
	struct dentry *dentry;
	char below[PATH_ROOM];
	if (filter_covers(filter, slice_text(path), is_dir(inode))) {
		struct filestate state = state_of(inode);
		keep(out, path, &state);
	}
	for (dentry = inode->entries; dentry; dentry = dentry->next) {
		snprintf(below, sizeof below, "%.2000s/%s", strcmp(path, "/") ? path : "",
		        dentry->name);
		read_disk(filter, dentry->inode, below, out);
	}
}

/* --- the events ------------------------------------------------------------------------------- */

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);
	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

static void fault(const struct event *event, size_t seq, const char *path, const char *text)
{
	sim_fault(path, "event %zu, %s of %.*s: %s", seq, event_action_name(event->action),
	        SLICE_ARG(event->path), text);
}

static void move_below(struct said **table, const char *from, const char *to,
        const struct event *event, size_t seq)
{
	struct said *said, *next;
	char path[PATH_ROOM];
	HASH_ITER(hh, *table, said, next)
	{
		if (!is_below(said->path, to))
			continue;
		fault(event, seq, said->path, "something is still there below what it went over");
		drop(table, said);
	}
	HASH_ITER(hh, *table, said, next)
	{
		if (!is_below(said->path, from))
			continue;
		drop(table, said);
		snprintf(path, sizeof path, "%.2000s%.2000s", to, said->path + strlen(from));
		keep(table, path, &said->state);
	}
}

static void lose_below(struct said **table, const char *path, const struct event *event, size_t seq)
{
	struct said *said, *next;
	HASH_ITER(hh, *table, said, next)
	{
		if (!is_below(said->path, path))
			continue;
		fault(event, seq, said->path, "no directory any more, and this is still below it");
		drop(table, said);
	}
}

static void take_event(struct said **table, const struct event *event, size_t seq)
{
	char path[PATH_ROOM], origin[PATH_ROOM], text[500], one[160], two[160];
	if (event->kind != EVENT_FILE || event->action == ACTION_GAP ||
	        event->action == ACTION_DEGRADED || event->action == ACTION_TRANSIENT)
		return;
	bool is_move = event->action == ACTION_MOVED;
	struct slice from = is_move ? event->old_path : event->path;
	snprintf(path, sizeof path, "%.*s", SLICE_ARG(event->path));
	snprintf(origin, sizeof origin, "%.*s", SLICE_ARG(from));
	struct said *known = find(*table, origin);
	drop(table, known);
	if (is_move && find(*table, path))
		fault(event, seq, path, "something is there already");
	if (!is_equal(known ? &known->state : NULL, event->before)) {
		snprintf(text, sizeof text, "begins with %s, but the last event ended with %s",
		        shown(event->before, one), shown(known ? &known->state : NULL, two));
		fault(event, seq, origin, text);
	}
	if ((event->action == ACTION_CREATED) != !event->before ||
	        (event->action == ACTION_DELETED) != !event->after)
		fault(event, seq, path, "says another thing than its states");
	bool is_nothing_new = event->before && event->after && !is_move &&
	                      filestate_diff(event->before, event->after) == 0;
	if (is_nothing_new)
		fault(event, seq, path, "says nothing");
	if (is_move)
		move_below(table, origin, path, event, seq);
	else if (!event->after || event->after->type != FILE_DIRECTORY)
		lose_below(table, path, event, seq);
	if (event->after)
		keep(table, path, event->after);
}

static void read_events(struct said **out)
{
	struct arena *arena = arena_new(ARENA_BYTES);
	struct reason why;
	for (size_t i = 0; i < COLLECTOR.count; i++) {
		struct event event;
		arena_reset(arena);
		if (wire_event_decode(COLLECTOR.event[i], arena, &event, &why) < 0)
			sim_fault(NULL, "event %zu cannot be read: %s", i + 1, why.text);
		else
			take_event(out, &event, i + 1);
	}
	arena_free(arena);
}

static bool concerns(const char *path, struct slice named)
{
	char text[PATH_ROOM];
	snprintf(text, sizeof text, "%.*s", SLICE_ARG(named));
	return named.len > 0 && (strcmp(text, path) == 0 || is_below(path, text));
}

void check_print_events(const char *path, struct buf *out)
{
	struct arena *arena = arena_new(ARENA_BYTES);
	struct reason why;
	char one[160], two[160];
	for (size_t i = 0; i < COLLECTOR.count; i++) {
		struct event event;
		arena_reset(arena);
		if (wire_event_decode(COLLECTOR.event[i], arena, &event, &why) < 0)
			continue;
		if (path[0] && event.kind == EVENT_FILE && !concerns(path, event.path) &&
		        !concerns(path, event.old_path))
			continue;
		buf_printf(out, "  %zu %s %s %.*s", i + 1, event_cause_name(event.cause),
		        event_action_name(event.action), SLICE_ARG(event.path));
		if (event.old_path.ptr)
			buf_printf(out, " from %.*s", SLICE_ARG(event.old_path));
		if (event.count)
			buf_printf(out, " (%u)", event.count);
		if (event.kind == EVENT_FILE)
			buf_printf(out, ": %s -> %s", shown(event.before, one),
			        shown(event.after, two));
		buf_printf(out, " %.*s\n", SLICE_ARG(event.detail));
	}
	arena_free(arena);
}

/* --- the baseline ----------------------------------------------------------------------------- */

static int take_record(void *ctx, struct slice path, const struct filestate *state)
{
	struct said **out = ctx;
	char text[PATH_ROOM];
	snprintf(text, sizeof text, "%.*s", SLICE_ARG(path));
	keep(out, text, state);
	return 0;
}

static void read_baseline(struct state *state, struct said **out)
{
	struct kv_txn *txn;
	kv_begin_read(state_kv(state), &txn);
	if (baseline_each_below(txn, slice_text("/"), take_record, out) < 0)
		sim_fault(NULL, "the baseline cannot be read");
	kv_abort(txn);
}

/* --- comparing -------------------------------------------------------------------------------- */

static void compare(struct said *is, struct said *should_be, const char *who)
{
	struct said *said, *next, *other;
	char one[160], two[160];
	HASH_ITER(hh, should_be, said, next)
	{
		other = find(is, said->path);
		if (!is_equal(&said->state, other ? &other->state : NULL))
			sim_fault(said->path, "%s: disk has %s, %s %s", said->path,
			        shown(&said->state, one), who,
			        shown(other ? &other->state : NULL, two));
	}
	HASH_ITER(hh, is, said, next)
	{
		if (!find(should_be, said->path))
			sim_fault(said->path, "%s: disk has nothing, %s %s", said->path, who,
			        shown(&said->state, two));
	}
}

/* --- watches ---------------------------------------------------------------------------------- */

/* A directory whose entries matter: what the filter enters, and what leads to a root. */
static bool should_be_watched(const struct filter *filter, const char *path)
{
	struct slice dir = slice_text(path);
	if (filter_descends(filter, dir))
		return true;
	for (size_t i = 0; i < filter_count(filter); i++) {
		struct slice root = filter_path(filter, i);
		if (slice_starts_with(root, dir) &&
		        (dir.len == 1 || (root.len > dir.len && root.ptr[dir.len] == '/')))
			return true;
	}
	return false;
}

static void check_watches(
        const struct pipeline *pipeline, struct inode *dir, const char *path, size_t *count)
{
	struct dentry *dentry;
	char below[PATH_ROOM];
	bool should = should_be_watched(pipeline->filter, path);
	*count += should;
	if (should && !notify_is_marked(dir))
		sim_fault(path, "%s is a directory and not watched", path);
	if (should && !watch_has(pipeline->watch, slice_text(path)))
		sim_fault(path, "%s is watched, but not under this path", path);
	for (dentry = dir->entries; dentry; dentry = dentry->next) {
		snprintf(below, sizeof below, "%.2000s/%s", strcmp(path, "/") ? path : "",
		        dentry->name);
		if (is_dir(dentry->inode))
			check_watches(pipeline, dentry->inode, below, count);
	}
}

static void check_all_watches(const struct pipeline *pipeline)
{
	size_t count = 0;
	if (SIM.settings.watch_limit < 1000)
		return;
	check_watches(pipeline, DISK.root, "/", &count);
	if (notify_count() != count)
		sim_fault(NULL, "%zu watches, but %zu directories to watch", notify_count(), count);
	if (watch_count(pipeline->watch) != count)
		sim_fault(NULL, "the agent thinks that it has %zu watches, but there are %zu",
		        watch_count(pipeline->watch), count);
}

void check_quiet(struct pipeline *pipeline)
{
	struct said *disk = NULL, *events = NULL, *baseline = NULL;
	read_events(&events);
	read_disk(pipeline->filter, DISK.root, "/", &disk);
	read_baseline(pipeline->state, &baseline);
	compare(events, disk, "events");
	compare(baseline, disk, "baseline");
	if (settle_count(pipeline->settle) > 0)
		sim_fault(NULL, "settle still holds %zu paths", settle_count(pipeline->settle));
	check_all_watches(pipeline);
	HASH_CLEAR(hh, disk);
	HASH_CLEAR(hh, events);
	HASH_CLEAR(hh, baseline);
}
