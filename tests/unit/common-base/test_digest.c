#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "common/base/digest.h"
#include "common/base/text.h"

/* Examples of FIPS 180-4 (NIST, "SHA256.pdf"). */
static const char ABC[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char NOTHING[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void assert_digest(const uint8_t got[SHA256_BYTES], const char *want_hex)
{
	uint8_t want[SHA256_BYTES];
	assert_true(text_parse_hex(slice_text(want_hex), want, SHA256_BYTES));
	assert_memory_equal(got, want, SHA256_BYTES);
}

static void test_published_examples_come_out(void **state)
{
	(void)state;
	uint8_t out[SHA256_BYTES];
	digest_of(slice_text("abc"), out);
	assert_digest(out, ABC);
	digest_of(slice_of(NULL, 0), out);
	assert_digest(out, NOTHING);
}

static void test_pieces_give_the_digest_of_the_whole(void **state)
{
	(void)state;
	struct digest *digest = digest_new();
	uint8_t out[SHA256_BYTES];
	for (int round = 0; round < 2; round++) {
		digest_start(digest);
		digest_update(digest, "a", 1);
		digest_update(digest, NULL, 0);
		digest_update(digest, "bc", 2);
		digest_finish(digest, out);
		assert_digest(out, ABC);
	}
	digest_start(digest); /* abandoned */
	digest_update(digest, "x", 1);
	digest_start(digest);
	digest_finish(digest, out);
	assert_digest(out, NOTHING);
	digest_free(digest);
	digest_free(NULL);
}

static void *hash_abc(void *out)
{
	for (int i = 0; i < 1000; i++)
		digest_of(slice_text("abc"), out);
	return NULL;
}

static void test_threads_hash_side_by_side(void **state)
{
	(void)state;
	pthread_t threads[4];
	uint8_t out[4][SHA256_BYTES];
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hash_abc, out[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_digest(out[i], ABC);
	}
}

static void test_random_bytes_fill_all_of_it(void **state)
{
	(void)state;
	uint8_t seen[1024] = {0}, bytes[1024];
	for (int round = 0; round < 8; round++) {
		random_bytes(bytes, sizeof(bytes));
		for (size_t i = 0; i < sizeof(bytes); i++)
			seen[i] |= bytes[i];
	}
	/* A byte that is 0 eight times over: 1 in 2^64. */
	for (size_t i = 0; i < sizeof(seen); i++)
		assert_int_not_equal(seen[i], 0);
	random_bytes(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_published_examples_come_out),
	        cmocka_unit_test(test_pieces_give_the_digest_of_the_whole),
	        cmocka_unit_test(test_threads_hash_side_by_side),
	        cmocka_unit_test(test_random_bytes_fill_all_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
