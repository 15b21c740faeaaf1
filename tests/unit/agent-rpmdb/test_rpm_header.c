#include "agent/rpmdb/rpm_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/unit/agent-rpmdb/rpm_blob.h"

/* A copy of the exact size, so that a sanitizer sees what is read beyond it. */
static int open_exactly(struct slice bytes, struct rpm_header *out, uint8_t **out_copy)
{
	struct reason why = {""};
	*out_copy = malloc(bytes.len > 0 ? bytes.len : 1);
	assert_non_null(*out_copy);
	if (bytes.len > 0)
		memcpy(*out_copy, bytes.ptr, bytes.len);
	int rc = rpm_header_open(slice_of(*out_copy, bytes.len), out, &why);
	assert_true(rc == 0 || why.text[0] != '\0');
	return rc;
}

static int open_and_forget(struct slice bytes)
{
	struct rpm_header header;
	uint8_t *copy;
	int rc = open_exactly(bytes, &header, &copy);
	free(copy);
	return rc;
}

static void assert_refused(struct rpm_blob *blob)
{
	assert_int_equal(open_and_forget(rpm_blob_bytes(blob)), ERR_FORMAT);
	rpm_blob_fini(blob);
}

static void put_ordinary(struct rpm_blob *blob)
{
	static const char *const NAMES[] = {"bash", "", "sh", NULL};
	static const uint64_t EPOCH[] = {7}, SIZES[] = {1, UINT64_MAX}, MODES[] = {0100755, 040755};
	rpm_blob_text(blob, RPM_NAME, "bash");
	rpm_blob_numbers(blob, RPM_EPOCH, BLOB_INT32, EPOCH, 1);
	rpm_blob_numbers(blob, RPM_LONGFILESIZES, BLOB_INT64, SIZES, 2);
	rpm_blob_numbers(blob, RPM_FILEMODES, BLOB_INT16, MODES, 2);
	rpm_blob_texts(blob, RPM_BASENAMES, NAMES);
	rpm_blob_put(blob, RPM_VENDOR, BLOB_I18NSTRING, 2, "one\0two", 8);
}

static void test_numbers_of_every_width_are_read(void **state)
{
	struct rpm_blob blob = {0};
	struct rpm_header header;
	uint64_t number = 99;
	(void)state;
	put_ordinary(&blob);
	assert_int_equal(rpm_header_open(rpm_blob_bytes(&blob), &header, NULL), 0);
	assert_true(rpm_header_number(&header, RPM_EPOCH, 0, &number));
	assert_int_equal(number, 7);
	assert_true(rpm_header_number(&header, RPM_LONGFILESIZES, 1, &number));
	assert_true(number == UINT64_MAX);
	assert_true(rpm_header_number(&header, RPM_FILEMODES, 0, &number));
	assert_int_equal(number, 0100755);
	assert_false(rpm_header_number(&header, RPM_FILEMODES, 2, &number));
	assert_int_equal(number, 0100755);
	assert_int_equal(rpm_header_count(&header, RPM_FILEMODES), 2);
	rpm_blob_fini(&blob);
}

static void test_numbers_found_once_are_the_same(void **state)
{
	struct rpm_blob blob = {0};
	struct rpm_header header;
	(void)state;
	put_ordinary(&blob);
	assert_int_equal(rpm_header_open(rpm_blob_bytes(&blob), &header, NULL), 0);
	struct rpm_numbers modes = rpm_header_numbers(&header, RPM_FILEMODES);
	assert_int_equal(modes.count, 2);
	assert_int_equal(rpm_numbers_at(&modes, 1), 040755);
	assert_int_equal(rpm_numbers_at(&modes, 2), 0);
	struct rpm_numbers absent = rpm_header_numbers(&header, RPM_FILESTATES);
	assert_int_equal(absent.count, 0);
	assert_int_equal(rpm_numbers_at(&absent, 0), 0);
	assert_int_equal(rpm_header_numbers(&header, RPM_NAME).count, 0);
	rpm_blob_fini(&blob);
}

static void test_lists_of_texts_keep_empty_ones(void **state)
{
	struct rpm_blob blob = {0};
	struct rpm_header header;
	struct slice text;
	(void)state;
	put_ordinary(&blob);
	assert_int_equal(rpm_header_open(rpm_blob_bytes(&blob), &header, NULL), 0);
	struct rpm_texts texts = rpm_header_texts(&header, RPM_BASENAMES);
	assert_true(rpm_texts_next(&texts, &text) && slice_is(text, "bash"));
	assert_true(rpm_texts_next(&texts, &text) && text.len == 0);
	assert_true(rpm_texts_next(&texts, &text) && slice_is(text, "sh"));
	assert_false(rpm_texts_next(&texts, &text));
	assert_true(rpm_header_text(&header, RPM_VENDOR, &text) && slice_is(text, "one"));
	rpm_blob_fini(&blob);
}

