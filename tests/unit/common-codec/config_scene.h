/*
 * config_scene - a configuration with every type of value: for the tests of config.
 */
#ifndef TSUJIBAN_TESTS_UNIT_COMMON_CODEC_CONFIG_SCENE_H
#define TSUJIBAN_TESTS_UNIT_COMMON_CODEC_CONFIG_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/codec/config.h"

struct inner {
	uint64_t spool_mb;
	int64_t interval_ns;
};

struct item {
	const char *path;
	bool recursive;
	struct config_texts exclude;
	uint64_t line;
};

struct all {
	const char *name;
	const char *dir;
	const char *address;
	bool on;
	uint64_t count;
	int64_t wait_ns;
	struct config_texts words;
	struct config_pairs labels;
	struct inner limits;
	struct config_list watch;
	const char *listen;
};

static const struct config_key INNER[] = {
        {.name = "spool_mb",
                .type = CONFIG_U64,
                .offset = offsetof(struct inner, spool_mb),
                .fallback = "256",
                .min = 1,
                .max = 8192},
        {.name = "interval",
                .type = CONFIG_DURATION,
                .offset = offsetof(struct inner, interval_ns),
                .fallback = "1h",
                .min = 10,
                .max = 86400},
        {0},
};

static const struct config_key ITEM[] = {
        {.name = "path",
                .type = CONFIG_PATH,
                .offset = offsetof(struct item, path),
                .required = true},
        {.name = "recursive",
                .type = CONFIG_BOOL,
                .offset = offsetof(struct item, recursive),
                .fallback = "true"},
        {.name = "exclude", .type = CONFIG_TEXTS, .offset = offsetof(struct item, exclude)},
        {.name = "@line", .type = CONFIG_U64, .offset = offsetof(struct item, line)},
        {0},
};

static const struct config_key TABLE[] = {
        {.name = "name",
                .type = CONFIG_TEXT,
                .offset = offsetof(struct all, name),
                .help = "what it is called"},
        {.name = "dir", .type = CONFIG_PATH, .offset = offsetof(struct all, dir)},
        {.name = "address", .type = CONFIG_ADDRESS, .offset = offsetof(struct all, address)},
        {.name = "on", .type = CONFIG_BOOL, .offset = offsetof(struct all, on)},
        {.name = "count", .type = CONFIG_U64, .offset = offsetof(struct all, count)},
        {.name = "wait",
                .type = CONFIG_DURATION,
                .offset = offsetof(struct all, wait_ns),
                .fallback = "250ms"},
        {.name = "words",
                .type = CONFIG_TEXTS,
                .offset = offsetof(struct all, words),
                .fallback = "[one, \"two words\"]"},
        {.name = "labels", .type = CONFIG_PAIRS, .offset = offsetof(struct all, labels)},
        {.name = "limits",
                .type = CONFIG_SECTION,
                .offset = offsetof(struct all, limits),
                .rows = INNER},
        {.name = "watch",
                .type = CONFIG_LIST,
                .offset = offsetof(struct all, watch),
                .rows = ITEM,
                .item_size = sizeof(struct item)},
        {.name = "listen",
                .type = CONFIG_ADDRESS,
                .offset = offsetof(struct all, listen),
                .fallback = "[::]:7443"},
        {0},
};

static struct arena *arena;
static struct all config;
static struct reason why;

static inline int begin(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	config = (struct all){0};
	why.text[0] = '\0';
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static inline void parse(const char *text)
{
	int rc = config_parse(slice_text(text), "c.yaml", TABLE, arena, &config, &why);
	if (rc != 0)
		fail_msg("%s", why.text);
}

#endif
