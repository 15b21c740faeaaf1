/*
 * app_text - what the readers of text files share.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_APPS_APP_TEXT_H
#define TSUJIBAN_AGENT_APPS_APP_TEXT_H

#include "agent/apps/app.h"

#define APP_WORD_MAX \
	256 /* bytes of a name or a version; npm allows 214, the others name no limit */

/* 1 to APP_WORD_MAX bytes and no control character: fit to be a name or a version. */
bool app_is_word(struct slice text);
/* Only ASCII letters, digits and these. */
bool app_has_only(struct slice text, const char *punctuation);

bool app_ends_with(struct slice text, const char *end);
/* Ignores the case of ASCII letters. */
bool app_is_nocase(struct slice text, const char *word);
bool app_starts_nocase(struct slice text, const char *prefix);
/* Text behind its first `len` bytes, which it has. */
struct slice app_after(struct slice text, size_t len);
struct slice app_skip_blanks(struct slice text);
/* Writes the text over `out` with A-Z as a-z. */
struct slice app_lower(struct slice text, struct buf *out);

/* The first `limit_bytes` of the file over `out`, or all of it where there is less. */
int app_read_head(
        const struct app_file *file, size_t limit_bytes, struct buf *out, struct reason *out_why);

#endif