static void test_a_question_of_another_type_has_no_answer(void **state)
{
	struct rpm_blob blob = {0};
	struct rpm_header header;
	struct slice text;
	uint64_t number;
	(void)state;
	put_ordinary(&blob);
	assert_int_equal(rpm_header_open(rpm_blob_bytes(&blob), &header, NULL), 0);
	assert_false(rpm_header_number(&header, RPM_NAME, 0, &number));
	assert_false(rpm_header_text(&header, RPM_EPOCH, &text));
	assert_false(rpm_header_text(&header, RPM_RELEASE, &text));
	assert_int_equal(rpm_header_count(&header, RPM_RELEASE), 0);
	rpm_blob_fini(&blob);
}

/* What rpm adds at installation stands behind what the package brought, and replaces it. */
static void test_of_two_entries_the_last_one_counts(void **state)
{
	struct rpm_blob blob = {0};
	struct rpm_header header;
	struct slice text;
	(void)state;
	rpm_blob_text(&blob, RPM_VENDOR, "first");
	rpm_blob_text(&blob, RPM_VENDOR, "second");
	assert_int_equal(rpm_header_open(rpm_blob_bytes(&blob), &header, NULL), 0);
	assert_true(rpm_header_text(&header, RPM_VENDOR, &text) && slice_is(text, "second"));
	rpm_blob_fini(&blob);
}

static void test_a_header_cut_anywhere_is_refused(void **state)
{
	struct rpm_blob blob = {0};
	(void)state;
	put_ordinary(&blob);
	struct slice whole = rpm_blob_bytes(&blob);
	for (size_t len = 0; len < whole.len; len++)
		assert_int_equal(open_and_forget(slice_of(whole.ptr, len)), ERR_FORMAT);
	assert_int_equal(open_and_forget(whole), 0);
	rpm_blob_fini(&blob);
}

static void test_a_header_of_nothing_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_and_forget(slice_of("\0\0\0\0\0\0\0\0", 8)), ERR_FORMAT);
}

static void test_sizes_beyond_the_caps_are_refused_before_they_are_used(void **state)
{
	static const uint32_t SIZES[][2] = {{RPM_ENTRIES_MAX + 1, 0}, {1, RPM_DATA_MAX + 1},
	        {UINT32_MAX, UINT32_MAX}, {0x10000001, 16}, {1, UINT32_MAX}};
	(void)state;
	for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
		struct buf bytes = BUF_INIT;
		buf_append_u32(&bytes, SIZES[i][0]);
		buf_append_u32(&bytes, SIZES[i][1]);
		buf_append(&bytes, (uint8_t[64]){0}, 64);
		assert_int_equal(open_and_forget(buf_slice(&bytes)), ERR_FORMAT);
		buf_fini(&bytes);
	}
}

static void test_offsets_beyond_the_data_are_refused(void **state)
{
	static const uint32_t OFFSETS[] = {5, 0x7fffffff, 0x80000000, UINT32_MAX, UINT32_MAX - 3};
	(void)state;
	for (size_t i = 0; i < sizeof(OFFSETS) / sizeof(OFFSETS[0]); i++) {
		for (uint32_t type = BLOB_CHAR; type <= BLOB_I18NSTRING; type++) {
			struct rpm_blob blob = {0};
			buf_append(&blob.data, "\0\0\0\0", 4);
			rpm_blob_entry(&blob, RPM_NAME, type, OFFSETS[i], 1);
			assert_refused(&blob);
		}
	}
}

/* A count times its width goes once around 32 bits and comes to 0 or 8. */
static void test_counts_that_overflow_are_refused(void **state)
{
	static const uint32_t COUNTS[][2] = {{BLOB_INT64, 0x20000000}, {BLOB_INT64, 0x20000001},
	        {BLOB_INT32, 0x40000000}, {BLOB_INT32, 0x40000002}, {BLOB_INT16, 0x80000000},
	        {BLOB_INT16, 0x80000004}, {BLOB_BIN, UINT32_MAX}, {BLOB_CHAR, 9},
	        {BLOB_STRINGS, UINT32_MAX}, {BLOB_STRINGS, 9}, {BLOB_INT32, 3}, {BLOB_INT64, 2},
	        {BLOB_INT16, 5}};
	(void)state;
	for (size_t i = 0; i < sizeof(COUNTS) / sizeof(COUNTS[0]); i++) {
		struct rpm_blob blob = {0};
		buf_append(&blob.data, "\0\0\0\0\0\0\0\0", 8);
		rpm_blob_entry(&blob, RPM_FILESIZES, COUNTS[i][0], 0, COUNTS[i][1]);
		assert_refused(&blob);
	}
}

