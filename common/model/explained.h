/*
 * explained - whether a package transaction accounts for a change, and the transaction itself.
 *
 * Plain values; the slices are borrowed.
 */
#ifndef TSUJIBAN_COMMON_MODEL_EXPLAINED_H
#define TSUJIBAN_COMMON_MODEL_EXPLAINED_H

#include "common/base/slice.h"

enum explained_state {
	EXPLAINED_NONE = 0,
	EXPLAINED_VERIFIED = 1,  /* the content is the one that the package database names */
	EXPLAINED_CONFFILE = 2,  /* a configuration file as shipped, kept or set aside */
	EXPLAINED_GENERATED = 3, /* made by a maintainer script or trigger: caches, initrd, links */
	EXPLAINED_REMOVED = 4,   /* gone because its package is, or no longer ships it */
};
#define EXPLAINED_MAX 4

struct explained {
	enum explained_state state;
	struct slice manager; /* "dpkg", "rpm" */
	struct slice package; /* empty where no single package answers for it */
	struct slice version; /* the one that it leads to; of a removed package the last one */
	uint64_t transaction; /* its number: start in ns since 1970; the summary has the same */
};

/* What one transaction did, for its summary event. */
struct transaction {
	uint64_t id;
	struct slice manager;
	uint32_t packages; /* installed, upgraded or removed */
	/* file events while it ran, by state; EXPLAINED_NONE: not explained by it */
	uint32_t events[EXPLAINED_MAX + 1];
};

/* "none", "verified", "conffile", "generated", "removed". */
const char *explained_state_name(enum explained_state state);

#endif
