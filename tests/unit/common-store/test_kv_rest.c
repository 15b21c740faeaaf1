#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/store/kv.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

#define MAP_BYTES (64u << 20)
#define RECORDS   4000 /* on some hundred pages */
#define ROUNDS    300

enum { ONLY };
static const char *const TABLES[] = {"only", NULL};
static char dir[] = "/tmp/tsujiban-kv-rest-XXXXXX";
static struct kv *kv;

static int begin(void **state)
{
	struct reason why;
	(void)state;
	memcpy(strstr(dir, "rest-") + 5, "XXXXXX", 6);
	if (!mkdtemp(dir))
		return -1;
	return kv_open(dir, TABLES, MAP_BYTES, false, &kv, &why);
}

static int end(void **state)
{
	char command[128];
	(void)state;
	kv_close(kv);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* Keys far from each other: each record lands on another page than the one before. */
static struct slice key_of(unsigned number, char text[16])
{
	snprintf(text, 16, "%08x", number * 2654435761u);
	return slice_text(text);
}

static int put_one(struct kv_txn *txn, unsigned number)
{
	char key[16];
	static const char VALUE[200] = "value";
	return kv_put(txn, ONLY, key_of(number, key), slice_of(VALUE, sizeof(VALUE)));
}

static void put_many(void)
{
	struct kv_txn *txn;
	assert_int_equal(kv_begin_write(kv, &txn), 0);
	for (unsigned i = 0; i < RECORDS; i++)
		assert_int_equal(put_one(txn, i), 0);
	assert_int_equal(kv_commit(txn), 0);
}

static uint64_t count(void)
{
	struct kv_txn *txn;
	assert_int_equal(kv_begin_read(kv, &txn), 0);
	uint64_t records = kv_count(txn, ONLY);
	kv_abort(txn);
	return records;
}

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

/* The allocator of a sanitizer does not tell. */
static void assert_gives_back(size_t swollen, size_t at_least)
{
	if (swollen > 0)
		assert_true(heap_bytes() + at_least < swollen);
}

static void test_memory_of_a_large_transaction_is_given_back(void **state)
{
	(void)state;
	put_many();
	put_many(); /* every page is written anew */
	size_t swollen = heap_bytes();
	kv_rest(kv);
	assert_gives_back(swollen, 512u << 10);
	assert_int_equal(count(), RECORDS);
}

static void test_a_reader_is_not_disturbed(void **state)
{
	struct kv_txn *txn;
	struct slice value;
	char key[16];
	(void)state;
	put_many();
	assert_int_equal(kv_begin_read(kv, &txn), 0);
	assert_int_equal(kv_get(txn, ONLY, key_of(7, key), &value), 0);
	kv_rest(kv);
	assert_memory_equal(value.ptr, "value", 5);
	assert_int_equal(kv_get(txn, ONLY, key_of(8, key), &value), 0);
	kv_abort(txn);
	size_t swollen = heap_bytes();
	kv_rest(kv);
	assert_gives_back(swollen, 0);
	assert_int_equal(count(), RECORDS);
}

static atomic_uint failures;

static void *write_on(void *ctx)
{
	(void)ctx;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct kv_txn *txn;
		if (kv_begin_write(kv, &txn) < 0) {
			failures++;
			continue;
		}
		for (unsigned i = 0; i < 150; i++)
			failures += put_one(txn, round * 150 + i) < 0;
		failures += kv_commit(txn) < 0;
	}
	return NULL;
}

static void test_transactions_of_other_threads_go_on(void **state)
{
	pthread_t thread;
	(void)state;
	failures = 0;
	assert_int_equal(pthread_create(&thread, NULL, write_on, NULL), 0);
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		kv_rest(kv);
		count();
	}
	pthread_join(thread, NULL);
	kv_rest(kv);
	assert_int_equal(failures, 0);
	assert_int_equal(count(), ROUNDS * 150);
}

static void test_what_cannot_be_opened_anew_is_tried_again(void **state)
{
	struct kv_txn *txn;
	char away[64];
	(void)state;
	put_many();
	snprintf(away, sizeof(away), "%s-away", dir);
	assert_int_equal(rename(dir, away), 0);
	kv_rest(kv);
	assert_true(kv_begin_read(kv, &txn) < 0);
	assert_true(kv_begin_write(kv, &txn) < 0);
	assert_int_equal(rename(away, dir), 0);
	assert_int_equal(count(), RECORDS);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_memory_of_a_large_transaction_is_given_back),
	        CASE(test_a_reader_is_not_disturbed),
	        CASE(test_transactions_of_other_threads_go_on),
	        CASE(test_what_cannot_be_opened_anew_is_tried_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
