#include "agent/packages/link_target.h"

/* Appends the components of `path` to `out`, without "." and with ".." taken back. */
static void append_components(struct buf *out, struct slice path)
{
	while (path.len > 0) {
		const uint8_t *slash = memchr(path.ptr, '/', path.len);
		size_t len = slash ? (size_t)(slash - path.ptr) : path.len;
		struct slice name = slice_of(path.ptr, len);
		size_t taken = slash ? len + 1 : len;
		path = slice_of(path.ptr + taken, path.len - taken);
		if (slice_is(name, "..")) {
			const uint8_t *last = out->len ? memrchr(out->data, '/', out->len) : NULL;
			out->len = last ? (size_t)(last - out->data) : 0;
		} else if (len > 0 && !slice_is(name, ".")) {
			buf_append_byte(out, '/');
			buf_append_slice(out, name);
		}
	}
}

void link_target(struct slice link, struct slice target, struct buf *out)
{
	buf_reset(out);
	bool is_relative = target.len == 0 || target.ptr[0] != '/';
	const uint8_t *slash = memrchr(link.ptr, '/', link.len);
	if (is_relative && slash)
		append_components(out, slice_of(link.ptr, (size_t)(slash - link.ptr)));
	append_components(out, target);
}
