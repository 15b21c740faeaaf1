/*
 * event - something that happened on a host.
 *
 * A plain value; the slices and the pointed-to states are borrowed from whoever filled it.
 */
#ifndef TSUJIBAN_COMMON_MODEL_EVENT_H
#define TSUJIBAN_COMMON_MODEL_EVENT_H

#include "common/model/actor.h"
#include "common/model/explained.h"
#include "common/model/fact.h"
#include "common/model/filestate.h"

enum event_kind {
	EVENT_FILE = 1,        /* a file below a watched path */
	EVENT_FACT = 2,        /* a fact that began, changed or ended */
	EVENT_AGENT = 3,       /* the agent itself */
	EVENT_TRANSACTION = 4, /* a package manager's run */
};
#define EVENT_KIND_MAX 4

enum event_action {
	/* files */
	ACTION_CREATED = 1,
	ACTION_MODIFIED = 2,   /* content */
	ACTION_ATTRIBUTES = 3, /* anything else */
	ACTION_MOVED = 4,      /* old_path -> path; a directory takes everything below it along */
	ACTION_DELETED = 5,
	ACTION_TRANSIENT = 6, /* came and went before it could be read; count says how often */
	ACTION_GAP = 7, /* something could not be seen: detail says what, path how far it reaches */
	ACTION_DEGRADED = 8, /* something is seen less well from now on: detail, path */
	ACTION_RETIRED = 9,  /* path and all below it is no longer watched: not a deletion */
	/* facts; for packages the manager's own words */
	ACTION_INSTALLED = 10, /* was not there */
	ACTION_UPGRADED = 11,  /* changed: after replaces before of the same key */
	ACTION_REMOVED = 12,
	/* the agent */
	ACTION_STARTED = 13,
	ACTION_BASELINED = 14, /* the first scan of path is complete; count has its files */
	ACTION_RESTORED = 15,  /* what was degraded is well again */
	ACTION_LINKED = 18,    /* a configured path is a link; detail says what is watched for it */
	ACTION_STOPPED = 21,   /* in order, by a signal: actor is who sent it */
	/* the collector, of an agent */
	ACTION_SILENT = 19,   /* not heard of for too long; detail says since when */
	ACTION_RETURNED = 20, /* is heard of again; detail says how long it was away */
	/* a package manager's run */
	ACTION_COMPLETED = 16, /* `transaction` sums up the file events that it explains */
	ACTION_UNLOGGED = 17,  /* the package database changed and no log tells of a run: path */
};
#define ACTION_MAX 21

#define EVENT_PATH_BYTES 4096 /* PATH_MAX: a longer path is refused */

#define EVENT_DIFF_BYTES 16384 /* a longer diff is none: DIFF_TOO_LARGE */

enum event_cause {
	CAUSE_BASELINE = 1, /* first sight: no change */
	CAUSE_LIVE = 2,
	CAUSE_OFFLINE = 3, /* changed while the agent was down */
	CAUSE_RESCAN = 4,  /* found after a gap */
	CAUSE_AUDIT = 5,   /* found by reading everything again */
};
#define CAUSE_MAX 5

/* Why a changed file has no text diff. */
enum diff_gap {
	DIFF_NOT_ASKED = 0, /* not configured, or nothing to compare */
	DIFF_SECRET = 1,    /* a nodiff pattern */
	DIFF_BINARY = 2,
	DIFF_TOO_LARGE = 3, /* the file, or the diff */
	DIFF_NO_COPY = 4,   /* no earlier text was kept */
};
#define DIFF_GAP_MAX 4

struct event {
	uint64_t seq; /* counts from 1 within a stream; not part of the encoded event */
	int64_t time_ns;
	enum event_kind kind;
	enum event_action action;
	enum event_cause cause;
	/* transient: lives; baselined: files; of a file that is always changing (created, modified,
	 * attributes): how many changes this event stands for, if more than one; otherwise 0 */
	uint32_t count;
	/* files, and gaps and the like that reach as far as a path */
	struct slice path;
	struct slice old_path;
	unsigned changed; /* enum file_change bits */
	const struct filestate *before;
	const struct filestate *after;
	const struct actor *actor; /* NULL: unknown */
	enum actor_gap actor_gap;
	const struct explained *explained; /* NULL: by nothing */
	struct slice diff;                 /* unified; absent: none */
	enum diff_gap diff_gap;
	/* package managers */
	const struct transaction *transaction;
	/* facts */
	const struct fact *fact_before;
	const struct fact *fact_after;
	/* a sentence: what cannot be seen, why, what went on */
	struct slice detail;
};

const char *event_action_name(enum event_action action);
bool event_action_parse(struct slice name, enum event_action *out);
const char *event_cause_name(enum event_cause cause);
bool event_cause_parse(struct slice name, enum event_cause *out);
/* "nodiff", "binary", "too large", "no copy"; NULL for DIFF_NOT_ASKED. */
const char *diff_gap_reason(enum diff_gap gap);
/* "file", "package", "kernel", "os", "host", "label", "agent", "transaction": a fact's kind stands
 * for itself. */
const char *event_kind_name(const struct event *event);

/* Whether the parts fit together (a created file has an after and no before, a path begins with a
 * slash and has no NUL byte, …): what a decoder checks before anybody relies on it. ERR_FORMAT with
 * the reason. */
struct reason;
int event_check(const struct event *event, struct reason *out_why);

#endif
