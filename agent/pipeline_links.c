#include <limits.h>
#include <stdio.h>

#include "agent/pipeline_private.h"
#include "agent/watchlist.h"
#include "common/base/log.h"
#include "common/base/text.h"

/* Batches that may pass until what is under way is given up for the new links: under constant work
 * there is never nothing under way. What is lost with it is found by the comparison. */
#define COMMITS_MOST 64

#define NAME_MAX_BYTES 256

static void tell_link(struct pipeline *pipeline, const struct watchlist_link *link)
{
	struct buf line = BUF_INIT;
	buf_append_text(&line, "watch path is a link: what is watched is '");
	text_append_display(&line, slice_text(link->target));
	buf_append_byte(&line, '\'');
	log_info("'%s': %s", link->path, buf_text(&line));
	pipeline_note(
	        pipeline, EVENT_AGENT, ACTION_LINKED, slice_text(link->path), buf_text(&line), 0);
	buf_fini(&line);
}

/* A meta value may be shorter than a path, and only has to tell whether it is the same. */
static bool is_told(struct pipeline *pipeline, const char *name, struct slice target)
{
	struct kv_txn *txn;
	struct slice value;
	if (kv_begin_read(state_kv(pipeline->state), &txn) < 0)
		return false;
	bool is = state_meta_get(txn, name, &value) == 0 && slice_equal(value, target);
	kv_abort(txn);
	return is;
}

/* Once for each place that a configured path leads to. */
void pipeline_tell_links(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->watchlist->link_count; i++) {
		const struct watchlist_link *link = &pipeline->watchlist->link[i];
		char name[NAME_MAX_BYTES];
		snprintf(name, sizeof(name), "linked %.240s", link->path);
		if (is_told(pipeline, name, slice_text(link->target)))
			continue;
		tell_link(pipeline, link);
		journal_remember(pipeline->journal, slice_text(name), slice_text(link->target));
	}
}

static bool is_watched_path(const struct pipeline *pipeline, struct slice path)
{
	const struct watch_config *item = pipeline->config->watch.item;
	for (size_t i = 0; i < pipeline->config->watch.count; i++) {
		struct slice own = slice_text(item[i].path);
		if (slice_starts_with(own, path) &&
		        (own.len == path.len || own.ptr[path.len] == '/'))
			return true;
	}
	return false;
}

void pipeline_look_for_links(struct pipeline *pipeline, struct slice path)
{
	if (path.ptr && !pipeline->has_links_moved && is_watched_path(pipeline, path))
		pipeline->has_links_moved = !watchlist_is_current(pipeline->watchlist);
}

void pipeline_follow_links(struct pipeline *pipeline)
{
	if (!pipeline->has_links_moved || pipeline->is_ending)
		return;
	bool is_busy = settle_count_current(pipeline->settle) > 0 ||
	               !journal_is_idle(pipeline->journal);
	if (is_busy && ++pipeline->commits_since < COMMITS_MOST)
		return;
	log_info("a watch path leads elsewhere now: comparing what is watched with the baseline");
	pipeline->is_ending = true;
	pipeline->end(pipeline->ctx, PIPELINE_MOVED);
}
