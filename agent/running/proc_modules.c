#include "agent/running/proc_modules.h"

#include "common/base/text.h"

#define NAME_MAX_BYTES 64 /* MODULE_NAME_LEN of the kernel is 56 */

static bool is_name(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		bool is_alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
		if (!is_alnum && c != '_' && c != '-')
			return false;
	}
	return text.len > 0 && text.len <= NAME_MAX_BYTES;
}

/* "(OE)", "(POE-)"; anything else is no taint. */
static struct slice taint_of(struct slice text)
{
	size_t len = 0;
	text = text_trim(text);
	if (text.len < 2 || text.ptr[0] != '(')
		return (struct slice){0};
	while (1 + len < text.len && text.ptr[1 + len] >= 'A' && text.ptr[1 + len] <= 'Z')
		len++;
	return slice_of(text.ptr + 1, len);
}

static bool parse(struct slice line, struct proc_module *out)
{
	struct slice size, uses, dependencies, state, rest, address, taint = {0};
	struct proc_module module = {.name = {0}};
	if (!text_split(line, ' ', &module.name, &rest) || !text_split(rest, ' ', &size, &rest) ||
	        !text_split(rest, ' ', &uses, &rest) ||
	        !text_split(rest, ' ', &dependencies, &rest) ||
	        !text_split(rest, ' ', &state, &rest))
		return false;
	if (!is_name(module.name) || !slice_is(state, "Live"))
		return false;
	if (text_split(rest, ' ', &address, &taint))
		module.taint = taint_of(taint);
	*out = module;
	return true;
}

bool proc_modules_take(struct slice *text, struct proc_module *out)
{
	struct slice line;
	while (text_take_line(text, &line))
		if (parse(line, out))
			return true;
	return false;
}

size_t taint_letters(uint64_t tainted, char out[TAINT_LETTERS_MAX])
{
	/* Bit 0 is "G" while it is not set: that is no taint. */
	static const char LETTERS[] = "PFSRMBUDAWCIOELKXTNJ";
	size_t count = 0;
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(tainted >> bit & 1))
			continue;
		out[count++] = bit < sizeof(LETTERS) - 1 ? LETTERS[bit] : '?';
	}
	return count;
}
