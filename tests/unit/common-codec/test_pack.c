#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/digest.h"
#include "common/codec/pack.h"

static struct packer *packer;
static struct buf packed, back;

static int begin(void **unused)
{
	(void)unused;
	packer = packer_new();
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	packer_free(packer);
	buf_fini(&packed);
	buf_fini(&back);
	return 0;
}

static void comes_back(struct slice plain)
{
	buf_reset(&packed);
	buf_reset(&back);
	assert_int_equal(pack(packer, plain, &packed), 0);
	assert_int_equal(pack_open(packer, buf_slice(&packed), plain.len, &back), 0);
	assert_true(slice_equal(buf_slice(&back), plain));
}

static void test_what_was_packed_comes_back(void **unused)
{
	(void)unused;
	uint8_t random[5000], same[5000] = {0};
	random_bytes(random, sizeof(random));
	comes_back(slice_of(random, 0));
	comes_back(slice_of(random, sizeof(random)));
	packer_rest(packer);
	comes_back(slice_of(same, sizeof(same)));
	assert_true(packed.len < 100);
}

static void test_more_than_is_allowed_is_refused(void **unused)
{
	(void)unused;
	assert_int_equal(pack(packer, slice_text("12345"), &packed), 0);
	assert_int_equal(pack_open(packer, buf_slice(&packed), 4, &back), ERR_LIMIT);
	assert_int_equal(back.len, 0);
}

static void test_what_is_no_single_frame_is_refused(void **unused)
{
	(void)unused;
	struct slice bytes;
	assert_int_equal(pack_open(packer, slice_text("none"), 100, &back), ERR_FORMAT);
	assert_int_equal(pack_open(packer, slice_text(""), 100, &back), ERR_FORMAT);
	assert_int_equal(pack(packer, slice_text("text text"), &packed), 0);
	bytes = buf_slice(&packed);
	assert_int_equal(
	        pack_open(packer, slice_of(bytes.ptr, bytes.len - 1), 100, &back), ERR_FORMAT);
	buf_append_slice(&packed, slice_text("x"));
	assert_int_equal(pack_open(packer, buf_slice(&packed), 100, &back), ERR_FORMAT);
	assert_int_equal(back.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_what_was_packed_comes_back, begin, end),
	        cmocka_unit_test_setup_teardown(test_more_than_is_allowed_is_refused, begin, end),
	        cmocka_unit_test_setup_teardown(
	                test_what_is_no_single_frame_is_refused, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
