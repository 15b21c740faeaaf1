#include "common/base/text.h"

static const char HEX[] = "0123456789abcdef";

void text_append_hex(struct buf *out, struct slice bytes)
{
	uint8_t *at = buf_reserve(out, bytes.len * 2);
	for (size_t i = 0; i < bytes.len; i++) {
		at[2 * i] = (uint8_t)HEX[bytes.ptr[i] >> 4];
		at[2 * i + 1] = (uint8_t)HEX[bytes.ptr[i] & 15];
	}
	out->len += bytes.len * 2;
}

#define NO_DIGIT 16u
static unsigned hex_value(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - (unsigned)'0';
	if (digit >= 'a' && digit <= 'f')
		return digit - (unsigned)'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - (unsigned)'A' + 10;
	return NO_DIGIT;
}

bool text_parse_hex(struct slice text, uint8_t *out, size_t len)
{
	if (text.len % 2 != 0 || text.len / 2 != len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (hex_value(text.ptr[i]) == NO_DIGIT)
			return false;
	}
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(hex_value(text.ptr[2 * i]) << 4 |
		                   hex_value(text.ptr[2 * i + 1]));
	return true;
}

void text_append_base64(struct buf *out, struct slice bytes)
{
	static const char DIGITS[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t bits = (uint32_t)bytes.ptr[i] << 16;
		if (have > 1)
			bits |= (uint32_t)bytes.ptr[i + 1] << 8;
		if (have > 2)
			bits |= bytes.ptr[i + 2];
		char group[4] = {
		        DIGITS[bits >> 18],
		        DIGITS[bits >> 12 & 63],
		        have > 1 ? DIGITS[bits >> 6 & 63] : '=',
		        have > 2 ? DIGITS[bits & 63] : '=',
		};
		buf_append(out, group, sizeof(group));
	}
}

/* Length of the character at the front, 0 if there is none that RFC 3629 allows. */
static size_t take_character(struct slice in, uint32_t *out_code)
{
	static const uint32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t lead = in.ptr[0];
	if (lead < 0x80) {
		*out_code = lead;
		return 1;
	}
	size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	if (lead < 0xc2 || lead > 0xf4 || in.len < len)
		return 0;
	uint32_t code = lead & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((in.ptr[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (in.ptr[i] & 0x3f);
	}
	if (code < LEAST[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*out_code = code;
	return len;
}

bool text_is_utf8(struct slice bytes)
{
	while (bytes.len > 0) {
		uint32_t code;
		size_t len = take_character(bytes, &code);
		if (!len)
			return false;
		bytes.ptr += len;
		bytes.len -= len;
	}
	return true;
}

/* The Bidi_Control property of Unicode: such characters make a path show as another. */
static bool is_bidi_control(uint32_t code)
{
	return code == 0x061c || code == 0x200e || code == 0x200f ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

static void append_escaped(struct buf *out, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		buf_append(out, "\\x", 2);
		text_append_hex(out, slice_of(bytes.ptr + i, 1));
	}
}

void text_append_display(struct buf *out, struct slice bytes)
{
	while (bytes.len > 0) {
		uint32_t code = 0;
		size_t len = take_character(bytes, &code);
		struct slice character = slice_of(bytes.ptr, len ? len : 1);
		if (!len || is_control(code) || is_bidi_control(code))
			append_escaped(out, character);
		else if (code == '\\')
			buf_append(out, "\\\\", 2);
		else
			buf_append_slice(out, character);
		bytes.ptr += character.len;
		bytes.len -= character.len;
	}
}

bool text_parse_u64(struct slice text, uint64_t max, uint64_t *out)
{
	if (text.len == 0)
		return false;
	uint64_t value = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		        __builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'), &value))
			return false;
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

bool text_take_line(struct slice *in, struct slice *out_line)
{
	if (in->len == 0)
		return false;
	const uint8_t *end = memchr(in->ptr, '\n', in->len);
	size_t len = end ? (size_t)(end - in->ptr) : in->len;
	*out_line = slice_of(in->ptr, len);
	size_t taken = end ? len + 1 : len;
	in->ptr += taken;
	in->len -= taken;
	return true;
}

static bool is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct slice text_trim(struct slice text)
{
	while (text.len > 0 && is_space(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && is_space(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

bool text_split(struct slice text, char separator, struct slice *out_head, struct slice *out_tail)
{
	const uint8_t *at = text.len ? memchr(text.ptr, separator, text.len) : NULL;
	if (!at)
		return false;
	size_t head = (size_t)(at - text.ptr);
	*out_head = slice_of(text.ptr, head);
	*out_tail = slice_of(at + 1, text.len - head - 1);
	return true;
}

static bool is_name_byte(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '-';
}

bool text_is_host_name(struct slice text)
{
	if (text.len < 1 || text.len > 253)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_name_byte(text.ptr[i]))
			return false;
	}
	uint8_t first = text.ptr[0], last = text.ptr[text.len - 1];
	return first != '.' && first != '-' && last != '.' && last != '-';
}
