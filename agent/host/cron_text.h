/*
 * cron_text - what cron is to run, from the lines of a crontab.
 *
 * Format   crontab(5): five fields of time or "@WORD", in a system's crontab the user, and the rest
 *          is the command. Lines that set a variable and what is neither are passed over.
 *          anacrontab(5): days or "@WORD", minutes of delay, a name, and the rest is the command.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_HOST_CRON_TEXT_H
#define TSUJIBAN_AGENT_HOST_CRON_TEXT_H

#include "common/base/buf.h"

struct cron_line {
	struct slice user; /* of a system's crontab */
	struct slice command;
};

enum cron_form { CRON_OF_USER, CRON_OF_SYSTEM, CRON_OF_ANACRON };

/* Takes lines up to and with the next entry, writes its schedule over `out_schedule` ("0 4 * * *",
 * "@daily", of anacron "every 7 days"); false at the end. Borrows. */
bool cron_take(
        struct slice *text, enum cron_form form, struct buf *out_schedule, struct cron_line *out);

/* Which names of /etc/cron.d are read, and of /etc/cron.daily are run. Debian's cron and run-parts
 * (both are strict): letters, digits, "_" and "-" alone, so that "backup.sh" and what dpkg leaves
 * beside its files are none. cronie's (Red Hat, SUSE, Arch): all but hidden files and what editors
 * and rpm leave behind. */
bool cron_runs_name(const char *name, bool is_debian);

#endif
