#include "agent/watch/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define TOUCHES_MAX 4096
#define PATIENCE_MS 20000

struct seen {
	char path[512];
	char old_path[512];
	unsigned hints;
};

struct bench {
	char dir[64];
	struct loop *loop;
	struct watch *watch;
	struct timer *patience;
	struct seen seen[TOUCHES_MAX];
	size_t count;
	unsigned overflows, degraded;
	bool forgets;          /* too many touches are no failure */
	bool adds_directories; /* as the pipeline does: a watch for each created directory */
	const char *awaited;
	unsigned awaited_hints;
	bool is_over, has_failed;
};

static void copy_text(char *out, size_t room, struct slice text)
{
	assert_true(text.len < room);
	memcpy(out, text.ptr ? (const void *)text.ptr : "", text.len);
	out[text.len] = '\0';
}

static void on_touched(void *ctx, const struct touch *touch)
{
	struct bench *bench = ctx;
	if (bench->count == TOUCHES_MAX && bench->forgets)
		bench->count = 0;
	assert_true(bench->count < TOUCHES_MAX);
	struct seen *seen = &bench->seen[bench->count++];
	copy_text(seen->path, sizeof(seen->path), touch->path);
	copy_text(seen->old_path, sizeof(seen->old_path), touch->old_path);
	seen->hints = touch->hints;
	assert_int_equal(touch->cause, CAUSE_LIVE);
	if (bench->adds_directories && (touch->hints & TOUCH_CREATED) &&
	        (touch->hints & TOUCH_DIRECTORY))
		watch_add(bench->watch, touch->path);
	if (bench->awaited && strcmp(seen->path, bench->awaited) == 0 &&
	        (seen->hints & bench->awaited_hints) == bench->awaited_hints) {
		bench->is_over = true;
		loop_stop(bench->loop);
	}
}

static void on_overflowed(void *ctx)
{
	struct bench *bench = ctx;
	bench->overflows++;
	bench->is_over = true;
	loop_stop(bench->loop);
}

static void on_degraded(void *ctx, struct slice dir, const char *why)
{
	struct bench *bench = ctx;
	assert_true(dir.len > 0 && why[0]);
	bench->degraded++;
}

static void on_impatience(void *ctx)
{
	struct bench *bench = ctx;
	bench->has_failed = true;
	loop_stop(bench->loop);
}

static void run(struct bench *bench)
{
	bench->is_over = false;
	timer_start(bench->patience, PATIENCE_MS, 0);
	loop_run(bench->loop);
	timer_stop(bench->patience);
	if (bench->has_failed)
		fail_msg("nothing with hints %#x came for '%s'", bench->awaited_hints,
		        bench->awaited ? bench->awaited : "");
}

static const char *in(struct bench *bench, const char *name)
{
	static char path[8][512];
	static unsigned turn;
	char *out = path[turn++ % 8];
	snprintf(out, sizeof(path[0]), "%s/%s", bench->dir, name);
	return out;
}

/* Runs the loop until such a touch comes; what came before stays in `seen`. */
static void await(struct bench *bench, const char *name, unsigned hints)
{
	char path[512];
	snprintf(path, sizeof(path), "%s", in(bench, name));
	bench->awaited = path;
	bench->awaited_hints = hints;
	run(bench);
	bench->awaited = NULL;
}

