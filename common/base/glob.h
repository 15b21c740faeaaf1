/*
 * glob - shell patterns: * ? [a-z] [!a-z] \x and, between slashes, **.
 *
 * Thread   any; no state. Time is bounded by pattern length times text length.
 */
#ifndef TSUJIBAN_COMMON_BASE_GLOB_H
#define TSUJIBAN_COMMON_BASE_GLOB_H

#include "common/base/slice.h"

/* The pattern has to match the whole text; '*' and '?' match any byte, '/' too. */
bool glob_matches(struct slice pattern, struct slice text);
/* As gitignore(5): '*', '?' and [] do not match '/'; a "**" component matches any number of
 * components, none included, but as the last one it needs something inside: "a/" and two stars do
 * not match "a". */
bool glob_matches_path(struct slice pattern, struct slice path);
/* False for an unclosed [ or a trailing backslash. */
bool glob_is_valid(struct slice pattern);
/* Whether any of * ? [ stands in it unescaped. */
bool glob_has_magic(struct slice pattern);

#endif
