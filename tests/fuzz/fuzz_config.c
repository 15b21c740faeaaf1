/* floor: common/codec - configuration by a table with every type. What is taken has to print to
 * something that reads back to the same print. */
#include <assert.h>
#include <stdlib.h>

#include "common/codec/config.h"

#define ARENA_BYTES (8u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct part {
	uint64_t number;
	int64_t wait_ns;
};

struct item {
	const char *path;
	bool on;
	struct config_texts words;
	struct part part;
	uint64_t line;
};

struct all {
	const char *text;
	const char *path;
	const char *address;
	bool on;
	struct part part;
	struct config_texts words;
	struct config_pairs pairs;
	struct config_list list;
};

static const struct config_key PART[] = {
        {.name = "number",
                .type = CONFIG_U64,
                .offset = offsetof(struct part, number),
                .fallback = "3",
                .min = 1,
                .max = 100},
        {.name = "wait", .type = CONFIG_DURATION, .offset = offsetof(struct part, wait_ns)},
        {0},
};

static const struct config_key ITEM[] = {
        {.name = "path",
                .type = CONFIG_PATH,
                .offset = offsetof(struct item, path),
                .required = true},
        {.name = "on", .type = CONFIG_BOOL, .offset = offsetof(struct item, on)},
        {.name = "words", .type = CONFIG_PATHS, .offset = offsetof(struct item, words)},
        {.name = "part",
                .type = CONFIG_SECTION,
                .offset = offsetof(struct item, part),
                .rows = PART},
        {.name = "@line", .type = CONFIG_U64, .offset = offsetof(struct item, line)},
        {0},
};

static const struct config_key TABLE[] = {
        {.name = "text", .type = CONFIG_TEXT, .offset = offsetof(struct all, text)},
        {.name = "path", .type = CONFIG_PATH, .offset = offsetof(struct all, path)},
        {.name = "address", .type = CONFIG_ADDRESS, .offset = offsetof(struct all, address)},
        {.name = "on", .type = CONFIG_BOOL, .offset = offsetof(struct all, on)},
        {.name = "part",
                .type = CONFIG_SECTION,
                .offset = offsetof(struct all, part),
                .rows = PART},
        {.name = "words",
                .type = CONFIG_TEXTS,
                .offset = offsetof(struct all, words),
                .fallback = "[a]"},
        {.name = "pairs", .type = CONFIG_PAIRS, .offset = offsetof(struct all, pairs)},
        {.name = "list",
                .type = CONFIG_LIST,
                .offset = offsetof(struct all, list),
                .rows = ITEM,
                .item_size = sizeof(struct item)},
        {0},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(ARENA_BYTES);
	struct all first = {0}, second = {0};
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct reason why;
	if (config_parse(slice_of(data, size), "fuzz", TABLE, arena, &first, &why) == 0) {
		config_print(TABLE, &first, &once);
		int rc = config_parse(buf_slice(&once), "again", TABLE, arena, &second, &why);
		assert(rc == 0 || once.len > CONFIG_FILE_MAX ||
		        arena_used(arena) > ARENA_BYTES / 2);
		if (rc == 0) {
			config_print(TABLE, &second, &twice);
			assert(slice_equal(buf_slice(&once), buf_slice(&twice)));
		}
	}
	buf_fini(&once);
	buf_fini(&twice);
	arena_free(arena);
	return 0;
}
