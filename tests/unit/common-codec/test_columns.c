#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/codec/columns.h"

#define ROWS_MAX 1000

static struct buf column;
static uint8_t *exact[FACT_FIELDS_MAX]; /* see unpack */

static int begin(void **state)
{
	(void)state;
	column = BUF_INIT;
	return 0;
}

static int end(void **state)
{
	(void)state;
	buf_fini(&column);
	for (unsigned field = 0; field < FACT_FIELDS_MAX; field++) {
		free(exact[field]);
		exact[field] = NULL;
	}
	return 0;
}

static void pack(const struct fact *facts, size_t count, unsigned field)
{
	buf_reset(&column);
	columns_pack(facts, count, field, &column);
}

/* From memory that ends where the column ends, so that a byte read too far is seen; it is kept, for
 * what is unpacked is borrowed from it. */
static int unpack(struct slice bytes, unsigned field, struct fact *facts, size_t count)
{
	free(exact[field]);
	exact[field] = malloc(bytes.len ? bytes.len : 1);
	if (bytes.len > 0)
		memcpy(exact[field], bytes.ptr, bytes.len);
	return columns_unpack(slice_of(exact[field], bytes.len), field, facts, count);
}

static int unpack_bytes(const char *bytes, size_t len, unsigned field, size_t count)
{
	static struct fact facts[4];
	return unpack(slice_of(bytes, len), field, facts, count);
}

/* All fields of all facts there and back. */
static void assert_back(const struct fact *facts, size_t count)
{
	static struct fact back[ROWS_MAX];
	memset(back, 0, sizeof(back));
	for (unsigned field = 0; field < FACT_FIELDS_MAX; field++) {
		pack(facts, count, field);
		assert_int_equal(unpack(buf_slice(&column), field, back, count), 0);
	}
	for (size_t i = 0; i < count; i++) {
		back[i].kind = facts[i].kind;
		assert_true(fact_equal(&facts[i], &back[i]));
	}
}

static struct fact row(const char *a, const char *b, const char *c)
{
	return (struct fact){
	        .kind = FACT_PACKAGE, .field = {slice_text(a), slice_text(b), slice_text(c)}};
}

/* --- there and back --------------------------------------------------------------------------- */

static void test_values_of_every_form_come_back(void **state)
{
	(void)state;
	struct fact facts[] = {row("", "", ""), row("dpkg", "libssl3", "libssl3"),
	        row("dpkg", "libssl-dev", "libssl3"), row("dpkg", "libssl", ""),
	        row("", "libssl", "libssl"), row("rpm", "", "rpm"), row("rpm", "rpmlib", "")};
	assert_back(facts, sizeof(facts) / sizeof(facts[0]));
	assert_back(facts, 1);
	assert_back(facts, 0);
}

static void test_bytes_of_any_value_and_the_longest_come_back(void **state)
{
	(void)state;
	static uint8_t large[2][FACT_FIELD_BYTES];
	struct fact facts[3] = {0};
	for (size_t i = 0; i < FACT_FIELD_BYTES; i++)
		large[0][i] = large[1][i] = (uint8_t)i;
	large[1][FACT_FIELD_BYTES - 1] ^= 1;
	facts[0].field[0] = slice_of(large[0], FACT_FIELD_BYTES);
	facts[1].field[0] = slice_of(large[1], FACT_FIELD_BYTES);
	facts[2].field[0] = slice_of(large[1], FACT_FIELD_BYTES - 1);
	facts[2].field[1] = slice_of("\0", 1);
	assert_back(facts, 3);
}

static void test_random_rows_come_back(void **state)
{
	(void)state;
	static struct fact facts[ROWS_MAX];
	static const char letters[] = "aaaaaaaaab";
	srand(1);
	memset(facts, 0, sizeof(facts));
	for (size_t i = 0; i < ROWS_MAX; i++)
		for (unsigned field = 0; field < FACT_FIELDS_MAX; field++)
			facts[i].field[field] = slice_of(letters, (size_t)rand() % sizeof(letters));
	assert_back(facts, ROWS_MAX);
}

static void test_what_repeats_is_a_byte(void **state)
{
	(void)state;
	static struct fact facts[ROWS_MAX];
	for (size_t i = 0; i < ROWS_MAX; i++)
		facts[i] = row("dpkg", "openssl", "openssl");
	pack(facts, ROWS_MAX, 0);
	assert_int_equal(column.len, ROWS_MAX - 1 + 1 + 4);
	pack(facts, ROWS_MAX, 2);
	assert_int_equal(column.len, ROWS_MAX);
}

/* The wire keeps it: literals, the row before, another field of the row. */
static void test_golden_columns_have_not_changed(void **state)
{
	(void)state;
	static const struct {
		unsigned field;
		const char *bytes;
		size_t len;
	} rows[] = {
	        {0,
	                "\x14"
	                "dpkg\x00\x10\x13"
	                "rpm",
	                11},
	        {1,
	                "\x14"
	                "libc\x18"
	                "libkrb-5\x13"
	                "lib\x01",
	                19},
	        {2, "\x10\x02\x01\x01", 4},
	};
	struct fact facts[] = {row("dpkg", "libc", ""), row("dpkg", "libkrb-5", "libkrb-5"),
	        row("", "lib", ""), row("rpm", "rpm", "rpm")};
	for (size_t i = 0; i < 3; i++) {
		pack(facts, 4, rows[i].field);
		assert_int_equal(column.len, rows[i].len);
		assert_memory_equal(column.data, rows[i].bytes, rows[i].len);
	}
}

