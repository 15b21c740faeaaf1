#include "agent/watch/mountinfo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct buf scratch;

static bool next(struct slice *text, struct mount_line *out)
{
	return mountinfo_next(text, &scratch, out);
}

static void test_a_line_has_its_id_root_and_point(void **state)
{
	(void)state;
	struct mount_line line;
	struct slice text = slice_text("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /d rw\n"
	                               "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	assert_true(next(&text, &line));
	assert_int_equal(line.id, 36);
	assert_true(slice_is(line.root, "/mnt1") && slice_is(line.point, "/mnt2"));
	assert_true(next(&text, &line));
	assert_true(line.id == 25 && slice_is(line.root, "/") && slice_is(line.point, "/"));
	assert_false(next(&text, &line));
}

static void test_escaped_bytes_of_both_paths_come_back(void **state)
{
	(void)state;
	struct mount_line line;
	struct slice text = slice_text("1 1 0:1 /a\\040b /c\\011d\\134e\\ rw - x y z");
	assert_true(next(&text, &line));
	assert_true(slice_is(line.root, "/a b"));
	assert_true(slice_is(line.point, "/c\td\\e\\"));
}

static void test_lines_of_another_form_are_passed_over(void **state)
{
	(void)state;
	struct mount_line line;
	struct slice text = slice_text("x 1 0:1 / /a rw\n"
	                               "\n"
	                               "1 1 0:1 /\n"
	                               "1 1 0:1 / relative rw\n"
	                               "9999999999999999999 1 0:1 / /a rw\n"
	                               "7 1 0:1 / /good rw\n");
	assert_true(next(&text, &line));
	assert_int_equal(line.id, 7);
	assert_false(next(&text, &line));
	buf_fini(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_line_has_its_id_root_and_point),
	        cmocka_unit_test(test_escaped_bytes_of_both_paths_come_back),
	        cmocka_unit_test(test_lines_of_another_form_are_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
