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

static int finish(struct search *search, int rc, struct reason *out_why)
{
	kv_abort(search->txn);
	return rc < 0 ? fail(out_why, rc, "cannot look for what is no longer watched: %s",
	                        err_text(rc))
	              : 0;
}

int roots_each_retired(struct state *state, const struct filter *filter,
        void (*retire)(void *ctx, struct slice path), void *ctx, struct reason *out_why)
{
	struct search search = {.filter = filter, .retire = retire, .ctx = ctx};
	int rc = kv_begin_read(state_kv(state), &search.txn);
	if (rc < 0)
		return fail(out_why, rc, "cannot read the state: %s", err_text(rc));
	rc = state_meta_each(search.txn, BASELINED_PREFIX, search_root, &search);
	return finish(&search, rc, out_why);
}

int roots_each_retired_below(struct state *state, const struct filter *filter, struct slice dir,
        void (*retire)(void *ctx, struct slice path), void *ctx, struct reason *out_why)
{
	struct search search = {.filter = filter, .retire = retire, .ctx = ctx};
	int rc = kv_begin_read(state_kv(state), &search.txn);
	if (rc < 0)
		return fail(out_why, rc, "cannot read the state: %s", err_text(rc));
	rc = baseline_each_below(search.txn, dir, look_at, &search);
	return finish(&search, rc, out_why);
}
