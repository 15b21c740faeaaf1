#include "agent/rpmdb/rpm_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/agent-rpmdb/rpm_blob.h"

#define SHA256 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define MD5    "00112233445566778899AABBCCDDEEFF"
#define COUNT  3u

static const uint64_t INDEXES[] = {0, 1, 0};
static const uint64_t MODES[] = {0104755, 0120777, 040755};
static const char *const BASENAMES[] = {"bash", "sh", "", NULL};
static const char *const DIRNAMES[] = {"/", "/usr/bin/", NULL};

/* Three files; of what `without` names there is nothing. */
static void put_files(struct rpm_blob *blob, enum rpm_tag without)
{
	if (without != RPM_BASENAMES)
		rpm_blob_texts(blob, RPM_BASENAMES, BASENAMES);
	if (without != RPM_DIRNAMES)
		rpm_blob_texts(blob, RPM_DIRNAMES, DIRNAMES);
	if (without != RPM_DIRINDEXES)
		rpm_blob_numbers(blob, RPM_DIRINDEXES, BLOB_INT32, INDEXES, COUNT);
	if (without != RPM_FILEMODES)
		rpm_blob_numbers(blob, RPM_FILEMODES, BLOB_INT16, MODES, COUNT);
}

/* The bytes have to live as long as what was opened. */
static int open_blob(struct rpm_blob *blob, struct rpm_files **out)
{
	struct rpm_header header;
	struct reason why = {""};
	assert_int_equal(rpm_header_open(rpm_blob_bytes(blob), &header, &why), 0);
	int rc = rpm_files_open(&header, out, &why);
	assert_true(rc == 0 || why.text[0] != '\0');
	return rc;
}

static void assert_refused(struct rpm_blob *blob, int code)
{
	struct rpm_files *files;
	assert_int_equal(open_blob(blob, &files), code);
	rpm_blob_fini(blob);
}

static struct rpm_file first_of(struct rpm_blob *blob)
{
	struct rpm_files *files;
	struct rpm_file file;
	assert_int_equal(open_blob(blob, &files), 0);
	assert_true(rpm_files_next(files, &file));
	rpm_files_close(files);
	return file;
}

static void test_each_file_is_told_with_what_is_its_own(void **state)
{
	static const char *const USERS[] = {"root", "daemon", "bin", NULL};
	static const char *const GROUPS[] = {"wheel", "adm", "sys", NULL};
	static const char *const LINKS[] = {"", "bash", "", NULL};
	static const char *const CAPS[] = {"= cap_net_raw+ep", "", "", NULL};
	static const char *const DIGESTS[] = {SHA256, "", "", NULL};
	static const uint64_t FLAGS[] = {RPM_FILE_CONFIG | RPM_FILE_NOREPLACE, RPM_FILE_GHOST, 0};
	static const uint64_t STATES[] = {
	        RPM_STATE_NORMAL, RPM_STATE_REPLACED, RPM_STATE_NETSHARED};
	static const uint64_t SIZES[] = {1234, 4, UINT32_MAX}, ALGORITHM[] = {RPM_DIGEST_SHA256};
	struct rpm_blob blob = {0};
	struct rpm_files *files;
	struct rpm_file file;
	(void)state;
	put_files(&blob, 0);
	rpm_blob_texts(&blob, RPM_FILEUSERNAME, USERS);
	rpm_blob_texts(&blob, RPM_FILEGROUPNAME, GROUPS);
	rpm_blob_texts(&blob, RPM_FILELINKTOS, LINKS);
	rpm_blob_texts(&blob, RPM_FILECAPS, CAPS);
	rpm_blob_texts(&blob, RPM_FILEDIGESTS, DIGESTS);
	rpm_blob_numbers(&blob, RPM_FILEFLAGS, BLOB_INT32, FLAGS, COUNT);
	rpm_blob_numbers(&blob, RPM_FILESTATES, BLOB_CHAR, STATES, COUNT);
	rpm_blob_numbers(&blob, RPM_FILESIZES, BLOB_INT32, SIZES, COUNT);
	rpm_blob_numbers(&blob, RPM_FILEDIGESTALGO, BLOB_INT32, ALGORITHM, 1);
	assert_int_equal(open_blob(&blob, &files), 0);
	assert_true(rpm_files_next(files, &file));
	assert_true(slice_is(file.directory, "/") && slice_is(file.name, "bash"));
	assert_true(slice_is(file.user, "root") && slice_is(file.group, "wheel"));
	assert_true(slice_is(file.capabilities, "= cap_net_raw+ep") && file.link.len == 0);
	assert_int_equal(file.mode, 0104755);
	assert_int_equal(file.size, 1234);
	assert_int_equal(file.flags, RPM_FILE_CONFIG | RPM_FILE_NOREPLACE);
	assert_int_equal(file.digest_len, 32);
	assert_int_equal(file.digest[1], 0x11);
	assert_int_equal(file.digest[31], 0xff);
	assert_true(rpm_files_next(files, &file));
	assert_true(slice_is(file.directory, "/usr/bin/") && slice_is(file.link, "bash"));
	assert_int_equal(file.state, RPM_STATE_REPLACED);
	assert_int_equal(file.flags, RPM_FILE_GHOST);
	assert_int_equal(file.digest_len, 0);
	assert_true(rpm_files_next(files, &file));
	assert_true(slice_is(file.directory, "/") && file.name.len == 0);
	assert_true(slice_is(file.user, "bin") && slice_is(file.group, "sys"));
	assert_int_equal(file.mode, 040755);
	assert_int_equal(file.size, UINT32_MAX);
	assert_false(rpm_files_next(files, &file));
	assert_false(rpm_files_next(files, &file));
	rpm_files_close(files);
	rpm_blob_fini(&blob);
}

