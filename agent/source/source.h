/*
 * source - one origin of facts: a row in the table of agent/inventory/pass.c, and a function in a
 * src_*.c of the rooms agent/pkgdb, agent/running and agent/host.
 *
 * Thread   read: a worker.
 */
#ifndef TSUJIBAN_AGENT_SOURCE_SOURCE_H
#define TSUJIBAN_AGENT_SOURCE_SOURCE_H

#include "agent/state/factbook.h"
#include "common/base/err.h"
#include "common/model/factlist.h"

#define SOURCE_SCOPES_MAX   8
#define SOURCE_TRIGGERS_MAX 18
#define SOURCE_PARTIAL      1
#define SOURCE_UNSURE       2

/* A change of the file `name` in the directory `dir` asks for a pass; NULL: of any file in it. */
struct source_trigger {
	const char *dir;
	const char *name;
};

struct source {
	const char *name;
	/* What it alone speaks for, ended by a row without a kind. */
	struct fact_scope scopes[SOURCE_SCOPES_MAX + 1];
	/* Ended by a row without a directory. */
	struct source_trigger triggers[SOURCE_TRIGGERS_MAX + 1];
	/* No file tells when its facts end: while there are any, it is read again by itself
	 * (inventory_options.again_ms). */
	bool is_read_again;
	/* Adds what it finds below `root`. 0; SOURCE_PARTIAL: what was found holds, and `out_why`
	 * says what could not be seen; SOURCE_UNSURE: likewise, and what was known before and was
	 * not found may be there still (some of its entries could not be read); ERR_MISSING: this
	 * host has no such thing (no facts then, and no complaint). */
	int (*read)(const char *root, struct fact_list *out, struct reason *out_why);
};

#endif
