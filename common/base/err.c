#include "common/base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
	enum err code;
	const char *text;
} TEXTS[] = {
        {ERR_LIMIT, "limit reached"},
        {ERR_FORMAT, "not well formed"},
        {ERR_VERSION, "made by a newer program"},
        {ERR_PROTOCOL, "unexpected message"},
        {ERR_REFUSED, "refused by the other side"},
        {ERR_CLOSED, "closed by the other side"},
        {ERR_TLS, "TLS failure"},
        {ERR_CONFIG, "wrong configuration"},
        {ERR_MISSING, "not found"},
        {ERR_EXISTS, "exists already"},
        {ERR_STORE, "database failure"},
        {ERR_BUSY, "in use"},
};

/* Where to cut so that no part of a multi-byte character stays: that would make the whole sentence
 * invalid UTF-8. */
static size_t cut_at_character(const char *text, size_t len)
{
	size_t behind = 0; /* continuation bytes at the end */
	while (behind < 3 && behind < len && ((unsigned char)text[len - 1 - behind] & 0xc0) == 0x80)
		behind++;
	if (behind == len)
		return len;
	unsigned char lead = (unsigned char)text[len - 1 - behind];
	size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
	return behind < want ? len - 1 - behind : len;
}

int(fail)(struct reason *out_why, int code, const char *format, ...)
{
	if (!out_why)
		return code;
	/* Not straight into out_why: callers put its own text into a longer sentence. */
	char text[REASON_MAX];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0)
		text[0] = '\0';
	if (len >= (int)sizeof(text))
		text[cut_at_character(text, sizeof(text) - 1)] = '\0';
	memcpy(out_why->text, text, strlen(text) + 1);
	return code;
}

/* The system's words begin with a capital, except for abbreviations. */
static const char *system_text(int number)
{
	static _Thread_local char text[128];
	const char *words = strerrordesc_np(number);
	if (!words) {
		snprintf(text, sizeof(text), "error %d", number);
		return text;
	}
	snprintf(text, sizeof(text), "%s", words);
	bool is_word = text[0] >= 'A' && text[0] <= 'Z' && !(text[1] >= 'A' && text[1] <= 'Z');
	if (is_word)
		text[0] = (char)(text[0] - 'A' + 'a');
	return text;
}

const char *err_text(int code)
{
	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
		if ((int)TEXTS[i].code == code)
			return TEXTS[i].text;
	}
	if (code >= 0)
		return "success";
	return system_text(code < -4095 ? code : -code);
}
