#include <errno.h>

#include "agent/fim/unwatched.h"
#include "agent/pipeline_private.h"
#include "agent/report.h"

/* What cannot be listed either, or is not there, is no use to compare. */
static bool is_worth_comparing(int rc)
{
	return rc < 0 && rc != -ENOENT && rc != -ENOTDIR && rc != -EACCES && rc != -ENAMETOOLONG &&
	       rc != -EINVAL;
}

int pipeline_watched(struct pipeline *pipeline, struct slice dir, int rc)
{
	size_t count = unwatched_count(pipeline->unwatched);
	if (is_worth_comparing(rc))
		unwatched_add(pipeline->unwatched, dir);
	else
		unwatched_remove(pipeline->unwatched, dir);
	if (unwatched_count(pipeline->unwatched) != count)
		report_changed(pipeline->report);
	return rc;
}

/* A directory above the roots is not listed: the roots are looked at themselves. */
static void look_at_roots(struct pipeline *pipeline, struct slice dir)
{
	pipeline_watched(pipeline, dir, watch_add(pipeline->watch, dir));
	for (size_t i = 0; i < filter_count(pipeline->filter); i++) {
		struct slice root = filter_path(pipeline->filter, i);
		bool is_below = slice_starts_with(root, dir) &&
		                (dir.len == 1 || (root.len > dir.len && root.ptr[dir.len] == '/'));
		struct touch touch = {.path = root, .hints = TOUCH_DONE, .cause = CAUSE_RESCAN};
		if (is_below)
			pipeline_settle(pipeline, &touch);
	}
	journal_kick(pipeline->journal);
}

bool pipeline_compare_unwatched(void *ctx, struct slice dir)
{
	struct pipeline *pipeline = ctx;
	bool is_listed = filter_descends(pipeline->filter, dir);
	if (is_listed)
		walk_request_entries(pipeline->walk, dir, CAUSE_RESCAN);
	else
		look_at_roots(pipeline, dir);
	return is_listed;
}
