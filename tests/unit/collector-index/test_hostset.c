#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "collector/index/index.h"

/* A set beside the plain truth. Host numbers are spread over several of CRoaring's containers. */
#define NUMBERS 64
static uint32_t number(unsigned i)
{
	return i * 4099u + (i % 3) * 70000u;
}

struct pair {
	struct hostset *set;
	bool truth[NUMBERS];
};

static void check(const struct pair *pair)
{
	uint64_t count = 0;
	for (unsigned i = 0; i < NUMBERS; i++) {
		assert_int_equal(hostset_has(pair->set, number(i)), pair->truth[i]);
		count += pair->truth[i];
	}
	assert_int_equal(hostset_count(pair->set), count);
}

static struct pair random_pair(void)
{
	struct pair pair = {.set = hostset_new()};
	unsigned most = (unsigned[]){0, 1, 2, 20}[rand() % 4];
	for (unsigned n = 0; n < most; n++) {
		unsigned i = (unsigned)rand() % NUMBERS;
		hostset_add(pair.set, number(i));
		pair.truth[i] = true;
	}
	return pair;
}

static struct index *all_numbers(void)
{
	struct index *index = index_new();
	char name[16];
	for (unsigned i = 0; i < NUMBERS; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		index_add_host(index, number(i), slice_text(name));
	}
	return index;
}

static void test_algebra_equals_the_plain_truth_for_sets_of_any_size(void **state)
{
	(void)state;
	struct index *index = all_numbers();
	srand(1);
	for (unsigned round = 0; round < 3000; round++) {
		struct pair a = random_pair(), b = random_pair();
		switch (rand() % 3) {
		case 0:
			hostset_and(a.set, b.set);
			for (unsigned i = 0; i < NUMBERS; i++)
				a.truth[i] = a.truth[i] && b.truth[i];
			break;
		case 1:
			hostset_or(a.set, b.set);
			for (unsigned i = 0; i < NUMBERS; i++)
				a.truth[i] = a.truth[i] || b.truth[i];
			break;
		default:
			hostset_not(a.set, index);
			for (unsigned i = 0; i < NUMBERS; i++)
				a.truth[i] = !a.truth[i];
		}
		check(&a);
		check(&b);
		hostset_free(a.set);
		hostset_free(b.set);
	}
	index_free(index);
}

struct walk {
	uint32_t seen[NUMBERS];
	unsigned count, most;
};

static bool note(void *ctx, uint32_t host)
{
	struct walk *walk = ctx;
	walk->seen[walk->count++] = host;
	return walk->count < walk->most;
}

static void test_walk_is_ascending_begins_where_told_and_stops_when_told(void **state)
{
	(void)state;
	for (unsigned members = 0; members <= 5; members++) {
		struct hostset *set = hostset_new();
		for (unsigned i = members; i > 0; i--)
			hostset_add(set, i * 100000);
		for (uint32_t from = 0; from <= 600000; from += 50000) {
			struct walk walk = {.most = 2};
			hostset_each(set, from, note, &walk);
			uint32_t next = from <= 100000 ? 1 : (from + 99999) / 100000;
			unsigned left = next > members ? 0 : members - next + 1;
			assert_int_equal(walk.count, left < 2 ? left : 2);
			for (unsigned i = 0; i < walk.count; i++)
				assert_int_equal(walk.seen[i], (next + i) * 100000);
		}
		hostset_free(set);
	}
	hostset_free(NULL);
}

static void test_complement_of_a_set_of_one_in_a_fleet_of_one_is_empty(void **state)
{
	(void)state;
	struct index *index = index_new();
	struct hostset *set = hostset_new();
	hostset_not(set, index);
	assert_int_equal(hostset_count(set), 0);
	index_add_host(index, 7, slice_text("only"));
	hostset_not(set, index);
	assert_int_equal(hostset_count(set), 1);
	hostset_not(set, index);
	assert_int_equal(hostset_count(set), 0);
	hostset_free(set);
	index_free(index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_algebra_equals_the_plain_truth_for_sets_of_any_size),
	        cmocka_unit_test(test_walk_is_ascending_begins_where_told_and_stops_when_told),
	        cmocka_unit_test(test_complement_of_a_set_of_one_in_a_fleet_of_one_is_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
