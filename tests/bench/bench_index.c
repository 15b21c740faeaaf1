/* floor: collector/query */
/*
 * The index of a whole fleet in memory: size, build time, and how long a search takes.
 *
 * Synthetic hosts: eight roles, each with its own choice of packages of one archive; a package has
 * one to six versions, older ones rarer, and hosts of one role are patched in groups. Each host
 * also has what no other has (machine id, boot id).
 *
 * usage: bench_index [HOSTS]
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "collector/query/query.h"
#include "common/base/mem.h"

enum { ARCHIVE = 2400, PER_HOST = 680, ROLES = 8, VERSIONS_MAX = 6, QUERIES = 2000 };

struct archive_package {
	char name[24];
	char versions[VERSIONS_MAX][32];
	unsigned count;
};

static uint64_t seed = 88172645463325252u;

/* xorshift64 (Marsaglia 2003): the same fleet on every machine. */
static unsigned any(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % below);
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void make_archive(struct archive_package *archive)
{
	for (unsigned p = 0; p < ARCHIVE; p++) {
		struct archive_package *package = &archive[p];
		snprintf(package->name, sizeof(package->name), "libpackage-%u", p);
		package->count = 1 + any(VERSIONS_MAX);
		for (unsigned v = 0; v < package->count; v++)
			snprintf(package->versions[v], sizeof(package->versions[v]),
			        "%u.%u.%u-1+deb12u%u", p % 7, p % 13, p % 29, v + 1);
	}
}

/* A common base, and what the role adds. */
static void make_roles(unsigned roles[ROLES][PER_HOST])
{
	const unsigned base = 400;
	for (unsigned r = 0; r < ROLES; r++)
		for (unsigned i = 0; i < PER_HOST; i++)
			roles[r][i] = i < base ? i : base + (r * 190 + i - base) % (ARCHIVE - base);
}

static struct fact package_fact(const struct archive_package *package, unsigned version)
{
	struct fact fact = {.kind = FACT_PACKAGE};
	struct slice text = slice_text(package->versions[version]);
	fact.field[PACKAGE_MANAGER] = slice_text("dpkg");
	fact.field[PACKAGE_NAME] = slice_text(package->name);
	fact.field[PACKAGE_ARCH] = slice_text("amd64");
	fact.field[PACKAGE_INSTANCE] = slice_text("");
	fact.field[PACKAGE_VERSION] = text;
	fact.field[PACKAGE_SOURCE] = slice_text(package->name);
	fact.field[PACKAGE_SOURCE_VERSION] = text;
	fact.field[PACKAGE_STATUS] = slice_text("installed");
	return fact;
}

static void add_own_facts(struct index *index, uint32_t host)
{
	static const char *const NAMES[] = {"machine_id", "boot_id"};
	struct fact os = {.kind = FACT_OS, .field[OS_ID] = slice_text("debian")};
	os.field[OS_VERSION_ID] = slice_text(host % 3 ? "12" : "11");
	index_fact_begins(index, host, &os);
	for (unsigned i = 0; i < 2; i++) {
		char value[40];
		snprintf(value, sizeof(value), "%08x%08x%08x%08x", any(~0u), any(~0u), host, i);
		struct fact fact = {.kind = FACT_HOST};
		fact.field[PAIR_NAME] = slice_text(NAMES[i]);
		fact.field[PAIR_VALUE] = slice_text(value);
		index_fact_begins(index, host, &fact);
	}
}

/* Newest most often; a host that lags behind does so with most of its packages. */
static unsigned pick_version(const struct archive_package *package, unsigned lag)
{
	unsigned behind = any(4) == 0 ? any(VERSIONS_MAX) : lag;
	return behind < package->count ? package->count - 1 - behind : 0;
}

static void add_host(struct index *index, uint32_t host, const struct archive_package *archive,
        const unsigned *packages)
{
	char name[24];
	unsigned lag = any(3) ? 0 : any(3);
	snprintf(name, sizeof(name), "host-%06u.example", host);
	index_add_host(index, host, slice_text(name));
	static struct fact facts[PER_HOST];
	for (unsigned i = 0; i < PER_HOST; i++) {
		const struct archive_package *package = &archive[packages[i]];
		facts[i] = package_fact(package, pick_version(package, lag));
	}
	index_facts_begin(index, host, facts, PER_HOST);
	add_own_facts(index, host);
}

