#include "agent/running/proc_maps.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define PIECE_BYTES    (64u << 10)
#define LINE_MAX_BYTES (20u << 10) /* 4095 bytes of newlines are four times as long */

static bool take_hex(struct slice *text, char end, uint64_t *out)
{
	uint64_t value = 0;
	size_t at = 0;
	for (; at < text->len && at < 16; at++) {
		uint8_t c = text->ptr[at];
		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	if (at == 0 || at == text->len || text->ptr[at] != (uint8_t)end)
		return false;
	*text = slice_of(text->ptr + at + 1, text->len - at - 1);
	*out = value;
	return true;
}

bool proc_maps_parse(struct slice line, struct proc_map *out)
{
	uint64_t start, end, offset, major, minor, inode;
	struct slice mode, number, path = {0};
	if (!take_hex(&line, '-', &start) || !take_hex(&line, ' ', &end) || start >= end ||
	        !text_split(line, ' ', &mode, &line) || mode.len != 4 ||
	        !take_hex(&line, ' ', &offset) || !take_hex(&line, ':', &major) ||
	        !take_hex(&line, ' ', &minor) || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	if (!text_split(line, ' ', &number, &path))
		number = line;
	if (!text_parse_u64(number, UINT64_MAX, &inode))
		return false;
	while (path.len > 0 && path.ptr[0] == ' ')
		path = slice_of(path.ptr + 1, path.len - 1);
	*out = (struct proc_map){.is_executable = mode.ptr[2] == 'x',
	        .major = (uint32_t)major,
	        .minor = (uint32_t)minor,
	        .inode = inode,
	        .path = path};
	return true;
}

void proc_maps_unescape(struct slice path, struct buf *out)
{
	struct slice newline = slice_text("\\012");
	buf_reset(out);
	while (path.len > 0) {
		bool is_newline = slice_starts_with(path, newline);
		size_t len = is_newline ? newline.len : 1;
		buf_append_byte(out, is_newline ? '\n' : path.ptr[0]);
		path = slice_of(path.ptr + len, path.len - len);
	}
}

/* Takes the whole lines off the front of `text`. */
static int take_lines(
        struct slice *text, int (*each)(void *ctx, const struct proc_map *map), void *ctx)
{
	struct proc_map map;
	const uint8_t *end = NULL;
	int rc = 0;
	while (rc >= 0 && text->len > 0 && (end = memchr(text->ptr, '\n', text->len))) {
		size_t len = (size_t)(end - text->ptr);
		if (proc_maps_parse(slice_of(text->ptr, len), &map))
			rc = each(ctx, &map);
		*text = slice_of(end + 1, text->len - len - 1);
	}
	return rc < 0 ? rc : 0;
}

int proc_maps_each(int fd, int (*each)(void *ctx, const struct proc_map *map), void *ctx)
{
	uint8_t *piece = mem_new(PIECE_BYTES);
	size_t held = 0;
	int rc = 0;
	while (rc == 0) {
		ssize_t got = read(fd, piece + held, PIECE_BYTES - held);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			rc = got < 0 ? -errno : 0;
			break;
		}
		struct slice rest = slice_of(piece, held + (size_t)got);
		rc = take_lines(&rest, each, ctx);
		/* A line that goes on and on is forgotten, and with it what its end looks like. */
		held = rest.len <= LINE_MAX_BYTES ? rest.len : 0;
		if (held > 0)
			memmove(piece, rest.ptr, held);
	}
	free(piece);
	return rc;
}