/* Everything queued so far is read: a marker that is made now is the last of it. */
static void settle_down(struct bench *bench)
{
	static unsigned turn;
	char name[32];
	snprintf(name, sizeof(name), ".marker%u", turn++);
	int fd = open(in(bench, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	await(bench, name, TOUCH_DONE);
}

static unsigned hints_for(struct bench *bench, const char *name)
{
	unsigned hints = 0;
	for (size_t i = 0; i < bench->count; i++)
		if (strcmp(bench->seen[i].path, in(bench, name)) == 0)
			hints |= bench->seen[i].hints;
	return hints;
}

static size_t count_for(struct bench *bench, const char *name, unsigned hints)
{
	size_t count = 0;
	for (size_t i = 0; i < bench->count; i++)
		if (strcmp(bench->seen[i].path, in(bench, name)) == 0 &&
		        (bench->seen[i].hints & hints) == hints)
			count++;
	return count;
}

static const struct seen *rename_to(struct bench *bench, const char *name)
{
	for (size_t i = 0; i < bench->count; i++)
		if (bench->seen[i].old_path[0] && strcmp(bench->seen[i].path, in(bench, name)) == 0)
			return &bench->seen[i];
	return NULL;
}

static void forget(struct bench *bench)
{
	bench->count = 0;
}

static int add(struct bench *bench, const char *name)
{
	return watch_add(bench->watch, slice_text(name ? in(bench, name) : bench->dir));
}

static void write_file(struct bench *bench, const char *name, const char *text)
{
	int fd = open(in(bench, name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void make_dir(struct bench *bench, const char *name)
{
	assert_int_equal(mkdir(in(bench, name), 0755), 0);
}

static void move(struct bench *bench, const char *from, const char *to)
{
	assert_int_equal(rename(in(bench, from), in(bench, to)), 0);
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	strcpy(bench->dir, "/tmp/test-watch-XXXXXX");
	if (!mkdtemp(bench->dir))
		return -1;
	bench->loop = loop_new();
	bench->patience = timer_new(bench->loop, on_impatience, bench);
	struct watch_events events = {
	        .touched = on_touched, .overflowed = on_overflowed, .degraded = on_degraded};
	if (watch_new(bench->loop, WATCH_INOTIFY, &events, bench, &bench->watch, NULL) < 0)
		return -1;
	*state = bench;
	return 0;
}

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *walk)
{
	(void)info, (void)flag, (void)walk;
	return remove(path);
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	watch_free(bench->watch);
	timer_free(bench->patience);
	loop_free(bench->loop);
	nftw(bench->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(bench);
	return 0;
}

/* --- the tests -------------------------------------------------------------------------------- */

static void test_written_file_is_created_and_done(void **state)
{
	struct bench *bench = *state;
	assert_int_equal(add(bench, NULL), 0);
	write_file(bench, "a", "x");
	await(bench, "a", TOUCH_DONE);
	assert_int_equal(
	        hints_for(bench, "a"), TOUCH_CREATED | TOUCH_WRITING | TOUCH_REREAD | TOUCH_DONE);
}

static void test_file_held_open_is_being_written(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "a", "x");
	add(bench, NULL);
	int fd = open(in(bench, "a"), O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "y", 1), 1);
	await(bench, "a", TOUCH_WRITING);
	assert_int_equal(hints_for(bench, "a"), TOUCH_WRITING | TOUCH_REREAD);
	close(fd);
	await(bench, "a", TOUCH_DONE);
}

static void test_reading_is_silent(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "a", "x");
	add(bench, NULL);
	int fd = open(in(bench, "a"), O_RDONLY | O_CLOEXEC);
	char byte;
	assert_int_equal(read(fd, &byte, 1), 1);
	close(fd);
	settle_down(bench);
	assert_int_equal(hints_for(bench, "a"), 0);
}

static void test_every_life_is_said(void **state)
{
	struct bench *bench = *state;
	add(bench, NULL);
	for (int i = 0; i < 100; i++) {
		write_file(bench, "a", "x");
		assert_int_equal(unlink(in(bench, "a")), 0);
	}
	settle_down(bench);
	assert_int_equal(count_for(bench, "a", TOUCH_CREATED), 100);
	assert_true(hints_for(bench, "a") & TOUCH_GONE);
}

static void test_paths_without_a_close_wait_for_quiet_only(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "a", "x");
	add(bench, NULL);
	assert_int_equal(symlink("a", in(bench, "link")), 0);
	assert_int_equal(mkfifo(in(bench, "fifo"), 0600), 0);
	assert_int_equal(link(in(bench, "a"), in(bench, "hard")), 0);
	settle_down(bench);
	assert_int_equal(hints_for(bench, "link"), TOUCH_CREATED | TOUCH_WRITING);
	assert_int_equal(hints_for(bench, "fifo"), TOUCH_CREATED | TOUCH_WRITING);
	assert_int_equal(hints_for(bench, "hard"), TOUCH_CREATED | TOUCH_WRITING);
}

static void test_rename_is_one_touch_with_both_paths(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "a", "x");
	make_dir(bench, "d");
	add(bench, NULL);
	add(bench, "d");
	move(bench, "a", "d/b");
	await(bench, "d/b", TOUCH_DONE);
	const struct seen *seen = rename_to(bench, "d/b");
	assert_non_null(seen);
	assert_string_equal(seen->old_path, in(bench, "a"));
	assert_int_equal(seen->hints, TOUCH_DONE);
	settle_down(bench);
	assert_int_equal(hints_for(bench, "a"), 0);
}

