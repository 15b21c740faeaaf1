#include "collector/query/field.h"

#include "common/base/text.h"

/* clang-format off */
#define ALONE(text, id, form, hosts) \
	{.name = (text), .field = (id), .shape = (form), .is_for_hosts = (hosts)}
/* The columns follow, each a field and what of it may be given. */
#define OF_FACT(text, form, of, ...) \
	{.name = (text), .field = FIELD_FACT, .shape = (form), .is_for_hosts = true, .kind = (of), \
		.column = {__VA_ARGS__}

static const struct query_field_row rows[] = {
	OF_FACT("package", SHAPE_PACKAGE, FACT_PACKAGE, {PACKAGE_NAME, PART_ALL}),
		.is_grouped = true},
	ALONE("version", FIELD_VERSION, SHAPE_ORDER, true),
	{.name = "os", .field = FIELD_OS, .shape = SHAPE_TEXT, .is_for_hosts = true,
		.kind = FACT_OS, .is_of_host = true, .is_no_reason = true},
	{.name = "kernel", .field = FIELD_KERNEL, .shape = SHAPE_ORDER, .is_for_hosts = true,
		.kind = FACT_KERNEL, .is_of_host = true},
	ALONE("host", FIELD_HOST, SHAPE_TEXT, true),
	OF_FACT("arch", SHAPE_TEXT, FACT_HOST, {PAIR_VALUE, PART_ALL}),
		.pair = "architecture", .is_of_host = true, .is_no_reason = true},
	OF_FACT("label.K", SHAPE_TEXT, FACT_LABEL, {PAIR_VALUE, PART_ALL}),
		.is_of_host = true, .is_no_reason = true},
	OF_FACT("fact.K", SHAPE_TEXT, FACT_HOST, {PAIR_VALUE, PART_ALL}),
		.is_of_host = true},
	OF_FACT("module", SHAPE_FACT, FACT_MODULE, {MODULE_NAME, PART_ALL}),
		.is_grouped = true},
	OF_FACT("livepatch", SHAPE_FACT, FACT_LIVEPATCH, {LIVEPATCH_NAME, PART_ALL}),
		.is_grouped = true},
	OF_FACT("mitigation", SHAPE_FACT, FACT_MITIGATION, {PAIR_NAME, PART_ALL}),
		.is_grouped = true},
	OF_FACT("restart", SHAPE_FACT, FACT_RESTART, {RESTART_UNIT, PART_ALL},
		{RESTART_EXE, PART_BASE}, {RESTART_FILE, PART_BASE},
		{RESTART_PACKAGE, PART_OWNED})},
	OF_FACT("listen", SHAPE_FACT, FACT_SOCKET, {SOCKET_PORT, PART_NUMBER},
		{SOCKET_PROGRAM, PART_BASE}, {SOCKET_PACKAGE, PART_OWNED}),
		.is_grouped = true},
	OF_FACT("address", SHAPE_FACT, FACT_ADDRESS, {ADDRESS_ADDRESS, PART_HEAD}),
		.is_grouped = true},
	OF_FACT("account", SHAPE_FACT, FACT_USER, {USER_NAME, PART_ALL}),
		.is_grouped = true},
	OF_FACT("group", SHAPE_FACT, FACT_GROUP, {GROUP_NAME, PART_ALL}),
		.is_grouped = true},
	OF_FACT("unit", SHAPE_FACT, FACT_UNIT, {UNIT_NAME, PART_ALL}),
		.is_grouped = true},
	OF_FACT("cron", SHAPE_FACT, FACT_CRON, {CRON_COMMAND, PART_ALL})},
	ALONE("path", FIELD_PATH, SHAPE_TEXT, false),
	ALONE("actor", FIELD_ACTOR, SHAPE_TEXT, false),
	ALONE("user", FIELD_USER, SHAPE_TEXT, false),
	ALONE("explained", FIELD_EXPLAINED, SHAPE_WORDS, false),
	ALONE("action", FIELD_ACTION, SHAPE_WORDS, false),
	ALONE("kind", FIELD_KIND, SHAPE_WORDS, false),
	ALONE("cause", FIELD_CAUSE, SHAPE_WORDS, false),
	ALONE("seq", FIELD_SEQ, SHAPE_NUMBER, false),
};
/* clang-format on */
#define ROWS (sizeof(rows) / sizeof(rows[0]))

const char *query_show(struct slice text, struct query_shown *shown)
{
	struct buf escaped = BUF_INIT;
	bool is_cut = text.len > SHOWN_BYTES;
	text_append_display(&escaped, slice_of(text.ptr, is_cut ? SHOWN_BYTES : text.len));
	size_t len = escaped.len < sizeof(shown->text) - 4 ? escaped.len : sizeof(shown->text) - 4;
	if (len)
		memcpy(shown->text, escaped.data, len);
	memcpy(shown->text + len, is_cut ? "..." : "", is_cut ? 4 : 1);
	buf_fini(&escaped);
	return shown->text;
}

