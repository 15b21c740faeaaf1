#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/model/fact.h"

static struct fact package(const char *name, const char *version)
{
	struct fact fact = {.kind = FACT_PACKAGE};
	fact.field[PACKAGE_MANAGER] = slice_text("dpkg");
	fact.field[PACKAGE_NAME] = slice_text(name);
	fact.field[PACKAGE_ARCH] = slice_text("amd64");
	fact.field[PACKAGE_VERSION] = slice_text(version);
	fact.field[PACKAGE_STATUS] = slice_text("installed");
	return fact;
}

/* Golden bytes: stores keep this form. */
static void test_the_encoded_form_stays(void **state)
{
	(void)state;
	struct fact fact = package("bash", "5.2-1");
	struct buf out = BUF_INIT;
	fact_encode(&fact, &out);
	static const char WANT[] = "\x01\x04"
	                           "dpkg\x04"
	                           "bash\x05"
	                           "amd64\x00\x05"
	                           "5.2-1\x00\x00\x09"
	                           "installed";
	assert_true(slice_equal(buf_slice(&out), slice_of(WANT, sizeof(WANT) - 1)));
	struct fact back;
	assert_int_equal(fact_decode(buf_slice(&out), &back), 0);
	assert_true(fact_equal(&fact, &back));
	buf_fini(&out);
}

static void test_every_cut_and_every_rest_is_refused(void **state)
{
	(void)state;
	struct fact fact = package("bash", "5.2-1"), back;
	struct buf out = BUF_INIT;
	fact_encode(&fact, &out);
	for (size_t len = 0; len < out.len; len++)
		assert_int_equal(fact_decode(slice_of(out.data, len), &back), ERR_FORMAT);
	buf_append_byte(&out, 0);
	assert_int_equal(fact_decode(buf_slice(&out), &back), ERR_FORMAT);
	buf_fini(&out);
}

static void test_fields_that_came_later_are_written_up_to_the_last(void **state)
{
	(void)state;
	struct fact fact = package("bash", "5.2-1"), back;
	struct buf out = BUF_INIT;
	fact.field[PACKAGE_HOLD] = slice_text("hold");
	fact_encode(&fact, &out);
	assert_int_equal(fact_decode(buf_slice(&out), &back), 0);
	assert_true(fact_equal(&fact, &back));
	/* The empty ones in between are written, those behind are not. */
	static const char END[] = "\x09installed\x00\x00\x04hold";
	size_t len = sizeof(END) - 1;
	assert_memory_equal(out.data + out.len - len, END, len);
	buf_append_byte(&out, 0);
	assert_int_equal(fact_decode(buf_slice(&out), &back), ERR_FORMAT);
	buf_fini(&out);
}

static void test_only_one_form_of_a_fact_is_taken(void **state)
{
	(void)state;
	struct fact back;
	assert_int_equal(fact_decode(slice_of("\x05\x01k\x01v", 5), &back), 0);
	assert_true(slice_is(back.field[PAIR_VALUE], "v"));
	/* The length 1 in two bytes. */
	assert_int_equal(fact_decode(slice_of("\x05\x81\x00k\x01v", 6), &back), ERR_FORMAT);
	/* A NUL byte in the key would make two facts share one. */
	assert_int_equal(fact_decode(slice_of("\x05\x02k\x00\x01v", 6), &back), ERR_FORMAT);
	assert_int_equal(fact_decode(slice_of("\x05\x01k\x01\x00", 5), &back), 0);
	assert_int_equal(fact_decode(slice_of("\x00\x01k\x01v", 5), &back), ERR_FORMAT);
	assert_int_equal(fact_decode(slice_of("\x11\x01k\x01v", 5), &back), ERR_FORMAT);
}

static void test_a_field_has_a_largest_length(void **state)
{
	(void)state;
	static uint8_t large[FACT_FIELD_BYTES + 1];
	struct fact fact = {.kind = FACT_LABEL}, back;
	fact.field[PAIR_NAME] = slice_text("k");
	fact.field[PAIR_VALUE] = slice_of(large, FACT_FIELD_BYTES);
	struct buf out = BUF_INIT;
	fact_encode(&fact, &out);
	assert_int_equal(fact_decode(buf_slice(&out), &back), 0);
	buf_reset(&out);
	fact.field[PAIR_VALUE].len++;
	fact_encode(&fact, &out);
	assert_int_equal(fact_decode(buf_slice(&out), &back), ERR_FORMAT);
	assert_false(fact_is_valid(&fact));
	buf_fini(&out);
}

static bool same_key(const struct fact *a, const struct fact *b)
{
	uint8_t key_a[FACT_KEY_MAX], key_b[FACT_KEY_MAX];
	size_t len_a = fact_key(a, key_a), len_b = fact_key(b, key_b);
	assert_in_range(len_a, 1, FACT_KEY_MAX);
	return slice_equal(slice_of(key_a, len_a), slice_of(key_b, len_b));
}

