/*
 * app_walk_scene - a tree with application packages, and a store: for the tests of app_walk.
 */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_INVENTORY_APP_WALK_SCENE_H
#define TSUJIBAN_TESTS_UNIT_AGENT_INVENTORY_APP_WALK_SCENE_H

#include "agent/inventory/app_commit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include "agent/state/factbook.h"
#include "common/base/clock.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define METADATA(name, version) "Metadata-Version: 2.1\nName: " name "\nVersion: " version "\n\n"
#define PYTHON(name)            "/usr/lib/python3/dist-packages/" name ".dist-info/METADATA"
#define NODE(name)              "/usr/lib/node_modules/" name "/package.json"
#define MODULE(name, version)   "{\"name\": \"" name "\", \"version\": \"" version "\"}"

struct bench {
	struct scratch scratch;
	char state_dir[64];
	struct state *state;
	struct app_bases bases;
	/* of the last run */
	struct app_tally tally;
	struct app_commit commit;
	bool is_capped;
	struct reason why;
	/* of the next */
	size_t markers_max;
	bool is_soon; /* files have just been changed */
	atomic_bool is_stopping;
};

static inline void set_bases(struct bench *bench, const char *one, const char *two)
{
	const char *const paths[] = {one, two};
	app_bases_fini(&bench->bases);
	app_bases_init(&bench->bases, bench->scratch.root, paths, !one ? 0 : two ? 2 : 1);
}

static inline int set_up(void **state)
{
	struct state_limits limits = {.spool_bytes = 64u << 20, .map_bytes = 256u << 20};
	struct bench *bench = calloc(1, sizeof(*bench));
	strcpy(bench->state_dir, "/tmp/test-app-walk-XXXXXX");
	if (!scratch_init(&bench->scratch) || !mkdtemp(bench->state_dir) ||
	        state_open(bench->state_dir, &limits, &bench->state, NULL) < 0)
		return -1;
	scratch_write(&bench->scratch, "/usr/lib/os-release", "ID=debian\n");
	scratch_write(&bench->scratch, "/opt/README", "");
	set_bases(bench, "/usr", "/opt");
	*state = bench;
	return 0;
}

static inline int tear_down(void **state)
{
	struct bench *bench = *state;
	app_bases_fini(&bench->bases);
	state_close(bench->state);
	nftw(bench->state_dir, scratch_remove_one, 32, FTW_DEPTH | FTW_PHYS);
	scratch_fini(&bench->scratch);
	free(bench);
	return 0;
}

/* Everything, or `count` paths. The clock is an hour ahead, so that no file is a fresh one. */
static inline int run(struct bench *bench, const char *const *path, size_t count)
{
	struct app_walk walk;
	struct slice paths[8];
	struct app_walk_options options = {
	        .root = bench->scratch.root,
	        .bases = &bench->bases,
	        .state = bench->state,
	        .is_stopping = &bench->is_stopping,
	        .markers_max = bench->markers_max,
	        .now_ns = bench->is_soon ? 0 : clock_wall_ns() + 3600 * NS_PER_S,
	};
	app_walk_init(&walk, &options);
	for (size_t i = 0; i < count; i++) {
		paths[i] = slice_text(path[i]);
		app_walk_path(&walk, paths[i]);
	}
	if (count == 0)
		app_walk_all(&walk);
	app_walk_end(&walk);
	bench->commit = (struct app_commit){
	        .path = paths, .path_count = count, .cause = CAUSE_LIVE, .now_ns = 1};
	bench->why = walk.why;
	int rc = walk.rc;
	if (rc == 0)
		rc = app_commit_run(&bench->commit, &walk, &bench->why);
	bench->tally = walk.tally;
	bench->is_capped = walk.is_capped;
	app_walk_fini(&walk);
	return rc;
}

static inline void walk_all(struct bench *bench)
{
	if (run(bench, NULL, 0) < 0)
		fail_msg("%s", bench->why.text);
}

static inline void walk_path(struct bench *bench, const char *path)
{
	if (run(bench, &path, 1) < 0)
		fail_msg("%s", bench->why.text);
}

static inline void write_file(struct bench *bench, const char *path, const char *text)
{
	assert_true(scratch_write(&bench->scratch, path, text));
}

static inline const char *full(const struct bench *bench, const char *path)
{
	static char full[512];
	snprintf(full, sizeof(full), "%s%s", bench->scratch.root, path);
	return full;
}

static inline void remove_path(struct bench *bench, const char *path)
{
	assert_int_equal(nftw(full(bench, path), scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline int list(void *ctx, const struct fact *fact)
{
	struct buf *out = ctx;
	buf_printf(out, "%.*s:%.*s=%.*s@%.*s", SLICE_ARG(fact->field[PACKAGE_MANAGER]),
	        SLICE_ARG(fact->field[PACKAGE_NAME]), SLICE_ARG(fact->field[PACKAGE_VERSION]),
	        SLICE_ARG(fact->field[PACKAGE_INSTANCE]));
	if (fact->field[PACKAGE_OWNER].len > 0)
		buf_printf(out, "<%.*s", SLICE_ARG(fact->field[PACKAGE_OWNER]));
	buf_append_byte(out, '\n');
	return 0;
}

/* The factbook, a line a package. */
static inline void assert_known(struct bench *bench, const char *expected)
{
	struct buf known = BUF_INIT;
	struct kv_txn *txn = NULL;
	assert_int_equal(kv_begin_read(state_kv(bench->state), &txn), 0);
	assert_int_equal(factbook_each(txn, FACT_PACKAGE, list, &known), 0);
	kv_abort(txn);
	assert_string_equal(buf_text(&known), expected);
	buf_fini(&known);
}

#endif
