#include "agent/fim/decide.h"

static struct event event_of(const struct finding *finding, enum event_action action)
{
	return (struct event){
	        .time_ns = finding->time_ns,
	        .kind = EVENT_FILE,
	        .action = action,
	        .cause = finding->cause,
	        .path = finding->path,
	        .actor = finding->actor,
	        .actor_gap = finding->actor_gap,
	        .explained = finding->explained,
	};
}

/* Who was seen at a path need not be who brought about what a comparison found there. */
static struct event without_strangers(struct event event)
{
	if (event.cause != CAUSE_LIVE) {
		event.actor = NULL;
		event.actor_gap = ACTOR_UNSEEN;
	}
	return event;
}

static void add(struct decision *decision, struct event event)
{
	decision->event[decision->count++] = without_strangers(event);
}

static void add_transient(struct decision *decision, const struct finding *finding, uint32_t lives)
{
	struct event event = event_of(finding, ACTION_TRANSIENT);
	event.count = lives;
	add(decision, event);
}

/* Of a path that was known: what is on disk now had one of these lives, or what is known did (it
 * may have been read before its own creation was heard of). */
static void add_lives_between(struct decision *decision, const struct finding *finding)
{
	if (finding->lives > 1)
		add_transient(decision, finding, finding->lives - 1);
}

static bool is_directory(const struct filestate *state)
{
	return state && state->type == FILE_DIRECTORY;
}

/* A fresh state is kept with a ctime that the file never had (1 ns early), so that it does not
 * stand at the next look. */
static struct filestate state_to_keep(const struct finding *finding)
{
	struct filestate state = *finding->after;
	if (finding->is_fresh)
		state.ctime_ns--;
	return state;
}

static bool is_same_record(const struct filestate *a, const struct filestate *b)
{
	return filestate_diff(a, b) == 0 && a->size == b->size && a->mtime_ns == b->mtime_ns &&
	       a->ctime_ns == b->ctime_ns && a->device == b->device && a->hash == b->hash &&
	       slice_equal(a->owner, b->owner) && slice_equal(a->group, b->group) &&
	       a->has_attributes == b->has_attributes;
}

static void decide_new(const struct finding *finding, struct decision *out)
{
	bool was_born = finding->hints & TOUCH_CREATED;
	if (finding->lives > 1)
		add_transient(out, finding, finding->lives - 1);
	struct event event = event_of(finding, ACTION_CREATED);
	event.after = finding->after;
	if (!was_born && !finding->is_baselined)
		event.cause = CAUSE_BASELINE;
	add(out, event);
	out->baseline = BASELINE_PUT;
	out->state = state_to_keep(finding);
	out->is_new_directory = is_directory(finding->after);
}

/* A first scan may be interrupted: what differs from its own earlier part changed since. */
static enum event_cause cause_of_change(const struct finding *finding)
{
	return finding->cause == CAUSE_BASELINE ? CAUSE_OFFLINE : finding->cause;
}

static void decide_gone(const struct finding *finding, struct decision *out)
{
	struct event event = event_of(finding, ACTION_DELETED);
	event.before = finding->before;
	event.cause = cause_of_change(finding);
	add(out, event);
	add_lives_between(out, finding);
	out->baseline = BASELINE_REMOVE;
	out->loses_below = is_directory(finding->before);
}

static void decide_there(const struct finding *finding, struct decision *out)
{
	unsigned changed = filestate_diff(finding->before, finding->after);
	add_lives_between(out, finding);
	if (changed) {
		bool is_content = changed & CHANGED_CONTENT;
		struct event event = event_of(
		        finding, is_content ? ACTION_MODIFIED : ACTION_ATTRIBUTES);
		event.before = finding->before;
		event.after = finding->after;
		event.changed = changed;
		event.cause = cause_of_change(finding);
		event.count = finding->changes > 1 ? finding->changes : 0;
		if (is_content) {
			event.diff = finding->diff;
			event.diff_gap = finding->diff_gap;
		}
		add(out, event);
	}
	out->state = state_to_keep(finding);
	if (!is_same_record(finding->before, &out->state))
		out->baseline = BASELINE_PUT;
	bool was_directory = is_directory(finding->before);
	bool is_one = is_directory(finding->after);
	out->loses_below = was_directory && !is_one;
	/* Another directory under the same name has other entries. */
	out->is_new_directory = is_one && (!was_directory || changed & CHANGED_INODE);
}

void decide_path(const struct finding *finding, struct decision *out)
{
	*out = (struct decision){.baseline = BASELINE_STAYS};
	if (finding->before && finding->after)
		decide_there(finding, out);
	else if (finding->before)
		decide_gone(finding, out);
	else if (finding->after)
		decide_new(finding, out);
	else if (finding->lives > 0)
		add_transient(out, finding, finding->lives);
}

static bool is_same_file(const struct filestate *a, const struct filestate *b)
{
	return a->type == b->type && a->inode == b->inode && a->device == b->device;
}

bool decide_is_move(const struct finding *old, const struct finding *new)
{
	if (!old->before || new->before || !new->after || !is_same_file(old->before, new->after))
		return false;
	/* Another link to the file, or it was renamed back. */
	return !old->after || !is_same_file(old->before, old->after);
}

void decide_move(const struct finding *old, const struct finding *new, struct decision *out)
{
	*out = (struct decision){.baseline = BASELINE_PUT, .state = state_to_keep(new)};
	if (new->lives > 0)
		add_transient(out, new, new->lives);
	struct event event = event_of(new, ACTION_MOVED);
	event.old_path = old->path;
	event.before = old->before;
	event.after = new->after;
	event.changed = filestate_diff(old->before, new->after);
	event.cause = cause_of_change(new);
	add(out, event);
	out->is_new_directory = is_directory(new->after);
}

struct event decide_lost(
        const struct finding *directory, struct slice path, const struct filestate *before)
{
	struct event event = event_of(directory, ACTION_DELETED);
	event.path = path;
	event.before = before;
	event.cause = cause_of_change(directory);
	return without_strangers(event);
}

struct event decide_retired(const struct finding *finding)
{
	struct event event = event_of(finding, ACTION_RETIRED);
	if (finding->hints & TOUCH_REMOUNT) {
		event.cause = CAUSE_LIVE;
		event.actor_gap = ACTOR_UNSEEN;
		event.detail = slice_text("another file system is seen here now: what was known "
		                          "below it is neither deleted nor new");
	}
	return without_strangers(event);
}
