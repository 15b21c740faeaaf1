#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/model/filestate.h"

static struct filestate regular(void)
{
	return (struct filestate){.type = FILE_REGULAR,
	        .hash = HASH_DONE,
	        .mode = 0644,
	        .uid = 1,
	        .gid = 2,
	        .size = 3,
	        .mtime_ns = 4,
	        .ctime_ns = 5,
	        .inode = 6,
	        .device = 7,
	        .sha256 = {8}};
}

static void test_each_difference_has_its_bit(void **state)
{
	(void)state;
	struct filestate before = regular(), after = before;
	assert_int_equal(filestate_diff(&before, &after), 0);
	after.mode = 0600;
	assert_int_equal(filestate_diff(&before, &after), CHANGED_MODE);
	after.uid = 0;
	after.gid = 0;
	assert_int_equal(filestate_diff(&before, &after), CHANGED_MODE | CHANGED_UID | CHANGED_GID);
	after = before;
	after.size++;
	after.mtime_ns++;
	after.sha256[31]++;
	assert_int_equal(
	        filestate_diff(&before, &after), CHANGED_SIZE | CHANGED_MTIME | CHANGED_SHA256);
	after = before;
	after.inode++;
	assert_int_equal(filestate_diff(&before, &after), CHANGED_INODE);
}

static void test_ctime_alone_is_no_change(void **state)
{
	(void)state;
	struct filestate before = regular(), after = before;
	after.ctime_ns++;
	assert_int_equal(filestate_diff(&before, &after), 0);
	assert_false(filestate_stands(&before, &after));
}

static void test_a_directory_changes_not_with_its_entries(void **state)
{
	(void)state;
	struct filestate before = {.type = FILE_DIRECTORY, .mode = 0755, .size = 4096};
	struct filestate after = before;
	after.size = 8192;
	after.mtime_ns = 1;
	assert_int_equal(filestate_diff(&before, &after), 0);
	after.mode = 0700;
	assert_int_equal(filestate_diff(&before, &after), CHANGED_MODE);
}

static void test_content_without_a_hash_changes_with_mtime(void **state)
{
	(void)state;
	struct filestate before = regular(), after;
	before.hash = HASH_TOO_LARGE;
	after = before;
	assert_int_equal(filestate_diff(&before, &after), 0);
	after.mtime_ns++;
	assert_int_equal(filestate_diff(&before, &after), CHANGED_MTIME | CHANGED_SHA256);
	after.hash = HASH_DONE;
	assert_int_equal(filestate_diff(&before, &after),
	        CHANGED_MTIME | CHANGED_SHA256 | CHANGED_HASH_STATUS);
	after.mtime_ns = before.mtime_ns;
	assert_int_equal(filestate_diff(&before, &after), CHANGED_HASH_STATUS);
}

static void test_a_link_changes_with_its_target(void **state)
{
	(void)state;
	struct filestate before = {.type = FILE_SYMLINK, .target = slice_text("a")};
	struct filestate after = before;
	after.target = slice_text("b");
	assert_int_equal(filestate_diff(&before, &after), CHANGED_TARGET);
}

static void test_another_type_is_content(void **state)
{
	(void)state;
	struct filestate before = regular(), after = before;
	after.type = FILE_SYMLINK;
	after.hash = HASH_NONE;
	after.target = slice_text("x");
	assert_int_equal(filestate_diff(&before, &after), CHANGED_TYPE | CHANGED_TARGET);
	assert_true(filestate_diff(&before, &after) & CHANGED_CONTENT);
	struct filestate absent = {0};
	assert_int_equal(filestate_diff(&absent, &after), CHANGED_TYPE);
	assert_int_equal(filestate_diff(&absent, &absent), 0);
}

static void test_a_file_stands_only_when_everything_stands(void **state)
{
	(void)state;
	struct filestate known = regular(), seen = known;
	seen.hash = HASH_NONE; /* as stat alone gives it */
	assert_true(filestate_stands(&known, &seen));
#define MOVES(field)                                           \
	do {                                                   \
		seen = known;                                  \
		seen.field++;                                  \
		assert_false(filestate_stands(&known, &seen)); \
	} while (0)
	MOVES(type);
	MOVES(mode);
	MOVES(uid);
	MOVES(gid);
	MOVES(size);
	MOVES(mtime_ns);
	MOVES(ctime_ns);
	MOVES(inode);
	MOVES(device);
#undef MOVES
}

static void test_content_never_read_does_not_stand(void **state)
{
	(void)state;
	struct filestate known = regular();
	known.hash = HASH_UNSTABLE;
	assert_false(filestate_stands(&known, &known));
	known.hash = HASH_UNREADABLE;
	assert_false(filestate_stands(&known, &known));
	known.hash = HASH_TOO_LARGE;
	assert_true(filestate_stands(&known, &known));
	known.type = FILE_DIRECTORY;
	known.hash = HASH_NONE;
	assert_true(filestate_stands(&known, &known));
}

static void test_names_come_back(void **state)
{
	(void)state;
	enum file_type back;
	for (unsigned type = FILE_ABSENT; type <= FILE_BLOCK; type++) {
		assert_true(
		        file_type_parse(slice_text(file_type_name((enum file_type)type)), &back));
		assert_int_equal(back, type);
	}
	assert_false(file_type_parse(slice_text("file"), &back));
	assert_string_equal(file_type_name((enum file_type)99), "unknown");
	assert_string_equal(file_change_name(0), "type");
	assert_string_equal(file_change_name(7), "sha256");
	assert_string_equal(file_change_name(9), "hash_status");
	assert_null(hash_status_reason(HASH_NONE));
	assert_null(hash_status_reason(HASH_DONE));
	assert_string_equal(hash_status_reason(HASH_TOO_LARGE), "too large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_each_difference_has_its_bit),
	        cmocka_unit_test(test_ctime_alone_is_no_change),
	        cmocka_unit_test(test_a_directory_changes_not_with_its_entries),
	        cmocka_unit_test(test_content_without_a_hash_changes_with_mtime),
	        cmocka_unit_test(test_a_link_changes_with_its_target),
	        cmocka_unit_test(test_another_type_is_content),
	        cmocka_unit_test(test_a_file_stands_only_when_everything_stands),
	        cmocka_unit_test(test_content_never_read_does_not_stand),
	        cmocka_unit_test(test_names_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
