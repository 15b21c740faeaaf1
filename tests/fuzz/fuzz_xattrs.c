/* floor: common/model */
/* Packed attributes are taken apart or refused; what is well formed can be packed again. */
#include <assert.h>

#include "common/model/xattrs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice packed = slice_of(data, len), rest = packed;
	struct buf text = BUF_INIT, again = BUF_INIT;
	struct xattr xattr;
	struct capabilities caps;
	bool is_good = xattrs_check(packed);
	while (xattrs_next(&rest, &xattr)) {
		xattr_append_acl(&text, xattr.value);
		xattr_append_capabilities(&text, xattr.value);
		if (is_good && !xattr.is_digest)
			xattrs_append(&again, xattr.name, xattr.value);
	}
	if (is_good)
		assert(rest.len == 0 && xattrs_check(buf_slice(&again)));
	xattrs_diff(packed, buf_slice(&again));
	xattr_append_acl(&text, packed);
	xattr_append_capabilities(&text, packed);
	capabilities_parse(packed, &caps);
	buf_fini(&text);
	buf_fini(&again);
	return 0;
}
