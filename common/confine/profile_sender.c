/*
 * The half of the agent that speaks to the collector. It dials and reads; it opens nothing for
 * writing and starts nothing.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <sys/socket.h>

#include "common/confine/profile_parts.h"

static const struct profile_row ROWS[] = {OPEN_FOR_READING, DIAL, {0}};

static const struct profile_row *const TABLES[] = {ROWS, PROFILE_COMMON, PROFILE_SANITIZERS, NULL};

const struct profile PROFILE_SENDER = {.name = "sender", .tables = TABLES};
