/*
 * unit_text - what a unit of systemd does and how it is enabled, from its file and its drop-ins.
 *
 * Format   systemd.syntax(7): sections, KEY=VALUE, lines that go on behind a backslash, comments
 *          ("#", ";") also between such lines. An empty value takes back what was said before it:
 *          of timers and sockets all kinds at once (systemd.timer(5), systemd.socket(5)).
 * Life     unit_text_init -> apply* (the file, then drop-ins in their order) -> unit_text_fini.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_AGENT_HOST_UNIT_TEXT_H
#define TSUJIBAN_AGENT_HOST_UNIT_TEXT_H

#include "common/base/buf.h"

#define UNIT_COMMAND_MAX 1024 /* what is longer is cut */

enum unit_type { UNIT_SERVICE, UNIT_TIMER, UNIT_SOCKET, UNIT_OTHER };

struct unit_text {
	enum unit_type type;
	/* Of a service what it starts, as it stands there; of the others "KEY=VALUE"; by "; ". */
	struct buf command;
	bool is_cut;
	unsigned wanted;     /* bits: which keys of [Install] make links */
	bool has_also;       /* [Install] names others */
	struct buf aliases;  /* by spaces */
	struct buf instance; /* of a template that is enabled without one */
	struct buf line;     /* scratch: joined from several */
};

/* By the ending of its name. */
enum unit_type unit_type_of(struct slice name);

void unit_text_init(struct unit_text *text, enum unit_type type);
void unit_text_apply(struct unit_text *text, struct slice content);
void unit_text_fini(struct unit_text *text);
bool unit_text_has_alias(const struct unit_text *text, struct slice name);

#endif
