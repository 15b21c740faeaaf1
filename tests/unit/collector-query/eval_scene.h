/*
 * eval_scene - four hosts with facts: for the tests of eval.
 */
#ifndef TSUJIBAN_TESTS_UNIT_COLLECTOR_QUERY_EVAL_SCENE_H
#define TSUJIBAN_TESTS_UNIT_COLLECTOR_QUERY_EVAL_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "collector/query/count.h"
#include "tests/unit/collector-query/fleet.h"

/* Four hosts: web01, web02 (debian 12), db01 (debian 11), odd (another manager, nothing else). */
static inline struct index *small_fleet(void)
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

static inline struct query *parse(enum query_about about, const char *text)
{
	struct query *query = NULL;
	struct reason why;
	if (query_parse(slice_text(text), about, &query, &why) < 0)
		fail_msg("'%s': %s", text, why.text);
	return query;
}

#endif