static void test_a_package_without_files_has_none(void **state)
{
	struct rpm_blob blob = {0};
	struct rpm_files *files;
	struct rpm_file file;
	(void)state;
	rpm_blob_text(&blob, RPM_NAME, "meta");
	assert_int_equal(open_blob(&blob, &files), 0);
	assert_false(rpm_files_next(files, &file));
	rpm_files_close(files);
	rpm_blob_fini(&blob);
}

static void test_what_no_file_has_is_empty(void **state)
{
	struct rpm_blob blob = {0};
	(void)state;
	put_files(&blob, 0);
	struct rpm_file file = first_of(&blob);
	assert_int_equal(file.size, 0);
	assert_int_equal(file.flags, 0);
	assert_int_equal(file.digest_len, 0);
	assert_int_equal(file.user.len + file.group.len + file.link.len + file.capabilities.len, 0);
	rpm_blob_fini(&blob);
}

static void test_long_sizes_are_taken_where_there_are_any(void **state)
{
	static const uint64_t LONG[] = {5ull << 32, 1, 2}, SHORT[] = {7, 1, 2};
	struct rpm_blob blob = {0};
	(void)state;
	put_files(&blob, 0);
	rpm_blob_numbers(&blob, RPM_FILESIZES, BLOB_INT32, SHORT, COUNT);
	rpm_blob_numbers(&blob, RPM_LONGFILESIZES, BLOB_INT64, LONG, COUNT);
	assert_true(first_of(&blob).size == 5ull << 32);
	rpm_blob_fini(&blob);
}

static void test_digests_of_old_packages_are_md5(void **state)
{
	static const char *const DIGESTS[] = {MD5, "", "", NULL};
	struct rpm_blob blob = {0};
	(void)state;
	put_files(&blob, 0);
	rpm_blob_texts(&blob, RPM_FILEDIGESTS, DIGESTS);
	struct rpm_file file = first_of(&blob);
	assert_int_equal(file.algorithm, RPM_DIGEST_MD5);
	assert_int_equal(file.digest_len, 16);
	assert_int_equal(file.digest[15], 0xff);
	rpm_blob_fini(&blob);
}

/* A digest that is not one must not pass for a shorter one. */
static void test_digests_that_do_not_fit_are_none(void **state)
{
	static const char *const LISTS[][4] = {{MD5, "", "", NULL}, {SHA256 "00", "", "", NULL},
	        {"g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "", ""}};
	static const uint64_t SHA[] = {RPM_DIGEST_SHA256}, SHA512[] = {10}, HUGE[] = {UINT32_MAX};
	static const uint64_t *const ALGORITHMS[] = {SHA, SHA512, HUGE};
	(void)state;
	for (size_t i = 0; i < 9; i++) {
		struct rpm_blob blob = {0};
		put_files(&blob, 0);
		rpm_blob_texts(&blob, RPM_FILEDIGESTS, LISTS[i % 3]);
		rpm_blob_numbers(&blob, RPM_FILEDIGESTALGO, BLOB_INT32, ALGORITHMS[i / 3], 1);
		assert_int_equal(first_of(&blob).digest_len, 0);
		rpm_blob_fini(&blob);
	}
}

static void test_lists_that_are_needed_and_absent_are_refused(void **state)
{
	static const enum rpm_tag NEEDED[] = {RPM_DIRNAMES, RPM_DIRINDEXES, RPM_FILEMODES};
	(void)state;
	for (size_t i = 0; i < sizeof(NEEDED) / sizeof(NEEDED[0]); i++) {
		struct rpm_blob blob = {0};
		put_files(&blob, NEEDED[i]);
		assert_refused(&blob, ERR_FORMAT);
	}
}

static void test_lists_of_another_length_are_refused(void **state)
{
	static const enum rpm_tag TEXTS[] = {RPM_FILEDIGESTS, RPM_FILELINKTOS, RPM_FILEUSERNAME,
	        RPM_FILEGROUPNAME, RPM_FILECAPS};
	static const enum rpm_tag NUMBERS[] = {
	        RPM_FILEFLAGS, RPM_FILESTATES, RPM_FILESIZES, RPM_LONGFILESIZES};
	static const char *const TWO[] = {"a", "b", NULL}, *const FOUR[] = {
	                                                           "a", "b", "c", "d", NULL};
	static const uint64_t ZEROS[4];
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
		struct rpm_blob blob = {0};
		put_files(&blob, 0);
		rpm_blob_texts(&blob, TEXTS[i / 2], i % 2 ? TWO : FOUR);
		assert_refused(&blob, ERR_FORMAT);
	}
	for (size_t i = 0; i < 2 * sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++) {
		struct rpm_blob blob = {0};
		put_files(&blob, 0);
		rpm_blob_numbers(&blob, NUMBERS[i / 2], BLOB_INT32, ZEROS, i % 2 ? 2 : 4);
		assert_refused(&blob, ERR_FORMAT);
	}
}

static void test_a_directory_that_there_is_not_is_refused(void **state)
{
	static const uint64_t BEYOND[] = {0, 2, 0}, FAR[] = {0, 0, UINT32_MAX};
	static const uint64_t *const LISTS[] = {BEYOND, FAR};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rpm_blob blob = {0};
		put_files(&blob, RPM_DIRINDEXES);
		rpm_blob_numbers(&blob, RPM_DIRINDEXES, BLOB_INT32, LISTS[i], COUNT);
		assert_refused(&blob, ERR_FORMAT);
	}
}

