/*
 * journal_scene - a journal on a tree and a store of its own.
 */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_FIM_JOURNAL_SCENE_H
#define TSUJIBAN_TESTS_UNIT_AGENT_FIM_JOURNAL_SCENE_H

#include "agent/fim/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "agent/state/spool.h"
#include "agent/touch/explainer.h"
#include "scratch.h"

#define TEXT_MAX 4000

static struct scratch scratch;
static struct loop *loop;
static struct filter *filter;
static struct settle *settle;
static struct journal *journal;
static struct arena *arena;
static struct reason why;
static unsigned stuck_count, unstuck_count, directory_count, gone_count, linked_count;
static struct buf changed;  /* what was reported of it, a line each */
static bool is_free_wanted; /* in the next callback */
static bool is_wait_wanted; /* when a path is about to be read */
static bool is_stop_wanted; /* at the next commit, even if paths wait */
static uint64_t told_seq;   /* events up to here were looked at */

static inline void free_journal(void)
{
	journal_free(journal);
	journal = NULL;
}

static inline bool is_quiet(void)
{
	return !journal || (journal_is_idle(journal) && settle_count(settle) == 0);
}

static inline void on_committed(void *ctx, uint64_t events)
{
	(void)ctx;
	(void)events;
	if (is_free_wanted)
		free_journal();
	if (is_quiet() || is_stop_wanted)
		loop_stop(loop);
}

static inline void on_directory(void *ctx, struct slice dir, enum event_cause cause)
{
	(void)ctx;
	(void)dir;
	(void)cause;
	directory_count++;
}

static inline void on_directory_gone(void *ctx, struct slice dir)
{
	(void)ctx;
	(void)dir;
	gone_count++;
}

static inline void on_linked(void *ctx, uint64_t device, uint64_t inode)
{
	(void)ctx;
	(void)device;
	(void)inode;
	linked_count++;
}

static inline void on_changed(void *ctx, struct slice path, bool is_directory)
{
	(void)ctx;
	size_t skip = strlen(scratch.dir) + 1;
	buf_printf(&changed, "%.*s%s\n", (int)(path.len - skip), (const char *)path.ptr + skip,
	        is_directory ? "/" : "");
}

static inline void on_stuck(void *ctx, int code, const struct reason *reason)
{
	(void)ctx;
	(void)reason;
	assert_int_equal(code, -ENOSPC);
	stuck_count++;
	loop_stop(loop);
}

static inline void on_unstuck(void *ctx)
{
	(void)ctx;
	unstuck_count++;
}

static inline void on_overflowed(void *ctx, struct slice dir, enum event_cause cause)
{
	(void)ctx;
	(void)dir;
	(void)cause;
}

static inline void on_reading(void *ctx)
{
	(void)ctx;
	if (is_wait_wanted)
		journal_wait(journal, true);
}

static const struct journal_events EVENTS = {
        .reading = on_reading,
        .committed = on_committed,
        .directory = on_directory,
        .directory_gone = on_directory_gone,
        .linked = on_linked,
        .changed = on_changed,
        .stuck = on_stuck,
        .unstuck = on_unstuck,
};

static inline void make_journal(void)
{
	struct journal_limits limits = {.hash_limit_bytes = 1u << 20, .batch_paths = 64};
	assert_int_equal(
	        journal_new(loop, scratch.state, filter, settle, &limits, &EVENTS, NULL, &journal),
	        0);
}

static inline int begin(void **state)
{
	(void)state;
	struct settle_limits settle_limits = {.quiet_ms = 1, .most_ms = 10};
	stuck_count = unstuck_count = directory_count = gone_count = linked_count = 0;
	is_free_wanted = is_stop_wanted = is_wait_wanted = false;
	told_seq = 0;
	if (!scratch_init(&scratch))
		return -1;
	struct watch_entry entry = {.path = scratch.root, .recursive = true};
	if (filter_new(&entry, 1, &filter, &why) < 0)
		return -1;
	loop = loop_new();
	settle = settle_new(&settle_limits, on_overflowed, NULL);
	arena = arena_new(8u << 20);
	make_journal();
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	journal_free(journal);
	loop_free(loop);
	settle_free(settle);
	filter_free(filter);
	arena_free(arena);
	buf_fini(&changed);
	scratch_fini(&scratch);
	return 0;
}

