/* Searches, packages and files by the API. */
#include "tests/unit/collector-http/api_scene.h"

/* --- search and packages ------------------------------------------------------------------- */

static void test_search_says_why_a_host_matches(void **state)
{
	expect(*state, "/api/v1/search?q=package:openssl%3C3.0.10", 200,
	        "{\"host\":\"web01\",\"os\":\"debian 12\",\"kernel\":\"6.1.0-28-amd64\","
	        "\"last_seen\":null,\"state\":\"connected\",\"matches\":[{\"name\":\"openssl\","
	        "\"version\":\"3.0.9-1\",\"arch\":\"amd64\",\"manager\":\"dpkg\"}]}\n");
}

static void test_search_is_limited(void **state)
{
	struct ask one = {.path = "/api/v1/search?limit=1"};

	ask(*state, &one);
	assert_int_equal(count_lines(&one.answer), 1);
	ask_fini(&one);
	expect(*state, "/api/v1/search?limit=none", 400, NULL);
	expect(*state, "/api/v1/search?limit=0", 400, NULL);
}

static void test_bad_query_is_400_with_its_sentence(void **state)
{
	struct ask one = {.path = "/api/v1/search?q=package:("};

	ask(*state, &one);
	assert_int_equal(one.status, 400);
	assert_true(ask_says(&one, "column"));
	ask_fini(&one);
}

static void test_count_by_counts_hosts(void **state)
{
	expect(*state, "/api/v1/search?q=package:openssl&count_by=version", 200,
	        "{\"version\":\"3.0.15-1\",\"hosts\":1}\n{\"version\":\"3.0.9-1\",\"hosts\":1}\n");
	expect(*state, "/api/v1/search?q=package:openssl&count_by=package", 200,
	        "{\"package\":\"openssl\",\"hosts\":2}\n");
	expect(*state, "/api/v1/search?count_by=os", 200,
	        "{\"os\":\"debian 12\",\"hosts\":1}\n{\"os\":null,\"hosts\":1}\n");
	expect(*state, "/api/v1/search?count_by=label.env", 200,
	        "{\"label.env\":\"production\",\"hosts\":1}\n{\"label.env\":null,\"hosts\":1}\n");
	expect(*state, "/api/v1/search?count_by=host&limit=1", 200,
	        "{\"host\":\"db01\",\"hosts\":1}\n");
	expect(*state, "/api/v1/search?count_by=colour", 400, NULL);
	expect(*state, "/api/v1/search?count_by=version", 400, NULL);
	expect(*state, "/api/v1/search?q=package:*&count_by=manager", 200,
	        "{\"manager\":\"dpkg\",\"hosts\":2}\n");
}

static void test_host_counts_once_where_several_facts_have_a_value(void **state)
{
	struct fixture *fixture = *state;

	store_fact(fixture, fixture->web, socket_of("tcp", "443"));
	store_fact(fixture, fixture->web, socket_of("udp", "443"));
	store_fact(fixture, fixture->web, socket_of("tcp", "80"));
	expect(fixture, "/api/v1/search?count_by=listen", 200,
	        "{\"listen\":\"443\",\"hosts\":1}\n{\"listen\":\"80\",\"hosts\":1}\n"
	        "{\"listen\":null,\"hosts\":1}\n");
	expect(fixture, "/api/v1/search?q=listen:443&count_by=listen", 200,
	        "{\"listen\":\"443\",\"hosts\":1}\n");
	expect(fixture, "/api/v1/search?q=host:db01&count_by=listen", 200,
	        "{\"listen\":null,\"hosts\":1}\n");
}

static void test_search_shows_the_facts_that_match(void **state)
{
	struct fixture *fixture = *state;
	struct ask one = {.path = "/api/v1/search?q=listen:nginx+fact.virtualisation:*"};

	store_fact(fixture, fixture->web, socket_of("tcp", "443"));
	store_fact(fixture, fixture->db, socket_of("udp", "443"));
	store_fact(fixture, fixture->web, fact_of(FACT_HOST, "virtualisation", "kvm"));
	ask(fixture, &one);
	assert_int_equal(count_lines(&one.answer), 1);
	assert_true(ask_says(&one, "\"matches\":[{\"kind\":\"socket\",\"protocol\":\"tcp\","));
	assert_true(ask_says(
	        &one, "},{\"kind\":\"host\",\"name\":\"virtualisation\",\"value\":\"kvm\"}]}"));
	ask_fini(&one);
}

/* db01 is not connected and has told no os; its package's manager has no order. */
static void test_coverage_tells_what_an_answer_cannot_know(void **state)
{
	struct fixture *fixture = *state;
	struct fact lodash = package("lodash", "4.17.20");

	lodash.field[PACKAGE_MANAGER] = slice_text("brew");
	store_fact(fixture, fixture->db, lodash);
	expect(fixture, "/api/v1/search/coverage", 200,
	        "{\"hosts\":2,\"matches\":2,\"stale\":1,\"unknown\":1,\"unordered\":0,"
	        "\"unordered_managers\":[]}\n");
	expect(fixture, "/api/v1/search/coverage?q=package:lodash%3C5", 200,
	        "{\"hosts\":2,\"matches\":0,\"stale\":1,\"unknown\":1,\"unordered\":1,"
	        "\"unordered_managers\":[\"brew\"]}\n");
	expect(fixture, "/api/v1/search/coverage?q=(", 400, NULL);
}

