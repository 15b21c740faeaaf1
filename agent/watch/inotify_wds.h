/*
 * inotify_wds - which node an inotify watch descriptor stands for, and which descriptors are to be
 * given back.
 *
 * The kernel hands descriptors out in rising order and starts over at INT_MAX, so a sorted array
 * (16 bytes a watch) is appended to and searched by halving.
 *
 * A descriptor that we give back still speaks until its IN_IGNORED has been read, and each of
 * those takes a place in the kernel's queue: giving back a large subtree in one go would overflow
 * it. So ended descriptors wait here and are taken out in portions.
 *
 * Thread   one.
 */
#ifndef TSUJIBAN_AGENT_WATCH_INOTIFY_WDS_H
#define TSUJIBAN_AGENT_WATCH_INOTIFY_WDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch_node;

struct wd_slot {
	struct watch_node *node; /* NULL: nobody's */
	int wd;
	uint16_t ignores; /* IN_IGNORED still to come of an earlier use of the number */
	bool is_ended;    /* waits to be given back */
};

struct watch_wds {
	struct wd_slot *slot; /* sorted by wd; nobody's slots stay until a sweep */
	size_t count, room, live;
	int *ended; /* a queue; may hold descriptors that were taken up again */
	size_t ended_from, ended_count, ended_room;
};

void wds_fini(struct watch_wds *wds);

/* The node for records of this descriptor; NULL when they are to be dropped. */
struct watch_node *wds_node(const struct watch_wds *wds, int wd);
/* Who has the descriptor that inotify_add_watch just returned: unlike wds_node, records that are
 * still to be dropped do not matter. */
struct watch_node *wds_holder(const struct watch_wds *wds, int wd);
void wds_set(struct watch_wds *wds, int wd, struct watch_node *node);
/* The node lets go of it: it is to be given back. */
void wds_end(struct watch_wds *wds, int wd);
/* The same for one that inotify_add_watch returned and that nobody wants. Fine when it has a node:
 * nothing happens then. */
void wds_abandon(struct watch_wds *wds, int wd);
/* The next descriptor to give back with inotify_rm_watch; -1: none. */
int wds_take_ended(struct watch_wds *wds);
/* IN_IGNORED was read. Returns the node that has lost its watch by it, or NULL. */
struct watch_node *wds_ignored(struct watch_wds *wds, int wd);
/* After an overflow and once the queue was seen empty: no IN_IGNORED is to come any more. */
void wds_expect_no_ignored(struct watch_wds *wds);

#endif
