#include "agent/host/units.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "agent/source/hostfile.h"
#include "common/base/text.h"

#define NAME_BYTES_MAX 255
#define UNITS_MAX      8192 /* also links, and directories of drop-ins: a host has some hundred */

const struct unit_place UNIT_PLACE[UNIT_PLACES] = {
        {"/run/systemd/generator.early", PLACE_GENERATED},
        {"/etc/systemd/system", PLACE_ADMIN},
        {"/run/systemd/system", PLACE_RUNTIME},
        {"/run/systemd/generator", PLACE_GENERATED},
        {"/usr/local/lib/systemd/system", PLACE_VENDOR},
        {"/usr/lib/systemd/system", PLACE_VENDOR},
        {"/lib/systemd/system", PLACE_VENDOR}, /* where it is no link to the last */
        {"/run/systemd/generator.late", PLACE_GENERATED},
};

/* Of one reading. */
struct walk {
	const char *root;
	struct units *out;
	struct buf path, target;
	size_t unit_room, link_room, dropins_room;
};

/* Room for one more in an array of the arena's; NULL beyond the limits. */
static void *grow(struct arena *arena, void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	if (count >= UNITS_MAX)
		return NULL;
	size_t more = *room ? *room * 2 : 128;
	void *grown = arena_alloc(arena, more * size);
	if (grown && count > 0)
		memcpy(grown, array, count * size);
	if (grown)
		*room = more;
	return grown;
}

static bool ends_with(struct slice name, const char *ending)
{
	size_t len = strlen(ending);
	return name.len > len && memcmp(name.ptr + name.len - len, ending, len) == 0;
}

/* systemd.unit(5): letters, digits, ":-_.\" and "@". */
static bool is_unit_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum(name.ptr[i]) && !memchr(":-_.\\@", name.ptr[i], 6))
			return false;
	return name.len > 0 && name.len <= NAME_BYTES_MAX && name.ptr[0] != '.';
}

static struct slice last_name(struct slice path)
{
	struct slice head;
	while (text_split(path, '/', &head, &path))
		continue;
	return path;
}

/* --- links ------------------------------------------------------------------------------------ */

/* Writes where a link in `dir` leads over `out`, without "." and "..". */
static void absolute(const char *dir, struct slice target, struct buf *out)
{
	struct slice name;
	bool is_more = true;
	buf_reset(out);
	if (target.len == 0 || target.ptr[0] != '/')
		buf_append_text(out, dir);
	while (is_more) {
		is_more = text_split(target, '/', &name, &target);
		if (!is_more)
			name = target;
		if (name.len == 0 || slice_is(name, "."))
			continue;
		if (slice_is(name, "..")) {
			while (out->len > 0 && out->data[--out->len] != '/')
				continue;
			continue;
		}
		buf_append_byte(out, '/');
		buf_append_slice(out, name);
	}
}

static int add_link(struct walk *walk, unsigned place, const char *dir, const char *name)
{
	struct units *out = walk->out;
	struct unit_link link = {.name = slice_text(name), .place = place};
	if (unit_type_of(link.name) == UNIT_OTHER)
		return 0;
	buf_reset(&walk->path);
	buf_printf(&walk->path, "%s/%s", dir, name);
	if (hostfile_link(walk->root, buf_text(&walk->path), &walk->target) < 0)
		return 0;
	out->link = grow(out->arena, out->link, out->link_count, &walk->link_room, sizeof(link));
	if (!out->link)
		return ERR_LIMIT;
	out->link[out->link_count++] = link;
	return 0;
}

static int add_links(struct walk *walk, unsigned place, const char *name)
{
	struct host_names names;
	struct buf dir = BUF_INIT;
	buf_printf(&dir, "%s/%s", UNIT_PLACE[place].dir, name);
	int rc = hostfile_list(walk->root, buf_text(&dir), walk->out->arena, &names);
	if (rc != ERR_LIMIT)
		rc = 0;
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		rc = add_link(walk, place, buf_text(&dir), names.name[i]);
	buf_fini(&dir);
	return rc;
}

/* --- places ----------------------------------------------------------------------------------- */

static int add_unit(struct walk *walk, unsigned place, struct slice name)
{
	struct units *out = walk->out;
	out->unit = grow(out->arena, out->unit, out->count, &walk->unit_room, sizeof(*out->unit));
	if (!out->unit)
		return ERR_LIMIT;
	out->unit[out->count++] = (struct unit){.name = name, .place = place};
	return 0;
}

static int add_dropins(struct walk *walk, unsigned place, struct slice name)
{
	struct units *out = walk->out;
	out->dropins = grow(out->arena, out->dropins, out->dropins_count, &walk->dropins_room,
	        sizeof(*out->dropins));
	if (!out->dropins)
		return ERR_LIMIT;
	out->dropins[out->dropins_count++] = (struct unit_dropins){.name = name, .place = place};
	return 0;
}