static void test_packages_stand_in_version_order(void **state)
{
	struct ask one = {.path = "/api/v1/packages?name=openssl"};

	ask(*state, &one);
	assert_int_equal(count_lines(&one.answer), 2);
	const char *nine = strstr((char *)one.answer.data, "3.0.9-1");
	const char *fifteen = strstr((char *)one.answer.data, "3.0.15-1");
	assert_true(nine && fifteen && nine < fifteen);
	assert_true(ask_says(&one, "\"hosts\":1}\n"));
	ask_fini(&one);
}

static void test_packages_of_a_host(void **state)
{
	struct ask one = {.path = "/api/v1/packages?host=db01"};

	ask(*state, &one);
	assert_int_equal(count_lines(&one.answer), 2);
	ask_fini(&one);
	expect(*state, "/api/v1/packages?host=web01&name=zlib1g", 200, "");
	expect(*state, "/api/v1/packages?host=nobody", 404, NULL);
	expect(*state, "/api/v1/packages", 400, NULL);
}

static void test_one_version_at_many_paths_is_one_line(void **state)
{
	static const char *const paths[] = {"/srv/a", "/srv/b", "/usr/share/c"};
	struct fixture *fixture = *state;
	struct ask one = {.path = "/api/v1/packages?name=lodash"};
	struct fact lodash = package("lodash", "4.17.20");

	lodash.field[PACKAGE_MANAGER] = slice_text("npm");
	for (int i = 0; i < 3; i++) {
		lodash.field[PACKAGE_INSTANCE] = slice_text(paths[i]);
		lodash.field[PACKAGE_OWNER] = slice_text(i == 2 ? "dpkg:node-lodash" : "");
		store_fact(fixture, i == 1 ? fixture->db : fixture->web, lodash);
	}
	lodash.field[PACKAGE_VERSION] = slice_text("4.17.21");
	store_fact(fixture, fixture->db, lodash);
	ask(fixture, &one);
	assert_int_equal(count_lines(&one.answer), 2);
	assert_true(ask_says(&one, "\"status\":\"installed\",\"hosts\":2,\"instances\":3}\n"));
	assert_true(ask_says(&one, "\"instance\":\"/usr/share/c\""));
	assert_true(ask_says(&one, "\"owner\":\"dpkg:node-lodash\",\"hosts\":1}\n"));
	ask_fini(&one);
}

static void test_packages_of_a_host_say_when_they_came(void **state)
{
	struct fixture *fixture = *state;
	struct fact install = {.kind = FACT_INSTALL};
	struct ask one = {.path = "/api/v1/packages?host=db01"};

	install.field[INSTALL_MANAGER] = slice_text("dpkg");
	install.field[INSTALL_NAME] = slice_text("zlib1g");
	install.field[INSTALL_ARCH] = slice_text("amd64");
	install.field[INSTALL_TIME] = slice_text("1763805600");
	store_fact(fixture, fixture->db, install);
	ask(fixture, &one);
	assert_int_equal(count_lines(&one.answer), 2);
	assert_true(
	        ask_says(&one, "\"hosts\":1,\"installed_at\":\"2025-11-22T10:00:00.000000Z\"}\n"));
	assert_true(ask_says(&one, "\"hosts\":1}\n"));
	ask_fini(&one);
}

/* --- files --------------------------------------------------------------------------------- */

static void test_files_below_a_prefix(void **state)
{
	struct ask one = {.path = "/api/v1/files?host=web01&prefix=/etc"};

	ask(*state, &one);
	assert_int_equal(count_lines(&one.answer), 2);
	assert_false(ask_says(&one, "etcetera"));
	ask_fini(&one);
	expect(*state, "/api/v1/files?host=web01&prefix=etc", 400, NULL);
	expect(*state, "/api/v1/files?host=nobody", 404, "{\"error\":\"no host 'nobody'\"}\n");
	expect(*state, "/api/v1/files", 400, NULL);
}

static void test_many_files_come_each_once(void **state)
{
	struct fixture *fixture = *state;
	static char paths[1000][32];
	struct event events[1000];
	struct ask one = {.path = "/api/v1/files?host=db01"};

	for (int i = 0; i < 1000; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/srv/file-%04d", i);
		events[i] = file_event(paths[i]);
	}
	store_events(fixture, fixture->db, events, 1000);
	ask(fixture, &one);
	assert_int_equal(count_lines(&one.answer), 1000);
	for (int i = 0; i < 1000; i++)
		assert_true(ask_says(&one, paths[i]));
	ask_fini(&one);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_search_says_why_a_host_matches),
	        TEST(test_search_shows_the_facts_that_match),
	        TEST(test_search_is_limited),
	        TEST(test_coverage_tells_what_an_answer_cannot_know),
	        TEST(test_bad_query_is_400_with_its_sentence),
	        TEST(test_count_by_counts_hosts),
	        TEST(test_host_counts_once_where_several_facts_have_a_value),
	        TEST(test_packages_stand_in_version_order),
	        TEST(test_packages_of_a_host),
	        TEST(test_one_version_at_many_paths_is_one_line),
	        TEST(test_packages_of_a_host_say_when_they_came),
	        TEST(test_files_below_a_prefix),
	        TEST(test_many_files_come_each_once),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	curl_global_cleanup();
	return failed;
}
