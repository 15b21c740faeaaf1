#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>

#include "collector/query/render.h"
#include "tests/unit/collector-query/fleet.h"

#define TIME_NS     1795341600123456789LL /* 2026-11-22T10:00:00.123456789Z */
#define TIME_TEXT   "\"2026-11-22T10:00:00.123456Z\""
#define SHA256_TEXT "abababababababababababababababababababababababababababababababab"
#define HEAD        "{\"id\":\"7-2\",\"host\":\"web01\",\"seq\":812,\"time\":" TIME_TEXT ","

static const struct event_id ID = {.position = 7, .place = 2};

static struct filestate regular(void)
{
	struct filestate state = {.type = FILE_REGULAR,
	        .hash = HASH_DONE,
	        .mode = 0644,
	        .gid = 5,
	        .size = 18446744073709551615u,
	        .mtime_ns = TIME_NS,
	        .ctime_ns = TIME_NS,
	        .inode = 12,
	        .owner = slice_text("root"),
	        .group = slice_text("tty")};
	memset(state.sha256, 0xab, sizeof(state.sha256));
	return state;
}

/* The line is exactly this, ends with its only '\n', and is one JSON object. */
static void check_line(struct buf *out, const char *expected)
{
	json_error_t error;
	assert_string_equal(buf_text(out), expected);
	assert_ptr_equal(memchr(out->data, '\n', out->len), out->data + out->len - 1);
	/* A size may be beyond jansson's integers. */
	json_t *parsed = json_loadb(
	        (const char *)out->data, out->len, JSON_DECODE_INT_AS_REAL, &error);
	if (!parsed)
		fail_msg("%s: %s", error.text, expected);
	json_decref(parsed);
	buf_fini(out);
}

static void check_event(const struct event *event, const char *expected)
{
	struct buf out = BUF_INIT;
	render_event(&out, slice_text("web01"), ID, event);
	check_line(&out, expected);
}

static void test_a_file_event_has_every_member_in_order(void **state)
{
	(void)state;
	struct filestate before = regular(), after = regular();
	before.size = 3200;
	before.mode = 04755;
	before.hash = HASH_TOO_LARGE;
	before.owner = slice_of(NULL, 0);
	struct event event = {.seq = 812,
	        .time_ns = TIME_NS,
	        .kind = EVENT_FILE,
	        .action = ACTION_MODIFIED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/etc/a \"b\"\\\n\x01"),
	        .changed = CHANGED_MODE | CHANGED_SHA256,
	        .before = &before,
	        .after = &after};
	check_event(&event,
	        HEAD "\"kind\":\"file\",\"action\":\"modified\","
	             "\"path\":\"/etc/a \\\"b\\\"\\\\\\n\\u0001\",\"old_path\":null,"
	             "\"changed\":[\"mode\",\"sha256\"],"
	             "\"before\":{\"type\":\"file\",\"mode\":\"4755\",\"uid\":0,\"gid\":5,"
	             "\"owner\":null,\"group\":\"tty\",\"size\":3200,\"mtime\":" TIME_TEXT
	             ",\"ctime\":" TIME_TEXT
	             ",\"inode\":12,\"sha256\":null,\"hash_reason\":\"too large\"},"
	             "\"after\":{\"type\":\"file\",\"mode\":\"0644\",\"uid\":0,\"gid\":5,"
	             "\"owner\":\"root\",\"group\":\"tty\",\"size\":18446744073709551615,"
	             "\"mtime\":" TIME_TEXT ",\"ctime\":" TIME_TEXT
	             ",\"inode\":12,\"sha256\":\"" SHA256_TEXT "\"},"
	             "\"diff\":null,\"cause\":\"live\",\"actor\":null,"
	             "\"explained\":{\"by\":\"none\"}}\n");
}

