#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "collector/index/index.h"

static struct fact package(const char *name, const char *version)
{
	struct fact fact = {.kind = FACT_PACKAGE};
	for (unsigned i = 0; i < FACT_FIELDS_MAX; i++)
		fact.field[i] = slice_text("");
	fact.field[PACKAGE_MANAGER] = slice_text("dpkg");
	fact.field[PACKAGE_NAME] = slice_text(name);
	fact.field[PACKAGE_VERSION] = slice_text(version);
	fact.field[PACKAGE_STATUS] = slice_text("installed");
	return fact;
}

static struct fact label(const char *name, const char *value)
{
	struct fact fact = {.kind = FACT_LABEL};
	fact.field[PAIR_NAME] = slice_text(name);
	fact.field[PAIR_VALUE] = slice_text(value);
	return fact;
}

static uint64_t count_of(const struct index *index, enum fact_kind kind, const char *name)
{
	struct fact_match match = {.kind = kind, .name = slice_text(name)};
	struct hostset *set = index_select(index, &match);
	uint64_t count = hostset_count(set);
	hostset_free(set);
	return count;
}

static struct index *fleet(unsigned hosts)
{
	struct index *index = index_new();
	for (unsigned host = 0; host < hosts; host++) {
		char name[16];
		snprintf(name, sizeof(name), "h%u", host);
		index_add_host(index, host, slice_text(name));
	}
	return index;
}

static void test_hosts_are_found_by_number_and_by_name(void **state)
{
	(void)state;
	struct index *index = fleet(3);
	uint32_t host = 99;
	assert_int_equal(index_host_count(index), 3);
	assert_true(slice_is(index_host_name(index, 1), "h1"));
	assert_true(index_find_host(index, slice_text("h2"), &host));
	assert_int_equal(host, 2);
	assert_false(index_find_host(index, slice_text("h3"), &host));
	assert_int_equal(host, 2);
	assert_null(index_host_name(index, 3).ptr);
	index_add_host(index, 1, slice_text("other"));
	assert_int_equal(index_host_count(index), 3);
	assert_true(slice_is(index_host_name(index, 1), "h1"));
	index_free(index);
}

static void test_equal_facts_are_kept_once(void **state)
{
	(void)state;
	struct index *index = fleet(4);
	struct fact openssl = package("openssl", "3.0"), newer = package("openssl", "3.1");
	for (uint32_t host = 0; host < 4; host++)
		index_fact_begins(index, host, &openssl);
	index_fact_begins(index, 1, &openssl);
	assert_int_equal(index_fact_count(index), 1);
	index_fact_begins(index, 2, &newer);
	assert_int_equal(index_fact_count(index), 2);
	assert_int_equal(count_of(index, FACT_PACKAGE, "openssl"), 4);
	assert_int_equal(index_holders(index, &openssl), 4);
	assert_int_equal(index_holders(index, &newer), 1);
	struct fact other = package("openssl", "3.2");
	assert_int_equal(index_holders(index, &other), 0);
	assert_int_equal(count_of(index, FACT_PACKAGE, "open"), 0);
	assert_int_equal(count_of(index, FACT_LABEL, "openssl"), 0);
	index_free(index);
}

static void test_a_fact_that_nobody_holds_any_more_is_gone(void **state)
{
	(void)state;
	struct index *index = fleet(3);
	struct fact fact = package("openssl", "3.0");
	for (uint32_t host = 0; host < 3; host++)
		index_fact_begins(index, host, &fact);
	index_fact_ends(index, 0, &fact);
	index_fact_ends(index, 0, &fact);
	index_fact_ends(index, 1, &fact);
	assert_int_equal(count_of(index, FACT_PACKAGE, "openssl"), 1);
	index_fact_ends(index, 2, &fact);
	assert_int_equal(index_fact_count(index), 0);
	assert_int_equal(count_of(index, FACT_PACKAGE, "openssl"), 0);
	index_fact_ends(index, 2, &fact);
	index_free(index);
}