static void test_the_key_is_that_of_the_key_fields(void **state)
{
	(void)state;
	struct fact a = package("bash", "1"), b = package("bash", "2"), c = package("bas", "1");
	assert_true(same_key(&a, &b));
	assert_false(same_key(&a, &c));
	assert_false(fact_equal(&a, &b));
	c.field[PACKAGE_ARCH] = slice_text("hamd64"); /* "bas" "hamd64" is not "bash" "amd64" */
	assert_false(same_key(&a, &c));
	uint8_t key[FACT_KEY_MAX];
	size_t len = fact_key(&a, key);
	assert_int_equal(len, 18);
	assert_memory_equal(key,
	        "\x01"
	        "dpkg\0bash\0amd64\0\0",
	        18);
	struct fact os = {.kind = FACT_OS};
	assert_int_equal(fact_key(&os, key), 1);
	assert_int_equal(key[0], FACT_OS);
}

static void test_long_keys_differ_by_every_byte(void **state)
{
	(void)state;
	char name[3000];
	memset(name, 'n', sizeof(name));
	struct fact a = package("", "1"), b = a;
	for (size_t len = 235; len < 255; len++) { /* across the limit */
		a.field[PACKAGE_NAME] = slice_of(name, len);
		b.field[PACKAGE_NAME] = slice_of(name, len + 1);
		assert_true(same_key(&a, &a));
		assert_false(same_key(&a, &b));
	}
	char other[sizeof(name)];
	memcpy(other, name, sizeof(name));
	other[2999] = 'x';
	a.field[PACKAGE_NAME] = slice_of(name, sizeof(name));
	b.field[PACKAGE_NAME] = slice_of(other, sizeof(other));
	assert_false(same_key(&a, &b));
	uint8_t key[FACT_KEY_MAX];
	assert_int_equal(fact_key(&a, key), 1 + 100 + 32);
	assert_memory_equal(key,
	        "\x01"
	        "dpkg\0nnnn",
	        10);
}

static void test_a_copy_stands_on_its_own(void **state)
{
	(void)state;
	char name[] = "bash";
	struct fact fact = package(name, "1"), copy;
	struct arena *arena = arena_new(1000);
	assert_int_equal(fact_copy(&fact, arena, &copy), 0);
	assert_true(fact_equal(&fact, &copy));
	name[0] = 'd';
	assert_true(slice_is(copy.field[PACKAGE_NAME], "bash"));
	struct arena *small = arena_new(20);
	assert_int_equal(fact_copy(&fact, small, &copy), ERR_LIMIT);
	arena_free(small);
	arena_free(arena);
}

static void test_kinds_and_fields_have_names(void **state)
{
	(void)state;
	enum fact_kind back;
	for (unsigned kind = 1; kind <= FACT_KIND_MAX; kind++) {
		assert_true(
		        fact_kind_parse(slice_text(fact_kind_name((enum fact_kind)kind)), &back));
		assert_int_equal(back, kind);
	}
	assert_false(fact_kind_parse(slice_text("file"), &back));
	assert_null(fact_kind_name((enum fact_kind)0));
	assert_null(fact_kind_name((enum fact_kind)(FACT_KIND_MAX + 1)));
	assert_int_equal(fact_field_count(FACT_PACKAGE), PACKAGE_OWNER + 1);
	assert_int_equal(fact_field_count(FACT_KERNEL), KERNEL_PACKAGE + 1);
	assert_int_equal(fact_field_count(FACT_OS), OS_PRETTY_NAME + 1);
	assert_int_equal(fact_field_count(FACT_HOST), PAIR_VALUE + 1);
	assert_int_equal(fact_field_count((enum fact_kind)0), 0);
	assert_string_equal(
	        fact_field_name(FACT_PACKAGE, PACKAGE_SOURCE_VERSION), "source_version");
	assert_string_equal(fact_field_name(FACT_OS, OS_CODENAME), "codename");
	assert_null(fact_field_name(FACT_LABEL, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_encoded_form_stays),
	        cmocka_unit_test(test_every_cut_and_every_rest_is_refused),
	        cmocka_unit_test(test_only_one_form_of_a_fact_is_taken),
	        cmocka_unit_test(test_fields_that_came_later_are_written_up_to_the_last),
	        cmocka_unit_test(test_a_field_has_a_largest_length),
	        cmocka_unit_test(test_the_key_is_that_of_the_key_fields),
	        cmocka_unit_test(test_long_keys_differ_by_every_byte),
	        cmocka_unit_test(test_a_copy_stands_on_its_own),
	        cmocka_unit_test(test_kinds_and_fields_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
