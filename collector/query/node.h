/*
 * node - a parsed query: groups and terms. Private to collector/query.
 *
 * Owner    everything lives in the query's arena.
 */
#ifndef TSUJIBAN_COLLECTOR_QUERY_NODE_H
#define TSUJIBAN_COLLECTOR_QUERY_NODE_H

#include "collector/query/query.h"
#include "common/model/version.h"

/* Text with * and ? as wildcards. */
struct pattern {
	struct slice glob;    /* for glob_matches: everything but wildcards is escaped */
	struct slice literal; /* what it stands for; absent when there are wildcards */
};

enum compare_op {
	OP_LIKE, /* ":", as text; all others by order */
	OP_LESS,
	OP_LESS_EQUAL,
	OP_EQUAL,
	OP_NOT_EQUAL,
	OP_GREATER_EQUAL,
	OP_GREATER,
};

struct constraint {
	enum compare_op op;
	struct pattern value;
	uint64_t number; /* of FIELD_SEQ */
	struct constraint *next;
};

enum query_field {
	FIELD_WORD, /* a value alone */
	FIELD_PACKAGE,
	FIELD_VERSION, /* never a term: becomes a constraint of the package term before it */
	FIELD_OS,
	FIELD_KERNEL,
	FIELD_HOST,
	FIELD_ARCH,
	FIELD_LABEL,
	FIELD_PATH,
	FIELD_ACTOR,
	FIELD_USER,
	FIELD_EXPLAINED,
	FIELD_ACTION,
	FIELD_KIND,
	FIELD_CAUSE,
	FIELD_SEQ,
};

struct term {
	enum query_field field;
	struct pattern value; /* all but FIELD_KERNEL and FIELD_SEQ */
	struct slice label;   /* K of label.K */
	/* All hold: versions of FIELD_PACKAGE; exactly one for FIELD_KERNEL and FIELD_SEQ. */
	struct constraint *constraints;
};

enum node_kind { NODE_TERM, NODE_NOT, NODE_AND, NODE_OR };

struct node {
	enum node_kind kind;
	struct term *term;
	struct node *first; /* children: one of a NOT, two and more of AND and OR */
	struct node *next;  /* the parent's next child */
	/* Answered from the index rather than from the event: costs more, so it is asked last. */
	bool asks_index;
};

struct query {
	enum query_about about;
	struct arena *arena;
	struct node *root; /* NULL: everything matches */
};

/* --- match.c: terms against values --- */

bool pattern_matches(const struct pattern *pattern, struct slice text);
/* A pattern without wildcard matches the path itself and all below it. */
bool pattern_matches_path(const struct pattern *pattern, struct slice path);
bool order_holds(enum compare_op op, int order);
/* All of the term's constraints, by the order of the package manager. */
bool term_accepts_version(const struct term *term, struct slice manager, struct slice version);

/* Whether hosts are found by facts for this term; FIELD_WORD: by package, and by name beside. */
bool term_is_about_facts(const struct term *term);
/* What the index is asked for; borrows the term. */
struct fact_match term_fact_match(const struct term *term);

/* --- print.c --- */

const char *query_op_text(enum compare_op op);

/* --- field.c: NULL for FIELD_WORD --- */
const char *query_field_name(enum query_field field);

#endif
