#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "collector/query/query.h"
#include "tests/unit/collector-query/fleet.h"

/* Four hosts: web01, web02 (debian 12), db01 (debian 11), odd (another manager, nothing else). */
static struct index *small_fleet(void)
{
	struct index *index = index_new();
	const struct {
		uint32_t host;
		struct fact fact;
	} rows[] = {
	        {0, os_of("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")},
	        {1, os_of("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")},
	        {2, os_of("debian", "11", "bullseye", "Debian GNU/Linux 11 (bullseye)")},
	        {0, package_of("dpkg", "openssl", "3.0.15-1~deb12u1", "installed")},
	        {1, package_of("dpkg", "openssl", "3.0.9-1", "installed")},
	        {2, package_of("dpkg", "openssl", "1.1.1w-0", "half-configured")},
	        {0, package_of("dpkg", "nginx", "1.22", "config-files")},
	        {1, package_of("dpkg", "nginx", "1.22", "installed")},
	        {2, package_of("dpkg", "nginx", "1.22", "not-installed")},
	        {0, package_of("dpkg", "libssl3", "3.0.15", "installed")},
	        {1, package_of("dpkg", "libc6", "2.36", "installed")},
	        {3, package_of("brew", "openssl", "1.0", "installed")},
	        {0, kernel_of("running", "6.1.0-28-amd64")},
	        {0, kernel_of("installed", "6.1.0-9-amd64")},
	        {1, kernel_of("running", "6.1.0-9-amd64")},
	        {2, kernel_of("running", "5.10.0-33-amd64")},
	        {0, pair_of(FACT_LABEL, "env", "prod")},
	        {1, pair_of(FACT_LABEL, "env", "staging")},
	        {2, pair_of(FACT_LABEL, "role", "prod")},
	        {0, pair_of(FACT_HOST, "architecture", "x86_64")},
	        {2, pair_of(FACT_HOST, "architecture", "aarch64")},
	        {3, pair_of(FACT_HOST, "machine_id", "x86_64")},
	};
	const char *names[] = {"web01", "web02", "db01", "odd"};
	for (uint32_t host = 0; host < 4; host++)
		index_add_host(index, host, slice_text(names[host]));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		index_fact_begins(index, rows[i].host, &rows[i].fact);
	return index;
}

static struct query *parse(enum query_about about, const char *text)
{
	struct query *query = NULL;
	struct reason why;
	if (query_parse(slice_text(text), about, &query, &why) < 0)
		fail_msg("'%s': %s", text, why.text);
	return query;
}

static void test_each_field_finds_the_hosts_that_it_says(void **state)
{
	(void)state;
	/* The hosts as bits: 1 web01, 2 web02, 4 db01, 8 odd. */
	static const struct {
		const char *text;
		unsigned hosts;
	} rows[] = {
	        {"", 15},
	        {"package:openssl", 15},
	        {"package:openssl<3.0.15-1", 7},
	        {"package:openssl<3.0.15-1~deb12u1", 6},
	        {"package:openssl<=3.0.15-1~deb12u1", 7},
	        {"package:openssl>3.0.9-1", 1},
	        {"package:openssl>=3.0.9-1", 3},
	        {"package:openssl=3.0.9-1", 2},
	        {"package:openssl=0:3.0.9-1", 2},
	        {"package:openssl!=3.0.9-1", 5},
	        {"package:openssl version:1.*", 12},
	        {"package:openssl version>=1 version<3", 4},
	        {"NOT package:openssl version<3", 11},
	        {"package:nginx", 2},
	        {"package:lib*", 3},
	        {"package:lib?6", 2},
	        {"package:\"lib\\*\"", 0},
	        {"package:lib*<3", 2},
	        {"os:debian", 7},
	        {"os:\"debian 12\"", 3},
	        {"os:bullseye", 4},
	        {"os:\"*GNU/Linux 12*\"", 3},
	        {"os:debian?1?", 7},
	        {"os:debian1?", 0},
	        {"kernel:6.1.0-9-amd64", 2},
	        {"kernel:6.1*", 3},
	        {"kernel<6.1.0-28", 6},
	        {"kernel>5.10 -kernel>6.1.0-10", 6},
	        {"kernel<=6.1.0-28", 7},
	        {"kernel>6.1.0-28", 0},
	        {"kernel=6.1.0-9", 2},
	        {"kernel>6.1.0", 3},
	        {"host:web01", 1},
	        {"host:web*", 3},
	        {"host:nobody", 0},
	        {"arch:x86_64", 1},
	        {"arch:*64", 5},
	        {"label.env:prod", 1},
	        {"label.env:*", 3},
	        {"label.env!=prod", 14},
	        {"label.none:x", 0},
	        {"openssl", 15},
	        {"nginx", 2},
	        {"web01", 1},
	        {"web02 OR libssl3", 3},
	        {"*", 15},
	        {"o*", 15},
	        {"os:debian package:openssl<3 OR host:odd", 12},
	        {"os:debian (package:nginx OR label.env:prod) -host:web02", 1},
	        {"NOT (os:debian OR host:odd)", 0},
	        {"-os:debian", 8},
	};
	struct index *index = small_fleet();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query *query = parse(QUERY_HOSTS, rows[i].text);
		struct hostset *set = query_hosts(query, index);
		unsigned found = 0;
		for (uint32_t host = 0; host < 4; host++)
			found |= (unsigned)hostset_has(set, host) << host;
		if (found != rows[i].hosts)
			fail_msg("'%s': hosts %u, not %u", rows[i].text, found, rows[i].hosts);
		assert_int_equal(hostset_count(set), __builtin_popcount(found));
		hostset_free(set);
		query_free(query);
	}
	index_free(index);
}

