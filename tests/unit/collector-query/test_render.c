#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/query/render.h"
#include "common/model/xattrs.h"
#include "tests/unit/collector-query/fleet.h"

#define TIME_NS     1795341600123456789LL /* 2026-11-22T10:00:00.123456789Z */
#define TIME_TEXT   "\"2026-11-22T10:00:00.123456Z\""
#define SHA256_TEXT "abababababababababababababababababababababababababababababababab"
#define HEAD        "{\"id\":\"7-2\",\"host\":\"web01\",\"seq\":812,\"time\":" TIME_TEXT ","

static const struct event_id ID = {.position = 7, .place = 2};

#define DEVICE "\"device\":\"0:0\","
#define NO_ATTRIBUTES                                                              \
	",\"flags\":null,\"acl\":null,\"default_acl\":null,\"capabilities\":null," \
	"\"selinux\":null,\"xattrs\":null"

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
	             ",\"ctime\":" TIME_TEXT ",\"inode\":12," DEVICE
	             "\"sha256\":null,\"hash_reason\":\"too large\"" NO_ATTRIBUTES "},"
	             "\"after\":{\"type\":\"file\",\"mode\":\"0644\",\"uid\":0,\"gid\":5,"
	             "\"owner\":\"root\",\"group\":\"tty\",\"size\":18446744073709551615,"
	             "\"mtime\":" TIME_TEXT ",\"ctime\":" TIME_TEXT ",\"inode\":12," DEVICE
	             "\"sha256\":\"" SHA256_TEXT "\"" NO_ATTRIBUTES "},"
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
	check_event(&event, HEAD
	        "\"kind\":\"file\",\"action\":\"moved\","
	        "\"path\":\"/\xc3\xa9\\\\xfe\\\\\\\\\",\"path_b64\":\"L8Op/lw=\","
	        "\"old_path\":\"/\xc3\xa9\",\"changed\":[],\"before\":null,"
	        "\"after\":{\"type\":\"symlink\",\"mode\":\"0777\",\"uid\":0,\"gid\":0,"
	        "\"owner\":null,\"group\":null,\"size\":0,"
	        "\"mtime\":\"1970-01-01T00:00:00.000000Z\","
	        "\"ctime\":\"1970-01-01T00:00:00.000000Z\",\"inode\":0," DEVICE "\"sha256\":null,"
	        "\"target\":\"\\\\xff\",\"target_b64\":\"/w==\"" NO_ATTRIBUTES "},"
	        "\"diff\":null,\"cause\":\"offline\",\"actor\":null,"
	        "\"explained\":{\"by\":\"none\"}}\n");
}

/* What cannot be asked of the line as a whole without repeating it. */
static json_t *render_parsed(const struct event *event)
{
	struct buf out = BUF_INIT;
	json_error_t error;
	render_event(&out, slice_text("web01"), ID, event);
	json_t *parsed = json_loadb((const char *)out.data, out.len, 0, &error);
	assert_non_null(parsed);
	buf_fini(&out);
	return parsed;
}

