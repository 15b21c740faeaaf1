#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "common/base/err.h"
#include "common/model/section.h"

static struct section_sum sum_of(const char *const *texts, size_t count)
{
	struct section_sum sum = {0};
	for (size_t i = 0; i < count; i++)
		section_sum_add(&sum, slice_text(texts[i]));
	return sum;
}

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
	char text[2 * 64 + 1];
	assert_true(len <= 64);
	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(text, hex);
}

/* --- sums ------------------------------------------------------------------------------------- */

static void test_a_sum_does_not_depend_on_the_order(void **state)
{
	(void)state;
	static const char *const forth[] = {"one", "two", "three"}, *const back[] = {
	                                                                    "three", "one", "two"};
	struct section_sum a = sum_of(forth, 3), b = sum_of(back, 3);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(a.count, 3);
}

static void test_taking_undoes_adding(void **state)
{
	(void)state;
	static const char *const texts[] = {"one", "two", "three"};
	struct section_sum before = sum_of(texts, 2), after = sum_of(texts, 3), none = {0};
	assert_memory_not_equal(before.lane, after.lane, sizeof(before.lane));
	section_sum_take(&after, slice_text("three"));
	assert_memory_equal(&before, &after, sizeof(before));
	section_sum_take(&after, slice_text("one"));
	section_sum_take(&after, slice_text("two"));
	assert_memory_equal(&after, &none, sizeof(none));
}

/* One that is there twice must not cancel itself out, as with exclusive or. */
static void test_the_same_twice_is_another_sum_than_none(void **state)
{
	(void)state;
	static const char *const texts[] = {"one", "one"};
	struct section_sum twice = sum_of(texts, 2), once = sum_of(texts, 1), none = {0};
	assert_memory_not_equal(twice.lane, none.lane, sizeof(none.lane));
	assert_memory_not_equal(twice.lane, once.lane, sizeof(none.lane));
}

/* Stores keep it. Python, for each lane i:
 * sum(int(sha256(t).hexdigest()[16*i:16*i+16], 16)) % 2**64 */
static void test_golden_sum_has_not_changed(void **state)
{
	(void)state;
	static const char *const texts[] = {"one", "two", "three"};
	struct section_sum sum = sum_of(texts, 3), again;
	struct buf out = BUF_INIT;
	section_sum_append(&sum, &out);
	assert_int_equal(out.len, SECTION_SUM_BYTES);
	assert_hex(out.data, out.len,
	        "41b32e5c6ad6dea453a3d45717c166f960ceda3a926078e8c2ca726c7b4d6a3f0000000000000003");
	assert_int_equal(section_sum_read(buf_slice(&out), &again), 0);
	assert_memory_equal(&again, &sum, sizeof(sum));
	buf_fini(&out);
}

static void test_bytes_that_are_no_sum_are_refused(void **state)
{
	(void)state;
	static const uint8_t bytes[SECTION_SUM_BYTES + 1];
	struct section_sum sum = {.count = 7};
	for (size_t len = 0; len <= SECTION_SUM_BYTES + 1; len++)
		if (len != SECTION_SUM_BYTES)
			assert_int_equal(section_sum_read(slice_of(bytes, len), &sum), ERR_FORMAT);
	assert_int_equal(sum.count, 7);
}

/* --- the root --------------------------------------------------------------------------------- */

static void root_with(enum fact_kind kind, const char *text, uint8_t out[SECTION_ROOT_BYTES])
{
	struct section_sum sums[FACT_KIND_MAX + 1] = {0};
	if (text)
		section_sum_add(&sums[kind], slice_text(text));
	section_root(sums, out);
}

static void test_the_root_tells_kinds_apart_and_leaves_labels_out(void **state)
{
	(void)state;
	uint8_t none[SECTION_ROOT_BYTES], a[SECTION_ROOT_BYTES], b[SECTION_ROOT_BYTES];
	root_with(FACT_OS, NULL, none);
	root_with(FACT_OS, "one", a);
	root_with(FACT_HOST, "one", b);
	assert_memory_not_equal(a, none, SECTION_ROOT_BYTES);
	assert_memory_not_equal(a, b, SECTION_ROOT_BYTES);
	root_with(FACT_LABEL, "one", a);
	assert_memory_equal(a, none, SECTION_ROOT_BYTES);
	for (unsigned kind = 0; kind <= FACT_KIND_MAX + 1; kind++)
		assert_int_equal(section_is_synced((enum fact_kind)kind),
		        kind > 0 && kind <= FACT_KIND_MAX && kind != FACT_LABEL);
}

static void test_a_section_that_became_empty_counts_as_one_that_never_was(void **state)
{
	(void)state;
	struct section_sum sums[FACT_KIND_MAX + 1] = {0};
	uint8_t none[SECTION_ROOT_BYTES], root[SECTION_ROOT_BYTES];
	section_root(sums, none);
	section_sum_add(&sums[FACT_OS], slice_text("one"));
	section_sum_take(&sums[FACT_OS], slice_text("one"));
	section_root(sums, root);
	assert_memory_equal(root, none, SECTION_ROOT_BYTES);
}

/* The two sides need not be of one version.
 * Python: sha256(kind byte + sum, for each kind).digest()[:16] */
