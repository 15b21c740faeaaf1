#include "common/model/event.h"

#include "common/base/err.h"

enum need { NEVER, MAY, MUST };

#define ON_FILE  (1u << EVENT_FILE)
#define ON_FACT  (1u << EVENT_FACT)
#define ON_AGENT (1u << EVENT_AGENT)
#define ON_RUN   (1u << EVENT_TRANSACTION)

/* before and after are states with files, facts with facts. */
static const struct {
	const char *name;
	unsigned kinds;
	enum need path, before, after, count;
} ACTIONS[] = {
        [ACTION_CREATED] = {"created", ON_FILE, MUST, NEVER, MUST, MAY},
        [ACTION_MODIFIED] = {"modified", ON_FILE, MUST, MUST, MUST, MAY},
        [ACTION_ATTRIBUTES] = {"attributes", ON_FILE, MUST, MUST, MUST, MAY},
        [ACTION_MOVED] = {"moved", ON_FILE, MUST, MAY, MUST, NEVER},
        [ACTION_DELETED] = {"deleted", ON_FILE, MUST, MUST, NEVER, NEVER},
        [ACTION_TRANSIENT] = {"transient", ON_FILE, MUST, NEVER, NEVER, MUST},
        [ACTION_GAP] = {"gap", ON_FILE | ON_AGENT, MAY, NEVER, NEVER, NEVER},
        [ACTION_DEGRADED] = {"degraded", ON_FILE | ON_AGENT, MAY, NEVER, NEVER, NEVER},
        [ACTION_RETIRED] = {"retired", ON_FILE, MUST, NEVER, NEVER, NEVER},
        [ACTION_INSTALLED] = {"installed", ON_FACT, NEVER, NEVER, MUST, NEVER},
        [ACTION_UPGRADED] = {"upgraded", ON_FACT, NEVER, MUST, MUST, NEVER},
        [ACTION_REMOVED] = {"removed", ON_FACT, NEVER, MUST, NEVER, NEVER},
        [ACTION_STARTED] = {"started", ON_AGENT, MAY, NEVER, NEVER, NEVER},
        [ACTION_BASELINED] = {"baselined", ON_FILE | ON_AGENT, MAY, NEVER, NEVER, MAY},
        [ACTION_RESTORED] = {"restored", ON_FILE | ON_AGENT, MAY, NEVER, NEVER, NEVER},
        [ACTION_COMPLETED] = {"completed", ON_RUN, NEVER, NEVER, NEVER, NEVER},
        [ACTION_UNLOGGED] = {"unlogged", ON_RUN, MUST, NEVER, NEVER, NEVER},
        [ACTION_LINKED] = {"linked", ON_AGENT, MUST, NEVER, NEVER, NEVER},
        [ACTION_SILENT] = {"silent", ON_AGENT, NEVER, NEVER, NEVER, NEVER},
        [ACTION_RETURNED] = {"returned", ON_AGENT, NEVER, NEVER, NEVER, NEVER},
        [ACTION_STOPPED] = {"stopped", ON_AGENT, NEVER, NEVER, NEVER, NEVER},
};
_Static_assert(sizeof(ACTIONS) / sizeof(ACTIONS[0]) == ACTION_MAX + 1, "a row for each action");

static const char *const CAUSES[] = {
        [CAUSE_BASELINE] = "baseline",
        [CAUSE_LIVE] = "live",
        [CAUSE_OFFLINE] = "offline",
        [CAUSE_RESCAN] = "rescan",
        [CAUSE_AUDIT] = "audit",
};
_Static_assert(sizeof(CAUSES) / sizeof(CAUSES[0]) == CAUSE_MAX + 1, "a name for each cause");

static const char *const DIFF_GAPS[] = {
        [DIFF_NOT_ASKED] = NULL,
        [DIFF_SECRET] = "nodiff",
        [DIFF_BINARY] = "binary",
        [DIFF_TOO_LARGE] = "too large",
        [DIFF_NO_COPY] = "no copy",
};
_Static_assert(sizeof(DIFF_GAPS) / sizeof(DIFF_GAPS[0]) == DIFF_GAP_MAX + 1, "one for each");