static void assert_member(json_t *object, const char *path, const char *expected)
{
	char key[32];
	for (const char *dot; (dot = strchr(path, '.')); path = dot + 1) {
		snprintf(key, sizeof key, "%.*s", (int)(dot - path), path);
		object = json_object_get(object, key);
	}
	char *text = json_dumps(json_object_get(object, path), JSON_ENCODE_ANY | JSON_COMPACT);
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void test_an_event_says_who_did_it_and_what_explains_it(void **state)
{
	(void)state;
	struct filestate file = regular();
	file.size = 1;
	struct actor actor = {.pid = 811,
	        .exe = slice_text("/usr/bin/vim"),
	        .cmdline = slice_text("vim x"),
	        .login_uid = 1000,
	        .session = ACTOR_NO_ID,
	        .user = slice_text("root"),
	        .login_user = slice_text("aiko"),
	        .parent = {slice_text("/bin/sh"), slice_text("sshd")},
	        .parent_count = 2};
	struct explained explained = {.state = EXPLAINED_VERIFIED,
	        .manager = slice_text("dpkg"),
	        .package = slice_text("openssl"),
	        .version = slice_text("3.0.15"),
	        .transaction = UINT64_MAX};
	struct event event = {.kind = EVENT_FILE,
	        .action = ACTION_CREATED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/a"),
	        .after = &file,
	        .actor = &actor,
	        .explained = &explained,
	        .diff = slice_text("@@ -1 +1 @@\n"),
	        .count = 7};
	json_t *parsed = render_parsed(&event);
	assert_member(parsed, "actor.pid", "811");
	assert_member(parsed, "actor.exe", "\"/usr/bin/vim\"");
	assert_member(parsed, "actor.uid", "0");
	assert_member(parsed, "actor.login_uid", "1000");
	assert_member(parsed, "actor.session", "null");
	assert_member(parsed, "actor.container", "null");
	assert_member(parsed, "actor.parents", "[\"/bin/sh\",\"sshd\"]");
	assert_null(json_object_get(parsed, "actor_unknown"));
	assert_member(parsed, "explained.by", "\"package\"");
	assert_member(parsed, "explained.state", "\"verified\"");
	assert_member(parsed, "explained.transaction", "\"18446744073709551615\"");
	assert_member(parsed, "diff", "\"@@ -1 +1 @@\\n\"");
	assert_member(parsed, "count", "7");
	json_decref(parsed);
}

static void test_what_is_not_known_says_why(void **state)
{
	(void)state;
	struct filestate file = regular();
	file.size = 1;
	struct actor gone = {.pid = 5,
	        .uid = ACTOR_NO_ID,
	        .gid = ACTOR_NO_ID,
	        .login_uid = ACTOR_NO_ID,
	        .session = ACTOR_NO_ID};
	struct event event = {.kind = EVENT_FILE,
	        .action = ACTION_CREATED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/a"),
	        .after = &file,
	        .actor_gap = ACTOR_SOURCE,
	        .diff_gap = DIFF_BINARY};
	json_t *parsed = render_parsed(&event);
	assert_member(parsed, "actor", "null");
	assert_member(parsed, "actor_unknown", "\"inotify names no process\"");
	assert_member(parsed, "diff_omitted", "\"binary\"");
	json_decref(parsed);
	event.actor = &gone;
	event.actor_gap = ACTOR_ENDED;
	parsed = render_parsed(&event);
	assert_member(parsed, "actor.pid", "5");
	assert_member(parsed, "actor.uid", "null");
	json_decref(parsed);
}

static void test_attributes_stand_in_words(void **state)
{
	(void)state;
	static const uint8_t ACL[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255};
	struct filestate file = regular();
	struct buf packed = BUF_INIT;
	file.size = 1;
	xattrs_append(&packed, slice_text("security.capability"), slice_text("odd"));
	xattrs_append(&packed, slice_text("security.selinux"), slice_of("etc_t", 6));
	xattrs_append(&packed, slice_text("system.posix_acl_access"), slice_of(ACL, sizeof ACL));
	xattrs_append(&packed, slice_text("user.\"n\""), slice_of("\xff", 1));
	file.has_attributes = true;
	file.flags = 0x10;
	file.xattrs = buf_slice(&packed);
	struct event event = {.kind = EVENT_FILE,
	        .action = ACTION_CREATED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/a"),
	        .after = &file};
	json_t *parsed = render_parsed(&event);
	assert_member(parsed, "after.flags", "\"i\"");
	assert_member(parsed, "after.acl", "\"user::rw-\"");
	assert_member(parsed, "after.default_acl", "null");
	assert_member(parsed, "after.capabilities", "\"odd\"");
	assert_member(parsed, "after.selinux", "\"etc_t\"");
	assert_member(parsed, "after.xattrs", "{\"user.\\\"n\\\"\":\"\\\\xff\"}");
	json_decref(parsed);
	buf_fini(&packed);
}

static void test_a_transaction_sums_up(void **state)
{
	(void)state;
	struct transaction transaction = {
	        .id = 7, .manager = slice_text("dpkg"), .packages = 2, .events = {1, 300, 2, 3, 4}};
	struct event event = {.kind = EVENT_TRANSACTION,
	        .action = ACTION_COMPLETED,
	        .cause = CAUSE_LIVE,
	        .detail = slice_text("all well"),
	        .transaction = &transaction};
	json_t *parsed = render_parsed(&event);
	assert_member(parsed, "kind", "\"transaction\"");
	assert_member(parsed, "action", "\"completed\"");
	assert_member(parsed, "transaction.id", "\"7\"");
	assert_member(parsed, "transaction.packages", "2");
	assert_member(parsed, "transaction.verified", "300");
	assert_member(parsed, "transaction.removed", "4");
	assert_member(parsed, "transaction.none", "1");
	assert_member(parsed, "detail", "\"all well\"");
	json_decref(parsed);
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
	                 "\"mtime\":" TIME_TEXT ",\"ctime\":" TIME_TEXT
	                 ",\"inode\":12,\"device\":\"0:0\"" NO_ATTRIBUTES "}\n");
	struct filestate link = {.type = FILE_SYMLINK, .target = slice_text("a")};
	render_file(&out, slice_text("/\x80"), &link);
	check_line(&out, "{\"path\":\"/\\\\x80\",\"path_b64\":\"L4A=\",\"type\":\"symlink\","
	                 "\"mode\":\"0000\",\"uid\":0,\"gid\":0,\"size\":0,\"sha256\":null,"
	                 "\"target\":\"a\",\"owner\":null,\"group\":null,"
	                 "\"mtime\":\"1970-01-01T00:00:00.000000Z\","
	                 "\"ctime\":\"1970-01-01T00:00:00.000000Z\",\"inode\":0,"
	                 "\"device\":\"0:0\"" NO_ATTRIBUTES "}\n");
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
	        cmocka_unit_test(test_an_event_says_who_did_it_and_what_explains_it),
	        cmocka_unit_test(test_what_is_not_known_says_why),
	        cmocka_unit_test(test_attributes_stand_in_words),
	        cmocka_unit_test(test_a_transaction_sums_up),
	        cmocka_unit_test(test_a_transient_tells_how_often),
	        cmocka_unit_test(test_a_fact_event_shows_the_fields_before_and_after),
	        cmocka_unit_test(test_notices_tell_path_count_and_detail),
	        cmocka_unit_test(test_a_line_of_a_file_listing),
	        cmocka_unit_test(test_a_fact_takes_extra_members_behind_its_fields),
	        cmocka_unit_test(test_any_bytes_become_one_json_string),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