static void test_golden_root_has_not_changed(void **state)
{
	(void)state;
	struct section_sum sums[FACT_KIND_MAX + 1] = {0};
	uint8_t root[SECTION_ROOT_BYTES];
	section_root(sums, root);
	assert_hex(root, SECTION_ROOT_BYTES, "e3b0c44298fc1c149afbf4c8996fb924");
	section_sum_add(&sums[FACT_PACKAGE], slice_text("one"));
	section_sum_add(&sums[FACT_INSTALL], slice_text("two"));
	section_sum_add(&sums[FACT_LABEL], slice_text("three"));
	section_root(sums, root);
	assert_hex(root, SECTION_ROOT_BYTES, "c94e22f2f03bf806482777e184b3512a");
}

/* --- buckets ---------------------------------------------------------------------------------- */

static void test_golden_bucket_counts_have_not_changed(void **state)
{
	(void)state;
	static const struct {
		enum fact_kind kind;
		uint64_t facts;
		unsigned count;
	} rows[] = {
	        {FACT_PACKAGE, 0, 16},
	        {FACT_PACKAGE, 65536, 16},
	        {FACT_PACKAGE, 65537, 32},
	        {FACT_PACKAGE, 131072, 32},
	        {FACT_PACKAGE, 131073, 64},
	        {FACT_PACKAGE, UINT64_MAX, 256},
	        {FACT_INSTALL, 900, 16},
	        {FACT_UNIT, 900, 4},
	        {FACT_MODULE, 16385, 8},
	        {FACT_OS, 1, 1},
	        {FACT_USER, 4096, 1},
	        {FACT_USER, 4097, 2},
	        {FACT_USER, 1u << 20, 256},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(section_bucket_count(rows[i].kind, rows[i].facts), rows[i].count);
}

/* The last bits of the first byte of the key's SHA-256. */
static void test_golden_buckets_of_keys_have_not_changed(void **state)
{
	(void)state;
	assert_int_equal(section_bucket_of_key(slice_text("one"), 256), 118);
	assert_int_equal(section_bucket_of_key(slice_text("one"), 16), 118 % 16);
	assert_int_equal(section_bucket_of_key(slice_text("two"), 256), 63);
	assert_int_equal(section_bucket_of_key(slice_text("two"), 4), 63 % 4);
	assert_int_equal(section_bucket_of_key(slice_text("two"), 1), 0);
}

/* Python: sha256(b"".join(struct.pack(">I", len(t)) + t for t in texts)).digest()[:16] */
static void test_golden_digests_have_not_changed(void **state)
{
	(void)state;
	struct section_digests *digests = section_digests_new(2);
	struct buf out = BUF_INIT;
	buf_append_byte(&out, 'x');
	section_digests_add(digests, 1, slice_text("one"));
	section_digests_add(digests, 1, slice_text("two"));
	section_digests_finish(digests, &out);
	assert_int_equal(out.len, 1 + 2 * SECTION_DIGEST_BYTES);
	assert_hex(out.data + 1, SECTION_DIGEST_BYTES, "e3b0c44298fc1c149afbf4c8996fb924");
	assert_hex(out.data + 1 + SECTION_DIGEST_BYTES, SECTION_DIGEST_BYTES,
	        "c0eeeaab7843d35111a48d8036a773ab");
	buf_fini(&out);
}

static void digest_two(const char *first, const char *second, uint8_t out[SECTION_DIGEST_BYTES])
{
	struct section_digests *digests = section_digests_new(1);
	struct buf bytes = BUF_INIT;
	section_digests_add(digests, 0, slice_text(first));
	section_digests_add(digests, 0, slice_text(second));
	section_digests_finish(digests, &bytes);
	memcpy(out, bytes.data, SECTION_DIGEST_BYTES);
	buf_fini(&bytes);
}

static void test_a_digest_knows_where_a_fact_ends_and_their_order(void **state)
{
	(void)state;
	uint8_t a[SECTION_DIGEST_BYTES], b[SECTION_DIGEST_BYTES];
	digest_two("one", "two", a);
	digest_two("onet", "wo", b);
	assert_memory_not_equal(a, b, sizeof(a));
	digest_two("two", "one", b);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_digests_can_be_given_up(void **state)
{
	(void)state;
	struct section_digests *digests = section_digests_new(SECTION_BUCKETS_MAX);
	section_digests_add(digests, SECTION_BUCKETS_MAX - 1, slice_text("one"));
	section_digests_finish(digests, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_sum_does_not_depend_on_the_order),
	        cmocka_unit_test(test_taking_undoes_adding),
	        cmocka_unit_test(test_the_same_twice_is_another_sum_than_none),
	        cmocka_unit_test(test_golden_sum_has_not_changed),
	        cmocka_unit_test(test_bytes_that_are_no_sum_are_refused),
	        cmocka_unit_test(test_the_root_tells_kinds_apart_and_leaves_labels_out),
	        cmocka_unit_test(test_a_section_that_became_empty_counts_as_one_that_never_was),
	        cmocka_unit_test(test_golden_root_has_not_changed),
	        cmocka_unit_test(test_golden_bucket_counts_have_not_changed),
	        cmocka_unit_test(test_golden_buckets_of_keys_have_not_changed),
	        cmocka_unit_test(test_golden_digests_have_not_changed),
	        cmocka_unit_test(test_a_digest_knows_where_a_fact_ends_and_their_order),
	        cmocka_unit_test(test_digests_can_be_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
