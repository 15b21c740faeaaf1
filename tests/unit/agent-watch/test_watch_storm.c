/*
 * Any sequence of operations: a child process makes, renames and removes directories at random
 * while the records are being read. Whoever handles the touches does what the pipeline does, late:
 * it adds what is there and removes what is gone. In the end each directory on disk has to be
 * heard under its own path, and no watch may be left over.
 */
#include "agent/watch/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define PATIENCE_MS 60000
#define OPERATIONS  20000
#define LATE_MAX    (1u << 20)

struct bench {
	char dir[64]; /* holds m (watched) and u (not watched) */
	char root[80];
	struct loop *loop;
	struct watch *watch;
	struct timer *patience, *soon, *tick;
	char **late; /* directories to look at in the next step */
	size_t late_count;
	char awaited[512];
	pid_t child;
	bool has_failed, is_child_over;
	unsigned overflows;
};

/* --- the pipeline's part ---------------------------------------------------------------------- */

static void add_all(struct bench *bench, const char *path)
{
	char below[512];
	struct dirent *entry = NULL;
	if (watch_add(bench->watch, slice_text(path)) < 0)
		return;
	DIR *dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		add_all(bench, below);
	}
	if (dir)
		closedir(dir);
}

static void on_soon(void *ctx)
{
	struct bench *bench = ctx;
	struct stat info;
	for (size_t i = 0; i < bench->late_count; i++) {
		char *path = bench->late[i];
		if (lstat(path, &info) == 0)
			add_all(bench, path);
		else
			watch_remove(bench->watch, slice_text(path));
		free(path);
	}
	bench->late_count = 0;
}

static void look_later(struct bench *bench, struct slice path)
{
	assert_true(bench->late_count < LATE_MAX);
	bench->late[bench->late_count++] = mem_copy_text(path.ptr, path.len);
	timer_start(bench->soon, 0, 0);
}

static void on_touched(void *ctx, const struct touch *touch)
{
	struct bench *bench = ctx;
	if (touch->hints & TOUCH_DIRECTORY)
		look_later(bench, touch->path);
	else if (slice_is(touch->path, bench->awaited)) {
		bench->awaited[0] = '\0';
		loop_stop(bench->loop);
	}
}

static void on_overflowed(void *ctx)
{
	struct bench *bench = ctx;
	bench->overflows++;
	look_later(bench, slice_text(bench->root));
}

static void on_degraded(void *ctx, struct slice dir, const char *why)
{
	(void)ctx;
	fail_msg("%.*s %s", SLICE_ARG(dir), why);
}

static void on_impatience(void *ctx)
{
	struct bench *bench = ctx;
	bench->has_failed = true;
	loop_stop(bench->loop);
}

static void on_tick(void *ctx)
{
	struct bench *bench = ctx;
	if (waitpid(bench->child, NULL, WNOHANG) == 0)
		return;
	timer_stop(bench->tick);
	bench->is_child_over = true;
	loop_stop(bench->loop);
}

static void run(struct bench *bench)
{
	timer_start(bench->patience, PATIENCE_MS, 0);
	loop_run(bench->loop);
	timer_stop(bench->patience);
	if (bench->has_failed)
		fail_msg("nothing was heard of '%s'", bench->awaited);
}

/* --- the child -------------------------------------------------------------------------------- */

static const char *random_path(unsigned *seed, const char *dir, char *out, size_t room)
{
	size_t len = (size_t)snprintf(out, room, "%s/%s", dir, rand_r(seed) % 8 ? "m" : "u");
	int depth = 1 + rand_r(seed) % 3;
	for (int i = 0; i < depth; i++)
		len += (size_t)snprintf(
		        out + len, room - len, "/%c", 'a' + (char)(rand_r(seed) % 4));
	return out;
}

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *walk)
{
	(void)info, (void)flag, (void)walk;
	return remove(path);
}

static void storm(const char *dir, unsigned seed)
{
	char path[256], other[256];
	for (int i = 0; i < OPERATIONS; i++) {
		random_path(&seed, dir, path, sizeof(path));
		switch (rand_r(&seed) % 8) {
		case 0:
		case 1:
		case 2:
			mkdir(path, 0755);
			break;
		case 3:
			rmdir(path);
			break;
		case 4:
			if (rand_r(&seed) % 8 == 0)
				nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
			break;
		default:
			rename(path, random_path(&seed, dir, other, sizeof(other)));
		}
	}
}

/* --- the claim -------------------------------------------------------------------------------- */

/* Makes a file in each directory and waits to hear of it. Returns how many directories there
 * are. */
static size_t hear_all(struct bench *bench, const char *path)
{
	char below[512];
	struct dirent *entry = NULL;
	size_t count = 1;
	if (!watch_has(bench->watch, slice_text(path)))
		fail_msg("'%s' is not watched", path);
	snprintf(bench->awaited, sizeof(bench->awaited), "%s/.heard", path);
	int fd = open(bench->awaited, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	run(bench);
	DIR *dir = opendir(path);
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		count += hear_all(bench, below);
	}
	closedir(dir);
	return count;
}

/* Reads until nothing is left that was queued or put off. */
static void settle_down(struct bench *bench)
{
	for (int i = 0; i < 5; i++) {
		snprintf(bench->awaited, sizeof(bench->awaited), "%s/.settled%d", bench->root, i);
		int fd = open(bench->awaited, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		close(fd);
		run(bench);
		timer_start(bench->tick, 20, 0); /* renames that wait for their other half */
		run(bench);
	}
}

static void one_storm(unsigned seed)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct watch_events events = {
	        .touched = on_touched, .overflowed = on_overflowed, .degraded = on_degraded};
	strcpy(bench->dir, "/tmp/test-storm-XXXXXX");
	assert_non_null(mkdtemp(bench->dir));
	snprintf(bench->root, sizeof(bench->root), "%s/u", bench->dir);
	assert_int_equal(mkdir(bench->root, 0755), 0);
	snprintf(bench->root, sizeof(bench->root), "%s/m", bench->dir);
	assert_int_equal(mkdir(bench->root, 0755), 0);
	bench->late = calloc(LATE_MAX, sizeof(*bench->late));
	bench->loop = loop_new();
	bench->patience = timer_new(bench->loop, on_impatience, bench);
	bench->soon = timer_new(bench->loop, on_soon, bench);
	bench->tick = timer_new(bench->loop, on_tick, bench);
	assert_int_equal(
	        watch_new(bench->loop, WATCH_INOTIFY, &events, bench, &bench->watch, NULL), 0);
	assert_int_equal(watch_add(bench->watch, slice_text(bench->root)), 0);
	bench->child = fork();
	if (bench->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		storm(bench->dir, seed);
		_exit(0);
	}
	timer_start(bench->tick, 10, 10);
	while (!bench->is_child_over)
		run(bench);
	settle_down(bench);
	size_t directories = hear_all(bench, bench->root);
	assert_int_equal(watch_count(bench->watch), directories);
	watch_free(bench->watch);
	timer_free(bench->patience);
	timer_free(bench->soon);
	timer_free(bench->tick);
	loop_free(bench->loop);
	nftw(bench->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(bench->late);
	free(bench);
}

static void test_after_any_storm_every_directory_is_heard_under_its_path(void **unused)
{
	const char *given = getenv("STORM_SEED");
	(void)unused;
	if (given) {
		one_storm((unsigned)atoi(given));
		return;
	}
	for (unsigned seed = 1; seed <= 5; seed++)
		one_storm(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_after_any_storm_every_directory_is_heard_under_its_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
