#include "common/codec/config.h"

#include <assert.h>
#include <inttypes.h>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/codec/config_tree.h"
#include "common/codec/config_value.h"

#define INDENT     2
#define NAME_WIDTH 28
#define TYPE_WIDTH 34

/* --- scalars ---------------------------------------------------------------------------------- */

static bool is_plain_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || strchr("_/.-+@:", byte) != NULL;
}

/* Narrower than YAML's own rules, for block style only. */
static bool is_plain(const char *text)
{
	size_t len = strlen(text);
	if (len == 0 || text[len - 1] == ':' || strchr("_.-+@:", text[0]) != NULL)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_plain_byte(text[i]))
			return false;
	}
	return true;
}

/* The length of the UTF-8 sequence at `at`, and its code point. Text from YAML is valid. */
static size_t decode(const uint8_t *at, uint32_t *out_point)
{
	size_t len = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	uint32_t point = len == 1 ? at[0] : at[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80) {
			*out_point = at[0];
			return 1;
		}
		point = point << 6 | (at[i] & 0x3f);
	}
	*out_point = point;
	return len;
}

/* What YAML takes as a line break, or does not take unescaped. */
static bool needs_escape(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 ||
	       point == 0x2029 || point == 0xfeff || point == 0xfffe || point == 0xffff;
}

void config_append_scalar(struct buf *out, const char *text)
{
	if (is_plain(text)) {
		buf_append_text(out, text);
		return;
	}
	uint32_t point;
	size_t len;
	buf_append_byte(out, '"');
	for (const uint8_t *at = (const uint8_t *)text; *at != '\0'; at += len) {
		len = decode(at, &point);
		if (needs_escape(point))
			buf_printf(out, "\\u%04x", (unsigned)point);
		else if (point == '"' || point == '\\')
			buf_printf(out, "\\%c", (int)point);
		else
			buf_append(out, at, len);
	}
	buf_append_byte(out, '"');
}

static void append_duration(struct buf *out, int64_t ns)
{
	static const struct {
		const char *unit;
		int64_t ns;
	} units[] = {
	        {"d", 86400 * NS_PER_S},
	        {"h", 3600 * NS_PER_S},
	        {"m", 60 * NS_PER_S},
	        {"s", NS_PER_S},
	};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ns != 0 && ns % units[i].ns == 0) {
			buf_printf(out, "%lld%s", (long long)(ns / units[i].ns), units[i].unit);
			return;
		}
	}
	buf_printf(out, "%lldms", ns / NS_PER_MS);
}

/* --- values ----------------------------------------------------------------------------------- */

static void print_rows(
        const struct config_key *table, const void *value, unsigned indent, struct buf *out);

static void begin_line(struct buf *out, unsigned indent, const char *name)
{
	buf_printf(out, "%*s", (int)indent, "");
	config_append_scalar(out, name);
	buf_append_byte(out, ':');
}

static void print_scalar(
        const struct config_key *row, const void *at, unsigned indent, struct buf *out)
{
	const char *text = NULL;
	uint64_t number;
	int64_t duration;
	bool truth;
	bool is_text = row->type <= CONFIG_ADDRESS;
	if (is_text)
		memcpy(&text, at, sizeof(text));
	if (is_text && text == NULL)
		return;
	begin_line(out, indent, row->name);
	buf_append_byte(out, ' ');
	switch (row->type) {
	case CONFIG_BOOL:
		memcpy(&truth, at, sizeof(truth));
		buf_append_text(out, truth ? "true" : "false");
		break;
	case CONFIG_SWITCH:
		memcpy(&truth, at, sizeof(truth));
		buf_append_text(out, truth ? "on" : "off");
		break;
	case CONFIG_U64:
		memcpy(&number, at, sizeof(number));
		buf_printf(out, "%" PRIu64, number);
		break;
	case CONFIG_DURATION:
		memcpy(&duration, at, sizeof(duration));
		if (row->may_be_off && duration == 0)
			buf_append_text(out, "off");
		else
			append_duration(out, duration);
		break;
	default:
		assert(text); /* the types that are no scalars do not come here */
		config_append_scalar(out, text);
	}
	buf_append_byte(out, '\n');
}

static void print_texts(
        const char *name, const struct config_texts *texts, unsigned indent, struct buf *out)
{
	if (texts->item == NULL)
		return;
	begin_line(out, indent, name);
	buf_append_text(out, texts->count ? "\n" : " []\n");
	for (size_t i = 0; i < texts->count; i++) {
		buf_printf(out, "%*s- ", (int)(indent + INDENT), "");
		config_append_scalar(out, texts->item[i]);
		buf_append_byte(out, '\n');
	}
}

