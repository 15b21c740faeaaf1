#include "agent/fim/links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"

static struct scratch scratch;
static struct loop *loop;
static struct links *links;
static struct buf told;
static unsigned overflow_count, wanted_count;

static void on_touched(void *ctx, const struct touch *touch)
{
	(void)ctx;
	assert_int_equal(touch->cause, CAUSE_LIVE);
	assert_true(touch->hints & TOUCH_DONE);
	buf_append_slice(&told, touch->path);
	buf_append_byte(&told, '\n');
	if (--wanted_count == 0)
		loop_stop(loop);
}

static void on_overflowed(void *ctx)
{
	(void)ctx;
	overflow_count++;
}

static int begin(void **state)
{
	(void)state;
	overflow_count = wanted_count = 0;
	if (!scratch_init(&scratch))
		return -1;
	loop = loop_new();
	links = links_new(loop, scratch.state, on_touched, on_overflowed, NULL);
	return 0;
}

static int end(void **state)
{
	(void)state;
	links_free(links);
	loop_free(loop);
	buf_fini(&told);
	scratch_fini(&scratch);
	return 0;
}

static void know(const char *path, enum file_type type, uint64_t device, uint64_t inode)
{
	struct filestate file = {.type = type, .device = device, .inode = inode};
	struct state_txn *txn;
	assert_int_equal(state_begin(scratch.state, &txn, NULL), 0);
	assert_int_equal(baseline_put(txn, slice_text(path), &file), 0);
	assert_int_equal(state_commit(txn, NULL), 0);
}

static void know_some(void)
{
	know("/m", FILE_DIRECTORY, 1, 7);
	know("/m/a", FILE_REGULAR, 1, 5);
	know("/m/b", FILE_REGULAR, 2, 5);
	know("/m/d/e/c", FILE_REGULAR, 1, 5);
	know("/m/f", FILE_FIFO, 1, 6);
}

static void assert_touched(unsigned count, const char *text)
{
	buf_reset(&told);
	wanted_count = count;
	loop_run(loop);
	assert_string_equal(buf_text(&told), text);
}

static void test_every_name_of_a_file_is_touched_and_no_other(void **state)
{
	(void)state;
	know_some();
	links_add(links, 1, 5);
	assert_false(links_is_idle(links));
	assert_touched(2, "/m/a\n/m/d/e/c\n");
}

static void test_what_is_added_again_and_again_makes_one_pass(void **state)
{
	(void)state;
	know_some();
	for (int i = 0; i < 100; i++) {
		links_add(links, 1, 6);
		links_add(links, 2, 5);
		links_add(links, 1, 7); /* a directory has one name */
	}
	assert_touched(2, "/m/b\n/m/f\n");
}

static void test_what_comes_during_a_pass_makes_another(void **state)
{
	(void)state;
	know_some();
	links_add(links, 1, 6);
	assert_touched(1, "/m/f\n");
	links_add(links, 2, 5);
	assert_touched(1, "/m/b\n");
}

static void test_too_many_ask_for_everything(void **state)
{
	(void)state;
	for (uint64_t inode = 0; inode < LINKS_MAX; inode++)
		links_add(links, 1, inode);
	assert_int_equal(overflow_count, 0);
	links_add(links, 1, LINKS_MAX);
	assert_int_equal(overflow_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(test_every_name_of_a_file_is_touched_and_no_other),
	        TEST(test_what_is_added_again_and_again_makes_one_pass),
	        TEST(test_what_comes_during_a_pass_makes_another),
	        TEST(test_too_many_ask_for_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