static int add_entry(struct walk *walk, unsigned place, const char *entry)
{
	struct slice name = slice_text(entry);
	if (!is_unit_name(name))
		return 0;
	if (ends_with(name, ".d"))
		return add_dropins(walk, place, name);
	if (ends_with(name, ".wants") || ends_with(name, ".requires") ||
	        ends_with(name, ".upholds"))
		return add_links(walk, place, entry);
	return unit_type_of(name) != UNIT_OTHER ? add_unit(walk, place, name) : 0;
}

/* /lib is a link to /usr/lib on most hosts. */
static bool is_known_place(const struct walk *walk, unsigned place)
{
	struct stat here, before;
	if (place == 0)
		return false;
	return hostfile_stat(walk->root, UNIT_PLACE[place].dir, &here) == 0 &&
	       hostfile_stat(walk->root, UNIT_PLACE[place - 1].dir, &before) == 0 &&
	       here.st_dev == before.st_dev && here.st_ino == before.st_ino;
}

static int read_place(struct walk *walk, unsigned place)
{
	struct host_names names;
	if (is_known_place(walk, place))
		return 0;
	int rc = hostfile_list(walk->root, UNIT_PLACE[place].dir, walk->out->arena, &names);
	if (rc < 0 && rc != ERR_LIMIT) {
		if (hostfile_is_complaint(rc)) {
			walk->out->trouble = UNIT_PLACE[place].dir;
			walk->out->trouble_rc = rc;
		}
		return 0;
	}
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		rc = add_entry(walk, place, names.name[i]);
	return rc;
}

/* --- the first of each name ------------------------------------------------------------------- */

static int by_unit(const void *a, const void *b)
{
	const struct unit *left = a, *right = b;
	int order = slice_compare(left->name, right->name);
	return order ? order : (left->place > right->place) - (left->place < right->place);
}

static int by_dropins(const void *a, const void *b)
{
	const struct unit_dropins *left = a, *right = b;
	int order = slice_compare(left->name, right->name);
	return order ? order : (left->place > right->place) - (left->place < right->place);
}

static void keep_first_of_each(struct units *units)
{
	size_t kept = 0;
	if (units->count > 0)
		qsort(units->unit, units->count, sizeof(*units->unit), by_unit);
	if (units->dropins_count > 0)
		qsort(units->dropins, units->dropins_count, sizeof(*units->dropins), by_dropins);
	for (size_t i = 0; i < units->count; i++)
		if (i == 0 || !slice_equal(units->unit[i].name, units->unit[kept - 1].name))
			units->unit[kept++] = units->unit[i];
	units->count = kept;
}

const struct unit *units_find(const struct units *units, struct slice name)
{
	size_t low = 0, high = units->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (slice_compare(units->unit[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	bool is_it = low < units->count && slice_equal(units->unit[low].name, name);
	return is_it ? &units->unit[low] : NULL;
}

/* --- what each of them is --------------------------------------------------------------------- */

/* A link to a file of another name is an alias where that is a unit by itself; where it is not (the
 * file lies elsewhere), nobody but the link tells of it. */
static void classify_link(struct walk *walk, struct unit *unit, struct slice target)
{
	absolute(UNIT_PLACE[unit->place].dir, target, &walk->path);
	target = buf_slice(&walk->path);
	if (slice_is(target, "/dev/null")) {
		unit->form = UNIT_FILE_MASKED;
		return;
	}
	unit->names = arena_copy(walk->out->arena, last_name(target));
	unit->file = arena_text(walk->out->arena, target);
	bool is_alias = !slice_equal(unit->names, unit->name) && units_find(walk->out, unit->names);
	unit->form = is_alias ? UNIT_FILE_ALIAS : UNIT_FILE_LINKED;
}

static int classify(struct walk *walk, struct unit *unit)
{
	struct stat info;
	buf_reset(&walk->path);
	buf_printf(&walk->path, "%s/%.*s", UNIT_PLACE[unit->place].dir, SLICE_ARG(unit->name));
	unit->file = arena_text(walk->out->arena, buf_slice(&walk->path));
	if (!unit->file)
		return ERR_LIMIT;
	if (hostfile_link(walk->root, unit->file, &walk->target) == 0)
		classify_link(walk, unit, buf_slice(&walk->target));
	else if (hostfile_stat(walk->root, unit->file, &info) == 0 && S_ISREG(info.st_mode) &&
	         info.st_size == 0)
		unit->form = UNIT_FILE_MASKED; /* an empty file is as good as a link to nothing */
	return unit->file ? 0 : ERR_LIMIT;
}

int units_read(const char *root, struct arena *arena, struct units *out)
{
	struct walk walk = {.root = root, .out = out};
	int rc = 0;
	*out = (struct units){.arena = arena};
	for (unsigned place = 0; rc == 0 && place < UNIT_PLACES; place++)
		rc = read_place(&walk, place);
	keep_first_of_each(out);
	for (size_t i = 0; rc == 0 && i < out->count; i++)
		rc = classify(&walk, &out->unit[i]);
	buf_fini(&walk.path);
	buf_fini(&walk.target);
	return rc;
}
