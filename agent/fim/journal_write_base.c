#include "agent/fim/journal_write.h"

#include "agent/fim/footing.h"
#include "agent/state/baseline.h"
#include "agent/state/spool.h"
#include "agent/touch/witness.h"
#include "common/base/log.h"
#include "common/base/text.h"

/* An event that cannot be told as it is would keep the whole batch from ever being written. That
 * would be our own fault; it costs this event, with a line in the log. */
static int skip_event(const struct event *event, int code)
{
	struct buf shown = BUF_INIT;
	text_append_display(&shown, event->path);
	log_error("cannot tell '%s' of '%.300s': %s", event_action_name(event->action),
	        buf_text(&shown), err_text(code));
	buf_fini(&shown);
	return 0;
}

int write_append(struct write *write, const struct event *event)
{
	int rc = spool_append(write->txn, event, NULL);
	if (rc == ERR_FORMAT || rc == ERR_LIMIT)
		return skip_event(event, rc);
	if (rc == 0) {
		write->batch->events++;
		write->has_changed = true;
	}
	return rc;
}

/* A change of a file: counted by what explains it. */
int write_tell(struct write *write, const struct event *event)
{
	int rc = write_append(write, event);
	if (rc == 0 && write->batch->explainer)
		tally_add(&write->batch->tally, event->explained);
	return rc;
}

/* What stands at the path is no directory any more. */
static void lose_footing(struct write *write, struct slice path)
{
	if (slice_starts_with(write->footing, path))
		write->footing = (struct slice){0};
}

int write_put(struct write *write, struct slice path, const struct filestate *state)
{
	write->has_changed = true;
	if (state->type != FILE_DIRECTORY)
		lose_footing(write, path);
	return baseline_put(write->txn, path, state);
}

int write_forget(struct write *write, struct slice path)
{
	int rc = baseline_remove(write->txn, path);
	lose_footing(write, path);
	write->has_changed |= rc == 0;
	return rc == ERR_MISSING ? 0 : rc;
}

/* --- what goes in ---------------------------------------------------------------------------- */

/* A copy: writing moves the store's pages. 1: there is one; 0: none. A record that cannot be read
 * counts as none, and is written anew. */
static int recall(struct write *write, struct slice path, struct filestate *out)
{
	struct arena *arena = write->batch->arena;
	int rc = baseline_get(state_txn_kv(write->txn), path, out);
	if (rc == ERR_MISSING || rc == ERR_FORMAT)
		return 0;
	if (rc < 0)
		return rc;
	rc = filestate_keep(arena, out);
	return rc < 0 ? rc : 1;
}

static bool is_baselined(struct write *write, struct slice path)
{
	struct journal_batch *batch = write->batch;
	int index = filter_entry_of(batch->filter, path);
	if (index < 0)
		return true; /* nothing watches it: no first scan will come by */
	if (batch->baselined[index] < 0) {
		char name[BASELINED_NAME_MAX];
		struct slice value;
		batch_baselined_name(filter_path(batch->filter, (size_t)index), name);
		int rc = state_meta_get(state_txn_kv(write->txn), name, &value);
		batch->baselined[index] = rc == 0;
	}
	return batch->baselined[index];
}

static const struct filestate *state_seen(const struct sighting *sighting)
{
	const struct filestate *state = &sighting->reading.state;
	return state->type == FILE_ABSENT ? NULL : state;
}

/* NULL: by nothing. `seen` NULL: nothing is there. */
const struct explained *write_explain(struct write *write, struct slice path,
        const struct filestate *before, const struct sighting *seen)
{
	const struct explainer *explainer = write->batch->explainer;
	const struct filestate *after = seen ? state_seen(seen) : NULL;
	const uint8_t *md5 = after && after->hash == HASH_DONE && seen->reading.has_md5
	                             ? seen->reading.md5
	                             : NULL;
	struct explained found, *explained;
	if (!explainer || !explainer->explain(explainer, path, before, after, md5, &found))
		return NULL;
	explained = arena_alloc(write->batch->arena, sizeof(*explained));
	if (explained)
		*explained = found;
	return explained;
}

/* The diff leads from what the baseline had when the file was read. */
static void find_diff(const struct copied *copied, struct finding *finding)
{
	const struct filestate *before = finding->before;
	finding->diff_gap = copied->diff_gap;
	if (!copied->diff.ptr)
		return;
	if (before && memcmp(before->sha256, copied->since, SHA256_BYTES) == 0)
		finding->diff = copied->diff;
	else
		finding->diff_gap = DIFF_NO_COPY;
}

/* `before` is where the baseline's state goes; it has to live as long as the finding. */
int write_find(struct write *write, struct slice path, const struct sighting *sighting,
        const struct settled *settled, struct filestate *before, struct finding *out)
{
	int rc = recall(write, path, before);
	if (rc < 0)
		return rc;
	*out = (struct finding){
	        .path = path,
	        .before = rc > 0 ? before : NULL,
	        .after = state_seen(sighting),
	        .is_fresh = sighting->reading.is_fresh,
	        .cause = settled->cause,
	        .time_ns = sighting->time_ns,
	        .actor = settled->by ? &settled->by->actor : NULL,
	        .actor_gap = settled->gap,
	        .changes = settled->changes,
	};
	out->is_baselined = is_baselined(write, path);
	find_diff(&sighting->copied, out);
	out->explained = write_explain(write, path, out->before, sighting);
	return 0;
}

/* --- what something stands on ---------------------------------------------------------------- */

/*
 * Nothing is kept below what is not kept as a directory: it would not be found any more when the
 * directory is not found. Readings of one batch are of different moments, so an entry may have been
 * seen before, or after, its directory was. If the directory is there now, both are looked at
 * again; if not, the entry was seen too late, or through a link.
 *
 * 1: the reading holds; 0: it says nothing.
 */
int write_find_footing(
        struct write *write, struct slice path, struct sighting *sighting, bool *out_is_early)
{
	struct slice dir = footing_parent(path);
	struct filestate known;
	*out_is_early = false;
	if (sighting->reading.state.type == FILE_ABSENT ||
	        (write->footing.ptr && slice_equal(dir, write->footing)))
		return 1;
	dir = footing_of(write->batch->filter, path);
	if (!dir.ptr)
		return 1;
	int rc = baseline_get(state_txn_kv(write->txn), dir, &known);
	if (rc == 0 && known.type == FILE_DIRECTORY) {
		write->footing = dir;
		return 1;
	}
	if (rc < 0 && rc != ERR_MISSING && rc != ERR_FORMAT)
		return rc;
	*out_is_early = footing_is_there(write->batch->filter, path);
	if (!*out_is_early)
		sighting->reading = (struct reading){0};
	return 0;
}
