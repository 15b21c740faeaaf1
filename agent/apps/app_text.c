#include "agent/apps/app_text.h"

#include <errno.h>
#include <strings.h>
#include <unistd.h>

static bool is_alnum(uint8_t byte)
{
	uint8_t lower = byte | 0x20;
	return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9');
}

bool app_is_word(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
			return false;
	return text.len > 0 && text.len <= APP_WORD_MAX;
}

bool app_has_only(struct slice text, const char *punctuation)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_alnum(text.ptr[i]) &&
		        (text.ptr[i] == 0 || !strchr(punctuation, text.ptr[i])))
			return false;
	return true;
}

bool app_ends_with(struct slice text, const char *end)
{
	size_t len = strlen(end);
	return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

bool app_is_nocase(struct slice text, const char *word)
{
	return text.len == strlen(word) && app_starts_nocase(text, word);
}

bool app_starts_nocase(struct slice text, const char *prefix)
{
	size_t len = strlen(prefix);
	return text.len >= len && strncasecmp((const char *)text.ptr, prefix, len) == 0;
}

struct slice app_after(struct slice text, size_t len)
{
	return len ? slice_of(text.ptr + len, text.len - len) : text;
}

struct slice app_skip_blanks(struct slice text)
{
	size_t len = 0;
	while (len < text.len && (text.ptr[len] == ' ' || text.ptr[len] == '\t'))
		len++;
	return app_after(text, len);
}

struct slice app_lower(struct slice text, struct buf *out)
{
	buf_reset(out);
	for (size_t i = 0; i < text.len; i++) {
		bool is_upper = text.ptr[i] >= 'A' && text.ptr[i] <= 'Z';
		buf_append_byte(out, is_upper ? text.ptr[i] | 0x20 : text.ptr[i]);
	}
	return buf_slice(out);
}

int app_read_head(
        const struct app_file *file, size_t limit_bytes, struct buf *out, struct reason *out_why)
{
	buf_reset(out);
	while (out->len < limit_bytes) {
		size_t most = limit_bytes - out->len;
		ssize_t got = pread(file->fd, buf_reserve(out, most), most, (off_t)out->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(out_why, -errno, "cannot read: %s", err_text(-errno));
		if (got == 0)
			return 0;
		out->len += (size_t)got;
	}
	return 0;
}
