#include "agent/fim/hashed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/fim/probe.h"

static char file[] = "/tmp/test-hashed-XXXXXX";
static char other[64];
static struct hashed *hashed;
static struct prober *prober;
static struct arena *arena;
static const uint8_t OURS[SHA256_BYTES] = {0x42, 0x42, 0x42};

static int begin(void **state)
{
	(void)state;
	strcpy(file, "/tmp/test-hashed-XXXXXX");
	int fd = mkstemp(file);
	if (fd < 0 || write(fd, "content", 7) != 7)
		return -1;
	close(fd);
	snprintf(other, sizeof(other), "%s-other", file);
	if (link(file, other) < 0)
		return -1;
	hashed = hashed_new();
	prober = prober_new(1u << 20);
	prober_share(prober, hashed);
	arena = arena_new(1u << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	prober_free(prober);
	hashed_free(hashed);
	arena_free(arena);
	unlink(other);
	return unlink(file);
}

static struct stat seen(void)
{
	struct stat info;
	assert_int_equal(stat(file, &info), 0);
	return info;
}

static struct reading read_other(void)
{
	struct reading reading;
	assert_int_equal(probe_read(prober, slice_text(other), NULL, arena, &reading), 0);
	assert_int_equal(reading.state.hash, HASH_DONE);
	return reading;
}

/* Whether what a reading has is what was put and not what is in the file. */
static bool is_ours(const struct reading *reading)
{
	return memcmp(reading->state.sha256, OURS, SHA256_BYTES) == 0;
}

static void test_only_the_very_same_state_is_found(void **state)
{
	uint8_t found[SHA256_BYTES];
	struct stat info = seen(), changed;
	(void)state;
	assert_false(hashed_find(hashed, &info, found));
	hashed_put(hashed, &info, OURS);
	assert_true(hashed_find(hashed, &info, found));
	assert_memory_equal(found, OURS, SHA256_BYTES);
	changed = info;
	changed.st_size++;
	assert_false(hashed_find(hashed, &changed, found));
	changed = info;
	changed.st_mtim.tv_nsec ^= 1;
	assert_false(hashed_find(hashed, &changed, found));
	changed = info;
	changed.st_ctim.tv_nsec ^= 1;
	assert_false(hashed_find(hashed, &changed, found));
	changed = info;
	changed.st_dev++;
	assert_false(hashed_find(hashed, &changed, found));
	hashed_rest(hashed);
	assert_false(hashed_find(hashed, &info, found));
}

static void test_a_newer_state_takes_the_place_of_the_older(void **state)
{
	uint8_t found[SHA256_BYTES];
	struct stat info = seen(), later = info;
	(void)state;
	later.st_ctim.tv_sec++;
	hashed_put(hashed, &info, OURS);
	hashed_put(hashed, &later, OURS);
	assert_false(hashed_find(hashed, &info, found));
	assert_true(hashed_find(hashed, &later, found));
}

static void test_it_holds_many_and_never_more_than_it_has_room_for(void **state)
{
	uint8_t found[SHA256_BYTES];
	struct stat info = seen();
	unsigned known = 0;
	(void)state;
	for (ino_t i = 1; i <= 3 * HASHED_SLOTS; i++) {
		info.st_ino = i;
		hashed_put(hashed, &info, OURS);
		assert_true(hashed_find(hashed, &info, found));
	}
	for (ino_t i = 1; i <= 3 * HASHED_SLOTS; i++) {
		info.st_ino = i;
		known += hashed_find(hashed, &info, found);
	}
	assert_in_range(known, HASHED_SLOTS / 2, HASHED_SLOTS);
}

static void test_a_reading_by_another_name_is_taken(void **state)
{
	struct stat info = seen();
	(void)state;
	hashed_put(hashed, &info, OURS);
	struct reading reading = read_other();
	assert_true(is_ours(&reading));
}

static void test_who_was_told_of_a_write_reads_and_puts_anew(void **state)
{
	struct stat info = seen();
	uint8_t found[SHA256_BYTES];
	struct reading reading;
	(void)state;
	hashed_put(hashed, &info, OURS);
	prober_want_reread(prober, true, true);
	reading = read_other();
	assert_true(is_ours(&reading));
	prober_want_reread(prober, true, false);
	do {
		reading = read_other();
		assert_false(is_ours(&reading));
	} while (reading.is_fresh);
	assert_true(hashed_find(hashed, &info, found));
	assert_memory_equal(found, reading.state.sha256, SHA256_BYTES);
}

static void test_a_fresh_reading_is_not_put(void **state)
{
	uint8_t found[SHA256_BYTES];
	(void)state;
	for (;;) {
		struct stat info = seen();
		struct reading reading = read_other();
		if (!reading.is_fresh) {
			assert_true(hashed_find(hashed, &info, found));
			return;
		}
		assert_false(hashed_find(hashed, &info, found));
	}
}

static void test_a_file_with_one_name_and_one_whose_text_is_wanted_are_read(void **state)
{
	struct stat info = seen();
	struct reading reading;
	(void)state;
	hashed_put(hashed, &info, OURS);
	prober_want_text(prober, 100);
	reading = read_other();
	assert_false(is_ours(&reading));
	assert_true(slice_is(reading.text, "content"));
	prober_want_text(prober, 0);
	unlink(file);
	assert_int_equal(stat(other, &info), 0);
	hashed_put(hashed, &info, OURS);
	reading = read_other();
	assert_false(is_ours(&reading));
	assert_int_equal(link(other, file), 0);
}

#define WITH_FILE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_FILE(test_only_the_very_same_state_is_found),
	        WITH_FILE(test_a_newer_state_takes_the_place_of_the_older),
	        WITH_FILE(test_it_holds_many_and_never_more_than_it_has_room_for),
	        WITH_FILE(test_a_reading_by_another_name_is_taken),
	        WITH_FILE(test_who_was_told_of_a_write_reads_and_puts_anew),
	        WITH_FILE(test_a_fresh_reading_is_not_put),
	        WITH_FILE(test_a_file_with_one_name_and_one_whose_text_is_wanted_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
