#include "agent/source/root.h"

#include "common/io/file.h"

bool root_is_host(const char *root)
{
	return strcmp(root, "/") == 0;
}

const char *root_path(const char *root, const char *path, struct buf *out)
{
	buf_reset(out);
	if (!root_is_host(root))
		buf_append_text(out, root);
	buf_append_text(out, path);
	return buf_text(out);
}

int root_read(const char *root, const char *path, size_t limit_bytes, struct buf *out,
        struct reason *out_why)
{
	struct buf full = BUF_INIT;
	buf_reset(out);
	int rc = file_read(root_path(root, path, &full), limit_bytes, out, out_why);
	buf_fini(&full);
	return rc;
}
