/*
 * run - what a package manager did between two moments, by its own log: packages with their old and
 * new versions, and what was done with configuration files.
 *
 * The lines of dpkg.log (dpkg(1), "--log"):
 *
 *	DATE TIME startup TYPE COMMAND
 *	DATE TIME install|upgrade|configure|trigproc|disappear|remove|purge PACKAGE OLD NEW
 *	DATE TIME status STATE PACKAGE VERSION
 *	DATE TIME conffile FILE install|keep
 *
 * PACKAGE is NAME:ARCH, a version that there is none of is "<none>". Several calls of dpkg (one of
 * apt makes many) are one run: the first old version and the last new one count.
 *
 * Life     run_new -> run_take* -> questions -> run_free.
 * Owner    owns copies of all texts, within RUN_BYTES_MAX.
 * Errors   ERR_LIMIT: more than fits. Lines of another form are passed over: the log is a text that
 *          anybody's hooks may write to.
 * Thread   one at a time; when no more is taken, any.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_RUN_H
#define TSUJIBAN_AGENT_PACKAGES_RUN_H

#include <uthash.h>

#include "agent/packages/keys.h"
#include "common/base/arena.h"
#include "common/base/err.h"

#define RUN_BYTES_MAX (32u << 20)

enum run_act {
	RUN_INSTALLED = 1 << 0,
	RUN_UPGRADED = 1 << 1, /* or downgraded, or installed again */
	RUN_REMOVED = 1 << 2,  /* or purged, or disappeared */
	RUN_CONFIGURED = 1 << 3,
	RUN_TRIGGERED = 1 << 4,
	RUN_MENTIONED = 1 << 5, /* its state was set */
};
/* Its files, and what the database lists of them, are others now. */
#define RUN_UNPACKED (RUN_INSTALLED | RUN_UPGRADED | RUN_REMOVED)

struct run_package {
	struct slice id;   /* NAME:ARCH, as logged */
	struct slice name; /* of it, without :ARCH */
	struct slice old_version;
	struct slice version; /* that it led to; of a removed package the last one */
	unsigned acts;
	UT_hash_handle hh;
};

struct run {
	struct arena *arena;
	struct run_package *packages; /* by id */
	struct key_set replaced;      /* configuration files whose shipped version was installed */
	int64_t since_ns;             /* lines of before are passed over; 0: none are */
	int64_t began_ns;             /* of the first line that was taken; 0: there was none */
};

struct run *run_new(void);
void run_free(struct run *run);
/* Takes whole lines of dpkg.log. */
int run_take(struct run *run, struct slice log, struct reason *out_why);
/* The same where there is no log: `name` is the package's within `id`; a version that there is none
 * of is absent. */
int run_note(struct run *run, unsigned act, struct slice id, struct slice name, struct slice old,
        struct slice new, const struct run_package **out);
/* No more is taken. */
void run_seal(struct run *run);

/* Something was installed, upgraded, removed, configured or triggered. */
bool run_did_anything(const struct run *run);
/* NULL: it is not mentioned. */
struct run_package *run_find(const struct run *run, struct slice id);
/* Of whatever architecture. */
struct run_package *run_find_name(const struct run *run, struct slice name);
/* Packages with any of these acts. */
uint32_t run_count(const struct run *run, unsigned acts);

#endif
