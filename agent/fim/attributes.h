/*
 * attributes - what a file has besides mode and owner: chattr(1) flags and extended attributes, of
 * which access control lists, capabilities and SELinux labels are some.
 *
 * Two system calls for a file that has none. A name that cannot be read (trusted.* without the
 * privilege) is as if it were not there; a list that cannot be read leaves the state's
 * has_attributes false.
 *
 * Life     attributes_new -> attributes_read* -> attributes_free.
 * Errors   ERR_LIMIT: the arena is full.
 * Thread   one.
 */
#ifndef TSUJIBAN_AGENT_FIM_ATTRIBUTES_H
#define TSUJIBAN_AGENT_FIM_ATTRIBUTES_H

#include "common/base/arena.h"
#include "common/model/filestate.h"

struct attributes; /* scratch memory */

struct attributes *attributes_new(void);
void attributes_free(struct attributes *attributes);

/* Of an open regular file or directory. */
int attributes_read(
        struct attributes *attributes, int fd, struct arena *arena, struct filestate *state);
/* Of anything else, not following a link: it has no flags. */
int attributes_read_path(struct attributes *attributes, const char *path, struct arena *arena,
        struct filestate *state);

#endif
