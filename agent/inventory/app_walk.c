#include "agent/inventory/app_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/apps/app.h"
#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/store/pathkey.h"

#define CHANGES_BYTES (256u << 20) /* caps; a package needs some 200 bytes */
#define FILE_BYTES    (64u << 20)
#define BLIND_BYTES   (1u << 20)
#define STEPS         32 /* entries between two looks at the clock */
#define MAY_HAVE_MODE (S_IFREG | 0755)

#define FRESH_NS (2 * NS_PER_S)

const struct fact_scope APP_SCOPES[] = {
        {FACT_PACKAGE, "pypi"},
        {FACT_PACKAGE, "npm"},
        {FACT_PACKAGE, "gem"},
        {FACT_PACKAGE, "composer"},
        {FACT_PACKAGE, "wordpress"},
        {FACT_PACKAGE, "golang"},
        {FACT_PACKAGE, "cargo"},
        {FACT_PACKAGE, "maven"},
        {FACT_PACKAGE, "generic"},
};
const size_t APP_SCOPE_COUNT = sizeof(APP_SCOPES) / sizeof(APP_SCOPES[0]);

static int walk_place(struct app_walk *walk, struct app_place place, unsigned depth);

/* --- what is found ---------------------------------------------------------------------------- */

static void stop(struct app_walk *walk, int code, const char *why)
{
	if (walk->rc == 0)
		walk->rc = fail(&walk->why, code, "%s", why);
}

static void complain(struct app_walk *walk, struct slice path, const char *why)
{
	struct buf shown = BUF_INIT;
	if (walk->tally.complaints++ == 0) {
		text_append_display(&shown, path);
		snprintf(walk->tally.complaint, sizeof(walk->tally.complaint), "'%s': %s",
		        buf_text(&shown), why);
	}
	buf_fini(&shown);
}

/* FNV-1a, with a beginning that nobody outside knows: names that were made to be mistaken for
 * others would keep those in the book. */
static uint64_t hash_of(const struct app_walk *walk, struct slice path)
{
	uint64_t hash = walk->seed ^ UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < path.len; i++)
		hash = (hash ^ path.ptr[i]) * UINT64_C(0x100000001b3);
	return (hash ^ hash >> 29) << 1;
}

static void meet(struct app_walk *walk, struct slice path, bool is_changed)
{
	if (walk->met_count == walk->met_room) {
		walk->met_room = walk->met_room ? walk->met_room * 2 : 256;
		walk->met = mem_resize(walk->met, walk->met_room * sizeof(*walk->met));
	}
	walk->met[walk->met_count++] = hash_of(walk, path) | is_changed;
}

void app_walk_change(struct app_walk *walk, const struct app_change *change)
{
	struct app_change kept = *change;
	kept.path = arena_copy(walk->arena, change->path);
	kept.record.facts = arena_copy(walk->arena, change->record.facts);
	if (!kept.path.ptr || !kept.record.facts.ptr) {
		stop(walk, ERR_LIMIT, "too many application packages for one walk");
		return;
	}
	if (walk->change_count == walk->change_room) {
		walk->change_room = walk->change_room ? walk->change_room * 2 : 64;
		walk->change = mem_resize(walk->change, walk->change_room * sizeof(*walk->change));
	}
	walk->change[walk->change_count++] = kept;
}

static void go_blind(struct app_walk *walk, struct slice path, int code)
{
	complain(walk, path, err_text(code));
	if (walk->blind.len > BLIND_BYTES) {
		stop(walk, ERR_LIMIT, "too many directories cannot be read");
		return;
	}
	buf_append_u16(&walk->blind, (uint16_t)path.len);
	buf_append_slice(&walk->blind, path);
}

bool app_walk_is_blind(const struct app_walk *walk, struct slice path)
{
	struct slice rest = buf_slice(&walk->blind), dir;
	uint16_t len;
	while (slice_take_u16(&rest, &len) && slice_take(&rest, len, &dir))
		if (app_path_is_at_or_below(path, dir))
			return true;
	return false;
}