static void test_directories_that_are_no_absolute_paths_are_refused(void **state)
{
	static const char *const LISTS[][3] = {
	        {"/", "", NULL}, {"/", "usr/bin/", NULL}, {"/", "/usr/bin", NULL}};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct rpm_blob blob = {0};
		put_files(&blob, RPM_DIRNAMES);
		rpm_blob_texts(&blob, RPM_DIRNAMES, LISTS[i]);
		assert_refused(&blob, ERR_FORMAT);
	}
}

static void test_names_with_a_slash_are_refused(void **state)
{
	static const char *const NAMES[] = {"bash", "../etc/passwd", "", NULL};
	struct rpm_blob blob = {0};
	(void)state;
	put_files(&blob, RPM_BASENAMES);
	rpm_blob_texts(&blob, RPM_BASENAMES, NAMES);
	assert_refused(&blob, ERR_FORMAT);
}

/* Numbers where texts belong, and texts where numbers do. */
static void test_lists_of_another_type_are_refused_or_empty(void **state)
{
	static const uint64_t ZEROS[COUNT];
	static const char *const TEXTS[] = {"a", "b", "c", NULL};
	struct rpm_blob names = {0}, digests = {0}, modes = {0};
	(void)state;
	put_files(&names, RPM_BASENAMES);
	rpm_blob_numbers(&names, RPM_BASENAMES, BLOB_INT32, ZEROS, COUNT);
	assert_refused(&names, ERR_FORMAT);
	put_files(&digests, 0);
	rpm_blob_numbers(&digests, RPM_FILEDIGESTS, BLOB_INT32, ZEROS, COUNT);
	assert_int_equal(first_of(&digests).digest_len, 0);
	rpm_blob_fini(&digests);
	put_files(&modes, RPM_FILEMODES);
	rpm_blob_texts(&modes, RPM_FILEMODES, TEXTS);
	assert_refused(&modes, ERR_FORMAT);
}

static void test_more_files_than_the_cap_are_refused(void **state)
{
	struct rpm_blob blob = {0};
	(void)state;
	memset(buf_reserve(&blob.data, RPM_FILES_MAX + 1), 0, RPM_FILES_MAX + 1);
	blob.data.len = RPM_FILES_MAX + 1;
	rpm_blob_entry(&blob, RPM_BASENAMES, BLOB_STRINGS, 0, RPM_FILES_MAX + 1);
	assert_refused(&blob, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_each_file_is_told_with_what_is_its_own),
	        cmocka_unit_test(test_a_package_without_files_has_none),
	        cmocka_unit_test(test_what_no_file_has_is_empty),
	        cmocka_unit_test(test_long_sizes_are_taken_where_there_are_any),
	        cmocka_unit_test(test_digests_of_old_packages_are_md5),
	        cmocka_unit_test(test_digests_that_do_not_fit_are_none),
	        cmocka_unit_test(test_lists_that_are_needed_and_absent_are_refused),
	        cmocka_unit_test(test_lists_of_another_length_are_refused),
	        cmocka_unit_test(test_a_directory_that_there_is_not_is_refused),
	        cmocka_unit_test(test_directories_that_are_no_absolute_paths_are_refused),
	        cmocka_unit_test(test_names_with_a_slash_are_refused),
	        cmocka_unit_test(test_lists_of_another_type_are_refused_or_empty),
	        cmocka_unit_test(test_more_files_than_the_cap_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