static void test_move_to_nowhere_is_gone(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m");
	make_dir(bench, "u");
	write_file(bench, "m/a", "x");
	add(bench, "m");
	move(bench, "m/a", "u/a");
	await(bench, "m/a", TOUCH_GONE | TOUCH_DONE);
	assert_int_equal(hints_for(bench, "u/a"), 0);
}

static void test_move_from_nowhere_is_created(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m");
	make_dir(bench, "u");
	write_file(bench, "u/a", "x");
	make_dir(bench, "u/d");
	add(bench, "m");
	move(bench, "u/a", "m/a");
	move(bench, "u/d", "m/d");
	await(bench, "m/d", TOUCH_CREATED | TOUCH_DONE | TOUCH_DIRECTORY);
	assert_int_equal(hints_for(bench, "m/a"), TOUCH_CREATED | TOUCH_DONE);
}

static void test_renamed_directory_reports_under_its_new_path(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "a");
	make_dir(bench, "a/b");
	make_dir(bench, "a/b/c");
	add(bench, NULL);
	add(bench, "a");
	add(bench, "a/b");
	add(bench, "a/b/c");
	move(bench, "a", "z");
	write_file(bench, "z/b/c/leaf", "x");
	await(bench, "z/b/c/leaf", TOUCH_DONE);
	assert_non_null(rename_to(bench, "z"));
	assert_true(watch_has(bench->watch, slice_text(in(bench, "z/b/c"))));
	assert_false(watch_has(bench->watch, slice_text(in(bench, "a"))));
	assert_int_equal(watch_count(bench->watch), 4);
	assert_int_equal(add(bench, "z/b"), 1);
}

static void test_directory_moved_out_loses_its_watches(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m");
	make_dir(bench, "m/a");
	make_dir(bench, "m/a/b");
	make_dir(bench, "u");
	add(bench, "m");
	add(bench, "m/a");
	add(bench, "m/a/b");
	move(bench, "m/a", "u/a");
	await(bench, "m/a", TOUCH_GONE | TOUCH_DIRECTORY);
	assert_int_equal(watch_count(bench->watch), 1);
	forget(bench);
	write_file(bench, "u/a/b/x", "x");
	write_file(bench, "m/last", "x");
	await(bench, "m/last", TOUCH_DONE);
	assert_int_equal(hints_for(bench, "m/a/b/x"), 0);
	assert_int_equal(bench->count, 1);
}

static void test_directory_moved_out_and_back_is_heard_again(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m");
	make_dir(bench, "m/a");
	make_dir(bench, "u");
	add(bench, "m");
	add(bench, "m/a");
	move(bench, "m/a", "u/a");
	await(bench, "m/a", TOUCH_GONE);
	bench->adds_directories = true;
	move(bench, "u/a", "m/a");
	await(bench, "m/a", TOUCH_CREATED | TOUCH_DIRECTORY);
	write_file(bench, "m/a/x", "x");
	await(bench, "m/a/x", TOUCH_DONE);
	assert_int_equal(watch_count(bench->watch), 2);
}

static void test_deleted_directory_is_watched_anew(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "d");
	add(bench, NULL);
	add(bench, "d");
	bench->adds_directories = true;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(rmdir(in(bench, "d")), 0);
		make_dir(bench, "d");
		await(bench, "d", TOUCH_CREATED | TOUCH_DIRECTORY);
		write_file(bench, "d/x", "x");
		await(bench, "d/x", TOUCH_DONE);
		assert_int_equal(unlink(in(bench, "d/x")), 0);
	}
	settle_down(bench);
	assert_int_equal(watch_count(bench->watch), 2);
}

/* The walk may add a directory under its new path before the drain has read of the rename, and a
 * new one under the old path: what the record says is older than what the kernel told. */
static void test_rename_read_late_does_not_move_what_was_added_since(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "a");
	add(bench, NULL);
	add(bench, "a");
	move(bench, "a", "b");
	make_dir(bench, "a");
	assert_int_equal(add(bench, "a"), 0);
	assert_int_equal(add(bench, "b"), 0);
	settle_down(bench);
	assert_non_null(rename_to(bench, "b"));
	write_file(bench, "a/in-a", "x");
	write_file(bench, "b/in-b", "x");
	await(bench, "b/in-b", TOUCH_DONE);
	assert_true(hints_for(bench, "a/in-a") & TOUCH_DONE);
	assert_int_equal(watch_count(bench->watch), 3);
}

