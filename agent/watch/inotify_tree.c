#include "agent/watch/inotify_tree.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#include "common/base/mem.h"

struct key {
	struct watch_node *parent;
	uint8_t name[NAME_MAX];
};

static struct watch_node *node_new(struct watch_node *parent, struct slice name)
{
	struct watch_node *node = mem_new(sizeof(*node) + name.len);
	node->wd = -1;
	node->parent = parent;
	node->name_len = (uint16_t)name.len;
	memcpy(node->name, name.ptr, name.len);
	return node;
}

static void link_node(struct watch_tree *tree, struct watch_node *node)
{
	struct watch_node *parent = node->parent;
	node->prev = NULL;
	node->next = parent->child;
	if (node->next)
		node->next->prev = node;
	parent->child = node;
	HASH_ADD_KEYPTR(
	        hh, tree->by_name, &node->parent, sizeof(node->parent) + node->name_len, node);
}

static void unlink_node(struct watch_tree *tree, struct watch_node *node)
{
	assert(tree->by_name); /* the node is in it */
	HASH_DELETE(hh, tree->by_name, node);
	if (node->next)
		node->next->prev = node->prev;
	if (node->prev)
		node->prev->next = node->next;
	else
		node->parent->child = node->next;
}

static struct watch_node *child_of(
        const struct watch_tree *tree, struct watch_node *parent, struct slice name)
{
	struct key key;
	struct watch_node *found = NULL;
	if (name.len > sizeof(key.name))
		return NULL;
	memset(&key, 0, sizeof(key));
	key.parent = parent;
	memcpy(key.name, name.ptr, name.len);
	HASH_FIND(hh, tree->by_name, &key, sizeof(parent) + name.len, found);
	return found;
}

/* Takes the next component of a path whose leading slash is still there. */
static bool take_name(struct slice *path, struct slice *out_name)
{
	if (path->len <= 1)
		return false;
	const uint8_t *from = path->ptr + 1;
	const uint8_t *slash = memchr(from, '/', path->len - 1);
	size_t len = slash ? (size_t)(slash - from) : path->len - 1;
	*out_name = slice_of(from, len);
	*path = slice_of(from + len, path->len - 1 - len);
	return true;
}

void tree_init(struct watch_tree *tree)
{
	*tree = (struct watch_tree){0};
	tree->root = node_new(NULL, slice_of("", 0));
}

static void free_below(struct watch_tree *tree, struct watch_node *top)
{
	struct watch_node *node = top;
	while (top->child) {
		while (node->child)
			node = node->child;
		struct watch_node *parent = node->parent;
		unlink_node(tree, node);
		if (node->wd >= 0)
			wds_end(&tree->wds, node->wd);
		free(node);
		node = parent;
	}
}

void tree_fini(struct watch_tree *tree)
{
	if (tree->root)
		free_below(tree, tree->root);
	free(tree->root);
	wds_fini(&tree->wds);
	*tree = (struct watch_tree){0};
}

struct watch_node *tree_find(const struct watch_tree *tree, struct slice path)
{
	struct watch_node *node = tree->root;
	struct slice name;
	while (node && take_name(&path, &name))
		node = child_of(tree, node, name);
	return node;
}

struct watch_node *tree_make(struct watch_tree *tree, struct slice path)
{
	struct watch_node *node = tree->root;
	struct slice name;
	while (take_name(&path, &name)) {
		struct watch_node *child = child_of(tree, node, name);
		if (!child) {
			child = node_new(node, name);
			link_node(tree, child);
		}
		node = child;
	}
	return node;
}

/* Ancestors that were only there for what has gone go too. */
static void prune(struct watch_tree *tree, struct watch_node *node)
{
	while (node && node != tree->root && !node->child && node->wd < 0 && !node->is_told) {
		struct watch_node *parent = node->parent;
		unlink_node(tree, node);
		free(node);
		node = parent;
	}
}

void tree_set_wd(struct watch_tree *tree, struct watch_node *node, int wd)
{
	node->wd = wd;
	wds_set(&tree->wds, wd, node);
}

void tree_lost_wd(struct watch_tree *tree, struct watch_node *node)
{
	node->wd = -1;
	prune(tree, node);
}

void tree_drop(struct watch_tree *tree, struct watch_node *node)
{
	free_below(tree, node);
	if (node->wd >= 0)
		wds_end(&tree->wds, node->wd);
	node->wd = -1;
	node->is_told = false;
	prune(tree, node);
}

static bool is_within(const struct watch_node *node, const struct watch_node *top)
{
	while (node && node != top)
		node = node->parent;
	return node != NULL;
}

static void adopt_children(struct watch_tree *tree, struct watch_node *from, struct watch_node *to)
{
	while (from->child) {
		struct watch_node *child = from->child;
		unlink_node(tree, child);
		child->parent = to;
		link_node(tree, child);
	}
}

/* Old and new place lie within each other: no rename does that, so the tree was behind the disk
 * and what hangs on the node is not to be believed. Only its own watch moves. */
static struct watch_node *move_alone(
        struct watch_tree *tree, struct watch_node *node, struct slice path)
{
	struct watch_node copy = *node;
	node->wd = -1;
	struct watch_node *there = tree_find(tree, path);
	if (there)
		tree_drop(tree, there);
	else
		prune(tree, node);
	there = tree_make(tree, path);
	there->since = copy.since;
	there->unsure = copy.unsure;
	there->round = copy.round;
	if (copy.wd >= 0)
		tree_set_wd(tree, there, copy.wd);
	return there;
}

struct watch_node *tree_move(struct watch_tree *tree, struct watch_node *node, struct slice path)
{
	struct watch_node *there = tree_make(tree, path);
	if (there == node)
		return node;
	if (node == tree->root || is_within(there, node) || is_within(node, there))
		return move_alone(tree, node, path);
	free_below(tree, there);
	if (there->wd >= 0)
		wds_end(&tree->wds, there->wd);
	there->wd = -1;
	there->is_told = node->is_told;
	there->since = node->since;
	there->unsure = node->unsure;
	there->round = node->round;
	adopt_children(tree, node, there);
	if (node->wd >= 0)
		tree_set_wd(tree, there, node->wd);
	struct watch_node *parent = node->parent;
	unlink_node(tree, node);
	free(node);
	prune(tree, parent);
	return there;
}

static void sweep(struct watch_tree *tree, struct watch_node *node, uint8_t round)
{
	struct watch_node *next;
	for (struct watch_node *child = node->child; child; child = next) {
		next = child->next;
		sweep(tree, child, round);
	}
	if (node->wd >= 0 && node->round != round) {
		wds_end(&tree->wds, node->wd);
		node->wd = -1;
	}
	if (node == tree->root || node->child || node->wd >= 0 || node->is_told)
		return;
	unlink_node(tree, node);
	free(node);
}

void tree_sweep(struct watch_tree *tree, uint8_t round)
{
	sweep(tree, tree->root, round);
}

void tree_path(const struct watch_node *node, struct buf *out)
{
	size_t len = 0;
	for (const struct watch_node *at = node; at->parent; at = at->parent)
		len += 1u + at->name_len;
	buf_reset(out);
	if (len == 0) {
		buf_append_byte(out, '/');
		return;
	}
	uint8_t *end = buf_reserve(out, len) + len;
	for (const struct watch_node *at = node; at->parent; at = at->parent) {
		end -= at->name_len;
		memcpy(end, at->name, at->name_len);
		*--end = '/';
	}
	out->len = len;
}
