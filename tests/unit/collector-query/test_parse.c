#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "collector/query/query.h"

struct row {
	enum query_about about;
	const char *text;
	const char *result; /* the print; of what is refused, what the sentence begins with */
};

static void check_print(const struct row *row, const char *text)
{
	struct query *query = NULL;
	struct reason why = {""};
	struct buf print = BUF_INIT;
	if (query_parse(slice_text(text), row->about, &query, &why) < 0)
		fail_msg("'%s' was refused: %s", text, why.text);
	query_print(query, &print);
	assert_string_equal(buf_text(&print), row->result);
	buf_fini(&print);
	query_free(query);
}

static void check_accepted(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		check_print(&rows[i], rows[i].text);
		check_print(&rows[i], rows[i].result); /* the print reads back as itself */
	}
}

static void check_refused(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct query *query = NULL;
		struct reason why = {""};
		int rc = query_parse(slice_text(rows[i].text), rows[i].about, &query, &why);
		assert_int_equal(rc, ERR_FORMAT);
		assert_null(query);
		if (strncmp(why.text, rows[i].result, strlen(rows[i].result)) != 0)
			fail_msg("'%s': %s\nexpected: %s", rows[i].text, why.text, rows[i].result);
	}
}
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_groups_bind_as_the_grammar_says(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        {QUERY_HOSTS, "", ""},
	        {QUERY_HOSTS, " \t\n", ""},
	        {QUERY_HOSTS, "web01", "\"web01\""},
	        {QUERY_HOSTS, "a b", "(\"a\" AND \"b\")"},
	        {QUERY_HOSTS, "a AND b c", "(\"a\" AND \"b\" AND \"c\")"},
	        {QUERY_HOSTS, "a OR b c", "(\"a\" OR (\"b\" AND \"c\"))"},
	        {QUERY_HOSTS, "(a OR b) c", "((\"a\" OR \"b\") AND \"c\")"},
	        {QUERY_HOSTS, "((a))", "\"a\""},
	        {QUERY_HOSTS, "a (b (c))", "(\"a\" AND \"b\" AND \"c\")"},
	        {QUERY_HOSTS, "-a", "NOT \"a\""},
	        {QUERY_HOSTS, "NOT a", "NOT \"a\""},
	        {QUERY_HOSTS, "NOT NOT a", "\"a\""},
	        {QUERY_HOSTS, "-(a b)", "NOT (\"a\" AND \"b\")"},
	        {QUERY_HOSTS, "NOT(a)b", "(NOT \"a\" AND \"b\")"},
	        {QUERY_HOSTS, "a -b OR NOT c", "((\"a\" AND NOT \"b\") OR NOT \"c\")"},
	        {QUERY_HOSTS, "and or not", "(\"and\" AND \"or\" AND \"not\")"},
	        {QUERY_HOSTS, "ANDY ORB NOTE", "(\"ANDY\" AND \"ORB\" AND \"NOTE\")"},
	        {QUERY_HOSTS, "\"AND\"", "\"AND\""},
	        {QUERY_HOSTS, "web-01 lib-x", "(\"web-01\" AND \"lib-x\")"},
	};
	check_accepted(rows, COUNT(rows));
}