struct reasons {
	struct buf text;
	unsigned count, most;
};

static bool note(void *ctx, const struct fact *fact)
{
	struct reasons *reasons = ctx;
	unsigned name = fact->kind == FACT_KERNEL ? KERNEL_RELEASE : PACKAGE_NAME;
	buf_append_slice(&reasons->text, fact->field[name]);
	buf_append_byte(&reasons->text, ' ');
	return ++reasons->count < reasons->most;
}

static void check_reasons(const struct index *index, const char *text, uint32_t host, unsigned most,
        const char *expected)
{
	struct reasons reasons = {.text = BUF_INIT, .most = most};
	struct query *query = parse(QUERY_HOSTS, text);
	query_each_reason(query, index, host, note, &reasons);
	assert_string_equal(buf_text(&reasons.text), expected);
	buf_fini(&reasons.text);
	query_free(query);
}

static void test_reasons_are_facts_of_the_host_that_terms_ask_for_each_once(void **state)
{
	(void)state;
	struct index *index = small_fleet();
	check_reasons(index, "", 0, 9, "");
	check_reasons(index, "package:openssl", 0, 9, "openssl ");
	check_reasons(index, "package:openssl<3", 0, 9, "");
	check_reasons(index, "openssl package:openssl>1 os:debian", 1, 9, "openssl ");
	check_reasons(
	        index, "package:libssl* kernel>6 -package:nginx", 0, 9, "libssl3 6.1.0-28-amd64 ");
	check_reasons(index, "package:openssl OR package:nginx OR libc6", 1, 2, "openssl nginx ");
	check_reasons(index, "NOT package:openssl", 0, 9, "");
	index_free(index);
}

/* --- events -------------------------------------------------------------------------------- */

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
	/* The events as bits, in that order; all of web01, but 32: the first one of db01. */
	static const struct {
		const char *text;
		unsigned events;
	} rows[] = {
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
	struct index *index = small_fleet();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query *query = parse(QUERY_EVENTS, rows[i].text);
		unsigned found = 0;
		for (unsigned e = 0; e < 5; e++)
			found |= (unsigned)query_matches_event(query, index, 0, events[e]) << e;
		found |= (unsigned)query_matches_event(query, index, 2, &modified) << 5;
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
	        cmocka_unit_test(test_each_field_finds_the_hosts_that_it_says),
	        cmocka_unit_test(test_reasons_are_facts_of_the_host_that_terms_ask_for_each_once),
	        cmocka_unit_test(test_event_fields_look_at_the_event_and_host_fields_at_its_host),
	        cmocka_unit_test(test_only_host_is_one_that_every_match_must_be_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
