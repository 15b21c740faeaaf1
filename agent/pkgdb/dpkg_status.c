/*
 * The status file of dpkg: stanzas of "Field: value" lines (deb822(5)), each ended by an empty
 * line. dpkg replaces it by rename, so it is whole or it is damaged; what the form does not allow
 * is therefore an error, and never skipped. The one thing that may lack is the last stanza's empty
 * line in distroless images, where each package has a file of its own in status.d.
 */
#include "agent/pkgdb/dpkg_status.h"

#include <strings.h>

#include "common/base/text.h"

enum field {
	FIELD_PACKAGE,
	FIELD_STATUS,
	FIELD_VERSION,
	FIELD_CONFIG_VERSION,
	FIELD_ARCHITECTURE,
	FIELD_SOURCE,
	FIELD_ORIGIN,
	FIELD_COUNT,
};

static const char *const FIELDS[FIELD_COUNT] = {
        "Package", "Status", "Version", "Config-Version", "Architecture", "Source", "Origin"};

/* dpkg(1), "Package states"; those before the sentinel may lack a version. */
static const char *const STATES[] = {"not-installed", "config-files", "half-installed", "unpacked",
        "half-configured", "triggers-awaited", "triggers-pending", "installed"};
#define STATES_WITHOUT_VERSION 3

struct parser {
	struct fact_list *out;
	struct reason *why;
	bool is_status_d;
	size_t line;
	size_t stanza_line; /* where the stanza begins; 0: between stanzas */
	struct slice value[FIELD_COUNT];
};

static int refuse(const struct parser *parser, size_t line, const char *what)
{
	return fail(parser->why, ERR_FORMAT, "cannot read dpkg's status: line %zu: %s", line, what);
}

static bool is_field_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~')
			return false;
	return name.len > 0 && name.ptr[0] != '-' && name.ptr[0] != '#';
}

/* deb-control(5): at least an alphanumeric; dpkg of old allowed a few more characters. */
static bool is_package_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i] | 0x20;
		bool is_alnum = (c >= 'a' && c <= 'z') ||
		                (name.ptr[i] >= '0' && name.ptr[i] <= '9');
		if (!is_alnum && (i == 0 || !memchr("+-._", name.ptr[i], 4)))
			return false;
	}
	return name.len > 0;
}

static bool is_word(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
			return false;
	return text.len > 0 && text.len <= FACT_FIELD_BYTES;
}

static bool is_name(struct slice text, const char *name)
{
	return text.len == strlen(name) && strncasecmp((const char *)text.ptr, name, text.len) == 0;
}

/* --- one stanza ------------------------------------------------------------------------------- */

struct state {
	bool is_held;
	size_t number; /* in STATES */
	struct slice name;
};

/* "install ok installed": what is wanted, whether all is well, and how it is. */
static bool take_state(struct slice status, struct state *out)
{
	struct slice want, flag, state;
	if (!text_split(status, ' ', &want, &status) || !text_split(status, ' ', &flag, &state))
		return false;
	if (!is_word(want) || !is_word(flag))
		return false;
	for (size_t i = 0; i < sizeof(STATES) / sizeof(STATES[0]); i++) {
		if (!slice_is(state, STATES[i]))
			continue;
		*out = (struct state){
		        .is_held = slice_is(want, "hold"), .number = i, .name = state};
		return true;
	}
	return false;
}

/* "name" or "name (version)"; what is not said is as the package's own. */
static bool take_source(struct slice text, struct slice *name, struct slice *version)
{
	struct slice head, tail;
	if (text.len == 0)
		return true;
	if (!text_split(text, '(', &head, &tail)) {
		*name = text;
		return is_word(text);
	}
	if (tail.len == 0 || tail.ptr[tail.len - 1] != ')')
		return false;
	*name = text_trim(head);
	*version = text_trim(slice_of(tail.ptr, tail.len - 1));
	return is_word(*name) && is_word(*version);
}