static void test_fields_and_versions_are_understood(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        {QUERY_HOSTS, "package:openssl", "package:\"openssl\""},
	        {QUERY_HOSTS, "package=openssl", "package:\"openssl\""},
	        {QUERY_HOSTS, "package!=openssl", "NOT package:\"openssl\""},
	        {QUERY_HOSTS, "package:openssl<3.0.15-1~deb12u1",
	                "package:\"openssl\" version<\"3.0.15-1~deb12u1\""},
	        {QUERY_HOSTS, "package:openssl < 1:3.0+b1",
	                "package:\"openssl\" version<\"1:3.0+b1\""},
	        {QUERY_HOSTS, "package:\"openssl\">=3", "package:\"openssl\" version>=\"3\""},
	        {QUERY_HOSTS, "package:openssl==3 a",
	                "(package:\"openssl\" version=\"3\" AND \"a\")"},
	        {QUERY_HOSTS, "package:openssl!=3", "package:\"openssl\" version!=\"3\""},
	        {QUERY_HOSTS, "package:openssl version<3 version>2",
	                "package:\"openssl\" version<\"3\" version>\"2\""},
	        {QUERY_HOSTS, "package:openssl AND version:3.*",
	                "package:\"openssl\" version:\"3.*\""},
	        {QUERY_HOSTS, "package:openssl=3.*", "package:\"openssl\" version:\"3.*\""},
	        {QUERY_HOSTS, "(package:openssl>2)", "package:\"openssl\" version>\"2\""},
	        {QUERY_HOSTS, "NOT package:a version<3", "NOT package:\"a\" version<\"3\""},
	        {QUERY_HOSTS, "package:lib*", "package:\"lib*\""},
	        {QUERY_HOSTS, "os:debian", "os:\"debian\""},
	        {QUERY_HOSTS, "os:\"debian 12\"", "os:\"debian 12\""},
	        {QUERY_HOSTS, "os!=debian", "NOT os:\"debian\""},
	        {QUERY_HOSTS, "kernel:6.1*", "kernel:\"6.1*\""},
	        {QUERY_HOSTS, "kernel<6.1.0-28", "kernel<\"6.1.0-28\""},
	        {QUERY_HOSTS, "kernel >= 6.1", "kernel>=\"6.1\""},
	        {QUERY_HOSTS, "host:web01 arch:amd64", "(host:\"web01\" AND arch:\"amd64\")"},
	        {QUERY_HOSTS, "label.env:prod", "label.env:\"prod\""},
	        {QUERY_HOSTS, "label.env=prod", "label.env:\"prod\""},
	        {QUERY_HOSTS, "label.a.b:\"\"", "label.a.b:\"\""},
	        {QUERY_HOSTS, "label.x:a:b=c<d", "label.x:\"a:b=c<d\""},
	        {QUERY_HOSTS, "host:-x", "host:\"-x\""},
	        {QUERY_EVENTS, "path:/etc action:modified",
	                "(path:\"/etc\" AND action:\"modified\")"},
	        {QUERY_EVENTS, "/etc/a:b", "\"/etc/a:b\""},
	        {QUERY_EVENTS, "seq>=10 seq:12", "(seq>=\"10\" AND seq=\"12\")"},
	        {QUERY_EVENTS, "kind:package cause:off*", "(kind:\"package\" AND cause:\"off*\")"},
	        {QUERY_EVENTS, "kind:file kind:agent os:debian",
	                "(kind:\"file\" AND kind:\"agent\" AND os:\"debian\")"},
	        {QUERY_EVENTS, "action!=deleted", "NOT action:\"deleted\""},
	};
	check_accepted(rows, COUNT(rows));
}

static void test_facts_are_found_by_name_and_constrained_by_their_other_fields(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        {QUERY_HOSTS, "module:nf_tables", "module:\"nf_tables\""},
	        {QUERY_HOSTS, "listen!=443", "NOT listen:\"443\""},
	        {QUERY_HOSTS, "fact.virtualisation:kvm", "fact.virtualisation:\"kvm\""},
	        {QUERY_HOSTS, "address:2001:db8::1", "address:\"2001:db8::1\""},
	        {QUERY_HOSTS, "cron:*a<b=c*", "cron:\"*a<b=c*\""},
	        {QUERY_HOSTS, "mitigation:spectre_v2 value:Vulnerable*",
	                "mitigation:\"spectre_v2\" .value:\"Vulnerable*\""},
	        {QUERY_HOSTS, "package:a manager:npm AND version<2 owner:\"\"",
	                "package:\"a\" .manager:\"npm\" version<\"2\" .owner:\"\""},
	        {QUERY_HOSTS, "package:a manager!=np*", "package:\"a\" .manager!=\"np*\""},
	        {QUERY_HOSTS, "account:* uid>=1000 uid<2000 login:yes",
	                "account:\"*\" .uid>=\"1000\" .uid<\"2000\" .login:\"yes\""},
	        {QUERY_HOSTS, "module:zfs version:2.*", "module:\"zfs\" .version:\"2.*\""},
	        /* What a query knows by itself stays that, but with a dot. */
	        {QUERY_HOSTS, "listen:443 package:nginx", "(listen:\"443\" AND package:\"nginx\")"},
	        {QUERY_HOSTS, "listen:443 .package:*nginx", "listen:\"443\" .package:\"*nginx\""},
	        {QUERY_HOSTS, "package:a arch:arm64", "(package:\"a\" AND arch:\"arm64\")"},
	        {QUERY_EVENTS, "cron:x user:root", "(cron:\"x\" AND user:\"root\")"},
	        {QUERY_EVENTS, "cron:x .user:root", "cron:\"x\" .user:\"root\""},
	        {QUERY_HOSTS, "NOT account:bob login:yes", "NOT account:\"bob\" .login:\"yes\""},
	        {QUERY_HOSTS, "group!=sudo gid:27", "NOT group:\"sudo\" .gid:\"27\""},
	};
	check_accepted(rows, COUNT(rows));
}

