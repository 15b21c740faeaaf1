#include "agent/fim/roots.h"

#include "agent/fim/journal_batch.h"
#include "agent/state/baseline.h"

struct search {
	struct kv_txn *txn;
	const struct filter *filter;
	void (*retire)(void *ctx, struct slice path);
	void *ctx;
};

/* A directory that leads to a watched one stays: to retire it would take along what is below. */
static int look_at(void *ctx, struct slice path, const struct filestate *state)
{
	struct search *search = ctx;
	bool is_directory = state->type == FILE_DIRECTORY;
	bool is_kept = filter_covers(search->filter, path, is_directory) ||
	               (is_directory && filter_leads_to_entry(search->filter, path));
	if (!is_kept)
		search->retire(search->ctx, path);
	return 0;
}

/* The configured entry with exactly this path; -1: none. */
static int entry_at(const struct filter *filter, struct slice root)
{
	for (size_t i = 0; i < filter_count(filter); i++)
		if (slice_equal(filter_path(filter, i), root))
			return (int)i;
	return -1;
}

static int search_root(void *ctx, struct slice name, struct slice root)
{
	struct search *search = ctx;
	(void)name;
	int entry = entry_at(search->filter, root);
	if (entry >= 0 && filter_is_recursive(search->filter, (size_t)entry))
		return 0;
	if (entry < 0 && filter_entry_of(search->filter, root) < 0 &&
	        !filter_leads_to_entry(search->filter, root)) {
		search->retire(search->ctx, root);
		return 0;
	}
	return baseline_each_below(search->txn, root, look_at, search);
}

/* With `dir` what lies below it, without it what lies below every root that is remembered. */
static int search_state(
        struct state *state, struct search *search, const struct slice *dir, struct reason *out_why)
{
	int rc = kv_begin_read(state_kv(state), &search->txn);
	if (rc == 0) {
		rc = dir ? baseline_each_below(search->txn, *dir, look_at, search)
		         : state_meta_each(search->txn, BASELINED_PREFIX, search_root, search);
		kv_abort(search->txn);
	}
	if (rc < 0)
		return fail(
		        out_why, rc, "cannot look for what is no longer watched: %s", err_text(rc));
	return 0;
}

int roots_each_retired(struct state *state, const struct filter *filter,
        void (*retire)(void *ctx, struct slice path), void *ctx, struct reason *out_why)
{
	struct search search = {.filter = filter, .retire = retire, .ctx = ctx};
	return search_state(state, &search, NULL, out_why);
}

int roots_each_retired_below(struct state *state, const struct filter *filter, struct slice dir,
        void (*retire)(void *ctx, struct slice path), void *ctx, struct reason *out_why)
{
	struct search search = {.filter = filter, .retire = retire, .ctx = ctx};
	return search_state(state, &search, &dir, out_why);
}