bool app_walk_pace(struct app_walk *walk)
{
	if (walk->rc == 0 && walk->options.is_stopping && atomic_load(walk->options.is_stopping))
		stop(walk, ERR_CLOSED, "the walk was stopped");
	if (walk->rc < 0)
		return false;
	if (!walk->options.budget || ++walk->steps % STEPS != 0)
		return true;
	uint64_t used_ns = budget_thread_cpu_ns();
	budget_spend(walk->options.budget, 0, used_ns - walk->paid_cpu_ns);
	walk->paid_cpu_ns = used_ns;
	return true;
}

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
	meet(walk, file->path, true);
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
	meet(walk, path, false);
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
		complain(walk, file->path, why.text[0] ? why.text : err_text(rc));
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
		complain(walk, path, err_text(-errno));
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

/* `name` may have a package, and is the end of walk->path. */
static void take_file(struct app_walk *walk, const struct app_place *place, const char *name)
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
			complain(walk, path, "could not be understood");
		keep(walk, path, &known);
	}
	buf_fini(&known.facts);
}

/* --- directories ------------------------------------------------------------------------------ */

/* `name` is the end of walk->path. */
static void take_directory(
        struct app_walk *walk, const struct app_place *parent, const char *name, unsigned depth)
{
	struct slice path = buf_slice(&walk->path);
	struct app_place place;
	if (depth >= APP_DEPTH_MAX || app_bases_has(walk->options.bases, path))
		return;
	int rc = app_place_enter(parent, name, path, &place);
	if (rc == 0)
		rc = walk_place(walk, place, depth + 1);
	if (rc < 0 && rc != ERR_MISSING)
		go_blind(walk, buf_slice(&walk->path), rc);
}