static int add_package(const struct parser *parser, const struct state *state, struct slice version)
{
	const struct slice *value = parser->value;
	struct slice source = value[FIELD_PACKAGE], source_version = version;
	if (!take_source(value[FIELD_SOURCE], &source, &source_version))
		return refuse(parser, parser->stanza_line,
		        "a stanza whose source is not 'name (version)'");
	struct fact fact = {.kind = FACT_PACKAGE};
	fact.field[PACKAGE_MANAGER] = slice_text("dpkg");
	fact.field[PACKAGE_NAME] = value[FIELD_PACKAGE];
	fact.field[PACKAGE_ARCH] = value[FIELD_ARCHITECTURE];
	fact.field[PACKAGE_VERSION] = version;
	fact.field[PACKAGE_SOURCE] = source;
	fact.field[PACKAGE_SOURCE_VERSION] = source_version;
	fact.field[PACKAGE_STATUS] = state->name;
	if (value[FIELD_ORIGIN].len <= FACT_FIELD_BYTES)
		fact.field[PACKAGE_ORIGIN] = value[FIELD_ORIGIN];
	if (state->is_held)
		fact.field[PACKAGE_HOLD] = slice_text("hold");
	if (fact_list_add(parser->out, &fact) < 0)
		return fail(parser->why, ERR_LIMIT, "cannot read dpkg's status: too many packages");
	return 0;
}

static int end_stanza(struct parser *parser)
{
	const struct slice *value = parser->value;
	struct state state = {.number = 7, .name = slice_text("installed")};
	size_t line = parser->stanza_line;
	if (!is_package_name(value[FIELD_PACKAGE]) || value[FIELD_PACKAGE].len > FACT_FIELD_BYTES)
		return refuse(parser, line, "a stanza without a package name");
	bool lacks_status = parser->is_status_d && !value[FIELD_STATUS].ptr;
	if (!lacks_status && !take_state(value[FIELD_STATUS], &state))
		return refuse(parser, line, "a stanza without a known status");
	if (state.number == 0)
		return 0; /* dpkg remembers a wish, such as a hold, and nothing is there */
	struct slice version = value[FIELD_VERSION].ptr ? value[FIELD_VERSION]
	                                                : value[FIELD_CONFIG_VERSION];
	if (!is_word(version) && (version.len > 0 || state.number >= STATES_WITHOUT_VERSION))
		return refuse(parser, line, "a stanza without a version");
	if (value[FIELD_ARCHITECTURE].len > 0 && !is_word(value[FIELD_ARCHITECTURE]))
		return refuse(parser, line, "a stanza whose architecture is not one word");
	return add_package(parser, &state, version);
}

/* --- lines ------------------------------------------------------------------------------------ */

static int take_field(struct parser *parser, struct slice name, struct slice value)
{
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		if (!is_name(name, FIELDS[i]))
			continue;
		if (parser->value[i].ptr)
			return refuse(parser, parser->line, "a field that the stanza has already");
		parser->value[i] = text_trim(value);
		return 0;
	}
	return 0;
}

static int take_line(struct parser *parser, struct slice line)
{
	struct slice name, value;
	if (memchr(line.ptr, '\0', line.len))
		return refuse(parser, parser->line, "a NUL byte");
	if (line.len == 0) {
		int rc = parser->stanza_line ? end_stanza(parser) : 0;
		parser->stanza_line = 0;
		return rc;
	}
	if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
		return parser->stanza_line
		               ? 0
		               : refuse(parser, parser->line, "a continuation of nothing");
	if (!text_split(line, ':', &name, &value) || !is_field_name(name))
		return refuse(parser, parser->line, "no field");
	if (!parser->stanza_line) {
		parser->stanza_line = parser->line;
		memset(parser->value, 0, sizeof(parser->value));
	}
	return take_field(parser, name, value);
}

int dpkg_status_parse(
        struct slice text, bool is_status_d, struct fact_list *out, struct reason *out_why)
{
	struct parser parser = {.out = out, .why = out_why, .is_status_d = is_status_d};
	struct slice line;
	if (text.len == 0 || text.ptr[text.len - 1] != '\n')
		return fail(out_why, ERR_FORMAT,
		        text.len ? "cannot read dpkg's status: it ends within a line"
		                 : "cannot read dpkg's status: it is empty");
	while (text_take_line(&text, &line)) {
		parser.line++;
		int rc = take_line(&parser, line);
		if (rc < 0)
			return rc;
	}
	if (!parser.stanza_line)
		return 0;
	if (!is_status_d)
		return refuse(&parser, parser.line, "it ends within a stanza");
	return end_stanza(&parser);
}
