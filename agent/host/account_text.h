/*
 * account_text - lines of /etc/passwd, /etc/group and /etc/shadow.
 *
 * Format   passwd(5), group(5), shadow(5): fields by colons. Lines of the "compat" service
 *          ("+name", "-name": nsswitch.conf(5)) and what has no number are passed over, as the C
 *          library does.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_HOST_ACCOUNT_TEXT_H
#define TSUJIBAN_AGENT_HOST_ACCOUNT_TEXT_H

#include "common/base/slice.h"

struct account_user {
	struct slice name, uid, gid, home, shell;
};

struct account_group {
	struct slice name, gid, members; /* by commas, as they stand there */
};

/* Each takes lines up to and with the next that is one; false at the end. They borrow. */
bool account_take_user(struct slice *text, struct account_user *out);
bool account_take_group(struct slice *text, struct account_group *out);
/* Nothing of the password is given out: only whether none fits, because what stands for it begins
 * with "!" or "*". */
bool account_take_shadow(struct slice *text, struct slice *out_name, bool *out_is_locked);

/* Whether somebody with this shell gets one: an empty field means /bin/sh (passwd(5)). */
bool account_shell_lets_in(struct slice shell);

#endif
