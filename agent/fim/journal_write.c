/*
 * The writing step of a batch: decides what each reading means against the baseline as it is inside
 * the one write transaction, where earlier entries of the batch have had their effect.
 */
#include "agent/fim/journal_write.h"

#include <stdlib.h>

#include "agent/fim/hashed.h"
#include "agent/state/baseline.h"
#include "agent/state/texts.h"
#include "common/base/log.h"

/* How many paths below vanished directories one transaction deletes; the rest is left to the next
 * batch, so that removing a huge tree costs neither a huge transaction nor huge memory. */
#define BELOW_MAX 4096

#define AGAIN_MORE_MS    1
#define AGAIN_FOOTING_MS 5

/* --- a directory that is gone ---------------------------------------------------------------- */

struct lost {
	struct slice path;
	struct filestate state;
};

struct gathering {
	struct arena *arena;
	struct lost *lost;
	size_t count;
	size_t most;
	bool is_full;
};

static int gather(void *ctx, struct slice path, const struct filestate *state)
{
	struct gathering *gathering = ctx;
	if (gathering->count == gathering->most) {
		gathering->is_full = true;
		return ERR_LIMIT;
	}
	struct lost *lost = &gathering->lost[gathering->count];
	lost->state = *state;
	lost->path = arena_copy(gathering->arena, path);
	if (!lost->path.ptr || filestate_keep(gathering->arena, &lost->state) < 0)
		return ERR_LIMIT;
	gathering->count++;
	return 0;
}

static int deepest_first(const void *a, const void *b)
{
	const struct lost *left = a, *right = b;
	return slice_compare(right->path, left->path);
}

/* Deletes what stands below the directory, deepest first. 1: there is more than this transaction
 * takes. */
static int delete_below(struct write *write, const struct finding *directory)
{
	struct arena *arena = write->batch->arena;
	struct gathering gathering = {.arena = arena, .most = write->below_left};
	gathering.lost = arena_alloc(arena, (write->below_left + 1) * sizeof(struct lost));
	if (!gathering.lost)
		return ERR_LIMIT;
	int rc = baseline_each_below_backwards(
	        state_txn_kv(write->txn), directory->path, gather, &gathering);
	if (rc < 0 && !gathering.is_full)
		return rc;
	if (gathering.count > 0)
		qsort(gathering.lost, gathering.count, sizeof(struct lost), deepest_first);
	rc = 0;
	for (size_t i = 0; rc == 0 && i < gathering.count; i++) {
		struct lost *lost = &gathering.lost[i];
		struct event event = decide_lost(directory, lost->path, &lost->state);
		event.explained = write_explain(write, lost->path, &lost->state, NULL);
		rc = write_tell(write, &event);
		if (rc == 0)
			rc = write_forget(write, lost->path);
	}
	write->below_left -= gathering.count;
	return rc < 0 ? rc : gathering.is_full;
}

/* --- one entry ------------------------------------------------------------------------------- */

/* The copy of what stands there now; one of anything else goes. */
static int keep_copy(
        struct write *write, const struct finding *finding, const struct copied *copied)
{
	const struct filestate *state = finding->after;
	struct text_copy kept;
	if (!state || !filter_has_diffs(write->batch->filter))
		return 0;
	if (copied->copy) {
		write->has_changed = true;
		return texts_put(write->txn, finding->path, copied->copy);
	}
	int rc = texts_get(state_txn_kv(write->txn), finding->path, &kept);
	if (rc == ERR_MISSING)
		return 0;
	if (rc == 0 && state->type == FILE_REGULAR && state->hash == HASH_DONE &&
	        memcmp(kept.sha256, state->sha256, SHA256_BYTES) == 0)
		return 0;
	write->has_changed = true;
	return texts_remove(write->txn, finding->path);
}

static int write_decision(struct write *write, struct batch_entry *entry,
        const struct finding *finding, const struct copied *copied, const struct decision *decision)
{
	int rc = 0;
	if (decision->loses_below) {
		rc = delete_below(write, finding);
		if (rc > 0) {
			entry->again_ms = AGAIN_MORE_MS;
			return 0;
		}
	}
	for (size_t i = 0; rc == 0 && i < decision->count; i++)
		rc = write_tell(write, &decision->event[i]);
	if (rc == 0 && decision->baseline == BASELINE_PUT)
		rc = write_put(write, finding->path, &decision->state);
	if (rc == 0 && decision->baseline == BASELINE_REMOVE)
		rc = write_forget(write, finding->path);
	return rc < 0 ? rc : keep_copy(write, finding, copied);
}

static int write_path(struct write *write, struct batch_entry *entry)
{
	const struct settled *settled = entry->settled;
	struct filestate before;
	struct finding finding;
	struct decision decision;
	int rc = write_find(write, settled->path, &entry->now, settled, &before, &finding);
	if (rc < 0)
		return rc;
	finding.hints = settled->hints;
	if (settled->old_path.ptr)
		finding.hints |= TOUCH_CREATED; /* a rename to here made the path */
	finding.lives = settled->lives;
	decide_path(&finding, &decision);
	rc = write_decision(write, entry, &finding, &entry->now.copied, &decision);
	entry->is_gone_directory = decision.loses_below;
	bool is_new = decision.is_new_directory && settled->cause == CAUSE_LIVE;
	bool is_to_list = finding.after && finding.after->type == FILE_DIRECTORY &&
	                  settled->hints & TOUCH_RELIST;
	entry->is_new_directory = is_new || is_to_list;
	return rc;
}

