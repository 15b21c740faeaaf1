#include "collector/cli/cli.h"
#include "collector/cli/fact_line.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/model/fact.h"

static const struct option_row ROWS[] = {CLI_COMMON_ROWS};

static const char *kind_of(const json_t *line)
{
	const char *kind = json_string_value(json_object_get(line, "kind"));

	return kind ? kind : "";
}

static bool cell_name(const json_t *line, const char *key, struct buf *out)
{
	(void)key;
	fact_line_append_name(kind_of(line), line, out);
	return out->len > 0;
}

static bool cell_value(const json_t *line, const char *key, struct buf *out)
{
	(void)key;
	fact_line_append_value(kind_of(line), line, out);
	return out->len > 0;
}

/* Of several kinds: what each is called, and what is true of it. */
static const struct cli_field MIXED_FIELDS[] = {
        {.column = {"kind", 10, false}, .key = "kind"},
        {.column = {"name", 40, false}, .cell = cell_name},
        {.column = {"value", 0, false}, .cell = cell_value},
        {.column = {0}},
};

/* Seconds since 1970. */
static bool cell_seconds(const json_t *line, const char *key, struct buf *out)
{
	const char *text = json_string_value(json_object_get(line, key));
	char time[CLOCK_TEXT_MAX];
	uint64_t seconds;

	if (!text || !text_parse_u64(slice_text(text), UINT64_C(1) << 33, &seconds))
		return cli_cell_text(line, key, out);
	clock_format((int64_t)seconds * NS_PER_S, time);
	buf_printf(out, "%.10s %.8s", time, time + 11);
	return true;
}

static bool is_seconds(enum fact_kind kind, unsigned field)
{
	return (kind == FACT_RESTART && field == RESTART_SINCE) ||
	       (kind == FACT_INSTALL && field == INSTALL_TIME);
}

/* Of one kind: its fields. */
static void fields_of(enum fact_kind kind, struct cli_field fields[FACT_FIELDS_MAX + 1])
{
	unsigned count = fact_field_count(kind);

	for (unsigned i = 0; i < count; i++) {
		const char *name = fact_field_name(kind, i);
		fields[i] = (struct cli_field){.column = {name, i + 1 < count ? 16 : 0, false},
		        .key = name,
		        .cell = is_seconds(kind, i) ? cell_seconds : NULL};
	}
	fields[count] = (struct cli_field){.column = {0}};
}

static int run_facts(struct cli *cli, const struct option_list *words, struct reason *out_why)
{
	struct cli_field fields[FACT_FIELDS_MAX + 1];
	const char *name = words->count > 1 ? words->item[1] : NULL;
	struct buf path = BUF_INIT;
	enum fact_kind kind;

	if (name && !fact_kind_parse(slice_text(name), &kind))
		return fail(out_why, ERR_CONFIG, "there is no kind of fact '%s'", name);
	if (name)
		fields_of(kind, fields);
	buf_append_text(&path, "/api/v1/hosts/");
	client_add_part(&path, words->item[0]);
	buf_append_text(&path, "/facts");
	client_add_param(&path, "kind", name);
	int rc = cli_list(cli, buf_text(&path), name ? fields : MIXED_FIELDS, out_why);
	buf_fini(&path);
	return rc;
}

const struct cli_command cmd_facts = {
        .name = "facts",
        .synopsis = "tsujiban facts HOST [KIND]",
        .about =
                "Lists what is true of a host: all of it, or one KIND: package, kernel, os, host,\n"
                "label, module, livepatch, mitigation, restart, socket, address, user, group,\n"
                "unit, cron, install.",
        .rows = ROWS,
        .least_words = 1,
        .most_words = 2,
        .run = run_facts,
};