static void test_clearing_a_host_leaves_it_and_none_of_its_facts(void **state)
{
	(void)state;
	struct index *index = fleet(2);
	struct fact both = package("openssl", "3.0"), own = label("role", "web");
	index_fact_begins(index, 0, &both);
	index_fact_begins(index, 1, &both);
	index_fact_begins(index, 1, &own);
	index_clear_host(index, 1);
	assert_int_equal(index_host_count(index), 2);
	assert_int_equal(index_fact_count(index), 1);
	assert_int_equal(count_of(index, FACT_PACKAGE, "openssl"), 1);
	assert_int_equal(count_of(index, FACT_LABEL, "role"), 0);
	index_free(index);
}

static void test_a_removed_host_is_in_no_answer_and_takes_no_facts(void **state)
{
	(void)state;
	struct index *index = fleet(2);
	struct fact fact = package("openssl", "3.0");
	uint32_t host;
	index_fact_begins(index, 0, &fact);
	index_fact_begins(index, 1, &fact);
	index_remove_host(index, 1);
	index_remove_host(index, 1);
	index_fact_begins(index, 1, &fact);
	assert_int_equal(count_of(index, FACT_PACKAGE, "openssl"), 1);
	assert_false(index_find_host(index, slice_text("h1"), &host));
	struct hostset *none = hostset_new();
	hostset_not(none, index);
	assert_int_equal(hostset_count(none), 1);
	hostset_free(none);
	index_add_host(index, 1, slice_text("h1"));
	assert_int_equal(count_of(index, FACT_PACKAGE, "openssl"), 1);
	index_free(index);
}

static bool is_version_2(void *ctx, const struct fact *fact)
{
	(void)ctx;
	return slice_is(fact->field[PACKAGE_VERSION], "2");
}

static bool begins_with_lib(void *ctx, struct slice name)
{
	unsigned *asked = ctx;
	++*asked;
	return slice_starts_with(name, slice_text("lib"));
}

static bool count_hosts(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	uint64_t *count = ctx;
	assert_true(slice_is(fact->field[PACKAGE_VERSION], "2"));
	*count += hostset_count(hosts);
	return true;
}

static bool count_and_stop(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	unsigned *calls = ctx;
	(void)fact;
	(void)hosts;
	++*calls;
	return false;
}

static void test_select_narrows_by_name_and_asks_for_the_rest(void **state)
{
	(void)state;
	struct index *index = fleet(6);
	struct fact facts[] = {package("liba", "1"), package("liba", "2"), package("libb", "2"),
	        package("c", "2")};
	for (uint32_t host = 0; host < 6; host++)
		index_fact_begins(index, host, &facts[host % 4]);
	unsigned asked = 0, calls = 0;
	struct fact_match match = {.kind = FACT_PACKAGE,
	        .matches = is_version_2,
	        .matches_name = begins_with_lib,
	        .ctx = &asked};
	struct hostset *set = index_select(index, &match);
	assert_int_equal(hostset_count(set), 3); /* hosts 1, 5 with liba 2 and 2 with libb 2 */
	assert_true(hostset_has(set, 1) && hostset_has(set, 2) && hostset_has(set, 5));
	assert_int_equal(asked, 3); /* once a name */
	hostset_free(set);
	uint64_t hosts = 0;
	index_each_fact(index, &match, count_hosts, &hosts);
	assert_int_equal(hosts, 3);
	index_each_fact(index, &match, count_and_stop, &calls);
	assert_int_equal(calls, 1);
	index_free(index);
}

