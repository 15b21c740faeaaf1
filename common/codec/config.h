/*
 * config - YAML files described by tables: one row a key.
 *
 * From a table come the parser, the check, the printed effective configuration and the list in the
 * manual. An unknown key, a key given twice, a missing one and a value out of range are errors
 * "FILE:LINE: key 'limits.spool_mb': …". Anchors, aliases, tags, and several documents are refused.
 *
 * Owner    values are written into the caller's struct, text in its arena.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_CODEC_CONFIG_H
#define TSUJIBAN_COMMON_CODEC_CONFIG_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

#define CONFIG_FILE_MAX  (1u << 20)
#define CONFIG_LIST_MAX  4096 /* entries of one list or map */
#define CONFIG_DEPTH_MAX 8

enum config_type {
	CONFIG_TEXT,     /* const char * */
	CONFIG_PATH,     /* const char *, absolute, without "//", "/./", "/../" or trailing slash */
	CONFIG_ADDRESS,  /* const char *, HOST:PORT, [V6]:PORT; port 0 to 65535 */
	CONFIG_BOOL,     /* bool */
	CONFIG_SWITCH,   /* bool: "on", "off" */
	CONFIG_U64,      /* uint64_t, between min and max */
	CONFIG_DURATION, /* int64_t nanoseconds: "90s", "1h"; min and max are seconds */
	CONFIG_TEXTS,    /* struct config_texts: a list of text */
	CONFIG_PATHS,    /* struct config_texts: a list of paths, each once */
	CONFIG_PAIRS,    /* struct config_pairs: a map from text to text */
	CONFIG_SECTION,  /* an embedded struct with a table of its own (rows) */
	CONFIG_LIST,     /* struct config_list: a list of structs with a table of their own (rows,
	                    item_size) */
};

struct config_texts {
	size_t count;
	const char **item;
};

struct config_pairs {
	size_t count;
	const char **name;
	const char **value;
};

struct config_list {
	size_t count;
	void *item; /* an array of the row struct */
};

struct config_key {
	const char *name;
	enum config_type type;
	size_t offset; /* of the value in the struct */
	bool required;
	const char *fallback; /* the default as YAML would say it; NULL: zero, NULL or empty */
	uint64_t min, max;    /* CONFIG_U64, CONFIG_DURATION; max 0: no limit */
	bool may_be_off;      /* CONFIG_DURATION: "off" is 0, whatever min says */
	const char *help;     /* one line for the manual */
	/* CONFIG_SECTION, CONFIG_LIST; ends with a row without a name */
	const struct config_key *rows;
	size_t item_size; /* CONFIG_LIST */
};

/* Reads `text` (named `file` in errors) by the table into `out`, which the caller has zeroed.
 * ERR_CONFIG with the sentence; `*out` is not to be used then. Each list item also gets the line
 * where it begins, if its table has a CONFIG_U64 row named "@line" (never a key of the file). */
int config_parse(struct slice text, const char *file, const struct config_key *table,
        struct arena *arena, void *out, struct reason *out_why);
/* The same from a file on disk, at most CONFIG_FILE_MAX bytes. */
int config_load(const char *file, const struct config_key *table, struct arena *arena, void *out,
        struct reason *out_why);
/* The effective configuration as YAML, defaults included, that config_parse reads back to the same
 * values. */
void config_print(const struct config_key *table, const void *value, struct buf *out);
/* One line a key: name, type, default, help; for --help and the manual. */
void config_describe(const struct config_key *table, struct buf *out);

#endif
