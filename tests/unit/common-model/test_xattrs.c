#include "common/model/xattrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/model/filestate.h"

static struct buf packed, other, text;

static int end(void **state)
{
	(void)state;
	buf_fini(&packed);
	buf_fini(&other);
	buf_fini(&text);
	return 0;
}

static void put(struct buf *to, const char *name, const char *value)
{
	assert_true(xattrs_append(to, slice_text(name), slice_text(value)));
}

static void test_what_was_packed_comes_out_in_order(void **state)
{
	(void)state;
	struct xattr xattr;
	put(&packed, "security.selinux", "system_u");
	put(&packed, "user.a", "");
	struct slice rest = buf_slice(&packed);
	assert_true(xattrs_check(rest));
	assert_true(xattrs_next(&rest, &xattr));
	assert_true(slice_is(xattr.name, "security.selinux") && slice_is(xattr.value, "system_u"));
	assert_true(xattrs_next(&rest, &xattr));
	assert_true(slice_is(xattr.name, "user.a") && xattr.value.len == 0);
	assert_false(xattrs_next(&rest, &xattr));
}

static void test_a_large_value_is_kept_as_its_digest(void **state)
{
	(void)state;
	static uint8_t large[XATTR_VALUE_MAX + 1];
	struct xattr xattr;
	assert_true(xattrs_append(&packed, slice_text("user.l"), slice_of(large, sizeof large)));
	struct slice rest = buf_slice(&packed);
	assert_true(xattrs_next(&rest, &xattr));
	assert_true(xattr.is_digest);
	assert_int_equal(xattr.value.len, 40);
	large[7] = 1;
	assert_true(xattrs_append(&other, slice_text("user.l"), slice_of(large, sizeof large)));
	assert_int_equal(xattrs_diff(buf_slice(&packed), buf_slice(&other)), CHANGED_XATTRS);
}

static void test_the_whole_is_bounded_and_stays_well_formed(void **state)
{
	(void)state;
	static uint8_t value[XATTR_VALUE_MAX];
	char name[16];
	unsigned taken = 0;
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "user.%03u", i);
		taken += xattrs_append(&packed, slice_text(name), slice_of(value, sizeof value));
	}
	assert_in_range(taken, 8, 499);
	assert_true(packed.len <= XATTRS_BYTES_MAX);
	assert_true(xattrs_check(buf_slice(&packed)));
}

static void test_disorder_and_cuts_are_refused(void **state)
{
	(void)state;
	put(&packed, "user.b", "1");
	put(&packed, "user.a", "1");
	assert_false(xattrs_check(buf_slice(&packed)));
	buf_reset(&packed);
	put(&packed, "user.a", "1");
	put(&packed, "user.a", "2");
	assert_false(xattrs_check(buf_slice(&packed)));
	buf_reset(&packed);
	put(&packed, "user.a", "1");
	for (size_t len = 1; len < packed.len; len++)
		assert_false(xattrs_check(slice_of(packed.data, len)));
	assert_false(xattrs_check(slice_of("\1a\2\0", 4)));  /* no such form */
	assert_false(xattrs_check(slice_of("\1a\1\1x", 5))); /* no digest */
	assert_false(xattrs_check(slice_of("\0\0\0", 3)));   /* no name */
}

static void test_each_kind_of_change_has_its_bit(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		unsigned bit;
	} ROWS[] = {
	        {"system.posix_acl_access", CHANGED_ACL},
	        {"system.posix_acl_default", CHANGED_ACL},
	        {"security.capability", CHANGED_CAPABILITIES},
	        {"security.selinux", CHANGED_SELINUX},
	        {"security.ima", CHANGED_XATTRS},
	        {"user.x", CHANGED_XATTRS},
	};
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		buf_reset(&packed);
		buf_reset(&other);
		put(&packed, ROWS[i].name, "1");
		put(&other, ROWS[i].name, "2");
		struct slice one = buf_slice(&packed), two = buf_slice(&other), none = {0};
		assert_int_equal(xattrs_diff(one, one), 0);
		assert_int_equal(xattrs_diff(one, two), ROWS[i].bit);
		assert_int_equal(xattrs_diff(none, two), ROWS[i].bit);
		assert_int_equal(xattrs_diff(one, none), ROWS[i].bit);
	}
}

