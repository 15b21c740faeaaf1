#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/cli/event_line.h"

static void expect(const char *json, const char *want)
{
	json_t *event = json_loads(json, 0, NULL);
	struct buf out = BUF_INIT;

	assert_non_null(event);
	event_line_append(event, &out);
	assert_string_equal(buf_text(&out), want);
	buf_fini(&out);
	json_decref(event);
}

static void test_attributes_are_shown_old_to_new(void **state)
{
	(void)state;
	expect("{\"kind\":\"file\",\"action\":\"attributes\",\"path\":\"/etc/x\",\"changed\":"
	       "[\"mode\",\"uid\"],\"before\":{\"mode\":\"0644\",\"uid\":0,\"owner\":\"root\"},"
	       "\"after\":{\"mode\":\"0600\",\"uid\":7,\"owner\":\"bob\"}}",
	        "/etc/x  mode 0644->0600, owner root->bob");
}

static void test_number_stands_for_an_unknown_name(void **state)
{
	(void)state;
	expect("{\"kind\":\"file\",\"path\":\"/x\",\"changed\":[\"gid\"],\"before\":{\"gid\":0,"
	       "\"group\":\"root\"},\"after\":{\"gid\":1234,\"group\":null}}",
	        "/x  group 0->1234");
}

static void test_time_is_shown_only_when_it_is_all(void **state)
{
	(void)state;
	expect("{\"kind\":\"file\",\"path\":\"/x\",\"changed\":[\"size\",\"mtime\",\"sha256\"],"
	       "\"before\":{\"size\":1,\"mtime\":\"a\"},\"after\":{\"size\":2,\"mtime\":\"b\"}}",
	        "/x  size 1->2, content");
	expect("{\"kind\":\"file\",\"path\":\"/x\",\"changed\":[\"mtime\"],\"before\":"
	       "{\"mtime\":\"a\"},\"after\":{\"mtime\":\"b\"}}",
	        "/x  mtime a->b");
}

static void test_move_shows_both_paths(void **state)
{
	(void)state;
	expect("{\"kind\":\"file\",\"action\":\"moved\",\"path\":\"/b\",\"old_path\":\"/a\","
	       "\"changed\":[],\"before\":{},\"after\":{}}",
	        "/a -> /b");
}

static void test_package_shows_its_versions(void **state)
{
	(void)state;
	expect("{\"kind\":\"package\",\"action\":\"upgraded\",\"before\":{\"name\":\"openssl\","
	       "\"version\":\"3.0.9\"},\"after\":{\"name\":\"openssl\",\"version\":\"3.0.15\"}}",
	        "package openssl upgraded 3.0.9 -> 3.0.15");
	expect("{\"kind\":\"package\",\"action\":\"removed\",\"before\":{\"name\":\"vim\","
	       "\"version\":\"9\"},\"after\":null}",
	        "package vim removed 9");
}

static void test_first_sight_of_a_fact_is_no_change(void **state)
{
	(void)state;
	expect("{\"kind\":\"user\",\"action\":\"installed\",\"cause\":\"baseline\",\"before\":null,"
	       "\"after\":{\"name\":\"bob\",\"uid\":\"1000\"}}",
	        "account bob 1000");
	expect("{\"kind\":\"user\",\"action\":\"installed\",\"cause\":\"live\",\"before\":null,"
	       "\"after\":{\"name\":\"bob\",\"uid\":\"1000\"}}",
	        "account bob added 1000");
}

static void test_actor_explanation_and_count_stand_behind(void **state)
{
	(void)state;
	expect("{\"kind\":\"file\",\"path\":\"/x\",\"changed\":[\"flags\",\"acl\"],"
	       "\"before\":{\"flags\":\"\"},\"after\":{\"flags\":\"i\"},\"actor\":{\"exe\":"
	       "\"/usr/bin/vim\",\"user\":\"root\",\"login_user\":\"aiko\"},"
	       "\"explained\":{\"by\":\"none\"}}",
	        "/x  flags -->i, acl  by vim (aiko as root)");
	expect("{\"kind\":\"file\",\"path\":\"/x\",\"changed\":[],\"count\":7,"
	       "\"actor\":{\"exe\":null},\"explained\":{\"by\":\"package\",\"package\":"
	       "\"openssl\",\"version\":\"3.0\",\"state\":\"verified\"}}",
	        "/x  x7  [openssl 3.0 verified]");
	expect("{\"kind\":\"transaction\",\"path\":null,\"detail\":\"dpkg: 1 upgraded\"}",
	        "dpkg: 1 upgraded");
}

static void test_notice_shows_its_detail(void **state)
{
	(void)state;
	expect("{\"kind\":\"file\",\"action\":\"gap\",\"path\":\"/etc\",\"detail\":\"overflow\"}",
	        "/etc  overflow");
	expect("{\"kind\":\"agent\",\"action\":\"started\",\"path\":null,\"detail\":\"0.1.0\"}",
	        "0.1.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_attributes_are_shown_old_to_new),
	        cmocka_unit_test(test_number_stands_for_an_unknown_name),
	        cmocka_unit_test(test_time_is_shown_only_when_it_is_all),
	        cmocka_unit_test(test_move_shows_both_paths),
	        cmocka_unit_test(test_package_shows_its_versions),
	        cmocka_unit_test(test_first_sight_of_a_fact_is_no_change),
	        cmocka_unit_test(test_actor_explanation_and_count_stand_behind),
	        cmocka_unit_test(test_notice_shows_its_detail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
