#include "agent/running/proc_maps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LIBC                                                                        \
	"7f0c8a228000-7f0c8a37d000 r-xp 00028000 fe:01 247498                     " \
	"/usr/lib/libc.so.6"

static void test_line_tells_mode_device_inode_and_path(void **state)
{
	(void)state;
	struct proc_map map;
	assert_true(proc_maps_parse(slice_text(LIBC), &map));
	assert_true(map.is_executable);
	assert_int_equal(map.major, 0xfe);
	assert_int_equal(map.minor, 1);
	assert_int_equal(map.inode, 247498);
	assert_true(slice_is(map.path, "/usr/lib/libc.so.6"));
	assert_true(proc_maps_parse(
	        slice_text("7ffd0000-7ffe0000 rw-p 00000000 00:00 0        [stack]"), &map));
	assert_false(map.is_executable);
	assert_true(proc_maps_parse(slice_text("1000-2000 rw-p 00000000 00:00 0 "), &map));
	assert_int_equal(map.path.len, 0);
	assert_true(proc_maps_parse(slice_text("1000-2000 rw-p 00000000 00:00 0"), &map));
	assert_int_equal(map.path.len, 0);
}

static void test_path_may_have_spaces(void **state)
{
	(void)state;
	struct proc_map map;
	assert_true(proc_maps_parse(
	        slice_text("1000-2000 r-xp 00000000 08:02 7   /opt/my app/lib/a b.so (deleted)"),
	        &map));
	assert_true(slice_is(map.path, "/opt/my app/lib/a b.so (deleted)"));
}

static void test_what_is_no_line_is_refused(void **state)
{
	(void)state;
	static const char *const BAD[] = {"", "1000", "1000-2000", "1000-2000 r-xp",
	        "1000-2000 r-x 00000000 08:02 7 /a", "2000-1000 r-xp 00000000 08:02 7 /a",
	        "1000-2000 r-xp 0000000g 08:02 7 /a", "1000-2000 r-xp 00000000 0802 7 /a",
	        "1000-2000 r-xp 00000000 08:02 7x /a", "1000-2000 r-xp 00000000 08:100000000 7 /a",
	        "10000000000000000-2000 r-xp 00000000 08:02 7 /a"};
	struct proc_map map;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		if (proc_maps_parse(slice_text(BAD[i]), &map))
			fail_msg("'%s'", BAD[i]);
}

static void test_newlines_are_unescaped(void **state)
{
	(void)state;
	struct buf path = BUF_INIT;
	proc_maps_unescape(slice_text("/a\\012b\\01"), &path);
	assert_string_equal(buf_text(&path), "/a\nb\\01");
	buf_fini(&path);
}

/* --- files ------------------------------------------------------------------------------------ */

struct seen {
	size_t count, most;
	struct buf last;
};

static int on_map(void *ctx, const struct proc_map *map)
{
	struct seen *seen = ctx;
	seen->count++;
	buf_reset(&seen->last);
	buf_append_slice(&seen->last, map->path);
	return seen->count == seen->most ? -7 : 0;
}

static int read_all(struct slice text, struct seen *seen)
{
	FILE *file = tmpfile();
	assert_non_null(file);
	assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
	rewind(file);
	int rc = proc_maps_each(fileno(file), on_map, seen);
	fclose(file);
	return rc;
}

static void test_file_larger_than_a_piece_is_read_whole(void **state)
{
	(void)state;
	struct buf text = BUF_INIT;
	struct seen seen = {.count = 0};
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&text, "%x-%x r-xp 00000000 08:02 7   /opt/lib/%0*u.so\n", i, i + 1,
		        (int)(1 + i % 97), i);
	assert_int_equal(read_all(buf_slice(&text), &seen), 0);
	assert_int_equal(seen.count, 5000);
	buf_fini(&seen.last);
	buf_fini(&text);
}

static void test_endless_line_is_passed_over(void **state)
{
	(void)state;
	struct buf text = BUF_INIT;
	struct seen seen = {.count = 0};
	for (size_t i = 0; i < 300000; i++)
		buf_append_byte(&text, 'x');
	buf_append_text(&text, "\n" LIBC "\n");
	assert_int_equal(read_all(buf_slice(&text), &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_string_equal(buf_text(&seen.last), "/usr/lib/libc.so.6");
	buf_fini(&seen.last);
	buf_fini(&text);
}

static void test_reading_stops_when_it_is_told_to(void **state)
{
	(void)state;
	struct seen seen = {.most = 2};
	assert_int_equal(read_all(slice_text(LIBC "\n" LIBC "\n" LIBC "\n"), &seen), -7);
	assert_int_equal(seen.count, 2);
	buf_fini(&seen.last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_line_tells_mode_device_inode_and_path),
	        cmocka_unit_test(test_path_may_have_spaces),
	        cmocka_unit_test(test_what_is_no_line_is_refused),
	        cmocka_unit_test(test_newlines_are_unescaped),
	        cmocka_unit_test(test_file_larger_than_a_piece_is_read_whole),
	        cmocka_unit_test(test_endless_line_is_passed_over),
	        cmocka_unit_test(test_reading_stops_when_it_is_told_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