static void test_golden_columns_of_what_is_alike_have_not_changed(void **state)
{
	(void)state;
	/* The versions 1.753 and 3.0.9-1 have one place in the memory. */
	struct fact facts[] = {row("libssl3", "3.0.9-1", "openssl"), row("openssl", "2.9", "ssl9"),
	        row("ssl", "3.0.9-1", "openssl"), row("libkrb-5", "1.753", "libkrb"),
	        row("ssl-dev", "3.0.9-1", "openssl")};
	static const char sources[] = "\x17"
	                              "openssl\x14"
	                              "ssl9\x0d\x0e\x00\x02\x17"
	                              "openssl";
	pack(facts, 5, 2);
	assert_int_equal(column.len, sizeof(sources) - 1);
	assert_memory_equal(column.data, sources, sizeof(sources) - 1);
	assert_back(facts, 5);
}

/* --- what is refused -------------------------------------------------------------------------- */

static void test_every_cut_and_every_byte_too_many_is_refused(void **state)
{
	(void)state;
	static struct fact back[8];
	struct fact facts[] = {row("dpkg", "libssl3", "x"), row("dpkg", "libssl-dev", "dpkg"),
	        row("rpm", "libssl", "libssl")};
	for (unsigned field = 0; field < 3; field++) {
		pack(facts, 3, field);
		memcpy(back, facts, sizeof(facts));
		for (size_t len = 0; len < column.len; len++)
			assert_int_equal(
			        unpack(slice_of(column.data, len), field, back, 3), ERR_FORMAT);
		assert_int_equal(unpack(buf_slice(&column), field, back, 2), ERR_FORMAT);
		assert_int_equal(unpack(buf_slice(&column), field, back, 4), ERR_FORMAT);
		assert_int_equal(unpack(buf_slice(&column), field, back, 3), 0);
	}
}

static void test_tags_that_mean_nothing_are_refused(void **state)
{
	(void)state;
	for (unsigned tag = 1; tag < 16; tag++) {
		char byte = (char)tag;
		for (unsigned field = 0; field < FACT_FIELDS_MAX; field++)
			assert_int_equal(
			        unpack_bytes(&byte, 1, field, 1), tag <= field ? 0 : ERR_FORMAT);
	}
	/* a varint without end, and one beyond 64 bits */
	assert_int_equal(unpack_bytes("\x80", 1, 0, 1), ERR_FORMAT);
	assert_int_equal(
	        unpack_bytes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00", 11, 0, 1), ERR_FORMAT);
}

static void test_a_row_that_is_not_remembered_is_refused(void **state)
{
	(void)state;
	struct fact same[] = {row("a", "", ""), row("a", "", "")};
	struct fact others[] = {row("a", "", ""), row("b", "", "")};
	assert_int_equal(unpack(slice_of("\x11x\x0d", 3), 1, same, 2), 0);
	assert_true(slice_is(same[1].field[1], "x"));
	assert_int_equal(unpack(slice_of("\x11x\x0d", 3), 1, others, 2), ERR_FORMAT);
	assert_int_equal(unpack(slice_of("\x0d\x00", 2), 1, same, 2), ERR_FORMAT);
	assert_int_equal(unpack(slice_of("\x0d\x0d", 2), 0, same, 2), ERR_FORMAT);
}

static void test_a_beginning_of_what_is_not_there_is_refused(void **state)
{
	(void)state;
	struct fact facts[] = {row("abc", "", "")};
	assert_int_equal(unpack(slice_of("\x0e\x00\x01", 3), 1, facts, 1), 0);
	assert_true(slice_is(facts[0].field[1], "ab"));
	assert_int_equal(unpack(slice_of("\x0e\x00\x00", 3), 1, facts, 1), 0);
	assert_true(slice_is(facts[0].field[1], "abc"));
	assert_int_equal(unpack(slice_of("\x0e\x00\x02", 3), 1, facts, 1), ERR_FORMAT);
	assert_int_equal(unpack(slice_of("\x0e\x00\x04", 3), 1, facts, 1), ERR_FORMAT);
	assert_int_equal(unpack(slice_of("\x0e\x01\x01", 3), 1, facts, 1), ERR_FORMAT);
	assert_int_equal(unpack(slice_of("\x0e\x00", 2), 1, facts, 1), ERR_FORMAT);
	assert_int_equal(unpack(slice_of("\x0e", 1), 1, facts, 1), ERR_FORMAT);
}

static void test_a_value_above_its_limit_is_refused(void **state)
{
	(void)state;
	static struct fact back[2];
	static uint8_t large[FACT_FIELD_BYTES + 1];
	struct fact facts[1] = {0};
	facts[0].field[0] = slice_of(large, FACT_FIELD_BYTES + 1);
	pack(facts, 1, 0);
	assert_int_equal(unpack(buf_slice(&column), 0, back, 1), ERR_FORMAT);
	facts[0].field[0] = slice_of(large, FACT_FIELD_BYTES);
	pack(facts, 1, 0);
	assert_int_equal(unpack(buf_slice(&column), 0, back, 1), 0);
	/* a tag that wraps around when 16 is taken off */
	assert_int_equal(
	        unpack_bytes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 11, 0, 1), ERR_FORMAT);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_values_of_every_form_come_back),
	        CASE(test_bytes_of_any_value_and_the_longest_come_back),
	        CASE(test_random_rows_come_back),
	        CASE(test_what_repeats_is_a_byte),
	        CASE(test_golden_columns_have_not_changed),
	        CASE(test_golden_columns_of_what_is_alike_have_not_changed),
	        CASE(test_every_cut_and_every_byte_too_many_is_refused),
	        CASE(test_tags_that_mean_nothing_are_refused),
	        CASE(test_a_row_that_is_not_remembered_is_refused),
	        CASE(test_a_beginning_of_what_is_not_there_is_refused),
	        CASE(test_a_value_above_its_limit_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
