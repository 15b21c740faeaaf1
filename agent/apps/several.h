/*
 * several - the packages that one file is made of, told apart.
 *
 * A fact's key has the manager, the name and the instance, but a program may hold two versions of
 * one crate and an archive two of one artifact. The first has the file as its instance; a further
 * one of another version has "FILE!/NAME@VERSION"; the same once more is left out.
 *
 * Life     several_begin -> add* -> several_end.
 * Owner    the list stays the caller's.
 * Errors   ERR_FORMAT, ERR_LIMIT with a reason.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_AGENT_APPS_SEVERAL_H
#define TSUJIBAN_AGENT_APPS_SEVERAL_H

#include "agent/apps/app.h"

#define SEVERAL_MAX 8192 /* the largest programs in Go and Rust have some 2 000 */

struct several {
	struct fact_list *out;
	size_t first; /* what the list had before */
};

struct several several_begin(struct fact_list *out);
/* Name and version are words (app_is_word); the version may be empty. */
int several_add(struct several *several, const char *manager, struct slice name,
        struct slice version, struct slice instance, struct reason *out_why);
/* Passes `rc` on: takes everything back when it is an error; ERR_MISSING when there is nothing. */
int several_end(struct several *several, int rc);

#endif
