#include "common/model/xattrs.h"

#include "common/base/digest.h"
#include "common/model/filestate.h"

#define DIGEST_BYTES (8 + SHA256_BYTES)

enum form { FORM_VALUE = 0, FORM_DIGEST = 1 };

/* --- packed ----------------------------------------------------------------------------------- */

static bool take_counted(struct slice *rest, size_t most, struct slice *out)
{
	uint64_t len;
	return slice_take_varint(rest, &len) && len <= most && slice_take(rest, (size_t)len, out);
}

bool xattrs_next(struct slice *rest, struct xattr *out)
{
	struct slice left = *rest, name, value;
	uint8_t form;
	if (!take_counted(&left, XATTR_NAME_MAX, &name) || name.len == 0 ||
	        !slice_take_byte(&left, &form) || form > FORM_DIGEST ||
	        !take_counted(&left, XATTR_VALUE_MAX, &value))
		return false;
	if (form == FORM_DIGEST && value.len != DIGEST_BYTES)
		return false;
	*out = (struct xattr){.name = name, .value = value, .is_digest = form == FORM_DIGEST};
	*rest = left;
	return true;
}

bool xattrs_check(struct slice packed)
{
	struct slice before = {0};
	struct xattr xattr;
	if (packed.len > XATTRS_BYTES_MAX)
		return false;
	while (packed.len > 0) {
		if (!xattrs_next(&packed, &xattr))
			return false;
		if (before.ptr && slice_compare(before, xattr.name) >= 0)
			return false;
		before = xattr.name;
	}
	return true;
}

static size_t counted_bytes(size_t len)
{
	return len + (len < 128 ? 1 : 2); /* the varint of what is at most 4096 */
}

static bool has_room(const struct buf *packed, struct slice name, size_t value_len)
{
	size_t more = counted_bytes(name.len) + 1 + counted_bytes(value_len);
	return packed->len + more <= XATTRS_BYTES_MAX;
}

static void append_one(struct buf *packed, struct slice name, enum form form, struct slice value)
{
	buf_append_varint(packed, name.len);
	buf_append_slice(packed, name);
	buf_append_byte(packed, (uint8_t)form);
	buf_append_varint(packed, value.len);
	buf_append_slice(packed, value);
}

bool xattrs_append(struct buf *packed, struct slice name, struct slice value)
{
	uint8_t digest[DIGEST_BYTES];
	if (name.len == 0 || name.len > XATTR_NAME_MAX)
		return false;
	if (value.len <= XATTR_VALUE_MAX && has_room(packed, name, value.len)) {
		append_one(packed, name, FORM_VALUE, value);
		return true;
	}
	if (!has_room(packed, name, sizeof digest))
		return false;
	for (int i = 0; i < 8; i++)
		digest[i] = (uint8_t)((uint64_t)value.len >> (56 - 8 * i));
	digest_of(value, digest + 8);
	append_one(packed, name, FORM_DIGEST, slice_of(digest, sizeof digest));
	return true;
}

/* --- what differs ----------------------------------------------------------------------------- */

static unsigned change_of(struct slice name)
{
	if (slice_is(name, "system.posix_acl_access") || slice_is(name, "system.posix_acl_default"))
		return CHANGED_ACL;
	if (slice_is(name, "security.capability"))
		return CHANGED_CAPABILITIES;
	if (slice_is(name, "security.selinux"))
		return CHANGED_SELINUX;
	return CHANGED_XATTRS;
}

static bool is_same(const struct xattr *a, const struct xattr *b)
{
	return a->is_digest == b->is_digest && slice_equal(a->value, b->value);
}

unsigned xattrs_diff(struct slice before, struct slice after)
{
	struct xattr old, new;
	unsigned changed = 0;
	if (slice_equal(before, after))
		return 0;
	bool has_old = xattrs_next(&before, &old), has_new = xattrs_next(&after, &new);
	while (has_old || has_new) {
		int order = !has_old ? 1 : !has_new ? -1 : slice_compare(old.name, new.name);
		if (order != 0 || !is_same(&old, &new))
			changed |= change_of(order <= 0 ? old.name : new.name);
		if (order <= 0)
			has_old = xattrs_next(&before, &old);
		if (order >= 0)
			has_new = xattrs_next(&after, &new);
	}
	return changed;
}
