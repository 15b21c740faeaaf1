#include "agent/inventory/app_walk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/apps/app.h"
#include "common/base/clock.h"

#define FRESH_NS (2 * NS_PER_S)

/* --- one file --------------------------------------------------------------------------------- */

static int64_t ns_of(struct timespec time)
{
	return (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
}

static struct app_stamp stamp_of(const struct stat *info)
{
	return (struct app_stamp){
	        .size = (uint64_t)info->st_size,
	        .mtime_ns = ns_of(info->st_mtim),
	        .ctime_ns = ns_of(info->st_ctim),
	        .inode = info->st_ino,
	        .device = info->st_dev,
	};
}

/* What is known of a file, copied out of the store. */
struct known {
	bool is_known;
	struct app_record record;
	struct buf facts;
};

static void recall(struct app_walk *walk, struct slice path, struct known *known)
{
	struct kv_txn *txn;
	*known = (struct known){0};
	if (kv_begin_read(state_kv(walk->options.state), &txn) < 0)
		return;
	known->is_known = appbook_get(txn, path, &known->record) == 0;
	if (known->is_known)
		buf_append_slice(&known->facts, known->record.facts);
	kv_abort(txn);
	known->record.facts = buf_slice(&known->facts);
}

static bool stands(
        const struct app_walk *walk, const struct known *known, const struct app_stamp *stamp)
{
	return known->is_known && known->record.reader == walk->reader &&
	       app_stamp_equal(&known->record.stamp, stamp);
}

static bool is_in_scope(const struct fact *fact)
{
	for (size_t i = 0; i < APP_SCOPE_COUNT; i++)
		if (fact->kind == APP_SCOPES[i].kind &&
		        slice_is(fact->field[PACKAGE_MANAGER], APP_SCOPES[i].first))
			return true;
	return false;
}

/* A time that may be no finer than two seconds says nothing of a change in the same moment. */
static void doubt_if_fresh(const struct app_walk *walk, struct app_stamp *stamp)
{
	int64_t now_ns = walk->options.now_ns ? walk->options.now_ns : clock_wall_ns();
	if (stamp->ctime_ns > now_ns - FRESH_NS)
		stamp->ctime_ns = 0;
}

static void take_facts(struct app_walk *walk, const struct app_file *file,
        const struct fact_list *facts, bool is_damaged, const struct known *known)
{
	struct app_change change = {.path = file->path};
	struct buf encoded = BUF_INIT;
	change.record.stamp = stamp_of(file->stat);
	change.record.reader = walk->reader;
	change.record.is_damaged = is_damaged;
	doubt_if_fresh(walk, &change.record.stamp);
	for (size_t i = 0; !is_damaged && i < facts->count; i++) {
		if (!is_in_scope(&facts->fact[i]))
			continue;
		appbook_append_fact(&encoded, &facts->fact[i]);
		change.record.count++;
	}
	change.record.facts = is_damaged ? known->record.facts : buf_slice(&encoded);
	change.record.count = is_damaged ? known->record.count : change.record.count;
	walk->tally.markers += change.record.count > 0;
	app_walk_meet(walk, file->path, true);
	app_walk_change(walk, &change);
	buf_fini(&encoded);
}

/* Whether it is still what it was when the reading began. */
static bool has_stood_still(const struct app_file *file)
{
	struct stat after;
	struct app_stamp then = stamp_of(file->stat), now;
	if (fstat(file->fd, &after) < 0)
		return false;
	now = stamp_of(&after);
	return app_stamp_equal(&then, &now);
}

static void keep(struct app_walk *walk, struct slice path, const struct known *known)
{
	walk->tally.markers += known->record.count > 0;
	app_walk_meet(walk, path, false);
}

/* A file that changes while it is read has a word of its own to come, or the next walk's. */
static void read_marker(struct app_walk *walk, const struct app_reader *reader,
        const struct app_file *file, const struct known *known)
{
	struct fact_list facts = {.arena = walk->scratch};
	struct reason why = {""};
	walk->tally.opened++;
	arena_reset(walk->scratch);
	int rc = reader->read(file, &facts, &why);
	if (rc == ERR_MISSING)
		facts.count = 0;
	bool is_damaged = rc == ERR_FORMAT || rc == ERR_LIMIT;
	if (rc < 0 && rc != ERR_MISSING)
		app_walk_complain(walk, file->path, why.text[0] ? why.text : err_text(rc));
	if ((rc < 0 && rc != ERR_MISSING && !is_damaged) || !has_stood_still(file))
		keep(walk, file->path, known);
	else
		take_facts(walk, file, &facts, is_damaged, known);
}

static void open_marker(struct app_walk *walk, const struct app_place *place, const char *name,
        const struct app_reader *reader, const struct known *known)
{
	struct slice path = buf_slice(&walk->path);
	struct stat info;
	int fd = openat(place->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return;
	if (fd < 0 || fstat(fd, &info) < 0) {
		app_walk_complain(walk, path, err_text(-errno));
		keep(walk, path, known);
	} else if (reader->matches(path, info.st_mode)) {
		struct app_file file = {.path = path, .fd = fd, .stat = &info};
		read_marker(walk, reader, &file, known);
	}
	if (fd >= 0)
		close(fd);
}

static bool is_full(struct app_walk *walk)
{
	const struct app_walk_options *options = &walk->options;
	size_t files_max = options->files_max ? options->files_max : APP_FILES_MAX;
	size_t markers_max = options->markers_max ? options->markers_max : APP_MARKERS_MAX;
	if (walk->tally.looked_at < files_max && walk->tally.markers < markers_max)
		return false;
	walk->is_capped = true;
	return true;
}

void app_walk_file(struct app_walk *walk, const struct app_place *place, const char *name)
{
	struct slice path = buf_slice(&walk->path);
	struct stat info;
	struct known known;
	if (fstatat(place->fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	const struct app_reader *reader = app_reader_of(path, info.st_mode);
	if (!S_ISREG(info.st_mode) || !reader || is_full(walk))
		return;
	walk->tally.looked_at++;
	recall(walk, path, &known);
	struct app_stamp stamp = stamp_of(&info);
	if (!stands(walk, &known, &stamp)) {
		open_marker(walk, place, name, reader, &known);
	} else {
		if (known.record.is_damaged)
			app_walk_complain(walk, path, "could not be understood");
		keep(walk, path, &known);
	}
	buf_fini(&known.facts);
}