static void test_quotes_take_any_text_and_escapes_make_wildcards_plain(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        {QUERY_HOSTS, "\"a b (c) <d> e:f\"", "\"a b (c) <d> e:f\""},
	        {QUERY_HOSTS, "\"a\\\"b\"", "\"a\\\"b\""},
	        {QUERY_HOSTS, "\"a\\\\\"", "\"a\\\\\""},
	        {QUERY_HOSTS, "\"a\\*b*\"", "\"a\\*b*\""},
	        {QUERY_HOSTS, "\"a\\nb\"", "\"a\\\\nb\""},
	        {QUERY_HOSTS, "a[1]", "\"a[1]\""},
	        {QUERY_EVENTS, "path:/dev-a\\x2db.mount", "path:\"/dev-a\\\\x2db.mount\""},
	        {QUERY_EVENTS, "path:\"/a b\"c", "(path:\"/a b\" AND \"c\")"},
	};
	check_accepted(rows, COUNT(rows));
}

static void test_mistakes_are_told_with_column_and_what_was_expected(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        {QUERY_HOSTS, "package:", "column 9: expected a value after 'package:'"},
	        {QUERY_HOSTS, "package: x", "column 9: expected a value after 'package:'"},
	        {QUERY_HOSTS, "package:a <", "column 12: expected a value after 'package:a <'"},
	        {QUERY_HOSTS, "package:<3", "column 9: expected a value after 'package:'"},
	        {QUERY_HOSTS, "pakage:a",
	                "column 1: unknown field 'pakage', did you mean 'package'? The fields are "
	                "package, version, os, kernel, host, arch, label.K, fact.K, module, "
	                "livepatch, mitigation, restart, listen, address, account, group, unit, "
	                "cron"},
	        {QUERY_HOSTS, "b colour:a",
	                "column 3: unknown field 'colour': the fields are package, version, os, "
	                "kernel, host, arch, label.K, fact.K, module, livepatch, mitigation, "
	                "restart, listen, address, account, group, unit, cron ("},
	        {QUERY_EVENTS, "pth:a",
	                "column 1: unknown field 'pth', did you mean 'path'? The "
	                "fields are package, version, os, kernel, host, arch, "
	                "label.K, fact.K, module, livepatch, mitigation, restart, listen, "
	                "address, account, group, unit, cron, path, actor, user, explained, "
	                "action, kind, cause, seq"},
	        {QUERY_HOSTS, "path:/etc", "column 1: unknown field 'path'"},
	        {QUERY_HOSTS, "openssl<3", "column 1: unknown field 'openssl'"},
	        {QUERY_HOSTS, "label.:x", "column 1: unknown field 'label.'"},
	        {QUERY_HOSTS, "label.K:x OR label:x", "column 14: unknown field 'label'"},
	        {QUERY_HOSTS, "\xc3\xa9 x:1", "column 3: unknown field 'x'"},
	        {QUERY_HOSTS, "(a", "column 3: expected ')' for the '(' in column 1"},
	        {QUERY_HOSTS, "a)", "column 2: unexpected ')'"},
	        {QUERY_HOSTS, "()", "column 2: expected a term before ')'"},
	        {QUERY_HOSTS, "a OR", "column 5: expected a term at the end"},
	        {QUERY_HOSTS, "a AND OR b", "column 7: expected a term before 'OR b'"},
	        {QUERY_HOSTS, "OR", "column 1: expected a term before 'OR'"},
	        {QUERY_HOSTS, "NOT", "column 4: expected a term at the end"},
	        {QUERY_HOSTS, ":x", "column 1: expected a term before ':x'"},
	        {QUERY_HOSTS, "host:\"abc", "column 6: this quote is never closed"},
	        {QUERY_HOSTS, "\"abc\\\"", "column 1: this quote is never closed"},
	        {QUERY_HOSTS, "version<3", "column 1: 'version' stands directly behind a package"},
	        {QUERY_HOSTS, "package:a (version<3)",
	                "column 12: 'version' stands directly behind a package"},
	        {QUERY_HOSTS, "package:a<3*", "column 11: wildcards cannot be compared with '<'"},
	        {QUERY_HOSTS, "kernel!=6*", "column 9: wildcards cannot be compared with '!='"},
	        {QUERY_HOSTS, "os<12", "column 3: 'os' has no order: write os:VALUE"},
	        {QUERY_HOSTS, "listen<1024", "column 7: 'listen' has no order"},
	        {QUERY_HOSTS, "manager:npm",
	                "column 1: 'manager' stands directly behind what has it, as in "
	                "package:VALUE manager:VALUE"},
	        {QUERY_HOSTS, "os:debian uid:0",
	                "column 11: 'uid' stands directly behind what has it, as in account:VALUE"},
	        {QUERY_HOSTS, "(account:bob) uid:0", "column 15: 'uid' stands directly behind"},
	        {QUERY_HOSTS, "account:bob login<yes", "column 19: expected a number for 'login'"},
	        {QUERY_HOSTS, "account:bob uid<1*",
	                "column 17: wildcards cannot be compared with '<'"},
	        {QUERY_HOSTS, "account:bob .colour:x", "column 13: unknown field '.colour'"},
	        {QUERY_HOSTS, "label.env:x .value:y", "column 13: '.value' stands directly"},
	        {QUERY_HOSTS, "fact.:x", "column 1: unknown field 'fact.'"},
	        {QUERY_EVENTS, "seq>x", "column 5: expected a number for 'seq'"},
	        {QUERY_EVENTS, "seq>99999999999999999999", "column 5: expected a number for 'seq'"},
	        {QUERY_EVENTS, "action:change",
	                "column 8: unknown action 'change': it is one of created, modified"},
	        {QUERY_EVENTS, "kind:pkg",
	                "column 6: unknown kind 'pkg': it is one of package, kernel, os, host, "
	                "label, module, livepatch, mitigation"},
	        {QUERY_EVENTS, "cause:me", "column 7: unknown cause 'me': it is one of baseline"},
	        {QUERY_HOSTS, "\x1b[2J:x", "column 1: unknown field '\\x1b[2J'"},
	};
	check_refused(rows, COUNT(rows));
}

