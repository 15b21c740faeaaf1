/*
 * pass - one reading of all sources, or of some, compared with the factbook and committed.
 *
 * Life     pass_new -> run on a worker -> pass_free.
 * Owner    borrows state, root and labels: they outlive the run.
 * Thread   pass_run: a worker; the rest the loop's, when it is over.
 */
#ifndef TSUJIBAN_AGENT_INVENTORY_PASS_H
#define TSUJIBAN_AGENT_INVENTORY_PASS_H

#include "agent/inventory/inventory.h"
#include "agent/source/source.h"

#define PASS_ALL UINT64_MAX

struct pass {
	struct state *state;
	const struct inventory_options *options;
	enum event_cause cause;
	uint64_t rows; /* of SOURCES: bits 1 << position; PASS_ALL: all, and the labels */
	/* What came of it. */
	int rc; /* of the commit: 0 or negative */
	uint64_t events;
	struct inventory_status status; /* counts of a kind only if it is not in `missed` */
	unsigned missed;                /* bits 1 << kind: could not be read, or not all of it */
	uint64_t read, found;           /* rows that could be read; that have facts */
	uint64_t again_ms;              /* what the rows that are read again took */
};

/* The table of sources, at most 63, ended by a row without a name. */
extern const struct source SOURCES[];

void pass_run(struct pass *pass);

#endif