static void test_directory_found_under_another_path_takes_it(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "a");
	make_dir(bench, "a/s");
	make_dir(bench, "t");
	add(bench, "a");
	add(bench, "a/s");
	move(bench, "a", "t/b"); /* nobody watches the parent: moved unseen, but for itself */
	assert_int_equal(add(bench, "t/b"), 0);
	write_file(bench, "t/b/s/x", "x");
	await(bench, "t/b/s/x", TOUCH_DONE);
	assert_int_equal(watch_count(bench->watch), 2);
}

static void test_directory_found_inside_its_old_path_is_heard_there(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "a");
	make_dir(bench, "a/s");
	add(bench, "a");
	add(bench, "a/s");
	move(bench, "a/s", "t");
	move(bench, "a", "t/a");
	move(bench, "t", "a"); /* what was a/s is now a, what was a is a/a */
	assert_int_equal(add(bench, "a"), 0);
	assert_int_equal(add(bench, "a/a"), 0);
	write_file(bench, "a/x", "x");
	write_file(bench, "a/a/y", "x");
	await(bench, "a/a/y", TOUCH_DONE);
	assert_true(hints_for(bench, "a/x") & TOUCH_DONE);
}

static void test_attributes_of_a_directory_are_said_once(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "d");
	add(bench, NULL);
	add(bench, "d");
	assert_int_equal(chmod(in(bench, "d"), 0700), 0);
	settle_down(bench);
	assert_int_equal(count_for(bench, "d", TOUCH_DONE | TOUCH_DIRECTORY), 1);
}

static void test_root_without_a_watched_parent_says_its_own_end(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "d");
	add(bench, "d");
	assert_int_equal(rmdir(in(bench, "d")), 0);
	await(bench, "d", TOUCH_GONE | TOUCH_DIRECTORY);
	make_dir(bench, "d");
	assert_int_equal(add(bench, "d"), 0);
	move(bench, "d", "e");
	await(bench, "d", TOUCH_GONE | TOUCH_DIRECTORY);
	assert_int_equal(watch_count(bench->watch), 0);
}

static void test_names_are_byte_exact(void **state)
{
	static const char *const names[] = {" lead", "tab\there", "new\nline", "\"quote'",
	        "\xff\xfe not utf-8", "\xe2\x80\xae\xd7\x90", "-rf", "a\\b", "..."};
	struct bench *bench = *state;
	char longest[256];
	memset(longest, 'n', 255);
	longest[255] = '\0';
	add(bench, NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		write_file(bench, names[i], "x");
	write_file(bench, longest, "x");
	await(bench, longest, TOUCH_DONE);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(hints_for(bench, names[i]) & TOUCH_DONE);
}

static void test_what_cannot_be_watched_is_an_error(void **state)
{
	struct bench *bench = *state;
	write_file(bench, "file", "x");
	make_dir(bench, "d");
	assert_int_equal(symlink("d", in(bench, "link")), 0);
	assert_int_equal(add(bench, "missing"), -ENOENT);
	assert_int_equal(add(bench, "file"), -ENOTDIR);
	assert_int_equal(add(bench, "link"), -ENOTDIR);
	assert_int_equal(watch_count(bench->watch), 0);
	assert_int_equal(bench->degraded, 0);
}

static void test_removing_ends_the_subtree_only(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "m");
	make_dir(bench, "m/d");
	make_dir(bench, "mm");
	add(bench, "m");
	add(bench, "m/d");
	add(bench, "mm");
	watch_remove(bench->watch, slice_text(in(bench, "m")));
	assert_false(watch_has(bench->watch, slice_text(in(bench, "m/d"))));
	assert_true(watch_has(bench->watch, slice_text(in(bench, "mm"))));
	write_file(bench, "m/d/x", "x");
	write_file(bench, "mm/x", "x");
	await(bench, "mm/x", TOUCH_DONE);
	assert_int_equal(hints_for(bench, "m/d/x"), 0);
	assert_int_equal(add(bench, "m"), 0);
	write_file(bench, "m/x", "x");
	await(bench, "m/x", TOUCH_DONE);
}

