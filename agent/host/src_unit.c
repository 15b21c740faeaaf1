/*
 * Services, timers and sockets of systemd, as their files say: what is started and when, and
 * whether it is by itself. The states are those of systemctl(1) is-enabled, but for a link to a
 * file that lies elsewhere under another name: that is "linked" here, since no other name tells
 * what it starts. Aliases are no units of their own.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/source/hostfile.h"
#include "agent/host/sources.h"
#include "agent/host/units.h"
#include "common/base/text.h"

#define SCRATCH_BYTES_MAX (64u << 20)
#define FILE_BYTES_MAX    (256u << 10)
#define DROPINS_MAX       256 /* files of one unit */
#define NAMES_MAX         16  /* of directories of drop-ins of one unit: dashes in its name */

/* Of one reading. */
struct reading {
	const char *root;
	struct arena *arena; /* of the units; and one for a single unit */
	struct arena *scratch;
	struct units units;
	struct fact_list *out;
	struct reason *out_why;
	bool is_partial;
};

/* --- drop-ins --------------------------------------------------------------------------------- */

struct dropin {
	const char *name, *path;
	size_t order;
};

struct dropins {
	struct dropin file[DROPINS_MAX];
	size_t count;
};

/* By name; of equal ones the first in the order of their places. */
static int by_name(const void *a, const void *b)
{
	const struct dropin *left = a, *right = b;
	int order = strcmp(left->name, right->name);
	return order ? order : (left->order > right->order) - (left->order < right->order);
}

