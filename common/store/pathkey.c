#include "common/store/pathkey.h"

#include "common/base/digest.h"
#include "common/base/err.h"
#include "common/base/text.h"

#define SHORT_MARK  0x01
#define SHORT_BYTES (SHA256_BYTES / 2)

int pathkey_check(struct slice path)
{
	if (path.len == 0 || path.ptr[0] != '/')
		return ERR_FORMAT;
	if (path.len > PATHKEY_PATH_BYTES)
		return ERR_LIMIT;
	if (memchr(path.ptr, '\0', path.len) != NULL)
		return ERR_FORMAT;
	if (path.len == 1)
		return 0;
	const uint8_t *name = path.ptr + 1, *end = path.ptr + path.len, *slash;
	do {
		slash = memchr(name, '/', (size_t)(end - name));
		size_t len = (size_t)((slash ? slash : end) - name);
		if (len == 0)
			return ERR_FORMAT;
		if (len > PATHKEY_NAME_MAX)
			return ERR_LIMIT;
		name += len + 1;
	} while (slash);
	return 0;
}

static void split(struct slice path, struct slice *out_dir, struct slice *out_name)
{
	const uint8_t *slash = memrchr(path.ptr, '/', path.len);
	size_t dir_len = (size_t)(slash - path.ptr);
	*out_dir = slice_of(path.ptr, dir_len);
	*out_name = slice_of(slash + 1, path.len - dir_len - 1);
}

/* What D is for the entries of `dir`: "/" ends with a slash, all others do not. */
static struct slice without_root_slash(struct slice dir)
{
	return dir.len == 1 ? slice_of(dir.ptr, 0) : dir;
}

static void append_dir(struct buf *out, struct slice dir)
{
	if (dir.len <= PATHKEY_DIR_MAX) {
		buf_append_slice(out, dir);
	} else {
		uint8_t digest[SHA256_BYTES];
		digest_of(dir, digest);
		buf_append(out, dir.ptr, PATHKEY_DIR_MAX);
		buf_append_byte(out, SHORT_MARK);
		text_append_hex(out, slice_of(digest, SHORT_BYTES));
	}
	buf_append_byte(out, '\0');
}

int pathkey_of(struct slice path, struct pathkey *out)
{
	int rc = pathkey_check(path);
	if (rc != 0)
		return rc;
	struct slice dir, name;
	split(path, &dir, &name);
	if (dir.len > PATHKEY_DIR_MAX) {
		struct buf shortened = BUF_INIT;
		append_dir(&shortened, dir);
		out->len = shortened.len;
		memcpy(out->bytes, shortened.data, shortened.len);
		buf_fini(&shortened);
	} else {
		if (dir.len > 0)
			memcpy(out->bytes, dir.ptr, dir.len);
		out->bytes[dir.len] = '\0';
		out->len = dir.len + 1;
	}
	if (name.len > 0)
		memcpy(out->bytes + out->len, name.ptr, name.len);
	out->len += name.len;
	return 0;
}

int pathkey_append(struct buf *out, struct slice path)
{
	struct pathkey key;
	int rc = pathkey_of(path, &key);
	if (rc == 0)
		buf_append(out, key.bytes, key.len);
	return rc;
}

int pathkey_append_entries(struct buf *out, struct slice dir)
{
	int rc = pathkey_check(dir);
	if (rc != 0)
		return rc;
	append_dir(out, without_root_slash(dir));
	return 0;
}

int pathkey_append_deeper(struct buf *out, struct slice dir)
{
	int rc = pathkey_check(dir);
	if (rc != 0)
		return rc;
	dir = without_root_slash(dir);
	if (dir.len < PATHKEY_DIR_MAX) {
		buf_append_slice(out, dir);
		buf_append_byte(out, '/');
		return 0;
	}
	/* Everything deeper has a directory of more than PATHKEY_DIR_MAX bytes. */
	buf_append(out, dir.ptr, PATHKEY_DIR_MAX);
	buf_append_byte(out, SHORT_MARK);
	return 1;
}

bool pathkey_is_short(struct slice path)
{
	struct slice dir, name;
	if (path.len <= PATHKEY_DIR_MAX || memchr(path.ptr, '/', path.len) == NULL)
		return false;
	split(path, &dir, &name);
	return dir.len > PATHKEY_DIR_MAX;
}

int pathkey_path(struct slice key, struct buf *out)
{
	const uint8_t *nul = key.len ? memchr(key.ptr, '\0', key.len) : NULL;
	if (nul == NULL)
		return ERR_FORMAT;
	struct slice dir = slice_of(key.ptr, (size_t)(nul - key.ptr));
	struct slice name = slice_of(nul + 1, key.len - dir.len - 1);
	bool is_root = dir.len == 0 && name.len == 0;
	if (dir.len > PATHKEY_DIR_MAX || (name.len == 0 && !is_root))
		return ERR_FORMAT;
	if (name.len > 0 && memchr(name.ptr, '/', name.len) != NULL)
		return ERR_FORMAT;
	size_t start = out->len;
	buf_append_slice(out, dir);
	buf_append_byte(out, '/');
	buf_append_slice(out, name);
	if (pathkey_check(slice_of(out->data + start, out->len - start)) == 0)
		return 0;
	out->len = start;
	return ERR_FORMAT;
}