static bool row_is_known(enum query_about about, const struct query_field_row *row)
{
	return row->is_for_hosts || about == QUERY_EVENTS;
}

/* --- by name ------------------------------------------------------------------------------- */

/* "label." of "label.K"; absent: the row takes no K. */
static struct slice prefix_of(const struct query_field_row *row)
{
	size_t len = strlen(row->name), suffix = strlen(QUERY_NAMED);
	if (len <= suffix || strcmp(row->name + len - suffix, QUERY_NAMED) != 0)
		return slice_of(NULL, 0);
	return slice_of(row->name, len - suffix + 1);
}

struct slice query_field_named(const struct query_field_row *row, struct slice name)
{
	struct slice prefix = prefix_of(row);
	if (!prefix.ptr || name.len <= prefix.len || !slice_starts_with(name, prefix))
		return slice_of(NULL, 0);
	return slice_of(name.ptr + prefix.len, name.len - prefix.len);
}

const struct query_field_row *query_field_find(enum query_about about, struct slice name)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct query_field_row *row = &rows[i];
		if (!row_is_known(about, row))
			continue;
		if (prefix_of(row).ptr ? query_field_named(row, name).len > 0
		                       : slice_is(name, row->name))
			return row;
	}
	return NULL;
}

/* Levenshtein's distance, for names of at most 15 bytes. */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned row[16];
	if (a.len > 15 || b.len > 15)
		return 16;
	for (unsigned j = 0; j <= b.len; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned least = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < least)
				least = row[j] + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			row[j] = least;
		}
	}
	return row[b.len];
}

static const struct query_field_row *nearest_row(enum query_about about, struct slice name)
{
	const struct query_field_row *nearest = NULL;
	unsigned least = 3;
	for (size_t i = 0; i < ROWS; i++) {
		unsigned far = distance(name, slice_text(rows[i].name));
		if (row_is_known(about, &rows[i]) && far < least && far < name.len) {
			nearest = &rows[i];
			least = far;
		}
	}
	return nearest;
}

/* --- fields of facts ----------------------------------------------------------------------- */

static bool takes_constraints(const struct query_field_row *row)
{
	return row->shape == SHAPE_FACT || row->shape == SHAPE_PACKAGE;
}

/* Whether a query has a field of this name that stands by itself. */
static bool stands_alone(struct slice name)
{
	const struct query_field_row *row = query_field_find(QUERY_EVENTS, name);
	return row && row->field != FIELD_VERSION;
}

bool query_field_constrains(
        const struct query_field_row *of, struct slice name, unsigned *out_field)
{
	bool has_dot = name.len > 1 && name.ptr[0] == '.';
	if (!takes_constraints(of) || (!has_dot && stands_alone(name)))
		return false;
	if (has_dot)
		name = slice_of(name.ptr + 1, name.len - 1);
	for (unsigned i = 0; i < fact_field_count(of->kind); i++) {
		if (!slice_is(name, fact_field_name(of->kind, i)))
			continue;
		*out_field = i;
		return true;
	}
	return false;
}

bool query_field_is_version(enum fact_kind kind, unsigned field)
{
	return (kind == FACT_PACKAGE && field == PACKAGE_VERSION) ||
	       (kind == FACT_RESTART && (field == RESTART_INSTALLED || field == RESTART_RUNS));
}

/* The first row that a term can begin with which this constrains. */
static const struct query_field_row *row_constrained_by(struct slice name)
{
	unsigned field;
	for (size_t i = 0; i < ROWS; i++)
		if (query_field_constrains(&rows[i], name, &field))
			return &rows[i];
	return NULL;
}

static struct node *complain_alone(
        struct parser *parser, size_t at, struct slice name, const struct query_field_row *behind)
{
	struct query_shown shown;
	return parser_complain(parser, at,
	        "'%s' stands directly behind what has it, as in %s:VALUE %s:VALUE",
	        query_show(name, &shown), behind->name, query_show(name, &shown));
}

/* --- complaints ---------------------------------------------------------------------------- */

struct node *query_field_complain(struct parser *parser, size_t at, struct slice name)
{
	struct query_shown shown;
	struct buf list = BUF_INIT;
	for (size_t i = 0; i < ROWS; i++)
		if (row_is_known(parser->about, &rows[i]))
			buf_printf(&list, "%s%s", list.len ? ", " : "", rows[i].name);
	const struct query_field_row *nearest = nearest_row(parser->about, name);
	const struct query_field_row *behind = row_constrained_by(name);
	if (behind) {
		buf_fini(&list);
		return complain_alone(parser, at, name, behind);
	}
	const char *names = buf_text(&list);
	if (nearest)
		parser_complain(parser, at,
		        "unknown field '%s', did you mean '%s'? The fields are %s",
		        query_show(name, &shown), nearest->name, names);
	else
		parser_complain(parser, at,
		        "unknown field '%s': the fields are %s (text with "
		        ":, <, > or = in it goes in quotes)",
		        query_show(name, &shown), names);
	buf_fini(&list);
	return NULL;
}
