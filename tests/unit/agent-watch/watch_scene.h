/*
 * watch_scene - a watched directory, and what was said of it: for the tests of watch.
 */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_WATCH_WATCH_SCENE_H
#define TSUJIBAN_TESTS_UNIT_AGENT_WATCH_WATCH_SCENE_H

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

static inline void copy_text(char *out, size_t room, struct slice text)
{
	assert_true(text.len < room);
	memcpy(out, text.ptr ? (const void *)text.ptr : "", text.len);
	out[text.len] = '\0';
}

static inline void on_touched(void *ctx, const struct touch *touch)
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

static inline void on_overflowed(void *ctx)
{
	struct bench *bench = ctx;
	bench->overflows++;
	bench->is_over = true;
	loop_stop(bench->loop);
}

static inline void on_degraded(void *ctx, struct slice dir, const char *why)
{
	struct bench *bench = ctx;
	assert_true(dir.len > 0 && why[0]);
	bench->degraded++;
}

static inline void on_impatience(void *ctx)
{
	struct bench *bench = ctx;
	bench->has_failed = true;
	loop_stop(bench->loop);
}

static inline void run(struct bench *bench)
{
	bench->is_over = false;
	timer_start(bench->patience, PATIENCE_MS, 0);
	loop_run(bench->loop);
	timer_stop(bench->patience);
	if (bench->has_failed)
		fail_msg("nothing with hints %#x came for '%s'", bench->awaited_hints,
		        bench->awaited ? bench->awaited : "");
}

static inline const char *in(struct bench *bench, const char *name)
{
	static char path[8][512];
	static unsigned turn;
	char *out = path[turn++ % 8];
	snprintf(out, sizeof(path[0]), "%s/%s", bench->dir, name);
	return out;
}

/* Runs the loop until such a touch comes; what came before stays in `seen`. */
static inline void await(struct bench *bench, const char *name, unsigned hints)
{
	char path[512];
	snprintf(path, sizeof(path), "%s", in(bench, name));
	bench->awaited = path;
	bench->awaited_hints = hints;
	run(bench);
	bench->awaited = NULL;
}

/* Everything queued so far is read: a marker that is made now is the last of it. */
static inline void settle_down(struct bench *bench)
{
	static unsigned turn;
	char name[32];
	snprintf(name, sizeof(name), ".marker%u", turn++);
	int fd = open(in(bench, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	await(bench, name, TOUCH_DONE);
}

static inline unsigned hints_for(struct bench *bench, const char *name)
{
	unsigned hints = 0;
	for (size_t i = 0; i < bench->count; i++)
		if (strcmp(bench->seen[i].path, in(bench, name)) == 0)
			hints |= bench->seen[i].hints;
	return hints;
}

static inline size_t count_for(struct bench *bench, const char *name, unsigned hints)
{
	size_t count = 0;
	for (size_t i = 0; i < bench->count; i++)
		if (strcmp(bench->seen[i].path, in(bench, name)) == 0 &&
		        (bench->seen[i].hints & hints) == hints)
			count++;
	return count;
}

static inline const struct seen *rename_to(struct bench *bench, const char *name)
{
	for (size_t i = 0; i < bench->count; i++)
		if (bench->seen[i].old_path[0] && strcmp(bench->seen[i].path, in(bench, name)) == 0)
			return &bench->seen[i];
	return NULL;
}

static inline int add(struct bench *bench, const char *name)
{
	return watch_add(bench->watch, slice_text(name ? in(bench, name) : bench->dir));
}

static inline void write_file(struct bench *bench, const char *name, const char *text)
{
	int fd = open(in(bench, name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static inline void make_dir(struct bench *bench, const char *name)
{
	assert_int_equal(mkdir(in(bench, name), 0755), 0);
}

static inline void move(struct bench *bench, const char *from, const char *to)
{
	assert_int_equal(rename(in(bench, from), in(bench, to)), 0);
}

static inline int set_up(void **state)
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

static inline int remove_one(const char *path, const struct stat *info, int flag, struct FTW *walk)
{
	(void)info, (void)flag, (void)walk;
	return remove(path);
}

static inline int tear_down(void **state)
{
	struct bench *bench = *state;
	watch_free(bench->watch);
	timer_free(bench->patience);
	loop_free(bench->loop);
	nftw(bench->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(bench);
	return 0;
}

#endif
