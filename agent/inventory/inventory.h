/*
 * inventory - what is installed and running on this host, as facts.
 *
 * Reads all its sources at start, every interval, and at once (after a short quiet) when a source's
 * files change; compares with the factbook and puts what changed into the spool, in one
 * transaction. Sources are rows of a table in pass.c: a new one is a file src_x.c in its room
 * (pkgdb, running, host) and a row.
 *
 * Life     inventory_new -> start -> inventory_free (work under way ends first, without callbacks).
 * Errors   a source that cannot be read keeps its last known facts, is logged once and shown in
 *          inventory_status.
 * Thread   the loop's; reading and the transaction on a worker.
 */
#ifndef TSUJIBAN_AGENT_INVENTORY_INVENTORY_H
#define TSUJIBAN_AGENT_INVENTORY_INVENTORY_H

#include "agent/state/state.h"
#include "common/io/loop.h"

#define INVENTORY_AGAIN_MS 60000

struct budget;
struct inventory;

struct inventory_options {
	const char *root; /* "/" but in tests: prefix of every file that is read */
	int64_t interval_ns;
	/* At least so long between two readings of a source whose facts end unseen, while it has
	 * any (source.h); 0: INVENTORY_AGAIN_MS. */
	uint64_t again_ms;
	/* Below which application packages are looked for, and how often; none: nowhere. */
	size_t app_count;
	const char *const *app_path;
	int64_t apps_interval_ns;
	struct budget *budget; /* of that; NULL: no limit. Outlives the inventory */
	size_t label_count;
	const char *const *label_name;
	const char *const *label_value;
};

struct inventory_events {
	/* A pass is durable: `events` new ones are in the spool. */
	void (*committed)(void *ctx, uint64_t events);
};

int inventory_new(struct loop *loop, struct state *state, const struct inventory_options *options,
        const struct inventory_events *events, void *ctx, struct inventory **out,
        struct reason *out_why);
void inventory_start(struct inventory *inventory);
/* Application packages are looked for from now on: apart, because a first walk of theirs and the
 * first scan of the watched files would take memory, disk and processor from each other. */
void inventory_start_apps(struct inventory *inventory);
void inventory_free(struct inventory *inventory);
/* No pass is begun (the spool is full) until it is released; what came in between is done then. */
void inventory_hold(struct inventory *inventory, bool hold);

/* A file was changed, or (`is_directory`) a directory came, went or was renamed with what is below
 * it: application packages there are looked at soon. Cheap for what can be none. */
void inventory_touched(struct inventory *inventory, struct slice path, bool is_directory);

struct inventory_status {
	size_t packages, kernels;
	size_t app_packages;
	size_t app_complaints;    /* files of theirs that cannot be read */
	int64_t last_app_ns;      /* of the last walk; wall clock, 0: none yet */
	size_t app_opened;        /* files, since the start */
	char app_why[REASON_MAX]; /* what is missing; empty when all is well */
	int64_t last_pass_ns;     /* wall clock; 0: none yet */
	char why[REASON_MAX];     /* what could not be read; empty when all is well */
};
void inventory_status(const struct inventory *inventory, struct inventory_status *out);

#endif