/* What stands at the old path of a rename now. A file that is being written there has touches of
 * its own to come. */
static int write_old_path(struct write *write, struct batch_entry *entry)
{
	const struct settled *settled = entry->settled;
	struct filestate before;
	struct finding finding;
	struct decision decision;
	bool is_early;
	if (entry->old->reading.is_moving || settled->old_follows)
		return 0;
	int rc = write_find_footing(write, settled->old_path, entry->old, &is_early);
	if (rc < 0)
		return rc;
	entry->old_lacks_footing = rc == 0;
	if (is_early)
		return 0;
	rc = write_find(write, settled->old_path, entry->old, settled, &before, &finding);
	if (rc < 0)
		return rc;
	finding.lives = settled->old_lives;
	finding.hints = TOUCH_CREATED; /* after the rename, should there be anything */
	decide_path(&finding, &decision);
	entry->is_old_gone_directory = decision.loses_below;
	/* An exchange, or another one made in its place: nobody else tells of it. */
	entry->is_old_new_directory = decision.is_new_directory && settled->cause == CAUSE_LIVE;
	return write_decision(write, entry, &finding, &entry->old->copied, &decision);
}

static bool may_have_copy(void *ctx, struct slice path)
{
	return filter_diff_of(ctx, path, NULL) == FILTER_DIFF_YES;
}

/* Other patterns hold where a directory was moved to. */
static int drop_copies(struct write *write, struct slice dir)
{
	const struct filter *filter = write->batch->filter;
	int64_t removed = texts_purge_below(write->txn, dir, may_have_copy, (void *)filter);
	return removed < 0 ? (int)removed : 0;
}

static int write_move(struct write *write, struct batch_entry *entry, const struct finding *old,
        const struct finding *new)
{
	struct decision decision;
	int rc = 0;
	decide_move(old, new, &decision);
	if (filter_diff_of(write->batch->filter, new->path, NULL) == FILTER_DIFF_YES)
		rc = texts_move(write->txn, old->path, new->path);
	if (rc == 0)
		rc = write_decision(write, entry, new, &entry->now.copied, &decision);
	if (rc == 0)
		rc = write_forget(write, old->path);
	if (rc == 0 && decision.is_new_directory)
		rc = baseline_move_below(write->txn, old->path, new->path);
	if (rc == 0 && decision.is_new_directory)
		rc = drop_copies(write, new->path);
	entry->is_new_directory = decision.is_new_directory;
	return rc;
}

static int find_rename(struct write *write, const struct batch_entry *entry,
        struct filestate before[2], struct finding *old, struct finding *new)
{
	const struct settled *settled = entry->settled;
	int rc = write_find(write, settled->old_path, entry->old, settled, &before[0], old);
	if (rc == 0)
		rc = write_find(write, settled->path, &entry->now, settled, &before[1], new);
	new->lives = settled->lives;
	return rc;
}

static int write_rename(struct write *write, struct batch_entry *entry)
{
	struct filestate before[2];
	struct finding old, new = {0};
	int rc = find_rename(write, entry, before, &old, &new);
	if (rc < 0)
		return rc;
	rc = decide_is_move(&old, &new) ? write_move(write, entry, &old, &new)
	                                : write_path(write, entry);
	if (rc == 0 && entry->again_ms == 0)
		rc = write_old_path(write, entry);
	return rc;
}

static int stop_at_first(void *ctx, struct slice path, const struct filestate *state)
{
	(void)path;
	(void)state;
	*(bool *)ctx = true;
	return ERR_EXISTS;
}

/* If the path was a root it is no longer baselined: configured again, it is first seen again. */
static int unmark(struct write *write, struct slice path)
{
	char name[BASELINED_NAME_MAX];
	batch_baselined_name(path, name);
	int rc = state_meta_delete(write->txn, name);
	return rc == ERR_MISSING ? 0 : rc;
}

static int write_retired(struct write *write, struct batch_entry *entry)
{
	struct slice path = entry->settled->path;
	struct filestate before;
	struct finding finding;
	bool has_below = false;
	int rc = write_find(write, path, &entry->now, entry->settled, &before, &finding);
	if (rc < 0)
		return rc;
	rc = baseline_each_below(state_txn_kv(write->txn), path, stop_at_first, &has_below);
	if (rc < 0 && !has_below)
		return rc;
	entry->is_remounted = entry->settled->hints & TOUCH_REMOUNT;
	if (!finding.before && !has_below)
		return 0;
	finding.hints = entry->settled->hints;
	struct event event = decide_retired(&finding);
	rc = write_append(write, &event);
	if (rc == 0)
		rc = write_forget(write, path);
	if (rc == 0 && !entry->is_remounted)
		rc = unmark(write, path);
	if (rc == 0 && has_below)
		rc = baseline_remove_below(write->txn, path);
	entry->is_gone_directory = has_below && !entry->is_remounted;
	return rc;
}

