/* Random queries over a random fleet: the bitmaps' answer beside one host after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "collector/query/query.h"
#include "common/model/version.h"
#include "tests/unit/collector-query/fleet.h"

enum { HOSTS = 40, PACKAGES = 6, VERSIONS = 5 };

static const char *const PACKAGE_NAMES[PACKAGES] = {
        "openssl", "libssl", "libc6", "lib[x]", "nginx", "h1"};
static const char *const VERSION_TEXTS[VERSIONS] = {"1.0~rc1", "1.0", "1.0-1+b2", "1:0.5", "1.10"};
static const char *const OS_VERSIONS[] = {"11", "12"};
static const char *const LABELS[] = {"prod", "test"};

struct plain_host {
	char name[8];
	int version[PACKAGES]; /* -1: not there */
	bool is_residue[PACKAGES];
	int os;    /* -1: unknown */
	int label; /* -1: none */
};

static unsigned any(unsigned below)
{
	return (unsigned)rand() % below;
}

static void make_host(struct plain_host *host, uint32_t number, struct index *index)
{
	snprintf(host->name, sizeof(host->name), "h%u", number);
	index_add_host(index, number, slice_text(host->name));
	for (unsigned p = 0; p < PACKAGES; p++) {
		host->version[p] = (int)any(VERSIONS + 2) - 2;
		host->is_residue[p] = any(5) == 0;
		if (host->version[p] < 0)
			continue;
		struct fact fact = package_of("dpkg", PACKAGE_NAMES[p],
		        VERSION_TEXTS[host->version[p]],
		        host->is_residue[p] ? "config-files" : "installed");
		index_fact_begins(index, number, &fact);
	}
	host->os = (int)any(3) - 1;
	host->label = (int)any(3) - 1;
	struct fact os = os_of("debian", host->os < 0 ? "" : OS_VERSIONS[host->os], "", "");
	struct fact label = pair_of(FACT_LABEL, "env", host->label < 0 ? "" : LABELS[host->label]);
	if (host->os >= 0)
		index_fact_begins(index, number, &os);
	if (host->label >= 0)
		index_fact_begins(index, number, &label);
}

static bool has_package(const struct plain_host *host, unsigned p, unsigned op, unsigned v)
{
	if (host->version[p] < 0 || host->is_residue[p])
		return false;
	int order = version_compare(VERSION_DPKG, slice_text(VERSION_TEXTS[host->version[p]]),
	        slice_text(VERSION_TEXTS[v]));
	bool holds[] = {true, order<0, order <= 0, order == 0, order != 0, order >= 0, order> 0};
	return holds[op];
}

/* A term's text goes to `text`, and what it says of each host to `truth`. */
static void random_term(const struct plain_host *hosts, struct buf *text, bool *truth)
{
	static const char *const OPS[] = {"", "<", "<=", "=", "!=", ">=", ">"};
	unsigned what = any(6), p = any(PACKAGES), op = any(7), v = any(VERSIONS);
	unsigned number = any(HOSTS + 2), which = any(2);
	switch (what) {
	case 0:
	case 1:
		buf_printf(text, "package:%s%s%s", PACKAGE_NAMES[p], OPS[op],
		        op ? VERSION_TEXTS[v] : "");
		break;
	case 2:
		buf_printf(text, "package:lib*%s%s", OPS[op], op ? VERSION_TEXTS[v] : "");
		break;
	case 3:
		buf_printf(text, "os:\"debian %s\"", OS_VERSIONS[which]);
		break;
	case 4:
		buf_printf(text, "label.env:%s", LABELS[which]);
		break;
	default:
		buf_printf(text, "h%u", number);
	}
	for (unsigned h = 0; h < HOSTS; h++) {
		const struct plain_host *host = &hosts[h];
		bool lib = has_package(host, 1, op, v) || has_package(host, 2, op, v) ||
		           has_package(host, 3, op, v);
		bool word = h == number || (number == 1 && has_package(host, 5, 0, 0));
		truth[h] = what <= 1   ? has_package(host, p, op, v)
		           : what == 2 ? lib
		           : what == 3 ? host->os == (int)which
		           : what == 4 ? host->label == (int)which
		                       : word;
	}
}

static void random_query(
        const struct plain_host *hosts, unsigned depth, struct buf *text, bool *truth)
{
	bool other[HOSTS];
	unsigned shape = depth == 0 ? 0 : any(5);
	if (shape <= 1) {
		random_term(hosts, text, truth);
		return;
	}
	if (shape == 2) {
		buf_append_text(text, any(2) ? "NOT (" : "-(");
		random_query(hosts, depth - 1, text, truth);
		buf_append_text(text, ")");
		for (unsigned h = 0; h < HOSTS; h++)
			truth[h] = !truth[h];
		return;
	}
	buf_append_text(text, "(");
	random_query(hosts, depth - 1, text, truth);
	buf_append_text(text, shape == 3 ? " OR " : any(2) ? " AND " : " ");
	random_query(hosts, depth - 1, text, other);
	buf_append_text(text, ")");
	for (unsigned h = 0; h < HOSTS; h++)
		truth[h] = shape == 3 ? truth[h] || other[h] : truth[h] && other[h];
}

static void test_bitmaps_answer_as_one_host_after_the_other_does(void **state)
{
	(void)state;
	srand(3);
	for (unsigned round = 0; round < 20; round++) {
		static struct plain_host hosts[HOSTS];
		struct index *index = index_new();
		for (uint32_t host = 0; host < HOSTS; host++)
			make_host(&hosts[host], host, index);
		for (unsigned n = 0; n < 200; n++) {
			bool truth[HOSTS];
			struct buf text = BUF_INIT;
			struct query *query = NULL;
			struct reason why;
			random_query(hosts, 5, &text, truth);
			if (query_parse(buf_slice(&text), QUERY_HOSTS, &query, &why) < 0)
				fail_msg("'%s': %s", buf_text(&text), why.text);
			struct hostset *set = query_hosts(query, index);
			for (uint32_t host = 0; host < HOSTS; host++)
				if (hostset_has(set, host) != truth[host])
					fail_msg("'%s': host %u", buf_text(&text), host);
			hostset_free(set);
			query_free(query);
			buf_fini(&text);
		}
		index_free(index);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_bitmaps_answer_as_one_host_after_the_other_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
