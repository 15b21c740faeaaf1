/*
 * keys - paths as 64-bit numbers (the head of their SHA-256), and sets of them.
 *
 * All paths that some package owns are a megabyte in this form, and a look-up is a binary search.
 * Nobody gains by two paths with one number: what is looked up is decided by content or by further
 * tests.
 *
 * Life     {0} -> key_set_add* -> key_set_seal -> key_set_has* -> key_set_fini.
 * Thread   one at a time; once sealed, any.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_KEYS_H
#define TSUJIBAN_AGENT_PACKAGES_KEYS_H

#include "common/base/slice.h"

uint64_t key_of(struct slice bytes);
/* Of two texts that belong together. */
uint64_t key_of_pair(struct slice a, struct slice b);

struct key_set {
	uint64_t *key;
	size_t count;
	size_t cap;
};

void key_set_add(struct key_set *set, uint64_t key);
void key_set_seal(struct key_set *set);
bool key_set_has(const struct key_set *set, uint64_t key);
void key_set_fini(struct key_set *set);

#endif