static unsigned char type_of(const struct app_place *place, const struct dirent *entry)
{
	struct stat info;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(place->fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return DT_UNKNOWN;
	return S_ISDIR(info.st_mode) ? DT_DIR : S_ISREG(info.st_mode) ? DT_REG : DT_UNKNOWN;
}

static void take_entry(struct app_walk *walk, const struct app_place *place,
        const struct dirent *entry, unsigned depth)
{
	size_t len = walk->path.len;
	unsigned char type = type_of(place, entry);
	if (type != DT_DIR && type != DT_REG)
		return;
	if (len != 1)
		buf_append_byte(&walk->path, '/');
	buf_append_text(&walk->path, entry->d_name);
	bool is_too_long = walk->path.len > PATHKEY_PATH_BYTES;
	walk->tally.files += type == DT_REG;
	if (type == DT_DIR && !is_too_long)
		take_directory(walk, place, entry->d_name, depth);
	else if (!is_too_long && app_reader_of(buf_slice(&walk->path), MAY_HAVE_MODE))
		take_file(walk, place, entry->d_name);
	walk->path.len = len;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Closes the place. Negative errno when the listing broke off. */
static int walk_place(struct app_walk *walk, struct app_place place, unsigned depth)
{
	DIR *dir = fdopendir(place.fd);
	const struct dirent *entry;
	if (!dir) {
		int code = -errno;
		close(place.fd);
		return code;
	}
	walk->tally.directories++;
	while (!walk->is_capped && app_walk_pace(walk) && (errno = 0, entry = readdir(dir)))
		if (!is_dots(entry->d_name))
			take_entry(walk, &place, entry, depth);
	int code = walk->rc < 0 || walk->is_capped ? 0 : -errno;
	closedir(dir);
	return code;
}

static void walk_base(struct app_walk *walk, const char *base)
{
	struct app_place place;
	buf_reset(&walk->path);
	buf_append_text(&walk->path, base);
	int rc = app_place_open(walk->options.root, base, &place);
	if (rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP)
		return;
	if (rc == 0)
		rc = walk_place(walk, place, 0);
	if (rc < 0)
		go_blind(walk, slice_text(base), rc);
}

/* --- public ----------------------------------------------------------------------------------- */

/* Another version may read a file otherwise, so it reads all once. */
static uint32_t this_reader(void)
{
	uint8_t digest[SHA256_BYTES];
	uint32_t reader = 0;
	digest_of(slice_text(TSUJIBAN_VERSION), digest);
	memcpy(&reader, digest, sizeof(reader));
	return reader;
}

void app_walk_init(struct app_walk *walk, const struct app_walk_options *options)
{
	*walk = (struct app_walk){.options = *options, .reader = this_reader()};
	walk->arena = arena_new(CHANGES_BYTES);
	walk->scratch = arena_new(FILE_BYTES);
	walk->paid_cpu_ns = budget_thread_cpu_ns();
	random_bytes(&walk->seed, sizeof(walk->seed));
}

void app_walk_fini(struct app_walk *walk)
{
	arena_free(walk->arena);
	arena_free(walk->scratch);
	free(walk->change);
	free(walk->met);
	buf_fini(&walk->blind);
	buf_fini(&walk->path);
}

void app_walk_all(struct app_walk *walk)
{
	for (size_t i = 0; walk->rc == 0 && i < walk->options.bases->count; i++)
		walk_base(walk, walk->options.bases->path[i]);
}

/* Goes down from `place`, which it closes, to what walk->path says is on the way to `path`. */
static void walk_down(struct app_walk *walk, struct app_place place, struct slice path)
{
	unsigned depth = 0;
	for (;; depth++) {
		char name[PATHKEY_NAME_MAX + 1];
		struct app_place next;
		size_t from = walk->path.len == 1 ? 1 : walk->path.len + 1;
		const uint8_t *slash = memchr(path.ptr + from, '/', path.len - from);
		size_t end = slash ? (size_t)(slash - path.ptr) : path.len;
		memcpy(name, path.ptr + from, end - from);
		name[end - from] = '\0';
		if (is_dots(name))
			break;
		buf_reset(&walk->path);
		buf_append(&walk->path, path.ptr, end);
		if (!slash) {
			take_directory(walk, &place, name, depth);
			if (app_reader_of(path, MAY_HAVE_MODE))
				take_file(walk, &place, name);
			break;
		}
		int rc = depth >= APP_DEPTH_MAX
		                 ? ERR_MISSING
		                 : app_place_enter(&place, name, buf_slice(&walk->path), &next);
		if (rc < 0 && rc != ERR_MISSING)
			go_blind(walk, buf_slice(&walk->path), rc);
		if (rc < 0)
			break;
		close(place.fd);
		place = next;
	}
	close(place.fd);
}

void app_walk_path(struct app_walk *walk, struct slice path)
{
	const char *base = app_bases_of(walk->options.bases, path);
	struct app_place place;
	if (!base || walk->rc < 0 || pathkey_check(path) < 0)
		return;
	if (slice_is(path, base)) {
		walk_base(walk, base);
		return;
	}
	buf_reset(&walk->path);
	buf_append_text(&walk->path, base);
	int rc = app_place_open(walk->options.root, base, &place);
	if (rc == 0)
		walk_down(walk, place, path);
	else if (rc != -ENOENT && rc != -ENOTDIR && rc != -ELOOP)
		go_blind(walk, slice_text(base), rc);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

void app_walk_end(struct app_walk *walk)
{
	if (walk->met_count > 0)
		qsort(walk->met, walk->met_count, sizeof(*walk->met), by_value);
	arena_rest(walk->scratch);
}

bool app_walk_has_met(const struct app_walk *walk, struct slice path, bool *out_is_changed)
{
	uint64_t hash = hash_of(walk, path);
	size_t low = 0, high = walk->met_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (walk->met[middle] < hash)
			low = middle + 1;
		else
			high = middle;
	}
	bool is_met = low < walk->met_count && walk->met[low] >> 1 == hash >> 1;
	*out_is_changed = false;
	for (; low < walk->met_count && walk->met[low] >> 1 == hash >> 1; low++)
		*out_is_changed |= walk->met[low] & 1;
	return is_met;
}
