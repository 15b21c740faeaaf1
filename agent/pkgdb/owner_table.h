/*
 * owner_table - the paths that were asked for, as the readers of the package databases see them:
 * one file owner_x.c a manager (see owner.h).
 *
 * Memory   the arena of the owners.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_AGENT_PKGDB_OWNER_TABLE_H
#define TSUJIBAN_AGENT_PKGDB_OWNER_TABLE_H

#include "agent/pkgdb/owner.h"

struct owner_entry {
	struct owner_entry *next; /* in its bucket */
	uint64_t hash;
	struct slice path; /* by the name that merged_paths gives */
	struct owner owner;
	/* While dpkg's lists are read: whose file it is that lies here in spite of what others
	 * list, and where those of the others are. */
	struct slice diverter;
	struct owner_entry *diverted;
};

/* NULL: nobody asked for it. */
struct owner_entry *owner_find(struct owners *owners, struct slice path);
/* The same, and if it is not there yet, it is now. NULL: the arena is full. */
struct owner_entry *owner_place(struct owners *owners, struct slice path);
/* Of several packages that have one path (directories) the first in the order of their names
 * counts. ERR_LIMIT when the arena is full. */
int owner_take(struct owners *owners, struct owner_entry *entry, const char *manager,
        struct slice name, struct slice version);

/* Each goes through one manager's database. 0; ERR_MISSING: this host has no such thing. */
int owner_dpkg_read(struct owners *owners, const char *root, struct reason *out_why);
int owner_rpm_read(struct owners *owners, const char *root, struct reason *out_why);
int owner_apk_read(struct owners *owners, const char *root, struct reason *out_why);
int owner_pacman_read(struct owners *owners, const char *root, struct reason *out_why);

#endif
