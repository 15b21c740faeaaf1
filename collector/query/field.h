/*
 * field - the table of fields that a query may name. Private to collector/query.
 */
#ifndef TSUJIBAN_COLLECTOR_QUERY_FIELD_H
#define TSUJIBAN_COLLECTOR_QUERY_FIELD_H

#include "collector/query/parser.h"

/* What follows a field's name. */
enum query_shape {
	SHAPE_TEXT,    /* ':' (or '=', '!=') and a pattern */
	SHAPE_PACKAGE, /* the same, and versions behind it */
	SHAPE_ORDER,   /* ':' or any operator */
	SHAPE_NUMBER,  /* the same with a number */
	SHAPE_WORDS,   /* one of a few words */
};

struct query_field_row {
	const char *name;
	enum query_field field;
	enum query_shape shape;
	bool is_for_hosts; /* otherwise for events alone */
};

#define QUERY_LABEL_PREFIX "label."

/* NULL: this kind of query has no such field. */
const struct query_field_row *query_field_find(enum query_about about, struct slice name);
/* "unknown field", with the nearest and all that there are. Always NULL. */
struct node *query_field_complain(struct parser *parser, size_t at, struct slice name);

/* What of a person's text is repeated in a complaint: escaped, and cut. */
#define SHOWN_BYTES 40
struct query_shown {
	char text[4 * SHOWN_BYTES + 4];
};
const char *query_show(struct slice text, struct query_shown *shown);

#endif
