/*
 * arena - memory of one batch or one request: many small pieces, freed at once, with a limit.
 *
 * Life     arena_new -> alloc*, reset* -> arena_free.
 * Owner    owns every piece that it handed out.
 * Errors   alloc functions return NULL when the limit would be passed: the input was too large.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_COMMON_BASE_ARENA_H
#define TSUJIBAN_COMMON_BASE_ARENA_H

#include "common/base/slice.h"

struct arena;

struct arena *arena_new(size_t limit_bytes);
void arena_free(struct arena *arena);
/* Forgets every piece; keeps one block for the next batch. */
void arena_reset(struct arena *arena);
/* The same, and keeps nothing: there will be no next batch for a while. */
void arena_rest(struct arena *arena);
size_t arena_used(const struct arena *arena);

/* Aligned for any type, not zeroed. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_alloc_zeroed(struct arena *arena, size_t count, size_t size);
/* On failure the result's pointer is NULL. A zero-length copy has a non-NULL pointer. */
struct slice arena_copy(struct arena *arena, struct slice bytes);
/* A copy that ends with a NUL byte. */
char *arena_text(struct arena *arena, struct slice bytes);

#endif
