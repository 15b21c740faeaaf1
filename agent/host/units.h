/*
 * units - the files of systemd's units: where they lie and what links to them.
 *
 * Places, the first one wins (systemd.unit(5), "unit file load path"; what programs add while the
 * host runs, /run/systemd/transient, comes and goes and is left out):
 *
 *   /run/systemd/generator.early, /etc/systemd/system, /run/systemd/system,
 *   /run/systemd/generator, /usr/local/lib/systemd/system, /usr/lib/systemd/system,
 *   /lib/systemd/system, /run/systemd/generator.late
 *
 * Services, timers and sockets alone; templates ("name@.service") stand for themselves.
 *
 * Owner    the arena holds it all.
 * Errors   ERR_LIMIT when the arena is full; a directory that cannot be listed is told by its path
 *          in `trouble`, and the others are read.
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_HOST_UNITS_H
#define TSUJIBAN_AGENT_HOST_UNITS_H

#include "agent/host/unit_text.h"
#include "common/base/arena.h"
#include "common/base/err.h"

#define UNIT_PLACES 8

enum unit_place_kind {
	PLACE_ADMIN,     /* links in it make a unit "enabled" */
	PLACE_RUNTIME,   /* until the next start: "enabled-runtime" */
	PLACE_GENERATED, /* as the last, and its own units are "generated" */
	PLACE_VENDOR,    /* links in it are no choice of anybody's */
};

struct unit_place {
	const char *dir;
	enum unit_place_kind kind;
};
extern const struct unit_place UNIT_PLACE[UNIT_PLACES];

struct unit {
	struct slice name;
	unsigned place;
	enum { UNIT_FILE_OWN, UNIT_FILE_LINKED, UNIT_FILE_MASKED, UNIT_FILE_ALIAS } form;
	const char *file;   /* whose content counts; of a mask the link to nothing */
	struct slice names; /* of an alias: the unit */
};

/* In a directory "*.wants" or the like: of it the own name counts. */
struct unit_link {
	struct slice name;
	unsigned place;
};

struct unit_dropins {
	struct slice name; /* "nginx.service.d" */
	unsigned place;
};

struct units {
	struct arena *arena;
	struct unit *unit; /* by name, each once */
	struct unit_link *link;
	struct unit_dropins *dropins; /* by name and place */
	size_t count, link_count, dropins_count;
	const char *trouble; /* of `trouble_rc` */
	int trouble_rc;
};

int units_read(const char *root, struct arena *arena, struct units *out);
/* NULL: none of this name. */
const struct unit *units_find(const struct units *units, struct slice name);

#endif
