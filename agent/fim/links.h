/*
 * links - the other names of files that have more than one (hard links).
 *
 * The kernel tells of a change with the name that was used. When that change is committed and the
 * file has further names, those are looked up in the baseline by inode and touched: whoever writes
 * to a watched file through another watched name shows under both.
 *
 * A look-up passes over the whole baseline, so inodes are gathered, and the pauses between passes
 * are much longer than the processor time of a pass, up to ten seconds.
 *
 * Not found: a change through a name that was gone again before it was read.
 *
 * Life     links_new -> links_add* -> links_free.
 * Memory   LINKS_MAX inodes; beyond that `overflowed` asks for a comparison of everything.
 * Thread   the loop's; a pass runs on a worker.
 */
#ifndef TSUJIBAN_AGENT_FIM_LINKS_H
#define TSUJIBAN_AGENT_FIM_LINKS_H

#include "agent/touch/touch.h"
#include "agent/state/state.h"
#include "common/io/loop.h"

#define LINKS_MAX 4096

struct links;

struct links *links_new(struct loop *loop, struct state *state,
        void (*touched)(void *ctx, const struct touch *touch), void (*overflowed)(void *ctx),
        void *ctx);
void links_free(struct links *links);

/* Something about the file with this inode has changed. */
void links_add(struct links *links, uint64_t device, uint64_t inode);
bool links_is_idle(const struct links *links);

#endif