static void print_pairs(
        const char *name, const struct config_pairs *pairs, unsigned indent, struct buf *out)
{
	if (pairs->name == NULL)
		return;
	begin_line(out, indent, name);
	buf_append_text(out, pairs->count ? "\n" : " {}\n");
	for (size_t i = 0; i < pairs->count; i++) {
		begin_line(out, indent + INDENT, pairs->name[i]);
		buf_append_byte(out, ' ');
		config_append_scalar(out, pairs->value[i]);
		buf_append_byte(out, '\n');
	}
}

/* The first line of an item begins with its dash instead of spaces. */
static void print_item(
        const struct config_key *rows, const void *item, unsigned indent, struct buf *out)
{
	size_t start = out->len;
	print_rows(rows, item, indent + INDENT, out);
	if (out->len == start)
		buf_printf(out, "%*s- {}\n", (int)indent, "");
	else
		out->data[start + indent] = '-';
}

static void print_list(const struct config_key *row, const struct config_list *list,
        unsigned indent, struct buf *out)
{
	if (list->item == NULL)
		return;
	begin_line(out, indent, row->name);
	buf_append_text(out, list->count ? "\n" : " []\n");
	for (size_t i = 0; i < list->count; i++)
		print_item(row->rows, (const uint8_t *)list->item + i * row->item_size,
		        indent + INDENT, out);
}

static void print_section(
        const struct config_key *row, const void *at, unsigned indent, struct buf *out)
{
	begin_line(out, indent, row->name);
	buf_append_byte(out, '\n');
	size_t inside = out->len;
	print_rows(row->rows, at, indent + INDENT, out);
	if (out->len == inside) {
		out->len--;
		buf_append_text(out, " {}\n");
	}
}

static void print_rows(
        const struct config_key *table, const void *value, unsigned indent, struct buf *out)
{
	for (; table->name != NULL; table++) {
		const void *at = (const uint8_t *)value + table->offset;
		if (table->name[0] == '@')
			continue;
		switch (table->type) {
		case CONFIG_TEXTS:
		case CONFIG_PATHS:
			print_texts(table->name, at, indent, out);
			break;
		case CONFIG_PAIRS:
			print_pairs(table->name, at, indent, out);
			break;
		case CONFIG_LIST:
			print_list(table, at, indent, out);
			break;
		case CONFIG_SECTION:
			print_section(table, at, indent, out);
			break;
		default:
			print_scalar(table, at, indent, out);
		}
	}
}

void config_print(const struct config_key *table, const void *value, struct buf *out)
{
	print_rows(table, value, 0, out);
}

/* --- description ------------------------------------------------------------------------------ */

static void append_type(const struct config_key *row, struct buf *out)
{
	static const char *const names[] = {
	        [CONFIG_TEXT] = "text",
	        [CONFIG_PATH] = "path",
	        [CONFIG_ADDRESS] = "host:port",
	        [CONFIG_BOOL] = "true or false",
	        [CONFIG_SWITCH] = "on or off",
	        [CONFIG_U64] = "number",
	        [CONFIG_DURATION] = "duration",
	        [CONFIG_TEXTS] = "list of text",
	        [CONFIG_PATHS] = "list of paths",
	        [CONFIG_PAIRS] = "map of text",
	        [CONFIG_SECTION] = "section",
	        [CONFIG_LIST] = "list",
	};
	buf_append_text(out, names[row->type]);
	if (row->type == CONFIG_U64 && row->max != 0)
		buf_printf(out, " %" PRIu64 " to %" PRIu64, row->min, row->max);
	if (row->type == CONFIG_DURATION && row->max != 0) {
		buf_append_byte(out, ' ');
		append_duration(out, (int64_t)row->min * NS_PER_S);
		buf_append_text(out, " to ");
		append_duration(out, (int64_t)row->max * NS_PER_S);
		if (row->may_be_off)
			buf_append_text(out, " or off");
	}
	if (row->required)
		buf_append_text(out, ", required");
	else if (row->fallback != NULL)
		buf_printf(out, ", default %s", row->fallback);
}

static void describe(const struct config_key *table, const char *prefix, struct buf *out)
{
	struct buf name = BUF_INIT;
	struct buf type = BUF_INIT;
	for (; table->name != NULL; table++) {
		if (table->name[0] == '@')
			continue;
		buf_reset(&name);
		buf_reset(&type);
		buf_printf(&name, "%s%s", prefix, table->name);
		append_type(table, &type);
		buf_printf(out, "%-*s %-*s %s\n", NAME_WIDTH, buf_text(&name), TYPE_WIDTH,
		        buf_text(&type), table->help ? table->help : "");
		if (table->rows == NULL)
			continue;
		buf_append_byte(&name, '.');
		describe(table->rows, buf_text(&name), out);
	}
	buf_fini(&name);
	buf_fini(&type);
}

void config_describe(const struct config_key *table, struct buf *out)
{
	describe(table, "", out);
}
