/*
 * app_walk - looks for files that application packages leave (agent/apps), and says which of them
 * are new or changed since they were last looked at (agent/state/appbook.h). A file that stands is
 * not opened.
 *
 * All of the configured directories, or some paths below them: a file, a directory with all below
 * it, or something that is gone. Both decide alike about what is looked at.
 *
 * Life     app_walk_init -> app_walk_all, or app_walk_path* -> app_walk_end -> app_walk_fini.
 * Owner    borrows state, bases, budget; owns its findings.
 * Errors   a directory or file that cannot be read keeps what was known of it, and is counted as a
 *          complaint; the walk goes on. `rc` is negative when it did not come to its end:
 *          ERR_CLOSED when it was told to stop.
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_INVENTORY_APP_WALK_H
#define TSUJIBAN_AGENT_INVENTORY_APP_WALK_H

#include <stdatomic.h>

#include "agent/inventory/app_place.h"
#include "agent/state/appbook.h"
#include "agent/state/factbook.h"
#include "common/base/arena.h"
#include "common/base/budget.h"
#include "common/model/factlist.h"

#define APP_MARKERS_MAX 100000  /* files with packages */
#define APP_FILES_MAX   1000000 /* and files that might have some: executables, above all */

/* How application packages are told apart in the factbook: by manager. */
extern const struct fact_scope APP_SCOPES[];
extern const size_t APP_SCOPE_COUNT;

struct app_walk_options {
	const char *root;
	const struct app_bases *bases;
	struct state *state;
	struct budget *budget;          /* NULL: no limit */
	const atomic_bool *is_stopping; /* NULL: never */
	/* 0 stands for those above. */
	size_t markers_max, files_max;
	/* When files are said to have been read; 0: as it is. One that was changed less than two
	 * seconds before is read again the next time, since times may be no finer than that. */
	int64_t now_ns;
};

/* A file that is to be remembered otherwise. */
struct app_change {
	struct slice path;
	struct app_record record; /* the facts lack an owner */
	bool is_gone;             /* forget it */
};

struct app_tally {
	size_t directories, files; /* seen */
	size_t looked_at;          /* might have packages */
	size_t markers;            /* have some */
	size_t opened;
	size_t complaints;
	char complaint[REASON_MAX]; /* the first */
};

struct app_walk {
	struct app_walk_options options;
	struct arena *arena; /* of the changes */
	struct app_change *change;
	size_t change_count, change_room;
	/* Hashes of the paths of all files that are there, times two; odd: among the changes.
	 * Sorted at the end. */
	uint64_t *met;
	size_t met_count, met_room;
	uint64_t seed;
	struct buf blind; /* directories that could not be looked into: length (2 bytes) and path */
	bool is_capped;   /* there is more than was looked at */
	struct app_tally tally;
	int rc;
	struct reason why;
	/* while it walks */
	struct buf path;
	struct arena *scratch; /* of one file's facts */
	uint32_t reader;
	uint64_t paid_cpu_ns;
	unsigned steps;
};

void app_walk_init(struct app_walk *walk, const struct app_walk_options *options);
void app_walk_fini(struct app_walk *walk);
void app_walk_all(struct app_walk *walk);
void app_walk_path(struct app_walk *walk, struct slice path);
void app_walk_end(struct app_walk *walk);

/* Whether a file that nothing was found at has to be kept all the same: the walk could not see. */
bool app_walk_is_blind(const struct app_walk *walk, struct slice path);
/* Whether it is there; and whether it is among the changes. */
bool app_walk_has_met(const struct app_walk *walk, struct slice path, bool *out_is_changed);
/* Adds a change of what the walk itself had no word on; the record's facts are copied. */
void app_walk_change(struct app_walk *walk, const struct app_change *change);
/* Gives the processor back, if it was used for too long. False: it is to stop. */
bool app_walk_pace(struct app_walk *walk);

#endif
