#include "tests/unit/collector-query/eval_scene.h"

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
	        {"package:openssl=1.0", 8},
	        {"package:openssl!=1.0", 7},
	        {"package:openssl manager:brew", 8},
	        {"package:openssl manager!=brew", 7},
	        {"package:* manager:brew", 8},
	        {"package:openssl source:openssl version>3.0.10", 1},
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

/* Two hosts, as bits 1 and 2. */
static struct index *fleet_with_facts(void)
{
	static const struct {
		uint32_t host;
		enum fact_kind kind;
		const char *fields[FACT_FIELDS_MAX];
	} rows[] = {
	        {0, FACT_MODULE, {"nf_tables", "", ""}},
	        {1, FACT_MODULE, {"zfs", "2.1.11", "PO"}},
	        {0, FACT_LIVEPATCH, {"lp_1", "enabled", "vmlinux"}},
	        {0, FACT_MITIGATION, {"spectre_v2", "Mitigation: Retpolines"}},
	        {1, FACT_MITIGATION, {"spectre_v2", "Vulnerable"}},
	        {0, FACT_RESTART,
	                {"nginx.service", "", "/usr/sbin/nginx", "/usr/lib/libssl.so.3", "library",
	                        "dpkg:libssl3", "3.0.15", "3.0.14"}},
	        {1, FACT_RESTART,
	                {"", "", "/usr/bin/agetty", "/usr/bin/agetty", "executable",
	                        "dpkg:util-linux", "", ""}},
	        {0, FACT_SOCKET,
	                {"tcp", "0.0.0.0", "443", "/usr/sbin/nginx", "dpkg:nginx-core", "root"}},
	        {0, FACT_SOCKET,
	                {"tcp6", "::", "443", "/usr/sbin/nginx", "dpkg:nginx-core", "root"}},
	        {1, FACT_SOCKET, {"tcp", "127.0.0.1", "4433", "/opt/443", "", "bob"}},
	        {0, FACT_ADDRESS, {"eth0", "192.0.2.7/24", ""}},
	        {1, FACT_ADDRESS, {"eth0", "2001:db8::7/64", ""}},
	        {0, FACT_USER, {"bob", "1000", "1000", "/home/bob", "/bin/bash", "yes"}},
	        {1, FACT_USER, {"bob", "99", "99", "/", "/usr/sbin/nologin", "no"}},
	        {1, FACT_USER, {"odd", "-1", "99", "/", "", "no"}},
	        {0, FACT_GROUP, {"sudo", "27", "aiko,bob"}},
	        {1, FACT_GROUP, {"sudo", "27", ""}},
	        {0, FACT_UNIT, {"ssh.service", "enabled", "/lib/systemd/system/ssh.service", ""}},
	        {1, FACT_UNIT, {"ssh.service", "masked", "", ""}},
	        {1, FACT_CRON, {"/etc/crontab", "0 3 * * *", "root", "/opt/backup --all"}},
	        {0, FACT_HOST, {"virtualisation", "kvm"}},
	        {1, FACT_HOST, {"reboot_required", "libc6"}},
	        {0, FACT_INSTALL, {"dpkg", "vim", "amd64", "", "1"}},
	        {0, FACT_PACKAGE,
	                {"generic", "lodash", "", "/srv/a", "4.17.20", "", "", "installed"}},
	        {1, FACT_PACKAGE,
	                {"generic", "lodash", "", "/usr/share/b", "", "", "", "installed", "", "",
	                        "", "dpkg:node-lodash"}},
	};
	struct index *index = index_new();
	index_add_host(index, 0, slice_text("web01"));
	index_add_host(index, 1, slice_text("web02"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fact fact = fact_of(rows[i].kind, rows[i].fields);
		index_fact_begins(index, rows[i].host, &fact);
	}
	return index;
}

struct asked {
	const char *text;
	unsigned hosts; /* a bit each */
};

static void check_hosts(const struct asked *rows, size_t count)
{
	struct index *index = fleet_with_facts();
	for (size_t i = 0; i < count; i++) {
		struct query *query = parse(QUERY_HOSTS, rows[i].text);
		struct hostset *set = query_hosts(query, index);
		unsigned found = hostset_has(set, 0) | hostset_has(set, 1) << 1;
		if (found != rows[i].hosts)
			fail_msg("'%s': hosts %u, not %u", rows[i].text, found, rows[i].hosts);
		hostset_free(set);
		query_free(query);
	}
	index_free(index);
}

static void test_facts_of_every_kind_find_their_hosts(void **state)
{
	static const struct asked ROWS[] = {
	        {"module:nf_tables", 1},
	        {"module:*", 3},
	        {"module:* taint:*O*", 2},
	        {"module:* taint:*", 2},
	        {"module:* taint:\"\"", 1},
	        {"livepatch:* state:enabled", 1},
	        {"mitigation:spectre_v2", 3},
	        {"mitigation:spectre_v2 value:Vulnerable*", 2},
	        {"mitigation:spectre_v2 value!=Vulnerable*", 1},
	        {"restart:nginx.service", 1},
	        {"restart:nginx", 1},
	        {"restart:/usr/sbin/nginx", 1},
	        {"restart:libssl.so.3", 1},
	        {"restart:libssl3", 1},
	        {"restart:dpkg:libssl3", 1},
	        {"restart:agetty", 2},
	        {"restart:*", 3},
	        {"restart:* what:library", 1},
	        {"restart:libssl3 runs<3.0.15", 1},
	        {"restart:libssl3 runs<3.0.15 installed>=3.0.15", 1},
	        {"restart:libssl3 runs<3.0.9", 0}, /* and not by text */
	        {"restart:libssl3 runs:3.0.*", 1},
	        {"restart:* runs>3", 1},
	        {"listen:443", 1}, /* and not the program /opt/443 */
	        {"listen:44*", 3},
	        {"listen:nginx", 1},
	        {"listen:/usr/sbin/nginx", 1},
	        {"listen:nginx-core", 1},
	        {"listen:* port<1024", 1},
	        {"listen:* .address:127.*", 2},
	        {"listen:443 .user:bob", 0},
	        {"listen:443 protocol:tcp6", 1},
	        {"address:192.0.2.7", 1},
	        {"address:192.0.2.7/24", 1},
	        {"address:192.0.2.*", 1},
	        {"address:192.0.2.7/25", 0},
	        {"address:2001:db8::7", 2},
	        {"address:24", 0},
	        {"account:bob", 3},
	        {"account:bob login:yes", 1},
	        {"account:* uid<100", 2}, /* "-1" is no number */
	        {"account:* uid>=1000", 1},
	        {"account:* uid=1000", 1},
	        {"NOT account:bob login:yes", 2},
	        {"group:sudo members:*bob*", 1},
	        {"group:sudo members:\"\"", 2},
	        {"unit:ssh.service state:masked", 2},
	        {"cron:*backup*", 2},
	        {"cron:* .user:root", 2},
	        {"cron:/etc/crontab", 0},
	        {"fact.virtualisation:kvm", 1},
	        {"fact.virtualisation:x", 0},
	        {"fact.reboot_required:*", 2},
	};
	(void)state;
	check_hosts(ROWS, sizeof(ROWS) / sizeof(ROWS[0]));
}

static void test_packages_find_their_hosts_in_an_order_that_is_known(void **state)
{
	static const struct asked ROWS[] = {
	        {"package:vim", 0},
	        {"package:lodash", 3},
	        {"package:lodash<4.17.21", 0}, /* nobody here knows that order */
	        {"package:lodash!=4.17.21", 0},
	        {"package:lodash=4.17.20", 1},
	        {"package:lodash>=4.17.20", 1},
	        {"package:lodash<4.17.20", 0},
	        {"package:lodash:4.17.*", 0},
	        {"package:lodash version:4.17.*", 1},
	        {"package:* owner:*", 2},
	        {"package:* owner:\"\"", 1},
	        {"package:* owner:dpkg:node-*", 2},
	};
	(void)state;
	check_hosts(ROWS, sizeof(ROWS) / sizeof(ROWS[0]));
}

static bool note_manager(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	(void)hosts;
	buf_append_slice(ctx, fact->field[PACKAGE_MANAGER]);
	return true;
}

/* The first that asks nothing of the order, the last two where one package at least can be
 * compared, or is out for another reason. */
static void test_versions_that_cannot_be_compared_are_told(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned hosts;
	} rows[] = {
	        {"package:lodash", 0},
	        {"package:lodash version:4.*", 0},
	        {"package:lodash<4.17.21", 3},
	        {"NOT package:lodash<4.17.21", 3},
	        {"package:lodash<=4.17.20", 2},
	        {"package:lodash<4.17.21 manager:dpkg", 0},
	        {"package:lodash<4.17.21 owner:\"\"", 1},
	};
	struct index *index = fleet_with_facts();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf managers = BUF_INIT;
		struct query *query = parse(QUERY_HOSTS, rows[i].text);
		struct hostset *set = query_unsure_hosts(query, index, note_manager, &managers);
		unsigned found = hostset_has(set, 0) | hostset_has(set, 1) << 1;
		if (found != rows[i].hosts)
			fail_msg("'%s': hosts %u, not %u", rows[i].text, found, rows[i].hosts);
		assert_int_equal(managers.len, strlen("generic") * __builtin_popcount(found));
		buf_fini(&managers);
		hostset_free(set);
		query_free(query);
	}
	index_free(index);
}