static bool has_other_names(const struct reading *reading)
{
	return reading->links > 1 && reading->state.type != FILE_DIRECTORY;
}

/* Whether a first scan has read, or is about to read, the same under every other name: the file has
 * not changed since before the first of them was looked at. */
static bool is_alike_everywhere(const struct write *write, const struct batch_entry *entry)
{
	const struct reading *reading = &entry->now.reading;
	return entry->settled->cause == CAUSE_BASELINE && !reading->is_fresh &&
	       reading->state.ctime_ns < write->batch->born_ns - HASHED_OLD_NS;
}

static int write_entry(struct write *write, struct batch_entry *entry)
{
	if (entry->is_written || entry->is_refused || entry->again_ms > 0)
		return 0;
	entry->is_written = true;
	if (entry->settled->hints & TOUCH_RETIRE)
		return write_retired(write, entry);
	bool is_early;
	int rc = write_find_footing(write, entry->settled->path, &entry->now, &is_early);
	if (rc < 0)
		return rc;
	entry->lacks_footing = rc == 0;
	if (is_early) {
		entry->again_ms = AGAIN_FOOTING_MS;
		return 0;
	}
	uint64_t events = write->batch->events;
	rc = entry->settled->old_path.ptr ? write_rename(write, entry) : write_path(write, entry);
	entry->is_told = write->batch->events > events;
	entry->is_news_of_links = entry->is_told && has_other_names(&entry->now.reading) &&
	                          !is_alike_everywhere(write, entry);
	return rc;
}

/* Moves of directories go first: a touch of something below the old path, in the same batch, then
 * finds it gone from the baseline as well, instead of reporting it deleted and found again. */
static int write_directory_moves(struct write *write)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < write->batch->count; i++) {
		struct batch_entry *entry = &write->batch->entry[i];
		if (entry->settled->old_path.ptr && entry->now.reading.state.type == FILE_DIRECTORY)
			rc = write_entry(write, entry);
	}
	return rc;
}

/* --- notes and marks ------------------------------------------------------------------------- */

static int write_notes(struct write *write)
{
	struct slice rest = buf_slice(&write->batch->notes), bytes;
	struct event event;
	struct reason why;
	uint32_t len;
	int rc = 0;
	while (rc == 0 && slice_take_u32(&rest, &len) && slice_take(&rest, len, &bytes)) {
		rc = wire_event_decode(bytes, write->batch->arena, &event, &why);
		if (rc == ERR_FORMAT) {
			log_error("cannot write a note of the agent: %s", why.text);
			rc = 0;
			continue;
		}
		if (rc == 0)
			rc = write_append(write, &event);
	}
	return rc;
}

static int write_marks(struct write *write)
{
	struct slice rest = buf_slice(&write->batch->marks), path, value;
	char name[BASELINED_NAME_MAX];
	uint32_t len;
	int rc = 0;
	while (rc == 0 && slice_take_u32(&rest, &len) && slice_take(&rest, len, &path)) {
		batch_baselined_name(path, name);
		if (state_meta_get(state_txn_kv(write->txn), name, &value) == 0)
			continue;
		write->has_changed = true;
		rc = state_meta_put(write->txn, name, path);
	}
	return rc;
}

static int write_metas(struct write *write)
{
	struct slice rest = buf_slice(&write->batch->metas), name, value;
	uint32_t len;
	int rc = 0;
	while (rc == 0 && slice_take_u32(&rest, &len) && slice_take(&rest, len, &name) &&
	        slice_take_u32(&rest, &len) && slice_take(&rest, len, &value)) {
		const char *text = arena_text(write->batch->arena, name);
		if (!text)
			return ERR_LIMIT;
		write->has_changed = true;
		rc = value.len > 0 ? state_meta_put(write->txn, text, value)
		                   : state_meta_delete(write->txn, text);
		if (rc == ERR_MISSING)
			rc = 0;
	}
	return rc;
}

static int write_all(struct write *write)
{
	int rc = write_marks(write);
	if (rc == 0)
		rc = write_metas(write);
	if (rc == 0)
		rc = write_notes(write);
	if (rc == 0)
		rc = write_directory_moves(write);
	for (size_t i = 0; rc == 0 && i < write->batch->count; i++)
		rc = write_entry(write, &write->batch->entry[i]);
	return rc;
}

void batch_write(struct journal_batch *batch)
{
	struct write write = {.batch = batch, .below_left = BELOW_MAX};
	batch->tally = (struct tally){0};
	batch->rc = state_begin(batch->state, &write.txn, &batch->why);
	if (batch->rc < 0)
		return;
	batch->rc = write_all(&write);
	if (batch->rc < 0) {
		state_abort(write.txn);
		fail(&batch->why, batch->rc, "cannot write the journal: %s", err_text(batch->rc));
		return;
	}
	if (write.has_changed)
		batch->rc = state_commit(write.txn, &batch->why);
	else
		state_abort(write.txn);
}
