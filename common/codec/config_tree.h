/*
 * config_tree - the YAML that configuration may consist of, as a tree: maps, lists and scalars
 * that are plain or quoted.
 *
 * Refused: anchors, aliases, tags, block scalars, several documents, keys that are no scalars or
 * given twice, NUL bytes, and what is beyond the limits of config.h. Only config_*.c include this.
 */
#ifndef TSUJIBAN_COMMON_CODEC_CONFIG_TREE_H
#define TSUJIBAN_COMMON_CODEC_CONFIG_TREE_H

#include "common/codec/config.h"

enum config_shape { CONFIG_SCALAR, CONFIG_MAP, CONFIG_ITEMS };

struct config_node {
	enum config_shape shape;
	unsigned line;     /* from 1 */
	const char *key;   /* within a map */
	unsigned key_line; /* where the key stands */
	const char *text;  /* scalars */
	bool is_quoted;    /* scalars */
	size_t count;      /* children */
	struct config_node *first, *last, *next;
};

/* A scalar that is there in name only: "key:" with nothing behind it. */
static inline bool config_is_blank(const struct config_node *node)
{
	return node->shape == CONFIG_SCALAR && !node->is_quoted && node->text[0] == '\0';
}

/* An empty text is an empty map. Nodes and their text live in the arena. */
int config_tree_parse(struct slice text, const char *file, struct arena *arena,
        struct config_node **out, struct reason *out_why);

/* Appends `text` as a scalar that reads back as the same text. */
void config_append_scalar(struct buf *out, const char *text);

#endif
