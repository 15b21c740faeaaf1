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
	unsigned field; /* of the term's fact */
	enum compare_op op;
	struct pattern value;
	bool is_number; /* compared as one: FIELD_SEQ, and order of what is no version */
	uint64_t number;
	struct constraint *next;
};

enum query_field {
	FIELD_WORD,    /* a value alone */
	FIELD_FACT,    /* as its row says */
	FIELD_VERSION, /* never a term: becomes a constraint of the package term before it */
	FIELD_OS,
	FIELD_KERNEL,
	FIELD_HOST,
	FIELD_PATH,
	FIELD_ACTOR,
	FIELD_USER,
	FIELD_EXPLAINED,
	FIELD_ACTION,
	FIELD_KIND,
	FIELD_CAUSE,
	FIELD_SEQ,
};

struct query_field_row;

struct term {
	enum query_field field;
	const struct query_field_row *row; /* of FIELD_WORD that of packages */
	struct pattern value;              /* all but FIELD_KERNEL and FIELD_SEQ */
	struct slice name;                 /* K of label.K */
	/* All hold, of one fact: of FIELD_FACT; exactly one for FIELD_KERNEL and FIELD_SEQ. */
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

/* Not every version can be judged: there are managers whose order nobody here knows. */
enum verdict { VERDICT_NO, VERDICT_YES, VERDICT_UNSURE };
/* The term's value and its constraints against a fact of the term's kind. */
enum verdict term_judges(const struct term *term, const struct fact *fact);
/* What package managers keep of a removed package is not the package. */
bool fact_is_there(const struct fact *fact);

/* Whether hosts are found by facts for this term; FIELD_WORD: by package, and by name beside. */
bool term_is_about_facts(const struct term *term);
/* What the index is asked for; borrows the term. The second: those that cannot be judged. */
struct fact_match term_fact_match(const struct term *term);
struct fact_match term_unsure_match(const struct term *term);

/* --- print.c --- */

const char *query_op_text(enum compare_op op);

#endif