static bool is_action(unsigned action)
{
	return action >= 1 && action <= ACTION_MAX;
}

static bool is_cause(unsigned cause)
{
	return cause >= 1 && cause <= CAUSE_MAX;
}

const char *event_action_name(enum event_action action)
{
	return is_action(action) ? ACTIONS[action].name : "unknown";
}

bool event_action_parse(struct slice name, enum event_action *out)
{
	for (unsigned action = 1; action <= ACTION_MAX; action++) {
		if (slice_is(name, ACTIONS[action].name)) {
			*out = (enum event_action)action;
			return true;
		}
	}
	return false;
}

const char *event_cause_name(enum event_cause cause)
{
	return is_cause(cause) ? CAUSES[cause] : "unknown";
}

bool event_cause_parse(struct slice name, enum event_cause *out)
{
	for (unsigned cause = 1; cause <= CAUSE_MAX; cause++) {
		if (slice_is(name, CAUSES[cause])) {
			*out = (enum event_cause)cause;
			return true;
		}
	}
	return false;
}

const char *diff_gap_reason(enum diff_gap gap)
{
	return (unsigned)gap <= DIFF_GAP_MAX ? DIFF_GAPS[gap] : NULL;
}

const char *event_kind_name(const struct event *event)
{
	const struct fact *fact = event->fact_after ? event->fact_after : event->fact_before;
	const char *name = fact ? fact_kind_name(fact->kind) : NULL;
	switch (event->kind) {
	case EVENT_FILE:
		return "file";
	case EVENT_FACT:
		return name ? name : "fact";
	case EVENT_AGENT:
		return "agent";
	case EVENT_TRANSACTION:
		return "transaction";
	}
	return "unknown";
}

static int check_numbers(const struct event *event, struct reason *out_why)
{
	unsigned kind = event->kind;
	if (kind < EVENT_FILE || kind > EVENT_KIND_MAX)
		return fail(out_why, ERR_FORMAT, "cannot take event: unknown kind %u", kind);
	if (!is_action(event->action))
		return fail(out_why, ERR_FORMAT, "cannot take event: unknown action %u",
		        (unsigned)event->action);
	if (!is_cause(event->cause))
		return fail(out_why, ERR_FORMAT, "cannot take event: unknown cause %u",
		        (unsigned)event->cause);
	if (!(ACTIONS[event->action].kinds & 1u << kind))
		return fail(out_why, ERR_FORMAT,
		        "cannot take event: '%s' does not happen to kind %u",
		        event_action_name(event->action), kind);
	if ((unsigned)event->actor_gap > ACTOR_GAP_MAX || (unsigned)event->diff_gap > DIFF_GAP_MAX)
		return fail(out_why, ERR_FORMAT, "cannot take event: unknown gap");
	if (event->changed >= 1u << CHANGED_COUNT || (event->changed && kind != EVENT_FILE))
		return fail(out_why, ERR_FORMAT, "cannot take event: unknown changes %#x",
		        event->changed);
	return 0;
}

static int check_part(const struct event *event, enum need need, bool is_there, const char *part,
        struct reason *out_why)
{
	if ((need == MUST && is_there) || (need == NEVER && !is_there) || need == MAY)
		return 0;
	return fail(out_why, ERR_FORMAT, "cannot take event: '%s' with%s %s",
	        event_action_name(event->action), is_there ? "" : "out", part);
}