static void test_bytes_that_are_no_text_are_shown_escaped_and_given_in_base64(void **state)
{
	(void)state;
	struct filestate after = {.type = FILE_SYMLINK, .mode = 0777, .target = slice_text("\xff")};
	struct event event = {.seq = 812,
	        .time_ns = TIME_NS,
	        .kind = EVENT_FILE,
	        .action = ACTION_MOVED,
	        .cause = CAUSE_OFFLINE,
	        .path = slice_text("/\xc3\xa9\xfe\\"),
	        .old_path = slice_text("/\xc3\xa9"),
	        .after = &after};
	check_event(&event,
	        HEAD "\"kind\":\"file\",\"action\":\"moved\","
	             "\"path\":\"/\xc3\xa9\\\\xfe\\\\\\\\\",\"path_b64\":\"L8Op/lw=\","
	             "\"old_path\":\"/\xc3\xa9\",\"changed\":[],\"before\":null,"
	             "\"after\":{\"type\":\"symlink\",\"mode\":\"0777\",\"uid\":0,\"gid\":0,"
	             "\"owner\":null,\"group\":null,\"size\":0,"
	             "\"mtime\":\"1970-01-01T00:00:00.000000Z\","
	             "\"ctime\":\"1970-01-01T00:00:00.000000Z\",\"inode\":0,\"sha256\":null,"
	             "\"target\":\"\\\\xff\",\"target_b64\":\"/w==\"},"
	             "\"diff\":null,\"cause\":\"offline\",\"actor\":null,"
	             "\"explained\":{\"by\":\"none\"}}\n");
}

static void test_a_transient_tells_how_often(void **state)
{
	(void)state;
	struct event event = {.seq = 812,
	        .time_ns = TIME_NS,
	        .kind = EVENT_FILE,
	        .action = ACTION_TRANSIENT,
	        .cause = CAUSE_LIVE,
	        .count = 3,
	        .path = slice_text("/a")};
	check_event(&event,
	        HEAD "\"kind\":\"file\",\"action\":\"transient\",\"path\":\"/a\","
	             "\"old_path\":null,\"changed\":[],\"count\":3,\"before\":null,\"after\":null,"
	             "\"diff\":null,\"cause\":\"live\",\"actor\":null,"
	             "\"explained\":{\"by\":\"none\"}}\n");
}

static void test_a_fact_event_shows_the_fields_before_and_after(void **state)
{
	(void)state;
	struct fact before = package_of("dpkg", "openssl", "3.0.9", "installed");
	struct fact after = package_of("dpkg", "openssl", "3.0.15", "installed");
	struct event event = {.seq = 812,
	        .time_ns = TIME_NS,
	        .kind = EVENT_FACT,
	        .action = ACTION_UPGRADED,
	        .cause = CAUSE_LIVE,
	        .fact_before = &before,
	        .fact_after = &after};
	check_event(&event,
	        HEAD "\"kind\":\"package\",\"action\":\"upgraded\","
	             "\"before\":{\"manager\":\"dpkg\",\"name\":\"openssl\",\"arch\":\"amd64\","
	             "\"version\":\"3.0.9\",\"source\":\"openssl\",\"source_version\":\"3.0.9\","
	             "\"status\":\"installed\"},"
	             "\"after\":{\"manager\":\"dpkg\",\"name\":\"openssl\",\"arch\":\"amd64\","
	             "\"version\":\"3.0.15\",\"source\":\"openssl\",\"source_version\":\"3.0.15\","
	             "\"status\":\"installed\"},\"cause\":\"live\"}\n");
	event.action = ACTION_INSTALLED;
	struct fact label = pair_of(FACT_LABEL, "env", "prod");
	event.fact_before = NULL;
	event.fact_after = &label;
	check_event(&event, HEAD "\"kind\":\"label\",\"action\":\"installed\",\"before\":null,"
	                         "\"after\":{\"name\":\"env\",\"value\":\"prod\"},"
	                         "\"cause\":\"live\"}\n");
}