/* Begins, ends, clears and removals in any order, beside a plain table. */
static void test_any_order_of_changes_leaves_what_a_plain_table_holds(void **state)
{
	(void)state;
	enum { HOSTS = 12, FACTS = 20 };
	static char names[FACTS][8];
	struct fact facts[FACTS];
	bool truth[HOSTS][FACTS] = {{false}};
	for (unsigned f = 0; f < FACTS; f++) {
		snprintf(names[f], sizeof(names[f]), "p%u", f / 4);
		facts[f] = package(names[f], (const char *[]){"1", "2", "3", "4"}[f % 4]);
	}
	struct index *index = fleet(HOSTS);
	srand(2);
	for (unsigned step = 0; step < 5000; step++) {
		uint32_t host = (uint32_t)rand() % HOSTS;
		unsigned f = (unsigned)rand() % FACTS, what = (unsigned)rand() % 40;
		if (what == 0) {
			index_clear_host(index, host);
			memset(truth[host], 0, sizeof(truth[host]));
		} else if (what < 20) {
			index_fact_begins(index, host, &facts[f]);
			truth[host][f] = true;
		} else {
			index_fact_ends(index, host, &facts[f]);
			truth[host][f] = false;
		}
		unsigned group = f / 4, held = 0;
		for (unsigned h = 0; h < HOSTS; h++) {
			bool any = false;
			for (unsigned v = 0; v < 4; v++)
				any |= truth[h][group * 4 + v];
			held += any;
		}
		assert_int_equal(count_of(index, FACT_PACKAGE, names[f]), held);
	}
	size_t distinct = 0;
	for (unsigned f = 0; f < FACTS; f++) {
		bool any = false;
		for (unsigned h = 0; h < HOSTS; h++)
			any |= truth[h][f];
		distinct += any;
	}
	assert_int_equal(index_fact_count(index), distinct);
	for (uint32_t host = 0; host < HOSTS; host++)
		index_remove_host(index, host);
	assert_int_equal(index_fact_count(index), 0);
	index_free(index);
}

static void test_facts_at_once_are_as_facts_one_by_one(void **state)
{
	(void)state;
	enum { FACTS = 50, HOSTS = 5 };
	static char names[FACTS][8];
	struct fact facts[FACTS + 2];
	for (unsigned f = 0; f < FACTS; f++) {
		snprintf(names[f], sizeof(names[f]), "p%u", f);
		facts[f] = package(names[f], "1");
	}
	facts[FACTS] = facts[3];                      /* twice */
	facts[FACTS + 1] = (struct fact){.kind = 77}; /* no fact */
	struct index *index = fleet(HOSTS);
	for (uint32_t host = 0; host < HOSTS + 1; host++) /* the last one is unknown */
		index_facts_begin(index, host, facts + host, FACTS + 2 - host);
	assert_int_equal(index_fact_count(index), FACTS);
	for (unsigned f = 0; f < FACTS; f++)
		assert_int_equal(count_of(index, FACT_PACKAGE, names[f]),
		        f == 3 || f >= HOSTS ? HOSTS : f + 1);
	index_facts_begin(index, 0, facts, 0);
	for (uint32_t host = 0; host < HOSTS; host++)
		index_clear_host(index, host);
	assert_int_equal(index_fact_count(index), 0);
	index_free(index);
}

static void test_bytes_grow_with_what_is_held_and_shrink_with_it(void **state)
{
	(void)state;
	struct index *index = fleet(200);
	size_t empty = index_bytes(index);
	struct fact fact = package("openssl", "3.0");
	for (uint32_t host = 0; host < 200; host += 2)
		index_fact_begins(index, host, &fact);
	assert_true(index_bytes(index) >= empty + 200);
	index_fact_begins(index, 1, &(struct fact){.kind = 77});
	for (uint32_t host = 0; host < 200; host += 2)
		index_fact_ends(index, host, &fact);
	assert_int_equal(index_bytes(index), empty);
	index_free(index);
	index_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_hosts_are_found_by_number_and_by_name),
	        cmocka_unit_test(test_equal_facts_are_kept_once),
	        cmocka_unit_test(test_a_fact_that_nobody_holds_any_more_is_gone),
	        cmocka_unit_test(test_clearing_a_host_leaves_it_and_none_of_its_facts),
	        cmocka_unit_test(test_a_removed_host_is_in_no_answer_and_takes_no_facts),
	        cmocka_unit_test(test_select_narrows_by_name_and_asks_for_the_rest),
	        cmocka_unit_test(test_any_order_of_changes_leaves_what_a_plain_table_holds),
	        cmocka_unit_test(test_facts_at_once_are_as_facts_one_by_one),
	        cmocka_unit_test(test_bytes_grow_with_what_is_held_and_shrink_with_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
