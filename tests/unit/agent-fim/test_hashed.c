#include "agent/fim/hashed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CTIME_NS INT64_C(1700000000000000000)
#define LATER_NS (CTIME_NS + HASHED_OLD_NS + 1)
#define MANY     20000

static struct hashed *hashed;

static int begin(void **state)
{
	(void)state;
	hashed = hashed_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	hashed_free(hashed);
	return 0;
}

static struct hashed_file file_of(uint64_t inode)
{
	return (struct hashed_file){
	        .device = 1,
	        .inode = inode,
	        .size = 1000,
	        .mtime_ns = CTIME_NS - 5,
	        .ctime_ns = CTIME_NS,
	        .links = 3,
	};
}

static struct hashed_content content_of(uint8_t byte)
{
	struct hashed_content content = {0};
	memset(content.sha256, byte, SHA256_BYTES);
	return content;
}

/* The turn of a reading that has begun; 0: there was no need. */
static uint64_t ask(struct hashed_file file, enum hashed_use use, int64_t now_ns, uint8_t *out)
{
	struct hashed_content content;
	uint64_t turn = 0;
	if (hashed_begin(hashed, &file, use, false, now_ns, &turn, &content))
		*out = content.sha256[0];
	return turn;
}

static void read_through(struct hashed_file file, int64_t now_ns, uint8_t byte)
{
	struct hashed_content content = content_of(byte);
	uint64_t turn = ask(file, HASHED_NEVER, now_ns, NULL);
	assert_true(turn > 0);
	hashed_end(hashed, &file, turn, &content);
}

/* What is kept; 0: nothing that will do. */
static uint8_t kept(struct hashed_file file, enum hashed_use use)
{
	uint8_t byte = 0;
	uint64_t turn = ask(file, use, LATER_NS, &byte);
	if (turn > 0) { /* leaves as it found it: an older reading would not hold */
		struct hashed_file nothing = file_of(UINT64_MAX);
		hashed_end(hashed, &nothing, turn, NULL);
	}
	return byte;
}

static void test_a_second_name_need_not_be_read(void **state)
{
	(void)state;
	assert_int_equal(kept(file_of(7), HASHED_OLD), 0);
	read_through(file_of(7), LATER_NS, 'a');
	assert_int_equal(kept(file_of(7), HASHED_OLD), 'a');
	assert_int_equal(kept(file_of(7), HASHED_ANY), 'a');
	assert_int_equal(kept(file_of(7), HASHED_NEVER), 0);
	assert_int_equal(kept(file_of(8), HASHED_ANY), 0);
}

static void test_whatever_stat_tells_of_a_change_asks_for_reading(void **state)
{
	(void)state;
	struct hashed_file other[5];
	for (size_t i = 0; i < 5; i++)
		other[i] = file_of(7);
	other[0].device++, other[1].inode++, other[2].size++, other[3].mtime_ns++,
	        other[4].ctime_ns++;
	read_through(file_of(7), LATER_NS, 'a');
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(kept(other[i], HASHED_ANY), 0);
	assert_int_equal(kept(file_of(7), HASHED_ANY), 'a');
}

static void test_a_reading_soon_after_a_change_is_not_relied_on(void **state)
{
	(void)state;
	read_through(file_of(7), CTIME_NS + HASHED_OLD_NS, 'a');
	assert_int_equal(kept(file_of(7), HASHED_OLD), 0);
	assert_int_equal(kept(file_of(7), HASHED_ANY), 'a');
	read_through(file_of(8), CTIME_NS - 1000, 'a'); /* the clock was set back */
	assert_int_equal(kept(file_of(8), HASHED_OLD), 0);
	read_through(file_of(7), CTIME_NS + HASHED_OLD_NS + 1, 'b');
	assert_int_equal(kept(file_of(7), HASHED_OLD), 'b');
}

static void test_an_md5_that_is_lacking_asks_for_reading(void **state)
{
	(void)state;
	struct hashed_file file = file_of(7);
	struct hashed_content content = content_of('a');
	uint64_t turn;
	read_through(file, LATER_NS, 'a');
	assert_false(hashed_begin(hashed, &file, HASHED_ANY, true, LATER_NS, &turn, &content));
	content.has_md5 = true;
	content.md5[3] = 'm';
	hashed_end(hashed, &file, turn, &content);
	memset(&content, 0, sizeof(content));
	assert_true(hashed_begin(hashed, &file, HASHED_ANY, true, LATER_NS, &turn, &content));
	assert_int_equal(content.md5[3], 'm');
}

static void test_of_two_readings_the_one_that_began_later_holds(void **state)
{
	(void)state;
	struct hashed_file file = file_of(7);
	struct hashed_content old = content_of('o'), new = content_of('n');
	uint64_t first = ask(file, HASHED_NEVER, LATER_NS, NULL);
	uint64_t second = ask(file, HASHED_NEVER, LATER_NS, NULL);
	hashed_end(hashed, &file, second, &new);
	hashed_end(hashed, &file, first, &old);
	assert_int_equal(kept(file, HASHED_ANY), 'n');
	first = ask(file, HASHED_NEVER, LATER_NS, NULL);
	second = ask(file, HASHED_NEVER, LATER_NS, NULL);
	hashed_end(hashed, &file, second, &old);
	hashed_end(hashed, &file, first, NULL);
	assert_int_equal(kept(file, HASHED_ANY), 'o');
}

