#include "common/codec/config_value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/text.h"

#define PORT_MAX      65535
#define SHOWN_BYTES   100
#define U64_TEXT_ROOM 24

bool config_is_scalar(enum config_type type)
{
	return type <= CONFIG_DURATION;
}

/* "'VALUE' is not WHAT". */
static const char *is_not(struct buf *scratch, const char *text, const char *what)
{
	size_t len = strlen(text);
	buf_reset(scratch);
	buf_append_byte(scratch, '\'');
	text_append_display(scratch, slice_of(text, len < SHOWN_BYTES ? len : SHOWN_BYTES));
	buf_printf(scratch, "%s' is not %s", len < SHOWN_BYTES ? "" : "…", what);
	return buf_text(scratch);
}

static const char *out_of_range(
        struct buf *scratch, const struct config_key *row, const char *text, const char *unit)
{
	char range[3 * U64_TEXT_ROOM];
	if (row->max == 0)
		snprintf(range, sizeof(range), "%" PRIu64 "%s or more", row->min, unit);
	else
		snprintf(range, sizeof(range), "between %" PRIu64 "%s and %" PRIu64 "%s", row->min,
		        unit, row->max, unit);
	return is_not(scratch, text, range);
}

static bool is_in_range(const struct config_key *row, uint64_t value)
{
	return value >= row->min && (row->max == 0 || value <= row->max);
}

static bool is_path(struct slice path)
{
	if (path.len == 0 || path.ptr[0] != '/')
		return false;
	if (path.len == 1)
		return true;
	struct slice rest = slice_of(path.ptr + 1, path.len - 1);
	struct slice name;
	bool is_last = false;
	while (!is_last) {
		is_last = !text_split(rest, '/', &name, &rest);
		if (is_last)
			name = rest;
		if (name.len == 0 || slice_is(name, ".") || slice_is(name, ".."))
			return false;
	}
	return true;
}

static bool is_address_v6(struct slice host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_address(const char *text)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;
	if (colon == NULL || !text_parse_u64(slice_text(colon + 1), PORT_MAX, &port))
		return false;
	struct slice host = slice_of(text, (size_t)(colon - text));
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		return is_address_v6(slice_of(host.ptr + 1, host.len - 2));
	return text_is_host_name(host);
}

static const char *parse_switch(const char *text, struct buf *scratch, void *at)
{
	bool value = strcmp(text, "on") == 0;
	if (!value && strcmp(text, "off") != 0)
		return is_not(scratch, text, "on or off");
	memcpy(at, &value, sizeof(value));
	return NULL;
}

static const char *parse_u64(
        const struct config_key *row, const char *text, struct buf *scratch, void *at)
{
	uint64_t value;
	/* A leading zero means eight as the base in YAML 1.1 and nothing in 1.2. */
	bool is_ambiguous = text[0] == '0' && text[1] != '\0';
	if (is_ambiguous || !text_parse_u64(slice_text(text), UINT64_MAX, &value))
		return is_not(scratch, text, "a whole number");
	if (!is_in_range(row, value))
		return out_of_range(scratch, row, text, "");
	memcpy(at, &value, sizeof(value));
	return NULL;
}

static const char *parse_duration(
        const struct config_key *row, const char *text, struct buf *scratch, void *at)
{
	int64_t value = 0;
	if (row->may_be_off && strcmp(text, "off") == 0) {
		memcpy(at, &value, sizeof(value));
		return NULL;
	}
	if (!clock_parse_duration(slice_text(text), &value))
		return is_not(scratch, text, "a duration such as 90s, 15m, 2h or 7d");
	uint64_t floor_s = (uint64_t)(value / NS_PER_S);
	bool is_above_max = row->max != 0 && floor_s == row->max && value % NS_PER_S != 0;
	if (!is_in_range(row, floor_s) || is_above_max)
		return out_of_range(scratch, row, text, "s");
	memcpy(at, &value, sizeof(value));
	return NULL;
}

static const char *parse_bool(const char *text, bool is_quoted, struct buf *scratch, void *at)
{
	bool value = strcmp(text, "true") == 0;
	if (is_quoted || (!value && strcmp(text, "false") != 0))
		return is_not(scratch, text, "true or false");
	memcpy(at, &value, sizeof(value));
	return NULL;
}

static const char *parse_text(const struct config_key *row, const char *text, struct arena *arena,
        struct buf *scratch, void *at)
{
	if (row->type == CONFIG_PATH && !is_path(slice_text(text)))
		return is_not(scratch, text,
		        "an absolute path without '//', '/./', '/../' or a slash at its end");
	if (row->type == CONFIG_ADDRESS && !is_address(text))
		return is_not(scratch, text, "HOST:PORT or [IPV6]:PORT");
	const char *copy = arena_text(arena, slice_text(text));
	if (copy == NULL)
		return "configuration is too large";
	memcpy(at, &copy, sizeof(copy));
	return NULL;
}

const char *config_value_parse(const struct config_key *row, const char *text, bool is_quoted,
        struct arena *arena, struct buf *scratch, void *at)
{
	switch (row->type) {
	case CONFIG_BOOL:
		return parse_bool(text, is_quoted, scratch, at);
	case CONFIG_SWITCH:
		return parse_switch(text, scratch, at);
	case CONFIG_U64:
		return parse_u64(row, text, scratch, at);
	case CONFIG_DURATION:
		return parse_duration(row, text, scratch, at);
	default:
		return parse_text(row, text, arena, scratch, at);
	}
}
