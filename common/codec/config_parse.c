#include "common/codec/config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/codec/config_tree.h"
#include "common/codec/config_value.h"

#define TREE_BYTES_MAX (64u << 20)
#define READ_BYTES     65536
#define LINE_KEY       "@line"

/* Where we are, from the inside out, for "key 'limits.spool_mb'". */
struct place {
	const struct place *above;
	const char *key;
	unsigned line;
};

struct parsing {
	const char *file;
	struct arena *tree_arena;
	struct arena *arena;
	struct buf scratch;
	struct reason *out_why;
};

static void append_dotted(struct buf *out, const struct place *place)
{
	if (place->above != NULL) {
		append_dotted(out, place->above);
		buf_append_byte(out, '.');
	}
	text_append_display(out, slice_text(place->key));
}

static int refuse(const struct parsing *parsing, const struct place *place, const char *what)
{
	struct buf dotted = BUF_INIT;
	append_dotted(&dotted, place);
	int rc = fail(parsing->out_why, ERR_CONFIG, "%s:%u: key '%.200s': %s", parsing->file,
	        place->line, buf_text(&dotted), what);
	buf_fini(&dotted);
	return rc;
}

static int refuse_size(const struct parsing *parsing, const struct place *place)
{
	return refuse(parsing, place, "configuration is too large");
}

static int parse_map(struct parsing *parsing, const struct place *above,
        const struct config_node *map, const struct config_key *table, unsigned line, void *out);

/* --- values ----------------------------------------------------------------------------------- */

static int parse_scalar(struct parsing *parsing, const struct place *place,
        const struct config_node *node, const struct config_key *row, void *at)
{
	if (node->shape != CONFIG_SCALAR)
		return refuse(parsing, place, "one value is wanted, not a list or map");
	if (config_is_blank(node))
		return refuse(parsing, place, "has no value");
	const char *wrong = config_value_parse(
	        row, node->text, node->is_quoted, parsing->arena, &parsing->scratch, at);
	return wrong == NULL ? 0 : refuse(parsing, place, wrong);
}

/* Never NULL for an empty list, so that it differs from one that is absent. */
static void *new_array(struct parsing *parsing, size_t count, size_t size)
{
	return arena_alloc_zeroed(parsing->arena, count ? count : 1, size);
}

static int copy_text(struct parsing *parsing, const struct place *place,
        const struct config_node *node, const char **out)
{
	if (node->shape != CONFIG_SCALAR || config_is_blank(node))
		return refuse(parsing, place, "text is wanted for each entry");
	*out = arena_text(parsing->arena, slice_text(node->text));
	return *out == NULL ? refuse_size(parsing, place) : 0;
}

static int parse_path(struct parsing *parsing, const struct place *place,
        const struct config_node *node, struct config_texts *out)
{
	static const struct config_key ONE = {.type = CONFIG_PATH};
	int rc = parse_scalar(parsing, place, node, &ONE, &out->item[out->count]);
	for (size_t i = 0; rc == 0 && i < out->count; i++)
		if (strcmp(out->item[i], out->item[out->count]) == 0)
			rc = refuse(parsing, place, "a path is given twice");
	return rc;
}

static int parse_texts(struct parsing *parsing, const struct place *place,
        const struct config_node *list, bool are_paths, struct config_texts *out)
{
	if (list->shape != CONFIG_ITEMS && !config_is_blank(list))
		return refuse(parsing, place, "a list is wanted");
	out->count = 0;
	out->item = new_array(parsing, list->count, sizeof(*out->item));
	if (out->item == NULL)
		return refuse_size(parsing, place);
	for (const struct config_node *node = list->first; node != NULL; node = node->next) {
		struct place here = {place->above, place->key, node->line};
		int rc = are_paths ? parse_path(parsing, &here, node, out)
		                   : copy_text(parsing, &here, node, &out->item[out->count]);
		if (rc != 0)
			return rc;
		out->count++;
	}
	return 0;
}

static int parse_pairs(struct parsing *parsing, const struct place *place,
        const struct config_node *map, struct config_pairs *out)
{
	if (map->shape != CONFIG_MAP && !config_is_blank(map))
		return refuse(parsing, place, "a map is wanted");
	out->count = 0;
	out->name = new_array(parsing, map->count, sizeof(*out->name));
	out->value = new_array(parsing, map->count, sizeof(*out->value));
	if (out->name == NULL || out->value == NULL)
		return refuse_size(parsing, place);
	for (const struct config_node *node = map->first; node != NULL; node = node->next) {
		struct place here = {place, node->key, node->key_line};
		int rc = copy_text(parsing, &here, node, &out->value[out->count]);
		if (rc != 0)
			return rc;
		out->name[out->count] = arena_text(parsing->arena, slice_text(node->key));
		if (out->name[out->count] == NULL)
			return refuse_size(parsing, &here);
		out->count++;
	}
	return 0;
}

static void note_line(const struct config_key *table, unsigned line, void *item)
{
	uint64_t value = line;
	for (; table->name != NULL; table++) {
		if (strcmp(table->name, LINE_KEY) == 0)
			memcpy((uint8_t *)item + table->offset, &value, sizeof(value));
	}
}

static int parse_list(struct parsing *parsing, const struct place *place,
        const struct config_node *list, const struct config_key *row, struct config_list *out)
{
	if (list->shape != CONFIG_ITEMS && !config_is_blank(list))
		return refuse(parsing, place, "a list is wanted");
	out->count = 0;
	out->item = new_array(parsing, list->count, row->item_size);
	if (out->item == NULL)
		return refuse_size(parsing, place);
	for (const struct config_node *node = list->first; node != NULL; node = node->next) {
		struct place here = {place->above, place->key, node->line};
		uint8_t *item = (uint8_t *)out->item + out->count * row->item_size;
		if (node->shape != CONFIG_MAP)
			return refuse(parsing, &here, "a map is wanted for each entry");
		int rc = parse_map(parsing, &here, node, row->rows, node->line, item);
		if (rc != 0)
			return rc;
		note_line(row->rows, node->line, item);
		out->count++;
	}
	return 0;
}

