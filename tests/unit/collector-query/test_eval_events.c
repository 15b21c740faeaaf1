#include "tests/unit/collector-query/eval_scene.h"

/* modified, moved, upgraded, removed and gap as bits, in that order; all of web01, but 32: the
 * first one of db01. */
static const struct {
	const char *text;
	unsigned events;
} EVENT_ROWS[] = {
        {"", 63},
        {"path:/etc", 35},
        {"path:/etc/ssh/", 35},
        {"path:/etc/ssh/sshd_config", 35},
        {"path:/etc/ss", 0},
        {"path:/", 35},
        {"path:\"\"", 0},
        {"path:/tmp", 2},
        {"path:*sshd*", 35},
        {"path:/etc/*_config", 35},
        {"path:/etc/*x", 0},
        {"/etc/ssh", 35},
        {"action:modified", 33},
        {"action:mo*", 35},
        {"kind:file", 35},
        {"kind:package", 12},
        {"kind:agent", 16},
        {"kind:transaction", 0},
        {"actor:vim", 2},
        {"actor:/usr/bin/*", 2},
        {"actor:vi", 0},
        {"user:aiko", 2},
        {"user:root", 2},
        {"explained:none", 33},
        {"explained:verified", 2},
        {"cause:offline", 12},
        {"seq>10", 28},
        {"seq:10", 35},
        {"seq!=11", 51},
        {"seq<=11 -seq<11", 12},
        {"package:openssl", 12},
        {"package:openssl>3.0.10", 4},
        {"package:openssl<3.0.10", 8},
        {"package:open*", 12},
        {"openssl", 12},
        {"package:nginx", 0},
        {"host:web01", 31},
        {"web01", 31},
        {"host:db*", 32},
        {"os:\"debian 12\"", 31},
        {"kernel<6", 32},
        {"kernel:6.1.0-9-amd64", 0},
        {"label.env:prod action:gap", 16},
        {"label.role:prod OR action:gap", 48},
        {"arch:aarch64", 32},
        {"NOT (kind:file OR arch:aarch64)", 28},
};

static void test_event_fields_look_at_the_event_and_host_fields_at_its_host(void **state)
{
	(void)state;
	struct filestate file = {.type = FILE_REGULAR};
	struct fact old = package_of("dpkg", "openssl", "3.0.9", "installed");
	struct fact new = package_of("dpkg", "openssl", "3.0.15", "installed");
	struct event modified = {.seq = 10,
	        .kind = EVENT_FILE,
	        .action = ACTION_MODIFIED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/etc/ssh/sshd_config"),
	        .before = &file,
	        .after = &file};
	struct actor actor = {.pid = 1,
	        .exe = slice_text("/usr/bin/vim"),
	        .user = slice_text("root"),
	        .login_user = slice_text("aiko")};
	struct explained explained = {.state = EXPLAINED_VERIFIED};
	struct event moved = modified;
	moved.actor = &actor;
	moved.explained = &explained;
	moved.action = ACTION_MOVED;
	moved.old_path = slice_text("/tmp/x");
	struct event upgraded = {.seq = 11,
	        .kind = EVENT_FACT,
	        .action = ACTION_UPGRADED,
	        .cause = CAUSE_OFFLINE,
	        .fact_before = &old,
	        .fact_after = &new};
	struct event removed = upgraded;
	removed.action = ACTION_REMOVED;
	removed.fact_after = NULL;
	struct event gap = {.seq = 12,
	        .kind = EVENT_AGENT,
	        .action = ACTION_GAP,
	        .cause = CAUSE_LIVE,
	        .detail = slice_text("overflow")};
	const struct event *events[] = {&modified, &moved, &upgraded, &removed, &gap};
	struct index *index = small_fleet();
	for (size_t i = 0; i < sizeof(EVENT_ROWS) / sizeof(EVENT_ROWS[0]); i++) {
		struct query *query = parse(QUERY_EVENTS, EVENT_ROWS[i].text);
		unsigned found = 0;
		for (unsigned e = 0; e < 5; e++)
			found |= (unsigned)query_matches_event(query, index, 0, events[e]) << e;
		found |= (unsigned)query_matches_event(query, index, 2, &modified) << 5;
		if (found != EVENT_ROWS[i].events)
			fail_msg("'%s': events %u, not %u", EVENT_ROWS[i].text, found,
			        EVENT_ROWS[i].events);
		query_free(query);
	}
	index_free(index);
}

static void test_event_of_a_fact_is_found_by_what_the_fact_became(void **state)
{
	(void)state;
	const char *fields[] = {"bob", "1000", "100", "/home/bob", "/bin/sh", "yes"};
	const char *later_fields[] = {"bob", "0", "100", "/home/bob", "/bin/sh", "yes"};
	struct fact account = fact_of(FACT_USER, fields), later = fact_of(FACT_USER, later_fields);
	struct event changed = {.seq = 1,
	        .kind = EVENT_FACT,
	        .action = ACTION_UPGRADED,
	        .cause = CAUSE_LIVE,
	        .fact_before = &account,
	        .fact_after = &later};
	struct event removed = changed;
	removed.action = ACTION_REMOVED;
	removed.fact_after = NULL;
	/* changed, removed */
	static const struct {
		const char *text;
		unsigned events;
	} rows[] = {
	        {"account:bob", 3},
	        {"account:bob uid:0", 1},
	        {"account:bob uid>0", 2},
	        {"account:aiko", 0},
	        {"group:bob", 0},
	        {"bob", 0},
	        {"user:bob", 0},
	        {"kind:user", 3},
	        {"fact.architecture:x86_64", 3},
	        {"fact.architecture:aarch64", 0},
	};
	struct index *index = small_fleet();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query *query = parse(QUERY_EVENTS, rows[i].text);
		unsigned found = query_matches_event(query, index, 0, &changed) |
		                 query_matches_event(query, index, 0, &removed) << 1;
		if (found != rows[i].events)
			fail_msg("'%s': events %u, not %u", rows[i].text, found, rows[i].events);
		query_free(query);
	}
	index_free(index);
}

static void test_only_host_is_one_that_every_match_must_be_of(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t host;
	} rows[] = {
	        {"", UINT32_MAX},
	        {"host:web02", 1},
	        {"action:modified (path:/etc host:db01)", 2},
	        {"host:web02 host:db01", 1},
	        {"host:web*", UINT32_MAX},
	        {"host:nobody", UINT32_MAX},
	        {"NOT host:web02", UINT32_MAX},
	        {"host:web02 OR host:db01", UINT32_MAX},
	        {"web02", UINT32_MAX},
	};
	struct index *index = small_fleet();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query *query = parse(QUERY_EVENTS, rows[i].text);
		assert_int_equal(query_only_host(query, index), rows[i].host);
		query_free(query);
	}
	index_free(index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_event_of_a_fact_is_found_by_what_the_fact_became),
	        cmocka_unit_test(test_event_fields_look_at_the_event_and_host_fields_at_its_host),
	        cmocka_unit_test(test_only_host_is_one_that_every_match_must_be_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
