#include "agent/state/former.h"

#include "tests/unit/agent-state/fixture.h"

static void add(const char *package, const char *version, uint64_t until_s)
{
	struct state_txn *txn = begin_txn();
	assert_int_equal(former_add(txn, slice_text(package), slice_text(version), until_s), 0);
	commit(txn);
}

/* NULL: none is known. */
static void assert_at(const char *package, uint64_t at_s, const char *version)
{
	struct kv_txn *txn = begin_read();
	struct slice found = {0};
	int rc = former_at(txn, slice_text(package), at_s, &found);
	assert_int_equal(rc, version ? 0 : ERR_MISSING);
	if (version && !slice_is(found, version))
		fail_msg("%.*s", SLICE_ARG(found));
	kv_abort(txn);
}

static void test_the_version_of_a_moment_is_the_first_that_ended_behind_it(void **unused)
{
	(void)unused;
	assert_at("dpkg:libssl3", 1, NULL);
	add("dpkg:libssl3", "3.0.14", 100);
	add("dpkg:libssl3", "3.0.15", 200);
	assert_at("dpkg:libssl3", 0, "3.0.14");
	assert_at("dpkg:libssl3", 99, "3.0.14");
	assert_at("dpkg:libssl3", 100, "3.0.15");
	assert_at("dpkg:libssl3", 199, "3.0.15");
	assert_at("dpkg:libssl3", 200, NULL);
	assert_at("dpkg:libssl", 1, NULL);
	add("dpkg:libssl3", "3.0.15", 201); /* of another architecture */
	assert_at("dpkg:libssl3", 200, NULL);
	reopen_state();
	assert_at("dpkg:libssl3", 99, "3.0.14");
}

static void test_the_oldest_make_room(void **unused)
{
	(void)unused;
	char version[16];
	for (unsigned i = 1; i <= FORMER_MOST + 2; i++) {
		snprintf(version, sizeof(version), "%u", i);
		add("rpm:bash", version, i * 100);
	}
	assert_at("rpm:bash", 1, "3");
	assert_at("rpm:bash", 350, "4");
	snprintf(version, sizeof(version), "%u", FORMER_MOST + 2);
	assert_at("rpm:bash", (FORMER_MOST + 2) * 100 - 1, version);
}

static void test_what_is_too_long_to_be_real_is_passed_over(void **unused)
{
	(void)unused;
	char name[KV_KEY_MAX + 2], version[512];
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	memset(version, '1', sizeof(version));
	version[sizeof(version) - 1] = '\0';
	add(name, "1", 100);
	assert_at(name, 1, NULL);
	add("", "1", 100);
	assert_at("", 1, NULL);
	add("apk:musl", version, 100);
	assert_at("apk:musl", 1, NULL);
	add("apk:musl", "", 100);
	assert_at("apk:musl", 1, "");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)
	const struct CMUnitTest tests[] = {
	        CASE(test_the_version_of_a_moment_is_the_first_that_ended_behind_it),
	        CASE(test_the_oldest_make_room),
	        CASE(test_what_is_too_long_to_be_real_is_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