static int parse_value(struct parsing *parsing, const struct place *place,
        const struct config_node *node, const struct config_key *row, void *at)
{
	switch (row->type) {
	case CONFIG_TEXTS:
	case CONFIG_PATHS:
		return parse_texts(parsing, place, node, row->type == CONFIG_PATHS, at);
	case CONFIG_PAIRS:
		return parse_pairs(parsing, place, node, at);
	case CONFIG_LIST:
		return parse_list(parsing, place, node, row, at);
	case CONFIG_SECTION:
		if (node->shape != CONFIG_MAP && !config_is_blank(node))
			return refuse(parsing, place, "a map is wanted");
		return parse_map(parsing, place, node, row->rows, node->line, at);
	default:
		return parse_scalar(parsing, place, node, row, at);
	}
}

/* A scalar's default is its text as it stands, so that "[::]:7443" needs no quotes in a table. */
static int parse_fallback(
        struct parsing *parsing, const struct place *place, const struct config_key *row, void *at)
{
	struct config_node scalar = {.shape = CONFIG_SCALAR, .text = row->fallback};
	if (config_is_scalar(row->type) && row->fallback[0] != '"')
		return parse_value(parsing, place, &scalar, row, at);
	struct config_node *node;
	int rc = config_tree_parse(slice_text(row->fallback), parsing->file, parsing->tree_arena,
	        &node, parsing->out_why);
	return rc != 0 ? rc : parse_value(parsing, place, node, row, at);
}

/* --- maps by their table ---------------------------------------------------------------------- */

static bool is_file_key(const struct config_key *row)
{
	return row->name[0] != '@';
}

static const struct config_key *row_of(const struct config_key *table, const char *name)
{
	for (; table->name != NULL; table++) {
		if (is_file_key(table) && strcmp(table->name, name) == 0)
			return table;
	}
	return NULL;
}

static const struct config_node *child_of(const struct config_node *map, const char *name)
{
	if (map == NULL)
		return NULL;
	for (const struct config_node *node = map->first; node != NULL; node = node->next) {
		if (strcmp(node->key, name) == 0)
			return node;
	}
	return NULL;
}

static int refuse_unknown(struct parsing *parsing, const struct place *above,
        const struct config_node *map, const struct config_key *table)
{
	if (map == NULL)
		return 0;
	for (const struct config_node *node = map->first; node != NULL; node = node->next) {
		struct place here = {above, node->key, node->key_line};
		if (row_of(table, node->key) == NULL)
			return refuse(parsing, &here, "is unknown");
	}
	return 0;
}

/* `map` is NULL for a section that the file does not have: its defaults hold all the same. */
static int parse_map(struct parsing *parsing, const struct place *above,
        const struct config_node *map, const struct config_key *table, unsigned line, void *out)
{
	int rc = refuse_unknown(parsing, above, map, table);
	for (; rc == 0 && table->name != NULL; table++) {
		const struct config_node *node = child_of(map, table->name);
		struct place here = {above, table->name, node ? node->key_line : line};
		void *at = (uint8_t *)out + table->offset;
		if (!is_file_key(table))
			continue;
		if (node != NULL)
			rc = parse_value(parsing, &here, node, table, at);
		else if (table->required)
			rc = refuse(parsing, &here, "is missing");
		else if (table->type == CONFIG_SECTION)
			rc = parse_map(parsing, &here, NULL, table->rows, line, at);
		else if (table->fallback != NULL)
			rc = parse_fallback(parsing, &here, table, at);
	}
	return rc;
}

/* --- public ----------------------------------------------------------------------------------- */

int config_parse(struct slice text, const char *file, const struct config_key *table,
        struct arena *arena, void *out, struct reason *out_why)
{
	struct parsing parsing = {
	        .file = file,
	        .tree_arena = arena_new(TREE_BYTES_MAX),
	        .arena = arena,
	        .out_why = out_why,
	};
	struct config_node *root;
	int rc = config_tree_parse(text, file, parsing.tree_arena, &root, out_why);
	if (rc == 0 && root->shape != CONFIG_MAP)
		rc = fail(out_why, ERR_CONFIG, "%s:%u: a map of keys is wanted", file, root->line);
	if (rc == 0)
		rc = parse_map(&parsing, NULL, root, table, 1, out);
	buf_fini(&parsing.scratch);
	arena_free(parsing.tree_arena);
	return rc;
}

/* Up to one byte above the limit, so that config_parse can tell. */
static int read_all(int fd, struct buf *out)
{
	while (out->len <= CONFIG_FILE_MAX) {
		uint8_t *at = buf_reserve(out, READ_BYTES);
		ssize_t len = read(fd, at, READ_BYTES);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		if (len == 0)
			return 0;
		out->len += (size_t)len;
	}
	return 0;
}

int config_load(const char *file, const struct config_key *table, struct arena *arena, void *out,
        struct reason *out_why)
{
	struct buf text = BUF_INIT;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : read_all(fd, &text);
	if (rc != 0)
		rc = fail(out_why, rc, "cannot read configuration '%s': %s", file, err_text(rc));
	else
		rc = config_parse(buf_slice(&text), file, table, arena, out, out_why);
	if (fd >= 0)
		close(fd);
	buf_fini(&text);
	return rc;
}
