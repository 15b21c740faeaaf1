/*
 * The collector, once its ports and its store are open: it takes connections, and makes no socket
 * of its own. It starts no program.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#include "common/confine/profile_parts.h"

static const struct profile_row ROWS[] = {
        OWN_FILES,
        ALLOW("accept"),
        ALLOW("accept4"),
        ALLOW("setsockopt"),
        USE_SOCKETS,
        {0},
};

static const struct profile_row *const TABLES[] = {ROWS, PROFILE_COMMON, PROFILE_SANITIZERS, NULL};

const struct profile PROFILE_COLLECTOR = {.name = "collector", .tables = TABLES};
