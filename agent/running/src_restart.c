/*
 * What has to be restarted: one fact for each (unit, container, executable, file), however many
 * processes it is true of.
 *
 * Programs map and delete files of their own as well. A finding counts if a package owns the path,
 * or if it lies below a directory of libraries or programs. The packages of a container are not
 * known from outside.
 */
#include <stdlib.h>

#include "agent/pkgdb/owner.h"
#include "agent/running/restart.h"
#include "agent/running/restart_path.h"
#include "agent/running/sources.h"
#include "common/base/mem.h"

#define FINDINGS_MAX   10000
#define SLOTS          32768       /* a power of two, well above */
#define FINDINGS_BYTES (96u << 20) /* paths of the longest kind */
#define KEY_FIELDS     4

struct findings {
	struct arena *arena;
	struct fact_list facts;
	uint16_t *slot;    /* position in `facts` and 1; 0: free */
	uint64_t *since_s; /* of each fact: when the first of its processes started; 0: not known */
	bool is_full;
};

static uint32_t hash_of(const struct fact *fact)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (unsigned i = 0; i < KEY_FIELDS; i++) {
		for (size_t at = 0; at < fact->field[i].len; at++)
			hash = (hash ^ fact->field[i].ptr[at]) * 16777619u;
		hash = (hash ^ 0xff) * 16777619u;
	}
	return hash;
}

static bool has_same_key(const struct fact *a, const struct fact *b)
{
	for (unsigned i = 0; i < KEY_FIELDS; i++)
		if (!slice_equal(a->field[i], b->field[i]))
			return false;
	return true;
}

/* The slot that has a fact of this key, or the free one. */
static uint16_t *slot_of(struct findings *findings, const struct fact *fact)
{
	size_t at = hash_of(fact) & (SLOTS - 1);
	while (findings->slot[at] &&
	        !has_same_key(&findings->facts.fact[findings->slot[at] - 1], fact))
		at = (at + 1) & (SLOTS - 1);
	return &findings->slot[at];
}

/* The first of them counts. */
static void note_start(uint64_t *since_s, uint64_t started_s)
{
	if (started_s > 0 && (*since_s == 0 || started_s < *since_s))
		*since_s = started_s;
}

static int on_found(void *ctx, const struct restart_finding *finding)
{
	struct findings *findings = ctx;
	struct fact fact = {.kind = FACT_RESTART};
	fact.field[RESTART_UNIT] = finding->unit;
	fact.field[RESTART_CONTAINER] = finding->container;
	fact.field[RESTART_EXE] = finding->exe;
	fact.field[RESTART_FILE] = finding->file;
	fact.field[RESTART_WHAT] = slice_text(finding->is_executable ? "executable" : "library");
	bool is_hosts = finding->container.len == 0;
	if ((!is_hosts && !restart_path_is_code(finding->file)) || !fact_is_valid(&fact))
		return 0;
	uint16_t *slot = slot_of(findings, &fact);
	if (*slot) {
		note_start(&findings->since_s[*slot - 1], finding->since_s);
		return 0;
	}
	if (findings->facts.count == FINDINGS_MAX) {
		findings->is_full = true;
		return 0;
	}
	int rc = fact_list_add(&findings->facts, &fact);
	if (rc < 0)
		return rc;
	*slot = (uint16_t)findings->facts.count;
	findings->since_s[*slot - 1] = finding->since_s;
	return 0;
}

static bool is_hosts(const struct fact *fact)
{
	return fact->field[RESTART_CONTAINER].len == 0;
}

static int find_owners(const char *root, const struct findings *findings, struct owners *owners,
        struct reason *out_why)
{
	int rc = 0;
	size_t wanted = 0;
	for (size_t i = 0; rc == 0 && i < findings->facts.count; i++) {
		if (!is_hosts(&findings->facts.fact[i]))
			continue;
		rc = owners_want(owners, findings->facts.fact[i].field[RESTART_FILE]);
		wanted++;
	}
	if (rc < 0)
		return fail(out_why, rc, "cannot look up the packages of %zu files: too many",
		        findings->facts.count);
	return wanted > 0 ? owners_resolve(owners, root, out_why) : 0;
}

static int add_facts(
        const struct findings *findings, const struct owners *owners, struct fact_list *out)
{
	struct buf since = BUF_INIT;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < findings->facts.count; i++) {
		struct fact fact = findings->facts.fact[i];
		struct owner owner = {.package = {0}};
		if (is_hosts(&fact))
			owner = owners_of(owners, fact.field[RESTART_FILE]);
		if (owner.package.len == 0 && !restart_path_is_code(fact.field[RESTART_FILE]))
			continue;
		fact.field[RESTART_PACKAGE] = owner.package;
		fact.field[RESTART_INSTALLED] = owner.version;
		buf_reset(&since);
		if (findings->since_s[i] > 0)
			buf_printf(&since, "%llu", (unsigned long long)findings->since_s[i]);
		fact.field[RESTART_SINCE] = buf_slice(&since);
		rc = fact_list_add(out, &fact);
	}
	buf_fini(&since);
	return rc;
}

static int take_owners(const char *root, const struct findings *findings, struct fact_list *out,
        struct reason *out_why)
{
	struct owners *owners = owners_new(findings->arena);
	int rc = find_owners(root, findings, owners, out_why);
	if (rc == 0) {
		rc = add_facts(findings, owners, out);
		if (rc < 0)
			fail(out_why, rc, "cannot keep what has to be restarted: too much");
	}
	owners_free(owners);
	return rc;
}

static int say_what_is_missing(
        const struct findings *findings, size_t denied, struct reason *out_why)
{
	if (findings->is_full)
		return fail(out_why, SOURCE_PARTIAL,
		        "cannot list all that has to be restarted: more than %d", FINDINGS_MAX);
	if (denied > 0)
		return fail(out_why, SOURCE_PARTIAL,
		        "cannot see what %zu of the processes run: permission denied", denied);
	return 0;
}

int src_restart_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct findings findings = {.arena = arena_new(FINDINGS_BYTES)};
	size_t denied = 0;
	findings.facts.arena = findings.arena;
	findings.slot = mem_new_array(SLOTS, sizeof(*findings.slot));
	findings.since_s = mem_new_array(FINDINGS_MAX, sizeof(*findings.since_s));
	int rc = restart_scan(root, on_found, &findings, &denied, out_why);
	if (rc == 0)
		rc = take_owners(root, &findings, out, out_why);
	if (rc == 0)
		rc = say_what_is_missing(&findings, denied, out_why);
	free(findings.slot);
	free(findings.since_s);
	arena_free(findings.arena);
	return rc;
}
