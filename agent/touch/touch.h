/*
 * touch - "something may have happened to this path": the word that passes between watch, walk and
 * settle.
 *
 * A touch claims nothing: what happened is decided when the path has been read and compared with
 * the baseline. So touches may be merged, repeated or wrong, and the picture still comes right; the
 * hints only make events say more.
 */
#ifndef TSUJIBAN_AGENT_TOUCH_TOUCH_H
#define TSUJIBAN_AGENT_TOUCH_TOUCH_H

#include "common/base/slice.h"
#include "common/model/event.h"

struct witness;

enum touch_hint {
	TOUCH_CREATED = 1 << 0,   /* the path was made: a life begins (absent, it was transient) */
	TOUCH_WRITING = 1 << 1,   /* content changes and more may follow: wait for quiet */
	TOUCH_DONE = 1 << 2,      /* a terminal operation: closed after write, renamed, deleted,
	                             attributes set, or found so by a walk */
	TOUCH_DIRECTORY = 1 << 3, /* it is, or was, a directory */
	TOUCH_GONE = 1 << 4,      /* it went away: deleted, or moved to where nobody watches */
	TOUCH_RETIRE = 1 << 5,    /* it is in the baseline and no longer to be watched */
	TOUCH_RELIST = 1 << 6,    /* directories went to and fro here: what changed in them may have
	                             been told of with other paths */
	TOUCH_LISTED = 1 << 8, /* nothing is known of it, and a listing has it as a regular file */
	TOUCH_REMOUNT =
	        1 << 9, /* with TOUCH_RETIRE: another file system is seen here from now on */
	TOUCH_LINKED = 1 << 10, /* the file was read anew by another of its names: as REREAD, but
	                         * that reading will do */
	TOUCH_REREAD = 1 << 7,  /* read the content even if everything that stat(2) tells stands */
};

struct touch {
	struct slice path;     /* absolute, no trailing slash */
	struct slice old_path; /* renamed from here; absent otherwise */
	unsigned hints;        /* enum touch_hint bits */
	enum event_cause cause;
	/* Who did it, borrowed for the call; NULL: nobody can tell, `gap` says why. */
	struct witness *by;
	enum actor_gap gap;
};

#endif