static int check_parts(const struct event *event, struct reason *out_why)
{
	bool is_fact = event->kind == EVENT_FACT;
	bool has_before = is_fact ? event->fact_before != NULL : event->before != NULL;
	bool has_after = is_fact ? event->fact_after != NULL : event->after != NULL;
	bool has_other = is_fact ? event->before || event->after
	                         : event->fact_before || event->fact_after;
	enum need old_path = event->action == ACTION_MOVED ? MUST : NEVER;
	enum need detail = event->action == ACTION_GAP || event->action == ACTION_DEGRADED ? MUST
	                                                                                   : MAY;
	enum need on_files = event->kind == EVENT_FILE ? MAY : NEVER;
	enum need actor = event->action == ACTION_STOPPED ? MAY : on_files;
	enum need transaction = event->action == ACTION_COMPLETED ? MUST : NEVER;
	const struct {
		enum need need;
		bool is_there;
		const char *part;
	} PARTS[] = {
	        {ACTIONS[event->action].path, event->path.len > 0, "a path"},
	        {ACTIONS[event->action].before, has_before, "a before"},
	        {ACTIONS[event->action].after, has_after, "an after"},
	        {ACTIONS[event->action].count, event->count > 0, "a count"},
	        {old_path, event->old_path.len > 0, "an old path"},
	        {detail, event->detail.len > 0, "a detail"},
	        {transaction, event->transaction != NULL, "a transaction"},
	        {actor, event->actor != NULL, "an actor"},
	        {on_files, event->explained != NULL, "an explanation"},
	        {on_files, event->diff.len > 0, "a diff"},
	        {NEVER, has_other, is_fact ? "a file state" : "a fact"},
	};
	for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
		int rc = check_part(
		        event, PARTS[i].need, PARTS[i].is_there, PARTS[i].part, out_why);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_path(struct slice path, struct reason *out_why)
{
	if (path.len == 0)
		return 0;
	if (path.len > EVENT_PATH_BYTES)
		return fail(out_why, ERR_FORMAT,
		        "cannot take event: a path of %zu bytes is longer than %d", path.len,
		        EVENT_PATH_BYTES);
	if (path.ptr[0] != '/')
		return fail(out_why, ERR_FORMAT, "cannot take event: a path is not absolute");
	if (memchr(path.ptr, '\0', path.len))
		return fail(out_why, ERR_FORMAT, "cannot take event: a path has a NUL byte");
	return 0;
}

static int check_state(const struct filestate *state, struct reason *out_why)
{
	if (!state)
		return 0;
	/* The enumerations hold what a decoder read: any number. */
	unsigned type = state->type, hash = state->hash;
	if (type < FILE_REGULAR || type > FILE_BLOCK)
		return fail(out_why, ERR_FORMAT, "cannot take event: unknown file type %u", type);
	if (hash > HASH_UNSTABLE || (hash != HASH_NONE && type != FILE_REGULAR))
		return fail(out_why, ERR_FORMAT,
		        "cannot take event: hash status %u does not fit a file of type '%s'", hash,
		        file_type_name(state->type));
	if (state->mode > 07777)
		return fail(out_why, ERR_FORMAT, "cannot take event: mode %#o", state->mode);
	if (state->target.len > 0 && type != FILE_SYMLINK)
		return fail(out_why, ERR_FORMAT,
		        "cannot take event: a file of type '%s' has a target",
		        file_type_name(state->type));
	return 0;
}

static int check_facts(const struct event *event, struct reason *out_why)
{
	const struct fact *before = event->fact_before, *after = event->fact_after;
	if ((before && !fact_is_valid(before)) || (after && !fact_is_valid(after)))
		return fail(out_why, ERR_FORMAT,
		        "cannot take event: a fact's kind or field is out of bounds");
	if (!before || !after)
		return 0;
	uint8_t key_before[FACT_KEY_MAX], key_after[FACT_KEY_MAX];
	size_t len_before = fact_key(before, key_before), len_after = fact_key(after, key_after);
	if (!slice_equal(slice_of(key_before, len_before), slice_of(key_after, len_after)))
		return fail(
		        out_why, ERR_FORMAT, "cannot take event: before and after have two keys");
	return 0;
}

int event_check(const struct event *event, struct reason *out_why)
{
	int rc = check_numbers(event, out_why);
	if (rc == 0)
		rc = check_parts(event, out_why);
	if (rc == 0)
		rc = check_path(event->path, out_why);
	if (rc == 0)
		rc = check_path(event->old_path, out_why);
	if (rc == 0)
		rc = check_state(event->before, out_why);
	if (rc == 0)
		rc = check_state(event->after, out_why);
	if (rc == 0)
		rc = check_facts(event, out_why);
	return rc;
}