static bool is_conf(const char *name)
{
	size_t len = strlen(name);
	return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

/* One directory; the files of each stand behind those of the last. */
static int gather_dir(struct reading *reading, const char *dir, struct dropins *dropins)
{
	struct host_names names;
	struct buf path = BUF_INIT;
	int rc = hostfile_list(reading->root, dir, reading->scratch, &names);
	if (rc < 0)
		rc = hostfile_note(rc, dir, &reading->is_partial, reading->out_why);
	for (size_t i = 0; rc == 0 && i < names.count && dropins->count < DROPINS_MAX; i++) {
		if (!is_conf(names.name[i]))
			continue;
		buf_reset(&path);
		buf_printf(&path, "%s/%s", dir, names.name[i]);
		struct dropin *file = &dropins->file[dropins->count];
		file->name = names.name[i];
		file->path = arena_text(reading->scratch, buf_slice(&path));
		file->order = dropins->count;
		if (!file->path)
			rc = ERR_LIMIT;
		else
			dropins->count++;
	}
	buf_fini(&path);
	return rc;
}

/* The directory `name` in that place, where it is. */
static int gather(
        struct reading *reading, struct slice name, unsigned place, struct dropins *dropins)
{
	const struct units *units = &reading->units;
	struct buf path = BUF_INIT;
	size_t low = 0, high = units->dropins_count;
	int rc = 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (slice_compare(units->dropins[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; rc == 0 && low < units->dropins_count; low++) {
		if (!slice_equal(units->dropins[low].name, name))
			break;
		if (units->dropins[low].place != place)
			continue;
		buf_reset(&path);
		buf_printf(&path, "%s/%.*s", UNIT_PLACE[place].dir, SLICE_ARG(name));
		rc = gather_dir(reading, buf_text(&path), dropins);
	}
	buf_fini(&path);
	return rc;
}

static struct slice add_name(struct reading *reading, struct slice head, const char *tail)
{
	struct buf text = BUF_INIT;
	buf_append_slice(&text, head);
	buf_append_text(&text, tail);
	struct slice name = arena_copy(reading->scratch, buf_slice(&text));
	buf_fini(&text);
	return name;
}

/* systemd.unit(5): of "a-b.service" the directories "a-b.service.d" and "a-.service.d". */
static size_t name_dirs(struct reading *reading, struct slice unit, struct slice name[NAMES_MAX])
{
	struct buf tail = BUF_INIT;
	size_t count = 0, dot = unit.len;
	while (dot > 0 && unit.ptr[dot - 1] != '.')
		dot--;
	size_t stem = dot > 0 ? dot - 1 : 0;
	buf_append(&tail, unit.ptr + stem, unit.len - stem);
	buf_append_text(&tail, ".d");
	name[count++] = add_name(reading, slice_of(unit.ptr, stem), buf_text(&tail));
	for (size_t len = stem; len > 1 && count < NAMES_MAX; len--)
		if (unit.ptr[len - 1] == '-' && len != stem)
			name[count++] = add_name(reading, slice_of(unit.ptr, len), buf_text(&tail));
	buf_fini(&tail);
	return count;
}

static const char *type_dir(enum unit_type type)
{
	return type == UNIT_SERVICE ? "service.d" : type == UNIT_TIMER ? "timer.d" : "socket.d";
}

/* Those of the whole type come last. */
static int find_dropins(struct reading *reading, const struct unit *unit, struct dropins *out)
{
	struct slice name[NAMES_MAX];
	size_t count = name_dirs(reading, unit->name, name);
	int rc = 0;
	out->count = 0;
	for (unsigned place = 0; rc == 0 && place < UNIT_PLACES; place++)
		for (size_t i = 0; rc == 0 && i < count; i++)
			rc = name[i].ptr ? gather(reading, name[i], place, out) : ERR_LIMIT;
	struct slice of_type = slice_text(type_dir(unit_type_of(unit->name)));
	for (unsigned place = 0; rc == 0 && place < UNIT_PLACES; place++)
		rc = gather(reading, of_type, place, out);
	qsort(out->file, out->count, sizeof(out->file[0]), by_name);
	return rc;
}

/* --- what a unit says ------------------------------------------------------------------------- */

static int apply(struct reading *reading, const char *path, struct unit_text *text)
{
	struct buf content = BUF_INIT;
	int rc = hostfile_read(reading->root, path, FILE_BYTES_MAX, &content);
	if (rc == 0)
		unit_text_apply(text, buf_slice(&content));
	buf_fini(&content);
	return rc;
}

/* A drop-in that is a link to nothing only takes another one's place. */
static int apply_dropins(struct reading *reading, const struct unit *unit, struct unit_text *text)
{
	struct dropins *dropins = arena_alloc(reading->scratch, sizeof(*dropins));
	int rc = dropins ? find_dropins(reading, unit, dropins) : ERR_LIMIT;
	for (size_t i = 0; rc == 0 && i < dropins->count; i++) {
		const struct dropin *file = &dropins->file[i];
		if (i > 0 && strcmp(file->name, dropins->file[i - 1].name) == 0)
			continue;
		rc = apply(reading, file->path, text);
		if (rc < 0)
			rc = rc == -EINVAL ? 0
			                   : hostfile_note(rc, file->path, &reading->is_partial,
			                             reading->out_why);
	}
	return rc;
}

/* --- states ----------------------------------------------------------------------------------- */

enum { ENABLED_NOT, ENABLED_INDIRECT, ENABLED_RUNTIME, ENABLED_FOR_GOOD };

/* Whether it is the template `unit` with an instance, which is written over `out`. */
static bool is_instance(struct slice name, struct slice unit, struct slice *out)
{
	const uint8_t *at = unit.len > 0 ? memchr(unit.ptr, '@', unit.len) : NULL;
	size_t head = at ? (size_t)(at - unit.ptr) + 1 : 0;
	size_t tail = unit.len - head;
	if (!at || unit.ptr[head] != '.' || name.len <= unit.len ||
	        memcmp(name.ptr, unit.ptr, head) != 0 ||
	        memcmp(name.ptr + name.len - tail, unit.ptr + head, tail) != 0)
		return false;
	*out = slice_of(name.ptr + head, name.len - unit.len);
	return true;
}

static int enabled_by(unsigned place)
{
	switch (UNIT_PLACE[place].kind) {
	case PLACE_ADMIN:
		return ENABLED_FOR_GOOD;
	case PLACE_RUNTIME:
	case PLACE_GENERATED:
		return ENABLED_RUNTIME;
	case PLACE_VENDOR:
		break;
	}
	return ENABLED_NOT;
}

/* A link that [Install] does not make (an instance that is not the default one, an alias that it
 * does not name) enables indirectly. */
static int enabled_by_links(
        const struct units *units, const struct unit *unit, const struct unit_text *text)
{
	struct slice instance;
	int most = ENABLED_NOT;
	for (size_t i = 0; i < units->link_count; i++) {
		int by = enabled_by(units->link[i].place);
		if (slice_equal(units->link[i].name, unit->name)) {
			most = by > most ? by : most;
		} else if (by > ENABLED_NOT &&
		           is_instance(units->link[i].name, unit->name, &instance)) {
			if (!slice_equal(instance, buf_slice(&text->instance)))
				by = ENABLED_INDIRECT;
			most = by > most ? by : most;
		}
	}
	for (size_t i = 0; i < units->count; i++) {
		const struct unit *alias = &units->unit[i];
		int by = enabled_by(alias->place);
		if (alias->form != UNIT_FILE_ALIAS || !slice_equal(alias->names, unit->name))
			continue;
		if (by > ENABLED_NOT && !unit_text_has_alias(text, alias->name))
			by = ENABLED_INDIRECT;
		most = by > most ? by : most;
	}
	return most;
}

static const char *state_of(
        const struct units *units, const struct unit *unit, const struct unit_text *text)
{
	bool is_runtime = UNIT_PLACE[unit->place].kind == PLACE_RUNTIME;
	if (unit->form == UNIT_FILE_MASKED)
		return is_runtime ? "masked-runtime" : "masked";
	if (UNIT_PLACE[unit->place].kind == PLACE_GENERATED)
		return "generated";
	switch (enabled_by_links(units, unit, text)) {
	case ENABLED_FOR_GOOD:
		return "enabled";
	case ENABLED_RUNTIME:
		return "enabled-runtime";
	case ENABLED_INDIRECT:
		return "indirect";
	default:
		break;
	}
	if (unit->form == UNIT_FILE_LINKED)
		return is_runtime ? "linked-runtime" : "linked";
	if (text->wanted)
		return "disabled";
	return text->has_also ? "indirect" : "static";
}

/* --- facts ------------------------------------------------------------------------------------ */

static int add_fact(
        const struct reading *reading, const struct unit *unit, const struct unit_text *text)
{
	struct fact fact = {.kind = FACT_UNIT};
	fact.field[UNIT_NAME] = unit->name;
	fact.field[UNIT_STATE] = slice_text(state_of(&reading->units, unit, text));
	fact.field[UNIT_FILE] = slice_text(unit->file);
	fact.field[UNIT_COMMAND] = buf_slice(&text->command);
	return fact_is_valid(&fact) ? fact_list_add(reading->out, &fact) : 0;
}

static int add_unit(struct reading *reading, const struct unit *unit)
{
	struct unit_text text;
	int rc = 0;
	if (unit->form == UNIT_FILE_ALIAS)
		return 0;
	unit_text_init(&text, unit_type_of(unit->name));
	bool is_read = unit->form == UNIT_FILE_MASKED;
	if (!is_read) {
		rc = apply(reading, unit->file, &text);
		is_read = rc == 0;
		/* A link that leads nowhere, or to a directory, is no unit. */
		if (rc < 0)
			rc = rc == -EINVAL || rc == -ELOOP
			             ? 0
			             : hostfile_note(rc, unit->file, &reading->is_partial,
			                       reading->out_why);
		if (rc == 0 && is_read)
			rc = apply_dropins(reading, unit, &text);
	}
	if (rc == 0 && is_read)
		rc = add_fact(reading, unit, &text);
	unit_text_fini(&text);
	arena_reset(reading->scratch);
	return rc;
}

int src_unit_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct reading reading = {.root = root,
	        .arena = arena_new(SCRATCH_BYTES_MAX),
	        .scratch = arena_new(SCRATCH_BYTES_MAX),
	        .out = out,
	        .out_why = out_why};
	int rc = units_read(root, reading.arena, &reading.units);
	if (rc == 0 && reading.units.trouble)
		rc = hostfile_note(reading.units.trouble_rc, reading.units.trouble,
		        &reading.is_partial, out_why);
	for (size_t i = 0; rc == 0 && i < reading.units.count; i++)
		rc = add_unit(&reading, &reading.units.unit[i]);
	arena_free(reading.arena);
	arena_free(reading.scratch);
	if (rc == ERR_LIMIT)
		fail(out_why, rc, "cannot read the units of systemd: there are too many");
	return rc == 0 && reading.is_partial ? SOURCE_PARTIAL : rc;
}
