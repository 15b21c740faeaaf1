#include "common/codec/config_tree.h"

#include <yaml.h>

#include "common/base/text.h"

struct reading {
	yaml_parser_t parser;
	const char *file;
	struct arena *arena;
	struct reason *out_why;
	struct config_node *open[CONFIG_DEPTH_MAX]; /* from the root down to where we are */
	size_t depth;
	struct config_node *root;
	const char *key; /* of the value to come, within a map */
	unsigned key_line;
};

static unsigned line_of(yaml_mark_t mark)
{
	return (unsigned)mark.line + 1;
}

static int refuse(const struct reading *reading, unsigned line, const char *what)
{
	return fail(reading->out_why, ERR_CONFIG, "%s:%u: %s", reading->file, line, what);
}

/* Names the key in full: "limits.spool_mb". Items of a list carry no key of their own. */
static int refuse_key(const struct reading *reading, const char *what)
{
	struct buf shown = BUF_INIT;
	for (size_t i = 0; i < reading->depth; i++) {
		if (reading->open[i]->key == NULL)
			continue;
		text_append_display(&shown, slice_text(reading->open[i]->key));
		buf_append_byte(&shown, '.');
	}
	text_append_display(&shown, slice_text(reading->key));
	int rc = fail(reading->out_why, ERR_CONFIG, "%s:%u: key '%.200s': %s", reading->file,
	        reading->key_line, buf_text(&shown), what);
	buf_fini(&shown);
	return rc;
}

static int refuse_size(const struct reading *reading, unsigned line)
{
	return refuse(reading, line, "configuration is too large");
}

/* --- building --------------------------------------------------------------------------------- */

static int check_twice(const struct reading *reading, const struct config_node *map)
{
	for (const struct config_node *node = map->first; node != NULL; node = node->next) {
		if (strcmp(node->key, reading->key) != 0)
			continue;
		char what[64];
		snprintf(what, sizeof(what), "given twice, first on line %u", node->key_line);
		return refuse_key(reading, what);
	}
	return 0;
}

/* Hangs a new node where we are: below the innermost open map or list, or as the root. */
static int add_node(
        struct reading *reading, enum config_shape shape, unsigned line, struct config_node **out)
{
	struct config_node *node = arena_alloc_zeroed(reading->arena, 1, sizeof(*node));
	if (node == NULL)
		return refuse_size(reading, line);
	node->shape = shape;
	node->line = line;
	if (reading->depth == 0) {
		reading->root = node;
	} else {
		struct config_node *parent = reading->open[reading->depth - 1];
		if (parent->count == CONFIG_LIST_MAX)
			return refuse(reading, line, "list or map has too many entries");
		node->key = reading->key;
		node->key_line = reading->key_line;
		if (parent->last != NULL)
			parent->last->next = node;
		else
			parent->first = node;
		parent->last = node;
		parent->count++;
	}
	reading->key = NULL;
	*out = node;
	return 0;
}

static bool wants_key(const struct reading *reading)
{
	return reading->depth > 0 && reading->open[reading->depth - 1]->shape == CONFIG_MAP &&
	       reading->key == NULL;
}

static int open_node(struct reading *reading, enum config_shape shape, unsigned line)
{
	struct config_node *node;
	if (wants_key(reading))
		return refuse(reading, line, "a key is to be plain or quoted text");
	if (reading->depth == CONFIG_DEPTH_MAX)
		return refuse(reading, line, "lists and maps are nested too deeply");
	int rc = add_node(reading, shape, line, &node);
	if (rc == 0)
		reading->open[reading->depth++] = node;
	return rc;
}

static int take_key(struct reading *reading, const char *text, unsigned line)
{
	if (text[0] == '\0')
		return refuse(reading, line, "a key is empty");
	reading->key = text;
	reading->key_line = line;
	return check_twice(reading, reading->open[reading->depth - 1]);
}

static int take_scalar(struct reading *reading, const yaml_event_t *event)
{
	unsigned line = line_of(event->start_mark);
	yaml_scalar_style_t style = event->data.scalar.style;
	struct slice bytes = slice_of(event->data.scalar.value, event->data.scalar.length);
	if (style != YAML_PLAIN_SCALAR_STYLE && style != YAML_SINGLE_QUOTED_SCALAR_STYLE &&
	        style != YAML_DOUBLE_QUOTED_SCALAR_STYLE)
		return refuse(reading, line, "block text ('|' and '>') is not accepted");
	if (memchr(bytes.ptr, '\0', bytes.len) != NULL)
		return refuse(reading, line, "text has a NUL byte");
	const char *text = arena_text(reading->arena, bytes);
	if (text == NULL)
		return refuse_size(reading, line);
	if (wants_key(reading))
		return take_key(reading, text, line);
	struct config_node *node;
	int rc = add_node(reading, CONFIG_SCALAR, line, &node);
	if (rc != 0)
		return rc;
	node->text = text;
	node->is_quoted = style != YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

/* --- events ----------------------------------------------------------------------------------- */

static bool has_anchor_or_tag(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return true;
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor != NULL ||
		       event->data.sequence_start.tag != NULL;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor != NULL ||
		       event->data.mapping_start.tag != NULL;
	default:
		return false;
	}
}

static int take_event(struct reading *reading, const yaml_event_t *event)
{
	unsigned line = line_of(event->start_mark);
	if (has_anchor_or_tag(event))
		return refuse(reading, line, "anchors, aliases and tags are not accepted");
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (reading->root != NULL)
			return refuse(reading, line, "several documents are not accepted");
		return 0;
	case YAML_SCALAR_EVENT:
		return take_scalar(reading, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_node(reading, CONFIG_ITEMS, line);
	case YAML_MAPPING_START_EVENT:
		return open_node(reading, CONFIG_MAP, line);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		reading->depth--;
		return 0;
	default:
		return 0;
	}
}

static int refuse_syntax(const struct reading *reading)
{
	const yaml_parser_t *parser = &reading->parser;
	const char *problem = parser->problem ? parser->problem : "it cannot be read";
	if (parser->error == YAML_READER_ERROR)
		return fail(reading->out_why, ERR_CONFIG, "%s:%u: not YAML: %s", reading->file,
		        line_of(parser->mark), problem);
	return fail(reading->out_why, ERR_CONFIG, "%s:%u: not YAML: %s", reading->file,
	        line_of(parser->problem_mark), problem);
}

static int read_events(struct reading *reading)
{
	yaml_event_t event;
	bool is_end = false;
	int rc = 0;
	while (rc == 0 && !is_end) {
		if (!yaml_parser_parse(&reading->parser, &event))
			return refuse_syntax(reading);
		rc = take_event(reading, &event);
		is_end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	return rc;
}

int config_tree_parse(struct slice text, const char *file, struct arena *arena,
        struct config_node **out, struct reason *out_why)
{
	struct reading reading = {.file = file, .arena = arena, .out_why = out_why};
	if (text.len > CONFIG_FILE_MAX)
		return refuse_size(&reading, 1);
	if (!yaml_parser_initialize(&reading.parser))
		return fail(out_why, ERR_CONFIG, "%s: cannot read YAML: out of memory", file);
	/* Otherwise libyaml would guess UTF-16 from the first bytes. */
	yaml_parser_set_encoding(&reading.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reading.parser, text.ptr, text.len);
	int rc = read_events(&reading);
	yaml_parser_delete(&reading.parser);
	if (rc == 0 && (reading.root == NULL || config_is_blank(reading.root)))
		rc = add_node(&reading, CONFIG_MAP, 1, &reading.root);
	if (rc == 0)
		*out = reading.root;
	return rc;
}