static void test_a_reading_that_came_to_nothing_forgets_what_was_known(void **state)
{
	(void)state;
	struct hashed_file file = file_of(7);
	read_through(file, LATER_NS, 'a');
	hashed_end(hashed, &file, ask(file, HASHED_NEVER, LATER_NS, NULL), NULL);
	assert_int_equal(kept(file, HASHED_ANY), 0);
}

static void test_nothing_is_kept_over_a_rest(void **state)
{
	(void)state;
	read_through(file_of(7), LATER_NS, 'a');
	hashed_rest(hashed);
	assert_int_equal(kept(file_of(7), HASHED_ANY), 0);
	read_through(file_of(7), LATER_NS, 'a');
	assert_int_equal(kept(file_of(7), HASHED_ANY), 'a');
}

static void test_of_more_than_fit_the_large_ones_stay_while_their_names_are_missing(void **state)
{
	(void)state;
	struct hashed_file large = file_of(1), seen_twice = file_of(2);
	large.size = seen_twice.size = UINT64_C(1) << 30;
	read_through(large, LATER_NS, 'l');
	read_through(seen_twice, LATER_NS, 't');
	assert_int_equal(kept(seen_twice, HASHED_OLD), 't');
	assert_int_equal(kept(seen_twice, HASHED_OLD), 't');
	for (uint64_t inode = 1000; inode < 1000 + MANY; inode++)
		read_through(file_of(inode), LATER_NS, 's');
	assert_int_equal(kept(large, HASHED_OLD), 'l');
	for (uint64_t inode = 1000 + MANY; inode < 1000 + 4 * MANY; inode++)
		read_through(file_of(inode), LATER_NS, 's');
	assert_int_equal(kept(seen_twice, HASHED_OLD), 0);
	assert_int_equal(kept(file_of(1000 + 4 * MANY - 1), HASHED_OLD), 's');
}

static void test_a_tree_that_fits_is_all_there_for_the_next_one(void **state)
{
	(void)state;
	size_t found = 0;
	for (uint64_t inode = 1; inode <= 8000; inode++)
		read_through(file_of(inode * 3), LATER_NS, 'a');
	for (uint64_t inode = 1; inode <= 8000; inode++)
		found += kept(file_of(inode * 3), HASHED_OLD) == 'a';
	assert_true(found > 7600); /* sets that are full by chance */
}

static atomic_uint readings;

static void *want_one(void *ctx)
{
	const struct hashed_file *file = ctx;
	struct hashed_content content;
	uint64_t turn;
	if (hashed_begin(hashed, file, HASHED_OLD, false, LATER_NS, &turn, &content))
		return content.sha256[0] == 'a' ? ctx : NULL;
	atomic_fetch_add(&readings, 1);
	content = content_of('a');
	hashed_end(hashed, file, turn, &content);
	return ctx;
}

static void test_of_many_at_once_one_reads(void **state)
{
	(void)state;
	for (uint64_t round = 1; round <= 200; round++) {
		struct hashed_file file = file_of(round);
		pthread_t thread[4];
		atomic_store(&readings, 0);
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&thread[i], NULL, want_one, &file), 0);
		for (size_t i = 0; i < 4; i++) {
			void *came_right;
			pthread_join(thread[i], &came_right);
			assert_non_null(came_right);
		}
		assert_int_equal(atomic_load(&readings), 1);
	}
}

static void test_nobody_waits_for_what_would_not_do(void **state)
{
	(void)state;
	struct hashed_file file = file_of(7), changed = file_of(7);
	struct hashed_content content = content_of('a');
	uint8_t byte;
	changed.ctime_ns++;
	uint64_t fresh = ask(file, HASHED_OLD, CTIME_NS, &byte);
	uint64_t old = ask(file, HASHED_OLD, CTIME_NS, &byte); /* it would wait for ever */
	uint64_t other = ask(changed, HASHED_ANY, CTIME_NS, &byte);
	uint64_t forced = ask(file, HASHED_NEVER, CTIME_NS, &byte);
	assert_true(fresh && old && other && forced);
	hashed_end(hashed, &file, fresh, &content);
	hashed_end(hashed, &file, old, NULL);
	hashed_end(hashed, &changed, other, NULL);
	hashed_end(hashed, &file, forced, NULL);
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_TABLE(test_a_second_name_need_not_be_read),
	        WITH_TABLE(test_whatever_stat_tells_of_a_change_asks_for_reading),
	        WITH_TABLE(test_a_reading_soon_after_a_change_is_not_relied_on),
	        WITH_TABLE(test_an_md5_that_is_lacking_asks_for_reading),
	        WITH_TABLE(test_of_two_readings_the_one_that_began_later_holds),
	        WITH_TABLE(test_a_reading_that_came_to_nothing_forgets_what_was_known),
	        WITH_TABLE(test_nothing_is_kept_over_a_rest),
	        WITH_TABLE(test_of_more_than_fit_the_large_ones_stay_while_their_names_are_missing),
	        WITH_TABLE(test_a_tree_that_fits_is_all_there_for_the_next_one),
	        WITH_TABLE(test_of_many_at_once_one_reads),
	        WITH_TABLE(test_nobody_waits_for_what_would_not_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