struct counted {
	struct query_value by;
	struct buf out;
};

static bool note_value(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	struct counted *counted = ctx;
	query_value_append(&counted->by, fact, &counted->out);
	buf_printf(&counted->out, ":%d ", (int)hostset_count(hosts));
	return true;
}

static void check_counted(
        const struct index *index, const char *by, const char *text, const char *expected)
{
	struct counted counted = {.out = BUF_INIT};
	struct query *query = parse(QUERY_HOSTS, text);
	assert_true(query_value_find(slice_text(by), &counted.by));
	query_each_counted(query, index, &counted.by, note_value, &counted);
	assert_string_equal(buf_text(&counted.out), expected);
	buf_fini(&counted.out);
	query_free(query);
}

static void test_what_was_asked_of_a_kind_counts_and_otherwise_all(void **state)
{
	(void)state;
	struct index *index = fleet_with_facts();
	struct query_value by;
	check_counted(index, "module", "", "nf_tables:1 zfs:1 ");
	check_counted(index, "module", "module:z* listen:443", "zfs:1 ");
	check_counted(index, "module", "NOT module:zfs", "nf_tables:1 zfs:1 ");
	check_counted(index, "restart", "", "nginx.service:1 /usr/bin/agetty:1 ");
	check_counted(index, "listen", "listen:44*", "443:1 443:1 4433:1 ");
	check_counted(index, "fact.virtualisation", "fact.reboot_required:*", "kvm:1 ");
	check_counted(index, "manager", "package:lodash", "generic:1 generic:1 ");
	check_counted(index, "cron", "", "/opt/backup --all:1 ");
	for (int i = 0; i < 4; i++) {
		static const char *const none[] = {"path", "user", "fact.", "colour"};
		assert_false(query_value_find(slice_text(none[i]), &by));
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
	buf_append_slice(&reasons->text, fact_name(fact));
	buf_append_byte(&reasons->text, ' ');
	return ++reasons->count < reasons->most;
}

static void check_reasons(const struct index *index, const char *text, uint32_t host, unsigned most,
        const char *expected)
{
	struct reasons reasons = {.text = BUF_INIT, .most = most};
	struct query *query = parse(QUERY_HOSTS, text);
	query_each_reason(query, index, NULL, host, note, &reasons);
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
	check_reasons(index, "fact.architecture:* label.env:prod arch:x86_64 os:debian", 0, 9,
	        "architecture ");
	index_free(index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_each_field_finds_the_hosts_that_it_says),
	        cmocka_unit_test(test_facts_of_every_kind_find_their_hosts),
	        cmocka_unit_test(test_packages_find_their_hosts_in_an_order_that_is_known),
	        cmocka_unit_test(test_versions_that_cannot_be_compared_are_told),
	        cmocka_unit_test(test_what_was_asked_of_a_kind_counts_and_otherwise_all),
	        cmocka_unit_test(test_reasons_are_facts_of_the_host_that_terms_ask_for_each_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
