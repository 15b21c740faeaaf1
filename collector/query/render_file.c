#include <stdio.h>
#include <sys/sysmacros.h>

#include "collector/query/json_text.h"
#include "collector/query/render.h"
#include "collector/query/render_parts.h"
#include "common/base/text.h"
#include "common/model/xattrs.h"

/* --- files --------------------------------------------------------------------------------- */

static void put_mode(struct buf *out, uint32_t mode)
{
	char octal[] = {(char)('0' + (mode >> 9 & 7)), (char)('0' + (mode >> 6 & 7)),
	        (char)('0' + (mode >> 3 & 7)), (char)('0' + (mode & 7)), 0};
	json_put_word(out, "mode", octal);
}

static void put_sha256(struct buf *out, const struct filestate *state)
{
	json_put_name(out, "sha256");
	if (state->hash != HASH_DONE) {
		json_put(out, "null");
		return;
	}
	buf_append_byte(out, '"');
	text_append_hex(out, slice_of(state->sha256, sizeof(state->sha256)));
	buf_append_byte(out, '"');
}

/* --- attributes ------------------------------------------------------------------------------ */

static void put_digest(struct buf *out, struct slice value)
{
	uint64_t size = 0;
	slice_take_u64(&value, &size);
	json_put(out, "{");
	json_put_count(out, "size", size);
	json_put_name(out, "sha256");
	buf_append_byte(out, '"');
	text_append_hex(out, value);
	json_put(out, "\"}");
}

static void put_value(struct buf *out, const struct xattr *xattr)
{
	if (xattr->is_digest)
		put_digest(out, xattr->value);
	else
		render_text(out, xattr->value);
}

static bool find_xattr(struct slice packed, const char *name, struct xattr *out)
{
	while (xattrs_next(&packed, out))
		if (slice_is(out->name, name))
			return true;
	return false;
}

/* The attribute as `append` words it; a form that it does not know as any other value. */
static void put_worded(struct buf *out, const char *key, struct slice packed, const char *name,
        bool (*append)(struct buf *out, struct slice value))
{
	struct xattr xattr;
	struct buf worded = BUF_INIT;
	json_put_name(out, key);
	if (!find_xattr(packed, name, &xattr))
		json_put(out, "null");
	else if (!xattr.is_digest && append(&worded, xattr.value))
		render_text(out, buf_slice(&worded));
	else
		put_value(out, &xattr);
	buf_fini(&worded);
}

/* The kernel ends a label with a NUL byte. */
static bool append_label(struct buf *out, struct slice value)
{
	while (value.len > 0 && value.ptr[value.len - 1] == 0)
		value.len--;
	buf_append_slice(out, value);
	return true;
}

static bool is_worded(struct slice name)
{
	static const char *const NAMES[] = {"system.posix_acl_access", "system.posix_acl_default",
	        "security.capability", "security.selinux"};
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (slice_is(name, NAMES[i]))
			return true;
	return false;
}

static void put_others(struct buf *out, struct slice packed)
{
	struct xattr xattr;
	bool is_first = true;
	json_put_name(out, "xattrs");
	buf_append_byte(out, '{');
	while (xattrs_next(&packed, &xattr)) {
		if (is_worded(xattr.name))
			continue;
		if (!is_first)
			buf_append_byte(out, ',');
		is_first = false;
		render_text(out, xattr.name);
		buf_append_byte(out, ':');
		put_value(out, &xattr);
	}
	buf_append_byte(out, '}');
}

/* All of them null where nobody has looked. */
static void put_attributes(struct buf *out, const struct filestate *state)
{
	static const char *const KEYS[] = {
	        "flags", "acl", "default_acl", "capabilities", "selinux", "xattrs"};
	struct slice packed = state->xattrs;
	for (size_t i = 0; !state->has_attributes && i < sizeof(KEYS) / sizeof(KEYS[0]); i++)
		json_put_word(out, KEYS[i], NULL);
	if (!state->has_attributes)
		return;
	json_put_name(out, "flags");
	buf_append_byte(out, '"');
	flags_append_letters(out, state->flags);
	buf_append_byte(out, '"');
	put_worded(out, "acl", packed, "system.posix_acl_access", xattr_append_acl);
	put_worded(out, "default_acl", packed, "system.posix_acl_default", xattr_append_acl);
	put_worded(out, "capabilities", packed, "security.capability", xattr_append_capabilities);
	put_worded(out, "selinux", packed, "security.selinux", append_label);
	put_others(out, packed);
}

/* --- states ---------------------------------------------------------------------------------- */

static void put_device(struct buf *out, uint64_t device)
{
	char text[32];
	snprintf(text, sizeof text, "%u:%u", major(device), minor(device));
	json_put_word(out, "device", text);
}

/* The public interface says "file" within events, and "regular" in listings of files. */
static const char *state_type_name(enum file_type type)
{
	return type == FILE_REGULAR ? "file" : file_type_name(type);
}

void render_state(struct buf *out, const char *name, const struct filestate *state)
{
	json_put_name(out, name);
	if (!state) {
		json_put(out, "null");
		return;
	}
	buf_append_byte(out, '{');
	json_put_word(out, "type", state_type_name(state->type));
	put_mode(out, state->mode);
	json_put_count(out, "uid", state->uid);
	json_put_count(out, "gid", state->gid);
	json_put_text_or_null(out, "owner", state->owner);
	json_put_text_or_null(out, "group", state->group);
	json_put_count(out, "size", state->size);
	json_put_time(out, "mtime", state->mtime_ns);
	json_put_time(out, "ctime", state->ctime_ns);
	json_put_count(out, "inode", state->inode);
	put_device(out, state->device);
	put_sha256(out, state);
	if (hash_status_reason(state->hash))
		json_put_word(out, "hash_reason", hash_status_reason(state->hash));
	if (state->type == FILE_SYMLINK)
		json_put_text(out, "target", state->target);
	put_attributes(out, state);
	buf_append_byte(out, '}');
}

void render_file(struct buf *out, struct slice path, const struct filestate *state)
{
	buf_append_byte(out, '{');
	json_put_text(out, "path", path);
	json_put_word(out, "type", file_type_name(state->type));
	put_mode(out, state->mode);
	json_put_count(out, "uid", state->uid);
	json_put_count(out, "gid", state->gid);
	json_put_count(out, "size", state->size);
	put_sha256(out, state);
	if (state->type == FILE_SYMLINK)
		json_put_text(out, "target", state->target);
	else
		json_put_word(out, "target", NULL);
	json_put_text_or_null(out, "owner", state->owner);
	json_put_text_or_null(out, "group", state->group);
	json_put_time(out, "mtime", state->mtime_ns);
	json_put_time(out, "ctime", state->ctime_ns);
	json_put_count(out, "inode", state->inode);
	put_device(out, state->device);
	put_attributes(out, state);
	json_put(out, "}\n");
}
