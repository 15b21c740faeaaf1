/*
 * Starts the sender. A filter is inherited, so this one has all that the sender's has, and what it
 * takes to start a program and to put on a filter.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "common/confine/profile_parts.h"

#define FORK_FLAGS (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)

static const struct profile_row ROWS[] = {
        OPEN_FOR_READING,
        DIAL,
        /* a program is started, and its end is heard of */
        ALLOW_IF("clone", IS(1, FORK_FLAGS)),
        ALLOW_IF("clone", IS(1, CLONE_VM | CLONE_VFORK | SIGCHLD)),
        ALLOW("execve"),
        ALLOW("dup2"),
        ALLOW("dup3"),
        ALLOW("wait4"),
        ALLOW("waitid"),
        ALLOW("kill"),
        ALLOW("socketpair"),
        ALLOW_IF("prctl", IS(1, PR_SET_PDEATHSIG)),
        ALLOW("arch_prctl"),
        /* it gives up what it does not need */
        ALLOW("capget"),
        ALLOW("capset"),
        ALLOW("seccomp"),
        ALLOW("landlock_create_ruleset"),
        ALLOW("landlock_add_rule"),
        ALLOW("landlock_restrict_self"),
        ALLOW_IF("prctl", IS(1, PR_SET_NO_NEW_PRIVS)),
        ALLOW_IF("prctl", IS(1, PR_GET_NO_NEW_PRIVS)),
        ALLOW_IF("prctl", IS(1, PR_SET_DUMPABLE)),
        ALLOW_IF("prctl", IS(1, PR_SET_SECCOMP)),
        ALLOW_IF("prctl", IS(1, PR_GET_SECCOMP)),
        ALLOW_IF("prctl", IS(1, PR_CAPBSET_DROP)),
        ALLOW_IF("prctl", IS(1, PR_CAP_AMBIENT)),
        ALLOW_IF("prctl", IS(1, PR_GET_SECUREBITS)),
        {0},
};

static const struct profile_row *const TABLES[] = {ROWS, PROFILE_COMMON, PROFILE_SANITIZERS, NULL};

const struct profile PROFILE_STARTER = {.name = "starter", .tables = TABLES};