static void test_notices_tell_path_count_and_detail(void **state)
{
	(void)state;
	struct event event = {.seq = 812,
	        .time_ns = TIME_NS,
	        .kind = EVENT_AGENT,
	        .action = ACTION_BASELINED,
	        .cause = CAUSE_BASELINE,
	        .count = 99,
	        .path = slice_text("/etc")};
	check_event(&event, HEAD "\"kind\":\"agent\",\"action\":\"baselined\",\"path\":\"/etc\","
	                         "\"count\":99,\"detail\":null,\"cause\":\"baseline\"}\n");
	event = (struct event){.seq = 812,
	        .time_ns = TIME_NS,
	        .kind = EVENT_FILE,
	        .action = ACTION_GAP,
	        .cause = CAUSE_LIVE,
	        .detail = slice_text("queue overflow")};
	check_event(&event, HEAD "\"kind\":\"file\",\"action\":\"gap\",\"path\":null,"
	                         "\"detail\":\"queue overflow\",\"cause\":\"live\"}\n");
}

static void test_a_line_of_a_file_listing(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	struct filestate file = regular();
	file.size = 1;
	render_file(&out, slice_text("/etc/x"), &file);
	check_line(&out, "{\"path\":\"/etc/x\",\"type\":\"regular\",\"mode\":\"0644\",\"uid\":0,"
	                 "\"gid\":5,\"size\":1,\"sha256\":\"" SHA256_TEXT
	                 "\",\"target\":null,\"owner\":\"root\",\"group\":\"tty\","
	                 "\"mtime\":" TIME_TEXT "}\n");
	struct filestate link = {.type = FILE_SYMLINK, .target = slice_text("a")};
	render_file(&out, slice_text("/\x80"), &link);
	check_line(&out, "{\"path\":\"/\\\\x80\",\"path_b64\":\"L4A=\",\"type\":\"symlink\","
	                 "\"mode\":\"0000\",\"uid\":0,\"gid\":0,\"size\":0,\"sha256\":null,"
	                 "\"target\":\"a\",\"owner\":null,\"group\":null,"
	                 "\"mtime\":\"1970-01-01T00:00:00.000000Z\"}\n");
}

static void test_a_fact_takes_extra_members_behind_its_fields(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	struct fact kernel = kernel_of("running", "6.1.0");
	render_fact(&out, &kernel, ",\"hosts\":12");
	check_line(&out, "{\"state\":\"running\",\"release\":\"6.1.0\",\"version\":\"\","
	                 "\"package\":\"\",\"hosts\":12}\n");
	struct fact os = os_of("debian", "12", "\xff", "");
	render_fact(&out, &os, NULL);
	check_line(&out, "{\"id\":\"debian\",\"version_id\":\"12\",\"codename\":\"\\\\xff\","
	                 "\"codename_b64\":\"/w==\",\"pretty_name\":\"\"}\n");
}

/* Whatever the bytes, jansson reads the text back, and lines never hold a bare control. */
static void test_any_bytes_become_one_json_string(void **state)
{
	(void)state;
	srand(4);
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t bytes[24];
		size_t len = (size_t)rand() % sizeof(bytes);
		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)(rand() % (round % 2 ? 128 : 256));
		struct buf out = BUF_INIT;
		render_text(&out, slice_of(bytes, len));
		for (size_t i = 0; i < out.len; i++)
			assert_true(out.data[i] >= 0x20);
		json_t *parsed = json_loadb(
		        (const char *)out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		assert_non_null(parsed);
		if (round % 2) {
			assert_int_equal(json_string_length(parsed), len);
			assert_memory_equal(json_string_value(parsed), bytes, len);
		}
		json_decref(parsed);
		buf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_file_event_has_every_member_in_order),
	        cmocka_unit_test(test_bytes_that_are_no_text_are_shown_escaped_and_given_in_base64),
	        cmocka_unit_test(test_a_transient_tells_how_often),
	        cmocka_unit_test(test_a_fact_event_shows_the_fields_before_and_after),
	        cmocka_unit_test(test_notices_tell_path_count_and_detail),
	        cmocka_unit_test(test_a_line_of_a_file_listing),
	        cmocka_unit_test(test_a_fact_takes_extra_members_behind_its_fields),
	        cmocka_unit_test(test_any_bytes_become_one_json_string),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
