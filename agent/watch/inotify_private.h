/*
 * inotify_private - what the files of the inotify source share.
 *
 *   inotify.c        reads the kernel's records
 *   inotify_place.c  places watches and gives them back
 */
#ifndef TSUJIBAN_AGENT_WATCH_INOTIFY_PRIVATE_H
#define TSUJIBAN_AGENT_WATCH_INOTIFY_PRIVATE_H

#include <sys/inotify.h>

#include "agent/watch/inotify.h"
#include "agent/watch/inotify_moves.h"
#include "agent/watch/inotify_tree.h"
#include "agent/watch/lull.h"

#define READ_BYTES (64u << 10)

struct inotify {
	struct loop *loop;
	struct watch_events events;
	void *ctx;
	int fd;
	struct fd_watch *readable;
	struct lull *lull;
	struct timer *moves_timer;
	struct watch_tree tree;
	struct watch_moves moves;
	uint64_t read_bytes; /* of records since the start */
	bool is_draining;
	bool has_lost_records; /* an overflow, until the queue was seen empty */
	bool is_unsure;        /* an overflow, until everything was compared */
	uint8_t round;         /* how many overflows: nodes that are older may stand for nothing */
	/* Consecutive records of one name become one touch. */
	int last_wd;
	unsigned last_hints; /* 0: none is waiting */
	struct buf last_path;
	size_t last_name_at;
	struct buf path;
	/* Descriptors that said IN_MOVE_SELF: looked at once the queue is empty. */
	int *moved;
	size_t moved_count, moved_room;
	_Alignas(struct inotify_event) uint8_t records[READ_BYTES];
};

/* Says it once for each node. */
void inotify_tell_degraded(struct inotify *watch, struct watch_node *node, const char *why);
/* A portion of what was removed. */
void inotify_give_back(struct inotify *watch);

#endif
