#include "common/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "common/base/mem.h"

#define ALIGNMENT alignof(max_align_t)

#define BLOCK_FIRST 4096
#define BLOCK_MAX   65536

/* Under AddressSanitizer each piece is a block of its own, so that a step beyond its end shows. */
#if defined(__SANITIZE_ADDRESS__)
#define BLOCK_PER_PIECE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCK_PER_PIECE 1
#endif
#endif
#ifndef BLOCK_PER_PIECE
#define BLOCK_PER_PIECE 0
#endif

struct block {
	struct block *next;
	size_t cap;
	size_t len;
	alignas(max_align_t) uint8_t data[];
};

/* The first block is the one that small pieces come from; those of large pieces stand behind it. */
struct arena {
	struct block *first;
	size_t limit_bytes;
	size_t used;
	size_t next_cap;
};

struct arena *arena_new(size_t limit_bytes)
{
	struct arena *arena = mem_new(sizeof(*arena));
	arena->limit_bytes = limit_bytes;
	arena->next_cap = BLOCK_FIRST;
	return arena;
}

static void free_blocks(struct block *block)
{
	while (block) {
		struct block *next = block->next;
		free(block);
		block = next;
	}
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	free_blocks(arena->first);
	free(arena);
}

void arena_reset(struct arena *arena)
{
	arena->used = 0;
	struct block *kept = arena->first;
	if (!kept)
		return;
	if (kept->cap > BLOCK_MAX || BLOCK_PER_PIECE) {
		free_blocks(kept);
		arena->first = NULL;
		return;
	}
	free_blocks(kept->next);
	kept->next = NULL;
	kept->len = 0;
}

void arena_rest(struct arena *arena)
{
	free_blocks(arena->first);
	arena->first = NULL;
	arena->used = 0;
	arena->next_cap = BLOCK_FIRST;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}

static struct block *new_block(size_t cap)
{
	struct block *block = mem_resize(NULL, sizeof(*block) + cap);
	block->next = NULL;
	block->cap = cap;
	block->len = 0;
	return block;
}

/* A large piece gets its own block behind the first, whose rest stays in use; hence at most a
 * quarter of a block is ever left over. */
static struct block *block_with_room(struct arena *arena, size_t size)
{
	struct block *first = arena->first;
	if (first && first->cap - first->len >= size)
		return first;
	if (first && (size > arena->next_cap / 4 || BLOCK_PER_PIECE)) {
		struct block *own = new_block(size);
		own->next = first->next;
		first->next = own;
		return own;
	}
	struct block *block = new_block(
	        size > arena->next_cap || BLOCK_PER_PIECE ? size : arena->next_cap);
	if (arena->next_cap < BLOCK_MAX)
		arena->next_cap *= 2;
	block->next = first;
	arena->first = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	if (size > arena->limit_bytes - arena->used)
		return NULL;
	if (size == 0)
		size = 1;
	size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (rounded < size || rounded > arena->limit_bytes - arena->used)
		return NULL;
	struct block *block = block_with_room(arena, BLOCK_PER_PIECE ? size : rounded);
	void *piece = block->data + block->len;
	block->len += BLOCK_PER_PIECE ? size : rounded;
	arena->used += rounded;
	return piece;
}

void *arena_alloc_zeroed(struct arena *arena, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	void *piece = arena_alloc(arena, total);
	if (piece)
		memset(piece, 0, total);
	return piece;
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
	uint8_t *copy = arena_alloc(arena, bytes.len);
	if (!copy)
		return slice_of(NULL, 0);
	if (bytes.len)
		memcpy(copy, bytes.ptr, bytes.len);
	return slice_of(copy, bytes.len);
}

char *arena_text(struct arena *arena, struct slice bytes)
{
	char *copy = bytes.len < SIZE_MAX ? arena_alloc(arena, bytes.len + 1) : NULL;
	if (!copy)
		return NULL;
	if (bytes.len)
		memcpy(copy, bytes.ptr, bytes.len);
	copy[bytes.len] = '\0';
	return copy;
}