static void test_an_entry_without_values_is_refused(void **state)
{
	struct rpm_blob blob = {0};
	(void)state;
	rpm_blob_put(&blob, RPM_FILESIZES, BLOB_INT32, 0, "\0\0\0\0", 4);
	assert_refused(&blob);
}

static void test_types_that_there_are_not_are_refused(void **state)
{
	static const uint32_t TYPES[] = {BLOB_NULL, BLOB_I18NSTRING + 1, UINT32_MAX};
	(void)state;
	for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
		struct rpm_blob blob = {0};
		rpm_blob_put(&blob, RPM_NAME, TYPES[i], 1, "\0\0\0\0", 4);
		assert_refused(&blob);
	}
}

static void test_texts_without_an_end_are_refused(void **state)
{
	struct rpm_blob one = {0}, list = {0}, none = {0};
	(void)state;
	rpm_blob_put(&one, RPM_NAME, BLOB_STRING, 1, "bash", 4);
	assert_refused(&one);
	rpm_blob_put(&list, RPM_BASENAMES, BLOB_STRINGS, 2, "one\0two", 7);
	assert_refused(&list);
	rpm_blob_put(&none, RPM_NAME, BLOB_STRING, 1, "", 0);
	assert_refused(&none);
}

/* All entries name the same megabyte: it would be gone through sixty thousand times. */
static void test_texts_that_overlap_without_end_are_refused(void **state)
{
	enum { BYTES = 1 << 20, ENTRIES = 60000 };
	struct rpm_blob blob = {0};
	(void)state;
	memset(buf_reserve(&blob.data, BYTES), 'a', BYTES);
	blob.data.len = BYTES;
	blob.data.data[BYTES - 1] = '\0';
	for (uint32_t i = 0; i < ENTRIES; i++)
		rpm_blob_entry(&blob, 1000 + i, BLOB_STRING, 0, 1);
	assert_refused(&blob);
}

static void test_values_that_overlap_are_read_where_they_stand(void **state)
{
	struct rpm_blob blob = {0};
	struct rpm_header header;
	struct slice text;
	uint64_t number;
	(void)state;
	rpm_blob_text(&blob, RPM_NAME, "bash");
	rpm_blob_entry(&blob, RPM_VERSION, BLOB_STRING, 2, 1);
	rpm_blob_entry(&blob, RPM_EPOCH, BLOB_INT32, 0, 1);
	assert_int_equal(rpm_header_open(rpm_blob_bytes(&blob), &header, NULL), 0);
	assert_true(rpm_header_text(&header, RPM_VERSION, &text) && slice_is(text, "sh"));
	assert_true(rpm_header_number(&header, RPM_EPOCH, 0, &number));
	assert_int_equal(number, 0x62617368);
	rpm_blob_fini(&blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_numbers_of_every_width_are_read),
	        cmocka_unit_test(test_numbers_found_once_are_the_same),
	        cmocka_unit_test(test_lists_of_texts_keep_empty_ones),
	        cmocka_unit_test(test_a_question_of_another_type_has_no_answer),
	        cmocka_unit_test(test_of_two_entries_the_last_one_counts),
	        cmocka_unit_test(test_a_header_cut_anywhere_is_refused),
	        cmocka_unit_test(test_a_header_of_nothing_is_refused),
	        cmocka_unit_test(test_sizes_beyond_the_caps_are_refused_before_they_are_used),
	        cmocka_unit_test(test_offsets_beyond_the_data_are_refused),
	        cmocka_unit_test(test_counts_that_overflow_are_refused),
	        cmocka_unit_test(test_an_entry_without_values_is_refused),
	        cmocka_unit_test(test_types_that_there_are_not_are_refused),
	        cmocka_unit_test(test_texts_without_an_end_are_refused),
	        cmocka_unit_test(test_texts_that_overlap_without_end_are_refused),
	        cmocka_unit_test(test_values_that_overlap_are_read_where_they_stand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
