/*
 * inotify_tree - the watched directories as a tree of names, so that a renamed directory takes
 * everything below it along.
 *
 * Life     tree_init -> make, move, drop -> tree_fini.
 * Owner    owns its nodes. A node that is moved or dropped is gone: ask for it again.
 * Units    a node is about 120 bytes and its name; its slot in inotify_wds another 16.
 * Thread   one.
 */
#ifndef TSUJIBAN_AGENT_WATCH_INOTIFY_TREE_H
#define TSUJIBAN_AGENT_WATCH_INOTIFY_TREE_H

#include <uthash.h>

#include "agent/watch/inotify_wds.h"
#include "common/base/buf.h"

struct watch_node {
	UT_hash_handle hh; /* by parent and name */
	struct watch_node *child, *next, *prev;
	/* The node's path was asked of the kernel when between since - unsure and since bytes had
	 * passed through its queue: a rename read from before that is older than the node. */
	uint64_t since;
	uint32_t unsure;
	int wd; /* -1: not watched, an ancestor or one that was told of */
	uint16_t name_len;
	bool is_told;  /* `degraded` was called for it */
	uint8_t round; /* see tree_sweep */
	/* The key of the hash: parent and name stand side by side. */
	struct watch_node *parent;
	uint8_t name[];
};

struct watch_tree {
	struct watch_node *root; /* "/" */
	struct watch_node *by_name;
	struct watch_wds wds;
};

void tree_init(struct watch_tree *tree);
void tree_fini(struct watch_tree *tree);

/* NULL when there is none. Paths are absolute, without trailing slash. */
struct watch_node *tree_find(const struct watch_tree *tree, struct slice path);
/* Makes the ancestors too. */
struct watch_node *tree_make(struct watch_tree *tree, struct slice path);
void tree_set_wd(struct watch_tree *tree, struct watch_node *node, int wd);
/* The kernel has ended the node's watch. */
void tree_lost_wd(struct watch_tree *tree, struct watch_node *node);
/* Takes the node out with all below it; their descriptors are ended. */
void tree_drop(struct watch_tree *tree, struct watch_node *node);
/* Gives the node and all below it a new path; what stood there is dropped. */
struct watch_node *tree_move(struct watch_tree *tree, struct watch_node *node, struct slice path);
/* Ends the watches of all nodes of another round: what they stood for is no longer there. */
void tree_sweep(struct watch_tree *tree, uint8_t round);
/* Writes the node's path over `out`. */
void tree_path(const struct watch_node *node, struct buf *out);

#endif