static void assert_text(bool is_told, const char *wanted)
{
	assert_true(is_told);
	assert_string_equal(buf_text(&text), wanted);
	buf_reset(&text);
}

static void test_access_control_lists_read_as_acl_5_has_them(void **state)
{
	(void)state;
	static const uint8_t acl[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xe8,
	        3, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 4,
	        0, 255, 255, 255, 255};
	assert_text(xattr_append_acl(&text, slice_of(acl, sizeof acl)),
	        "user::rw-,user:1000:r--,group::r--,mask::r--,other::r--");
	assert_false(xattr_append_acl(&text, slice_of(acl, sizeof acl - 1)));
	assert_false(xattr_append_acl(&text, slice_text("\3\0\0\0")));
	assert_int_equal(text.len, 0);
}

static void test_capabilities_read_as_getcap_8_has_them(void **state)
{
	(void)state;
	uint8_t caps[24] = {1, 0, 0, 2, 0x00, 0x30};
	assert_text(xattr_append_capabilities(&text, slice_of(caps, 20)),
	        "cap_net_admin,cap_net_raw=ep");
	caps[9] = 0x20; /* net_raw inheritable, too */
	assert_text(xattr_append_capabilities(&text, slice_of(caps, 20)),
	        "cap_net_raw=eip cap_net_admin=ep");
	caps[3] = 3;
	caps[20] = 7;
	assert_text(xattr_append_capabilities(&text, slice_of(caps, 24)),
	        "cap_net_raw=eip cap_net_admin=ep [rootid=7]");
	assert_false(xattr_append_capabilities(&text, slice_of(caps, 20)));
	assert_int_equal(text.len, 0);
}

static void assert_capabilities(
        const char *words, uint64_t permitted, uint64_t inheritable, bool is_effective)
{
	struct capabilities caps;
	assert_true(capabilities_parse(slice_text(words), &caps));
	assert_int_equal(caps.permitted, permitted);
	assert_int_equal(caps.inheritable, inheritable);
	assert_int_equal(caps.is_effective, is_effective);
}

static void test_capabilities_are_parsed_as_cap_from_text_3_has_them(void **state)
{
	static const char *const REFUSED[] = {"cap_net_raw", "cap_nonsense=p", "cap_net_raw=x",
	        "64=p", "net_raw=p", "cap_net_raw,=p", "+p"};
	const uint64_t raw = UINT64_C(1) << 13, admin = UINT64_C(1) << 12;
	struct capabilities caps;
	(void)state;
	assert_capabilities("cap_net_raw=ep", raw, 0, true);
	assert_capabilities("= cap_net_raw+ep", raw, 0, true);
	assert_capabilities("cap_net_raw,cap_net_admin=p cap_net_raw+i", raw | admin, raw, false);
	assert_capabilities("13=eip cap_net_raw-i", raw, 0, true);
	assert_capabilities("=", 0, 0, false);
	assert_capabilities("", 0, 0, false);
	assert_capabilities("all=p =", 0, 0, false);
	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++)
		assert_false(capabilities_parse(slice_text(REFUSED[i]), &caps));
}

static void test_flags_have_chattrs_letters(void **state)
{
	(void)state;
	flags_append_letters(&text, 0x30);
	assert_string_equal(buf_text(&text), "ia");
	buf_reset(&text);
	flags_append_letters(&text, 0x80000); /* extents: nobody's doing */
	assert_int_equal(text.len, 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_what_was_packed_comes_out_in_order),
	        TEST(test_a_large_value_is_kept_as_its_digest),
	        TEST(test_the_whole_is_bounded_and_stays_well_formed),
	        TEST(test_disorder_and_cuts_are_refused),
	        TEST(test_each_kind_of_change_has_its_bit),
	        TEST(test_access_control_lists_read_as_acl_5_has_them),
	        TEST(test_capabilities_read_as_getcap_8_has_them),
	        TEST(test_capabilities_are_parsed_as_cap_from_text_3_has_them),
	        TEST(test_flags_have_chattrs_letters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
