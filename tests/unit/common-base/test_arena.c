#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdalign.h>

#include "common/base/arena.h"

static void test_pieces_are_aligned_and_apart(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1 << 20);
	uint8_t *pieces[200];
	for (unsigned i = 0; i < 200; i++) {
		pieces[i] = arena_alloc(arena, i * 7);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		memset(pieces[i], (int)i, i * 7);
	}
	for (unsigned i = 0; i < 200; i++) {
		for (unsigned at = 0; at < i * 7; at++)
			assert_int_equal(pieces[i][at], i);
	}
	arena_free(arena);
	arena_free(NULL);
}

static void test_the_limit_is_never_passed(void **state)
{
	(void)state;
	struct arena *arena = arena_new(10000);
	assert_null(arena_alloc(arena, 10001));
	assert_null(arena_alloc(arena, SIZE_MAX));
	assert_null(arena_alloc_zeroed(arena, SIZE_MAX / 2, 3));
	unsigned count = 0;
	while (arena_alloc(arena, 100))
		count++;
	assert_in_range(count, 80, 100);
	assert_true(arena_used(arena) <= 10000);
	while (arena_alloc(arena, 0))
		count++;
	assert_true(arena_used(arena) <= 10000);
	arena_free(arena);
}

static void test_reset_gives_the_whole_limit_back(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1 << 20);
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 16; i++)
			assert_non_null(arena_alloc(arena, 60000));
		assert_null(arena_alloc(arena, 1 << 17));
		arena_reset(arena);
		assert_int_equal(arena_used(arena), 0);
		assert_non_null(arena_alloc(arena, 1 << 20));
		arena_reset(arena);
	}
	arena_free(arena);
}

static void test_zeroed_memory_is_zero_after_a_reset(void **state)
{
	(void)state;
	struct arena *arena = arena_new(10000);
	memset(arena_alloc(arena, 1000), 0xff, 1000);
	arena_reset(arena);
	uint8_t *piece = arena_alloc_zeroed(arena, 10, 100);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(piece[i], 0);
	arena_free(arena);
}

static void test_copies_equal_their_source(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1000);
	struct slice copy = arena_copy(arena, slice_text("hello"));
	assert_true(slice_is(copy, "hello"));
	assert_string_equal(arena_text(arena, slice_of("world!", 5)), "world");
	copy = arena_copy(arena, slice_of(NULL, 0));
	assert_non_null(copy.ptr);
	assert_int_equal(copy.len, 0);
	assert_string_equal(arena_text(arena, slice_of(NULL, 0)), "");
	static const uint8_t LARGE[2000];
	assert_null(arena_copy(arena, slice_of(LARGE, sizeof(LARGE))).ptr);
	assert_null(arena_text(arena, slice_of(LARGE, sizeof(LARGE))));
	arena_free(arena);
}

static void test_a_rested_arena_works_like_a_new_one(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1u << 20);
	assert_non_null(arena_alloc(arena, 100000));
	arena_rest(arena);
	assert_int_equal(arena_used(arena), 0);
	assert_true(slice_is(arena_copy(arena, slice_text("again")), "again"));
	arena_rest(arena);
	arena_rest(arena);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pieces_are_aligned_and_apart),
	        cmocka_unit_test(test_the_limit_is_never_passed),
	        cmocka_unit_test(test_reset_gives_the_whole_limit_back),
	        cmocka_unit_test(test_zeroed_memory_is_zero_after_a_reset),
	        cmocka_unit_test(test_copies_equal_their_source),
	        cmocka_unit_test(test_a_rested_arena_works_like_a_new_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