static int compare_times(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

enum ask { ASK_NAME, ASK_BELOW, ASK_NOT_FROM, ASK_WILDCARD };

static void write_query(
        struct buf *out, enum ask ask, const struct archive_package *package, const char *version)
{
	buf_printf(out, "package:%s", package->name);
	if (ask == ASK_BELOW)
		buf_printf(out, "<%s", version);
	if (ask == ASK_NOT_FROM)
		buf_printf(out, " os:debian -package:%s>=%s", package->name, version);
	if (ask == ASK_WILDCARD)
		buf_append_byte(out, '*');
}

/* p50 and p99 of parsing, asking and counting, in microseconds. */
static void time_queries(const struct index *index, const struct archive_package *archive,
        const char *title, enum ask ask)
{
	static double took[QUERIES];
	uint64_t found = 0;
	for (unsigned i = 0; i < QUERIES; i++) {
		const struct archive_package *package = &archive[any(ARCHIVE)];
		struct buf text = BUF_INIT;
		struct query *query;
		struct reason why;
		write_query(&text, ask, package, package->versions[any(package->count)]);
		double from = now_s();
		if (query_parse(buf_slice(&text), QUERY_HOSTS, &query, &why) < 0) {
			fprintf(stderr, "cannot parse '%s': %s\n", buf_text(&text), why.text);
			exit(1);
		}
		struct hostset *set = query_hosts(query, index);
		found += hostset_count(set);
		hostset_free(set);
		query_free(query);
		took[i] = (now_s() - from) * 1e6;
		buf_fini(&text);
	}
	qsort(took, QUERIES, sizeof(took[0]), compare_times);
	printf("%-34s p50 %8.1f us  p99 %8.1f us  (%.0f hosts each)\n", title, took[QUERIES / 2],
	        took[QUERIES * 99 / 100], (double)found / QUERIES);
}

int main(int argc, char **argv)
{
	uint32_t hosts = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
	if (hosts == 0) {
		fprintf(stderr, "usage: bench_index [HOSTS]\n");
		return 2;
	}
	struct archive_package *archive = mem_new_array(ARCHIVE, sizeof(*archive));
	static unsigned roles[ROLES][PER_HOST];
	make_archive(archive);
	make_roles(roles);

	struct index *index = index_new();
	size_t heap_before = mallinfo2().uordblks + mallinfo2().hblkhd;
	double from = now_s();
	for (uint32_t host = 0; host < hosts; host++)
		add_host(index, host, archive, roles[any(ROLES)]);
	double built_s = now_s() - from;
	double heap = (double)(mallinfo2().uordblks + mallinfo2().hblkhd - heap_before);
	double pairs = (double)hosts * PER_HOST;

	printf("%-34s %u hosts x %d packages, %zu distinct facts\n", "fleet", hosts, PER_HOST,
	        index_fact_count(index));
	printf("%-34s %.1f s, %.0f ns a pair\n", "build", built_s, built_s / pairs * 1e9);
	printf("%-34s %.2f B (%.0f MB by the index's own account: %.2f B)\n", "heap a pair",
	        heap / pairs, (double)index_bytes(index) / 1e6, (double)index_bytes(index) / pairs);
	time_queries(index, archive, "package:NAME", ASK_NAME);
	time_queries(index, archive, "package:NAME<V", ASK_BELOW);
	time_queries(index, archive, "package:NAME os:O -package:NAME>=V", ASK_NOT_FROM);
	time_queries(index, archive, "package:NAME* (scans all names)", ASK_WILDCARD);
	from = now_s();
	index_clear_host(index, hosts / 2);
	printf("%-34s %.1f ms\n", "a host's facts forgotten", (now_s() - from) * 1e3);
	index_free(index);
	free(archive);
	return 0;
}