static int parse_repeated(const char *before, const char *piece, unsigned times, const char *after,
        struct reason *why)
{
	struct buf text = BUF_INIT;
	struct query *query = NULL;
	buf_append_text(&text, before);
	for (unsigned i = 0; i < times; i++)
		buf_append_text(&text, piece);
	buf_append_text(&text, after);
	int rc = query_parse(buf_slice(&text), QUERY_HOSTS, &query, why);
	query_free(query);
	buf_fini(&text);
	return rc;
}

static void test_bytes_terms_and_depth_are_capped(void **state)
{
	(void)state;
	struct reason why;
	assert_int_equal(parse_repeated("", "x", QUERY_BYTES_MAX, "", &why), 0);
	assert_int_equal(parse_repeated("", "x", QUERY_BYTES_MAX + 1, "", &why), ERR_FORMAT);
	assert_non_null(strstr(why.text, "at most 4096"));
	assert_int_equal(parse_repeated("", "x ", QUERY_TERMS_MAX, "", &why), 0);
	assert_int_equal(parse_repeated("", "x ", QUERY_TERMS_MAX + 1, "", &why), ERR_FORMAT);
	assert_non_null(strstr(why.text, "at most 256 terms"));
	assert_int_equal(parse_repeated("package:a", " version<1", 256, "", &why), ERR_FORMAT);
	assert_non_null(strstr(why.text, "at most 256 terms"));
	assert_int_equal(parse_repeated("", "(", QUERY_DEPTH_MAX + 1, "x", &why), ERR_FORMAT);
	assert_non_null(strstr(why.text, "at most 32 parentheses"));
	assert_int_equal(parse_repeated("((x))", " ((x))", 200, "", &why), 0);
	assert_int_equal(parse_repeated("", "-", QUERY_BYTES_MAX - 1, "x", &why), 0);
	assert_int_equal(parse_repeated("", "NOT ", 1000, "x", &why), 0);
}

static void test_nothing_is_written_when_it_is_refused_and_a_reason_is_optional(void **state)
{
	(void)state;
	struct query *query = (struct query *)&state;
	assert_int_equal(query_parse(slice_text("("), QUERY_HOSTS, &query, NULL), ERR_FORMAT);
	assert_ptr_equal(query, &state);
	query_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_groups_bind_as_the_grammar_says),
	        cmocka_unit_test(test_fields_and_versions_are_understood),
	        cmocka_unit_test(
	                test_facts_are_found_by_name_and_constrained_by_their_other_fields),
	        cmocka_unit_test(test_quotes_take_any_text_and_escapes_make_wildcards_plain),
	        cmocka_unit_test(test_mistakes_are_told_with_column_and_what_was_expected),
	        cmocka_unit_test(test_bytes_terms_and_depth_are_capped),
	        cmocka_unit_test(
	                test_nothing_is_written_when_it_is_refused_and_a_reason_is_optional),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
