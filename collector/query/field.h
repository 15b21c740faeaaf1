/*
 * field - the table of fields that a query may name. Private to collector/query.
 */
#ifndef TSUJIBAN_COLLECTOR_QUERY_FIELD_H
#define TSUJIBAN_COLLECTOR_QUERY_FIELD_H

#include "collector/query/parser.h"

/* What follows a field's name. */
enum query_shape {
	SHAPE_TEXT,    /* ':' (or '=', '!=') and a pattern */
	SHAPE_FACT,    /* the same, and constraints of the fact's other fields behind it */
	SHAPE_PACKAGE, /* the same, and versions at once behind the value */
	SHAPE_ORDER,   /* ':' or any operator */
	SHAPE_NUMBER,  /* the same with a number */
	SHAPE_WORDS,   /* one of a few words */
};

/* What of a fact's field may be given instead of all of it. */
enum query_part {
	PART_NONE, /* no column */
	PART_ALL,
	PART_BASE,   /* behind the last slash: "nginx" of "/usr/sbin/nginx" */
	PART_OWNED,  /* behind the first colon: "libssl3" of "dpkg:libssl3" */
	PART_HEAD,   /* before the slash: "192.0.2.7" of "192.0.2.7/24" */
	PART_NUMBER, /* all, and a number is looked for nowhere else */
};

#define QUERY_COLUMNS_MAX 4

struct query_field_row {
	const char *name;
	enum query_field field;
	enum query_shape shape;
	bool is_for_hosts; /* otherwise for events alone */
	/* FIELD_FACT: one of these fields has the value. */
	enum fact_kind kind;
	struct {
		unsigned field;
		enum query_part part;
	} column[QUERY_COLUMNS_MAX];
	const char *pair;  /* the one name of FACT_HOST that it is about */
	bool is_grouped;   /* the index has such facts by the first column */
	bool is_of_host;   /* in events: of the event's host as it is now, not of the event */
	bool is_no_reason; /* not told as what a host was found by */
};

/* In a row's name: "label.K". */
#define QUERY_NAMED ".K"

/* NULL: this kind of query has no such field. */
const struct query_field_row *query_field_find(enum query_about about, struct slice name);
/* K of "label.K"; absent where the row takes none. Borrows `name`. */
struct slice query_field_named(const struct query_field_row *row, struct slice name);
/* Of a term with the row `of`, "version" or ".user": which of its fields that is. A field of facts
 * that a query knows by itself ("user") needs the dot. */
bool query_field_constrains(
        const struct query_field_row *of, struct slice name, unsigned *out_field);
/* Whether this field has a version, which has its manager's order. */
bool query_field_is_version(enum fact_kind kind, unsigned field);
/* "unknown field", with the nearest and all that there are; or what it has to stand behind. Always
 * NULL. */
struct node *query_field_complain(struct parser *parser, size_t at, struct slice name);

/* What of a person's text is repeated in a complaint: escaped, and cut. */
#define SHOWN_BYTES 40
struct query_shown {
	char text[4 * SHOWN_BYTES + 4];
};
const char *query_show(struct slice text, struct query_shown *shown);

#endif
