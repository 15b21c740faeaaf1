/*
 * xattrs - the extended attributes of a file as one value: what differs, and what it says.
 *
 * Packed, sorted by name:
 *
 *   varint, bytes   name ("user.comment")
 *   1 byte          form: 0 the value itself, 1 its length (8 bytes big endian) and SHA-256
 *   varint, bytes   value in that form
 *
 * Values above XATTR_VALUE_MAX are kept as their digest; what would make the whole longer than
 * XATTRS_BYTES_MAX is kept as digests too, and beyond that left out.
 *
 * Errors   packed bytes may come from anywhere: xattrs_check before anything relies on them.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_XATTRS_H
#define TSUJIBAN_COMMON_MODEL_XATTRS_H

#include "common/base/buf.h"

#define XATTR_NAME_MAX   255
#define XATTR_VALUE_MAX  512
#define XATTRS_BYTES_MAX 4096

struct xattr {
	struct slice name;
	struct slice value; /* as it is packed: in full, or length and digest */
	bool is_digest;
};

/* Whether the bytes are well formed: names sorted, no name twice, nothing behind the last. */
bool xattrs_check(struct slice packed);
/* The next one, cut off the front; false at the end, and when the rest is not well formed. */
bool xattrs_next(struct slice *rest, struct xattr *out);
/* Appends one attribute; the caller brings them in name order. False: it was left out. */
bool xattrs_append(struct buf *packed, struct slice name, struct slice value);
/* The CHANGED_… bits of what differs (filestate.h): ACL, capabilities, SELinux label, others. */
unsigned xattrs_diff(struct slice before, struct slice after);

/* The value as people write it; false when the value has another form, `out` is as before.
 *   acl           "user::rw-,user:1000:r--,group::r--,mask::r--,other::r--"  (acl(5), numeric)
 *   capabilities  "cap_net_raw,cap_net_admin=ep", with "[rootid=N]" behind it  (getcap(8)) */
bool xattr_append_acl(struct buf *out, struct slice value);
bool xattr_append_capabilities(struct buf *out, struct slice value);

/* What a file's capabilities are, in whatever form they are written. */
struct capabilities {
	uint64_t permitted;
	uint64_t inheritable;
	bool is_effective;
	uint32_t rootid; /* of the user namespace; 0: the first */
};

/* From the value of "security.capability". False: it has another form; `out` is as before. */
bool capabilities_take(struct slice value, struct capabilities *out);
/* From a text as cap_from_text(3) takes it, so far as a file can have it: one effective bit for
 * all. Likewise. */
bool capabilities_parse(struct slice text, struct capabilities *out);

/* chattr's letters for FS_IOC_GETFLAGS, in lsattr(1)'s order: "ia"; empty for none. */
void flags_append_letters(struct buf *out, uint32_t flags);

#endif