static inline void touch_as(const char *name, unsigned hints, enum event_cause cause)
{
	struct touch touch = {
	        .path = slice_text(scratch_path(&scratch, name)), .hints = hints, .cause = cause};
	settle_touch(settle, &touch, loop_now_ms(loop));
}

static inline void touch(const char *name, unsigned hints)
{
	touch_as(name, hints, CAUSE_LIVE);
}

static inline void rename_one(const char *old, const char *new, unsigned hints)
{
	assert_int_equal(rename(scratch_path(&scratch, old), scratch_path(&scratch, new)), 0);
	struct touch touch = {.path = slice_text(scratch_path(&scratch, new)),
	        .old_path = slice_text(scratch_path(&scratch, old)),
	        .hints = TOUCH_DONE | hints,
	        .cause = CAUSE_LIVE};
	settle_touch(settle, &touch, loop_now_ms(loop));
}

static inline void write_file(const char *name, const char *text)
{
	assert_true(scratch_write(&scratch, name, text));
}

static inline void make_dir(const char *name)
{
	assert_true(scratch_mkdir(&scratch, name));
}

/* Until everything that was touched is committed. */
static inline void run(void)
{
	journal_kick(journal);
	if (!is_quiet())
		loop_run(loop);
}

static inline void append_event(struct buf *out, const struct event *event)
{
	size_t skip = strlen(scratch.dir);
	buf_printf(out, "%s", event_action_name(event->action));
	if (event->old_path.len > skip)
		buf_printf(out, " %.*s ->", (int)(event->old_path.len - skip - 1),
		        (const char *)event->old_path.ptr + skip + 1);
	if (event->path.len > skip)
		buf_printf(out, " %.*s", (int)(event->path.len - skip - 1),
		        (const char *)event->path.ptr + skip + 1);
	if (event->cause != CAUSE_LIVE)
		buf_printf(out, " (%s)", event_cause_name(event->cause));
	if (event->count)
		buf_printf(out, " x%u", event->count);
	if (event->changed & CHANGED_CONTENT)
		buf_append_text(out, " content");
	if (event->explained)
		buf_printf(out, " by %.*s", SLICE_ARG(event->explained->package));
	buf_append_byte(out, '\n');
}

static inline void assert_told(const char *wanted)
{
	struct buf text = BUF_INIT;
	uint64_t next = state_position(scratch.state).next_seq;
	for (; told_seq + 1 < next; told_seq++) {
		struct batch batch;
		struct event event;
		arena_reset(arena);
		assert_int_equal(
		        spool_read(scratch.state, told_seq + 1, 1, 1u << 20, arena, &batch), 0);
		if (wire_event_decode(batch.events[0], arena, &event, &why) < 0)
			fail_msg("%s", why.text);
		append_event(&text, &event);
	}
	assert_string_equal(buf_text(&text), wanted);
	buf_fini(&text);
}

static inline bool is_known(const char *name, struct filestate *out)
{
	struct kv_txn *txn;
	struct filestate known;
	assert_int_equal(kv_begin_read(state_kv(scratch.state), &txn), 0);
	int rc = baseline_get(txn, slice_text(scratch_path(&scratch, name)), &known);
	known.owner = known.group = known.target = (struct slice){0};
	kv_abort(txn);
	if (out && rc == 0)
		*out = known;
	return rc == 0;
}

/* Makes the root baselined and these files known, without their events. */
static inline void know(const char *const *names)
{
	journal_mark_baselined(journal, slice_text(scratch.root));
	touch("m", TOUCH_DONE | TOUCH_DIRECTORY);
	for (; *names; names++) {
		size_t len = strlen(*names);
		char name[64];
		snprintf(name, sizeof(name), "%.*s", (int)(len - ((*names)[len - 1] == '/')),
		        *names);
		if ((*names)[len - 1] == '/')
			make_dir(name);
		else
			write_file(name, "first\n");
		touch(name, TOUCH_DONE);
	}
	run();
	told_seq = state_position(scratch.state).next_seq - 1;
	directory_count = gone_count = 0;
}

#define KNOW(...) know((const char *const[]){__VA_ARGS__, NULL})

#endif
