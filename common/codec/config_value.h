/*
 * config_value - one scalar of the configuration, by its type.
 *
 * Only config_*.c include this.
 */
#ifndef TSUJIBAN_COMMON_CODEC_CONFIG_VALUE_H
#define TSUJIBAN_COMMON_CODEC_CONFIG_VALUE_H

#include "common/codec/config_tree.h"

/* Reads a scalar into the value at `at`, by the row's type, which is one of a scalar (text is
 * copied into the arena). Returns NULL, or what is wrong: a clause that follows "key '…': ";
 * `*scratch` may hold its text. */
const char *config_value_parse(const struct config_key *row, const char *text, bool is_quoted,
        struct arena *arena, struct buf *scratch, void *at);
bool config_is_scalar(enum config_type type);

#endif
