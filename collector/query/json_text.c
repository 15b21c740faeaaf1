#include "collector/query/json_text.h"

#include "collector/query/render.h"
#include "common/base/clock.h"
#include "common/base/text.h"

void json_put(struct buf *out, const char *text)
{
	buf_append(out, text, strlen(text));
}

static void put_number(struct buf *out, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	buf_append(out, digits + at, sizeof(digits) - at);
}

/* Plain in JSON: no control character, quote or backslash (RFC 8259 section 7). */
static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static void put_escaped(struct buf *out, struct slice text)
{
	static const char hex[] = "0123456789abcdef";
	size_t from = 0;
	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && is_plain(text.ptr[i]))
			continue;
		if (i > from)
			buf_append(out, text.ptr + from, i - from);
		from = i + 1;
		if (i == text.len)
			break;
		uint8_t c = text.ptr[i];
		switch (c) {
		case '"':
			json_put(out, "\\\"");
			break;
		case '\\':
			json_put(out, "\\\\");
			break;
		case '\n':
			json_put(out, "\\n");
			break;
		case '\t':
			json_put(out, "\\t");
			break;
		default:
			json_put(out, "\\u00");
			buf_append_byte(out, (uint8_t)hex[c >> 4]);
			buf_append_byte(out, (uint8_t)hex[c & 15]);
		}
	}
}

static bool is_ascii(struct slice text)
{
	uint8_t all = 0;
	for (size_t i = 0; i < text.len; i++)
		all |= text.ptr[i];
	return all < 0x80;
}

static bool is_utf8(struct slice text)
{
	return is_ascii(text) || text_is_utf8(text);
}

void render_text(struct buf *out, struct slice text)
{
	buf_append_byte(out, '"');
	if (is_utf8(text)) {
		put_escaped(out, text);
	} else {
		struct buf shown = BUF_INIT;
		text_append_display(&shown, text);
		put_escaped(out, buf_slice(&shown));
		buf_fini(&shown);
	}
	buf_append_byte(out, '"');
}

/* ,"name": or, as an object's first member, without the comma. */
void json_put_name(struct buf *out, const char *name)
{
	if (out->len > 0 && out->data[out->len - 1] != '{')
		buf_append_byte(out, ',');
	buf_append_byte(out, '"');
	json_put(out, name);
	json_put(out, "\":");
}

/* Also `<name>_b64` when it is not UTF-8. */
void json_put_text(struct buf *out, const char *name, struct slice text)
{
	json_put_name(out, name);
	render_text(out, text);
	if (is_utf8(text))
		return;
	buf_append_byte(out, ',');
	buf_append_byte(out, '"');
	json_put(out, name);
	json_put(out, "_b64\":\"");
	text_append_base64(out, text);
	buf_append_byte(out, '"');
}

void json_put_text_or_null(struct buf *out, const char *name, struct slice text)
{
	if (text.len > 0) {
		json_put_text(out, name, text);
		return;
	}
	json_put_name(out, name);
	json_put(out, "null");
}

void json_put_word(struct buf *out, const char *name, const char *word)
{
	json_put_name(out, name);
	if (!word) {
		json_put(out, "null");
		return;
	}
	buf_append_byte(out, '"');
	json_put(out, word);
	buf_append_byte(out, '"');
}

void json_put_count(struct buf *out, const char *name, uint64_t count)
{
	json_put_name(out, name);
	put_number(out, count);
}

void json_put_time(struct buf *out, const char *name, int64_t wall_ns)
{
	char text[CLOCK_TEXT_MAX];
	json_put_word(out, name, clock_format(wall_ns, text));
}