/* Each watch that is given back takes a place in the kernel's queue. */
static void test_removing_very_many_does_not_overflow_the_queue(void **state)
{
	struct bench *bench = *state;
	char name[64];
	make_dir(bench, "big");
	add(bench, NULL);
	add(bench, "big");
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "big/%d", i);
		make_dir(bench, name);
		if (add(bench, name) < 0)
			skip(); /* max_user_watches of this host is lower */
		if (i % 4000 == 0)
			settle_down(bench), forget(bench);
	}
	forget(bench);
	watch_remove(bench->watch, slice_text(in(bench, "big")));
	assert_int_equal(watch_count(bench->watch), 1);
	for (int i = 0; i < 30; i++) {
		settle_down(bench);
		forget(bench);
	}
	assert_int_equal(bench->overflows, 0);
}

static void test_overflow_is_said_and_hearing_goes_on(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "d");
	add(bench, NULL);
	add(bench, "d");
	/* Alternating names: identical neighbours would be merged by the kernel. */
	for (int i = 0; i < 60000; i++) {
		assert_int_equal(chmod(in(bench, "d"), i % 2 ? 0700 : 0755), 0);
		assert_int_equal(chmod(bench->dir, i % 2 ? 0700 : 0755), 0);
	}
	bench->forgets = true;
	run(bench);
	assert_int_equal(bench->overflows, 1);
	assert_int_equal(rmdir(in(bench, "d")), 0);
	make_dir(bench, "d");
	settle_down(bench);
	assert_int_equal(add(bench, "d"), 0);
	write_file(bench, "d/x", "x");
	await(bench, "d/x", TOUCH_DONE);
}

static void test_what_an_overflow_hid_loses_its_watch(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "d");
	make_dir(bench, "e");
	add(bench, NULL);
	add(bench, "d");
	add(bench, "e");
	for (int i = 0; i < 60000; i++) {
		assert_int_equal(chmod(in(bench, "d"), i % 2 ? 0700 : 0755), 0);
		assert_int_equal(chmod(bench->dir, i % 2 ? 0700 : 0755), 0);
	}
	move(bench, "e", "f"); /* nobody is told */
	bench->forgets = true;
	run(bench);
	assert_int_equal(bench->overflows, 1);
	add(bench, NULL);
	add(bench, "d");
	watch_compared(bench->watch);
	assert_int_equal(watch_count(bench->watch), 2);
	assert_false(watch_has(bench->watch, slice_text(in(bench, "e"))));
}

static void test_a_detour_through_a_link_does_not_take_a_watch_away(void **state)
{
	struct bench *bench = *state;
	make_dir(bench, "a");
	make_dir(bench, "a/s");
	add(bench, "a");
	add(bench, "a/s");
	assert_int_equal(symlink(in(bench, "a"), in(bench, "l")), 0);
	assert_int_equal(add(bench, "l/s"), -ENOTDIR);
	write_file(bench, "a/s/x", "x");
	await(bench, "a/s/x", TOUCH_DONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_written_file_is_created_and_done),
	        TEST(test_file_held_open_is_being_written),
	        TEST(test_reading_is_silent),
	        TEST(test_every_life_is_said),
	        TEST(test_paths_without_a_close_wait_for_quiet_only),
	        TEST(test_rename_is_one_touch_with_both_paths),
	        TEST(test_move_to_nowhere_is_gone),
	        TEST(test_move_from_nowhere_is_created),
	        TEST(test_renamed_directory_reports_under_its_new_path),
	        TEST(test_directory_moved_out_loses_its_watches),
	        TEST(test_directory_moved_out_and_back_is_heard_again),
	        TEST(test_deleted_directory_is_watched_anew),
	        TEST(test_rename_read_late_does_not_move_what_was_added_since),
	        TEST(test_directory_found_under_another_path_takes_it),
	        TEST(test_directory_found_inside_its_old_path_is_heard_there),
	        TEST(test_attributes_of_a_directory_are_said_once),
	        TEST(test_root_without_a_watched_parent_says_its_own_end),
	        TEST(test_names_are_byte_exact),
	        TEST(test_what_cannot_be_watched_is_an_error),
	        TEST(test_removing_ends_the_subtree_only),
	        TEST(test_removing_very_many_does_not_overflow_the_queue),
	        TEST(test_overflow_is_said_and_hearing_goes_on),
	        TEST(test_what_an_overflow_hid_loses_its_watch),
	        TEST(test_a_detour_through_a_link_does_not_take_a_watch_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
