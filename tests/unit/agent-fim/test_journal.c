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

static void free_journal(void)
{
	journal_free(journal);
	journal = NULL;
}

static bool is_quiet(void)
{
	return !journal || (journal_is_idle(journal) && settle_count(settle) == 0);
}

static void on_committed(void *ctx, uint64_t events)
{
	(void)ctx;
	(void)events;
	if (is_free_wanted)
		free_journal();
	if (is_quiet() || is_stop_wanted)
		loop_stop(loop);
}

static void on_directory(void *ctx, struct slice dir, enum event_cause cause)
{
	(void)ctx;
	(void)dir;
	(void)cause;
	directory_count++;
}

static void on_directory_gone(void *ctx, struct slice dir)
{
	(void)ctx;
	(void)dir;
	gone_count++;
}

static void on_linked(void *ctx, uint64_t device, uint64_t inode)
{
	(void)ctx;
	(void)device;
	(void)inode;
	linked_count++;
}

static void on_changed(void *ctx, struct slice path, bool is_directory)
{
	(void)ctx;
	size_t skip = strlen(scratch.dir) + 1;
	buf_printf(&changed, "%.*s%s\n", (int)(path.len - skip), (const char *)path.ptr + skip,
	        is_directory ? "/" : "");
}

static void on_stuck(void *ctx, int code, const struct reason *reason)
{
	(void)ctx;
	(void)reason;
	assert_int_equal(code, -ENOSPC);
	stuck_count++;
	loop_stop(loop);
}

static void on_unstuck(void *ctx)
{
	(void)ctx;
	unstuck_count++;
}

static void on_overflowed(void *ctx, struct slice dir, enum event_cause cause)
{
	(void)ctx;
	(void)dir;
	(void)cause;
}

static void on_reading(void *ctx)
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

static void make_journal(void)
{
	struct journal_limits limits = {.hash_limit_bytes = 1u << 20, .batch_paths = 64};
	assert_int_equal(
	        journal_new(loop, scratch.state, filter, settle, &limits, &EVENTS, NULL, &journal),
	        0);
}

static int begin(void **state)
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

static int end(void **state)
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

static void touch_as(const char *name, unsigned hints, enum event_cause cause)
{
	struct touch touch = {
	        .path = slice_text(scratch_path(&scratch, name)), .hints = hints, .cause = cause};
	settle_touch(settle, &touch, loop_now_ms(loop));
}

static void touch(const char *name, unsigned hints)
{
	touch_as(name, hints, CAUSE_LIVE);
}

static void rename_one(const char *old, const char *new, unsigned hints)
{
	assert_int_equal(rename(scratch_path(&scratch, old), scratch_path(&scratch, new)), 0);
	struct touch touch = {.path = slice_text(scratch_path(&scratch, new)),
	        .old_path = slice_text(scratch_path(&scratch, old)),
	        .hints = TOUCH_DONE | hints,
	        .cause = CAUSE_LIVE};
	settle_touch(settle, &touch, loop_now_ms(loop));
}

static void write_file(const char *name, const char *text)
{
	assert_true(scratch_write(&scratch, name, text));
}

static void make_dir(const char *name)
{
	assert_true(scratch_mkdir(&scratch, name));
}

/* Until everything that was touched is committed. */
static void run(void)
{
	journal_kick(journal);
	if (!is_quiet())
		loop_run(loop);
}

static void append_event(struct buf *out, const struct event *event)
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

static void assert_told(const char *wanted)
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

static bool is_known(const char *name, struct filestate *out)
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
static void know(const char *const *names)
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

/* --- what becomes of a path ------------------------------------------------------------------ */

static void test_a_first_scan_is_a_baseline_and_news_are_live(void **state)
{
	(void)state;
	write_file("m/a", "x");
	write_file("m/b", "x");
	touch_as("m", TOUCH_DONE | TOUCH_DIRECTORY, CAUSE_BASELINE);
	touch_as("m/a", TOUCH_DONE, CAUSE_BASELINE);
	touch("m/b", TOUCH_DONE);
	run();
	assert_told("created m (baseline)\ncreated m/a (baseline)\ncreated m/b (baseline)\n");
	write_file("m/c", "x");
	touch("m/c", TOUCH_CREATED | TOUCH_DONE);
	run();
	assert_told("created m/c\n");
	assert_false(journal_is_baselined(journal, slice_text(scratch.root)));
	journal_mark_baselined(journal, slice_text(scratch.root));
	assert_true(journal_is_baselined(journal, slice_text(scratch.root)));
	run();
	assert_true(journal_is_baselined(journal, slice_text(scratch.root)));
	write_file("m/d", "x");
	touch_as("m/d", TOUCH_DONE, CAUSE_OFFLINE);
	run();
	assert_told("created m/d (offline)\n");
}

static void test_changes_are_told_once(void **state)
{
	(void)state;
	KNOW("m/a", "m/b");
	write_file("m/a", "second\n");
	touch("m/a", TOUCH_DONE);
	assert_int_equal(chmod(scratch_path(&scratch, "m/b"), 0600), 0);
	touch("m/b", TOUCH_DONE);
	run();
	assert_told("modified m/a content\nattributes m/b\n");
	touch("m/a", TOUCH_DONE);
	touch("m/b", TOUCH_DONE);
	run();
	assert_told("");
	assert_int_equal(unlink(scratch_path(&scratch, "m/a")), 0);
	touch("m/a", TOUCH_GONE);
	run();
	assert_told("deleted m/a\n");
	assert_false(is_known("m/a", NULL));
	touch("m/a", TOUCH_GONE);
	run();
	assert_told("");
}

/* Same size, and mostly within the same tick of the kernel's clock: times cannot tell. */
static void test_quick_rewrites_are_never_taken_for_the_same(void **state)
{
	(void)state;
	KNOW("m/a");
	char text[] = "a\n";
	for (int i = 0; i < 26; i++) {
		text[0] = (char)('a' + i);
		write_file("m/a", text);
		touch("m/a", TOUCH_DONE);
		run();
		assert_told("modified m/a content\n");
	}
}

static void test_lives_that_nobody_saw_are_transient(void **state)
{
	(void)state;
	KNOW("m/x");
	for (int i = 0; i < 3; i++)
		touch("m/a", TOUCH_CREATED | TOUCH_DONE);
	touch("m/b", TOUCH_GONE);
	run();
	assert_told("transient m/a x3\n");
	touch("m/a", TOUCH_CREATED);
	touch("m/a", TOUCH_CREATED | TOUCH_DONE);
	write_file("m/a", "x");
	run();
	assert_told("transient m/a x1\ncreated m/a\n");
}

static void test_a_directory_takes_its_contents_along_when_deleted(void **state)
{
	(void)state;
	KNOW("m/d/", "m/d/a", "m/d/e/", "m/d/e/f", "m/d.x");
	assert_int_equal(unlink(scratch_path(&scratch, "m/d/e/f")), 0);
	assert_int_equal(rmdir(scratch_path(&scratch, "m/d/e")), 0);
	assert_int_equal(unlink(scratch_path(&scratch, "m/d/a")), 0);
	assert_int_equal(rmdir(scratch_path(&scratch, "m/d")), 0);
	touch("m/d", TOUCH_GONE | TOUCH_DIRECTORY);
	touch("m/d/a", TOUCH_GONE);
	touch("m/d/e/f", TOUCH_GONE);
	run();
	assert_told("deleted m/d/e/f\ndeleted m/d/e\ndeleted m/d/a\ndeleted m/d\n");
	assert_int_equal(gone_count, 1);
	assert_true(is_known("m/d.x", NULL));
}

static void test_a_huge_directory_is_deleted_in_several_commits(void **state)
{
	(void)state;
	KNOW("m/d/");
	struct filestate file = {.type = FILE_REGULAR, .hash = HASH_TOO_LARGE};
	struct state_txn *txn;
	assert_int_equal(state_begin(scratch.state, &txn, NULL), 0);
	for (int i = 0; i < 9000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "m/d/%d", i);
		assert_int_equal(
		        baseline_put(txn, slice_text(scratch_path(&scratch, name)), &file), 0);
	}
	assert_int_equal(state_commit(txn, NULL), 0);
	assert_int_equal(rmdir(scratch_path(&scratch, "m/d")), 0);
	touch("m/d", TOUCH_GONE | TOUCH_DIRECTORY);
	run();
	assert_int_equal(state_position(scratch.state).next_seq, told_seq + 1 + 9001);
	told_seq = state_position(scratch.state).next_seq - 2;
	assert_told("deleted m/d\n");
	assert_int_equal(gone_count, 1);
}

static void test_a_directory_that_became_a_file_loses_its_contents_first(void **state)
{
	(void)state;
	KNOW("m/d/", "m/d/a");
	assert_int_equal(unlink(scratch_path(&scratch, "m/d/a")), 0);
	assert_int_equal(rmdir(scratch_path(&scratch, "m/d")), 0);
	write_file("m/d", "now a file\n");
	touch("m/d", TOUCH_CREATED | TOUCH_DONE);
	run();
	assert_told("deleted m/d/a\nmodified m/d content\n");
	assert_int_equal(gone_count, 1);
}

static void test_new_directories_are_reported(void **state)
{
	(void)state;
	KNOW("m/x");
	make_dir("m/d");
	touch("m/d", TOUCH_CREATED | TOUCH_DIRECTORY);
	make_dir("m/e");
	touch_as("m/e", TOUCH_DIRECTORY | TOUCH_DONE, CAUSE_OFFLINE); /* its walk goes on itself */
	run();
	assert_told("created m/d\ncreated m/e (offline)\n");
	assert_int_equal(directory_count, 1);
}

/* --- renames --------------------------------------------------------------------------------- */

static void test_a_moved_file_is_moved_with_its_hash(void **state)
{
	(void)state;
	KNOW("m/a");
	struct filestate before, after;
	assert_true(is_known("m/a", &before));
	rename_one("m/a", "m/b", 0);
	run();
	assert_told("moved m/a -> m/b\n");
	assert_false(is_known("m/a", NULL));
	assert_true(is_known("m/b", &after));
	assert_int_equal(after.hash, HASH_DONE);
	assert_memory_equal(before.sha256, after.sha256, SHA256_BYTES);
}

static void test_a_file_moved_and_changed_says_both(void **state)
{
	(void)state;
	KNOW("m/a");
	rename_one("m/a", "m/b", 0);
	write_file("m/b", "another content\n");
	touch("m/b", TOUCH_DONE);
	run();
	assert_told("moved m/a -> m/b content\n");
}

static void test_a_rename_over_a_known_file_modifies_it(void **state)
{
	(void)state;
	KNOW("m/a", "m/b");
	write_file("m/a", "second\n");
	rename_one("m/a", "m/b", 0);
	run();
	assert_told("modified m/b content\ndeleted m/a\n");
}

static void test_a_safe_save_is_one_modification(void **state)
{
	(void)state;
	KNOW("m/a");
	write_file("m/.a.tmp", "second\n");
	touch("m/.a.tmp", TOUCH_CREATED | TOUCH_WRITING);
	rename_one("m/.a.tmp", "m/a", 0);
	run();
	assert_told("modified m/a content\n");
}

static void test_a_rotation_tells_its_moves(void **state)
{
	(void)state;
	KNOW("m/log", "m/log.1");
	rename_one("m/log.1", "m/log.2", 0);
	rename_one("m/log", "m/log.1", 0);
	write_file("m/log", "new\n");
	touch("m/log", TOUCH_CREATED | TOUCH_DONE);
	run();
	assert_told("moved m/log.1 -> m/log.2\nmoved m/log -> m/log.1\ncreated m/log\n");
}

static void test_a_moved_directory_keeps_what_is_known_below(void **state)
{
	(void)state;
	KNOW("m/d/", "m/d/a", "m/d/e/", "m/d/e/f");
	/* A touch under the old name, not yet looked at. */
	touch("m/d/a", TOUCH_DONE);
	rename_one("m/d", "m/n", TOUCH_DIRECTORY);
	run();
	assert_told("moved m/d -> m/n\n");
	assert_true(is_known("m/n/e/f", NULL));
	assert_false(is_known("m/d/e/f", NULL));
	assert_int_equal(directory_count, 1); /* to be walked */
}

/* A batch holds readings of different moments. */
static void test_what_is_seen_before_its_directory_waits_for_it(void **state)
{
	(void)state;
	KNOW("m/other");
	make_dir("m/d");
	make_dir("m/d/e");
	write_file("m/d/e/f", "x");
	touch("m/d/e/f", TOUCH_CREATED | TOUCH_DONE);
	run();
	assert_told("created m/d\ncreated m/d/e\ncreated m/d/e/f\n");
}

static void test_nothing_is_kept_that_was_seen_through_a_link(void **state)
{
	(void)state;
	KNOW("m/d/", "m/d/e/", "m/d/e/f");
	assert_int_equal(symlink("d", scratch_path(&scratch, "m/link")), 0);
	touch("m/link/e/f", TOUCH_DONE);
	touch("m/link", TOUCH_CREATED | TOUCH_DONE);
	run();
	assert_told("created m/link\n");
}

static void test_directories_that_went_to_and_fro_are_listed(void **state)
{
	(void)state;
	KNOW("m/d/", "m/d/f");
	rename_one("m/d", "m/e", TOUCH_DIRECTORY | TOUCH_RELIST);
	rename_one("m/e", "m/d", TOUCH_DIRECTORY | TOUCH_RELIST);
	run();
	assert_told("");
	assert_int_equal(directory_count, 1);
}

static void test_changes_of_files_with_more_names_are_reported(void **state)
{
	(void)state;
	KNOW("m/a", "m/b");
	assert_int_equal(link(scratch_path(&scratch, "m/a"), scratch_path(&scratch, "m/c")), 0);
	write_file("m/a", "second\n");
	write_file("m/b", "second\n");
	touch("m/a", TOUCH_DONE);
	touch("m/b", TOUCH_DONE);
	run();
	assert_int_equal(linked_count, 1);
	touch("m/a", TOUCH_DONE);
	run();
	assert_int_equal(linked_count, 1);
}

static void assert_changed(const char *wanted)
{
	assert_string_equal(buf_text(&changed), wanted);
	buf_reset(&changed);
}

static void test_what_was_told_of_is_reported_a_directory_as_a_whole(void **state)
{
	(void)state;
	KNOW("m/a", "m/d/", "m/d/f");
	buf_reset(&changed);
	write_file("m/a", "second\n");
	touch("m/a", TOUCH_DONE);
	run();
	assert_changed("m/a\n");
	touch("m/a", TOUCH_DONE);
	assert_int_equal(chmod(scratch_path(&scratch, "m/d"), 0700), 0);
	touch("m/d", TOUCH_DONE | TOUCH_DIRECTORY);
	run();
	assert_changed("");
	rename_one("m/a", "m/b", 0);
	run();
	assert_changed("m/b\nm/a\n");
	rename_one("m/d", "m/e", TOUCH_DIRECTORY);
	run();
	assert_changed("m/e/\nm/d/\n");
	assert_int_equal(unlink(scratch_path(&scratch, "m/e/f")), 0);
	assert_int_equal(rmdir(scratch_path(&scratch, "m/e")), 0);
	touch("m/e", TOUCH_GONE | TOUCH_DONE | TOUCH_DIRECTORY);
	run();
	assert_changed("m/e/\n");
}

static void test_an_exchange_modifies_both(void **state)
{
	(void)state;
	KNOW("m/a");
	write_file("m/b", "other content\n");
	touch("m/b", TOUCH_DONE);
	run();
	assert_told("created m/b\n");
	rename_one("m/a", "m/t", 0);
	rename_one("m/b", "m/a", 0);
	rename_one("m/t", "m/b", 0);
	run();
	struct filestate a, b;
	assert_true(is_known("m/a", &a) && is_known("m/b", &b));
	assert_int_equal(a.size, 14);
	assert_int_equal(b.size, 6);
	assert_false(is_known("m/t", NULL));
}

/* --- the rest -------------------------------------------------------------------------------- */

static void test_retiring_takes_one_event(void **state)
{
	(void)state;
	KNOW("m/d/", "m/d/a", "m/d/b");
	touch_as("m/d", TOUCH_RETIRE, CAUSE_OFFLINE);
	touch_as("m/nothing", TOUCH_RETIRE, CAUSE_OFFLINE);
	run();
	assert_told("retired m/d (offline)\n");
	assert_false(is_known("m/d/a", NULL));
	assert_false(is_known("m/d", NULL));
}

static void test_notes_are_written_in_order_without_any_path(void **state)
{
	(void)state;
	struct event event = {
	        .time_ns = 1, .kind = EVENT_AGENT, .action = ACTION_STARTED, .cause = CAUSE_LIVE};
	journal_note(journal, &event);
	event.action = ACTION_BASELINED;
	event.count = 3;
	journal_note(journal, &event);
	assert_false(journal_is_idle(journal));
	run();
	assert_told("started\nbaselined x3\n");
}

static void test_many_paths_in_many_batches_are_each_told_once(void **state)
{
	(void)state;
	KNOW("m/x");
	for (int i = 0; i < 1000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "m/%d", i);
		write_file(name, name);
		touch(name, TOUCH_CREATED | TOUCH_DONE);
	}
	run();
	assert_int_equal(state_position(scratch.state).next_seq, told_seq + 1 + 1000);
}

static void test_a_held_journal_begins_nothing(void **state)
{
	(void)state;
	KNOW("m/x");
	write_file("m/a", "x");
	journal_hold(journal, true);
	touch("m/a", TOUCH_CREATED | TOUCH_DONE);
	journal_kick(journal);
	assert_true(journal_is_idle(journal));
	journal_hold(journal, false);
	run();
	assert_told("created m/a\n");
}

static void test_paths_wait_while_notes_are_written(void **state)
{
	(void)state;
	struct event event = {
	        .time_ns = 1, .kind = EVENT_AGENT, .action = ACTION_STARTED, .cause = CAUSE_LIVE};
	KNOW("m/x");
	write_file("m/a", "x");
	journal_wait(journal, true);
	touch("m/a", TOUCH_CREATED | TOUCH_DONE);
	journal_note(journal, &event);
	is_stop_wanted = true;
	run();
	assert_told("started\n");
	is_stop_wanted = false;
	journal_wait(journal, false);
	run();
	assert_told("created m/a\n");
}

static void test_the_last_moment_to_wait_is_before_a_path_is_read(void **state)
{
	(void)state;
	KNOW("m/x");
	write_file("m/a", "x");
	is_wait_wanted = true;
	touch("m/a", TOUCH_CREATED | TOUCH_DONE);
	journal_kick(journal);
	assert_true(journal_is_idle(journal));
	is_wait_wanted = false;
	journal_wait(journal, false);
	run();
	assert_told("created m/a\n");
}

/* Explains every file whose MD5 it is given; what is told ends in its counts. */
struct guide {
	struct explainer explainer;
	uint32_t told[EXPLAINED_MAX + 1];
	bool is_disposed;
};

static bool guide_wants_md5(const struct explainer *explainer, struct slice path)
{
	(void)explainer;
	return memmem(path.ptr, path.len, "packaged", 8) != NULL;
}

static bool guide_explain(const struct explainer *explainer, struct slice path,
        const struct filestate *before, const struct filestate *after, const uint8_t *md5,
        struct explained *out)
{
	/* MD5 of "x" */
	static const uint8_t wanted[MD5_BYTES] = {0x9d, 0xd4, 0xe4, 0x61, 0x26, 0x8c, 0x80, 0x34,
	        0xf5, 0xc8, 0x56, 0x4e, 0x15, 0x5c, 0x67, 0xa6};
	(void)explainer;
	(void)path;
	*out = (struct explained){.package = slice_text("p"), .transaction = 1};
	out->state = after ? EXPLAINED_VERIFIED : EXPLAINED_REMOVED;
	return after ? md5 && memcmp(md5, wanted, MD5_BYTES) == 0 : before != NULL;
}

static void guide_told(struct explainer *explainer, const struct tally *tally)
{
	struct guide *guide = (struct guide *)explainer;
	guide->told[EXPLAINED_NONE] += tally->none;
	for (size_t i = 0; i <= EXPLAINED_MAX; i++)
		guide->told[i] += tally->run[0].events[i];
}

static void guide_dispose(struct explainer *explainer)
{
	((struct guide *)explainer)->is_disposed = true;
}

static struct guide guide_new(void)
{
	return (struct guide){.explainer = {.references = 1,
	                              .wants_md5 = guide_wants_md5,
	                              .explain = guide_explain,
	                              .told = guide_told,
	                              .dispose = guide_dispose}};
}

static void test_changes_are_explained_and_counted(void **state)
{
	(void)state;
	struct guide guide = guide_new();
	KNOW("m/x", "m/dir/", "m/dir/y");
	journal_explain(journal, &guide.explainer);
	explainer_drop(&guide.explainer);
	write_file("m/packaged", "x");
	write_file("m/packaged-and-changed", "y");
	touch("m/packaged", TOUCH_CREATED | TOUCH_DONE);
	touch("m/packaged-and-changed", TOUCH_CREATED | TOUCH_DONE);
	run();
	assert_told("created m/packaged by p\ncreated m/packaged-and-changed\n");
	assert_int_equal(unlink(scratch_path(&scratch, "m/dir/y")), 0);
	assert_int_equal(rmdir(scratch_path(&scratch, "m/dir")), 0);
	touch("m/dir", TOUCH_GONE | TOUCH_DONE);
	run();
	assert_told("deleted m/dir/y by p\ndeleted m/dir by p\n");
	assert_int_equal(guide.told[EXPLAINED_VERIFIED], 1);
	assert_int_equal(guide.told[EXPLAINED_REMOVED], 2);
	assert_int_equal(guide.told[EXPLAINED_NONE], 1);
	assert_false(guide.is_disposed);
	journal_explain(journal, NULL);
	assert_true(guide.is_disposed);
}

static void test_an_explainer_lives_as_long_as_the_batch_that_asks_it(void **state)
{
	(void)state;
	struct guide guide = guide_new();
	KNOW("m/x");
	write_file("m/packaged", "x");
	journal_explain(journal, &guide.explainer);
	explainer_drop(&guide.explainer);
	touch("m/packaged", TOUCH_CREATED | TOUCH_DONE);
	journal_kick(journal);
	journal_explain(journal, NULL);
	assert_false(guide.is_disposed);
	run();
	assert_told("created m/packaged by p\n");
	assert_true(guide.is_disposed);
}

static void test_values_are_remembered_and_forgotten(void **state)
{
	(void)state;
	struct kv_txn *txn;
	struct slice value;
	journal_remember(journal, slice_text("a name"), slice_text("a value"));
	run();
	assert_int_equal(kv_begin_read(state_kv(scratch.state), &txn), 0);
	assert_int_equal(state_meta_get(txn, "a name", &value), 0);
	assert_true(slice_is(value, "a value"));
	kv_abort(txn);
	journal_remember(journal, slice_text("a name"), (struct slice){0});
	journal_remember(journal, slice_text("never there"), (struct slice){0});
	run();
	assert_int_equal(kv_begin_read(state_kv(scratch.state), &txn), 0);
	assert_int_equal(state_meta_get(txn, "a name", &value), ERR_MISSING);
	kv_abort(txn);
}

static void confirm_everything(void)
{
	struct state_txn *txn;
	assert_int_equal(state_begin(scratch.state, &txn, NULL), 0);
	assert_int_equal(spool_trim(txn, UINT64_MAX), 0);
	assert_int_equal(state_commit(txn, NULL), 0);
}

static void test_a_full_store_loses_nothing(void **state)
{
	(void)state;
	/* Another store, too small for what comes until the spool is trimmed. */
	char small[96];
	free_journal();
	state_close(scratch.state);
	snprintf(small, sizeof(small), "%s/small", scratch.dir);
	struct state_limits limits = {.spool_bytes = 1u << 30, .map_bytes = 400u << 10};
	assert_int_equal(state_open(small, &limits, &scratch.state, &why), 0);
	make_journal();
	touch("m", TOUCH_DONE | TOUCH_DIRECTORY);
	for (int i = 0; i < 1200; i++) {
		char name[32];
		snprintf(name, sizeof(name), "m/%d", i);
		write_file(name, "");
		touch(name, TOUCH_CREATED | TOUCH_DONE);
	}
	run();
	assert_int_equal(stuck_count, 1);
	assert_int_equal(unstuck_count, 0);
	assert_true(settle_count(settle) > 0);
	struct event note = {
	        .time_ns = 1, .kind = EVENT_AGENT, .action = ACTION_STARTED, .cause = CAUSE_LIVE};
	journal_note(journal, &note);
	while (!is_quiet()) {
		confirm_everything();
		run();
	}
	assert_int_equal(unstuck_count, stuck_count);
	assert_int_equal(state_position(scratch.state).next_seq, 1 + 1201 + 1);
	struct kv_txn *txn;
	assert_int_equal(kv_begin_read(state_kv(scratch.state), &txn), 0);
	assert_int_equal(baseline_count(txn), 1201);
	kv_abort(txn);
}

static void test_it_may_be_freed_in_its_own_callback(void **state)
{
	(void)state;
	write_file("m/a", "x");
	touch("m/a", TOUCH_DONE);
	is_free_wanted = true;
	run();
	assert_null(journal);
}

static void test_it_may_be_freed_while_it_reads(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		char name[32];
		snprintf(name, sizeof(name), "m/%d", i);
		write_file(name, name);
		touch(name, TOUCH_DONE);
	}
	journal_kick(journal);
	assert_false(journal_is_idle(journal));
	free_journal();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(test_a_first_scan_is_a_baseline_and_news_are_live),
	        TEST(test_changes_are_told_once),
	        TEST(test_quick_rewrites_are_never_taken_for_the_same),
	        TEST(test_lives_that_nobody_saw_are_transient),
	        TEST(test_a_directory_takes_its_contents_along_when_deleted),
	        TEST(test_a_huge_directory_is_deleted_in_several_commits),
	        TEST(test_a_directory_that_became_a_file_loses_its_contents_first),
	        TEST(test_new_directories_are_reported),
	        TEST(test_a_moved_file_is_moved_with_its_hash),
	        TEST(test_a_file_moved_and_changed_says_both),
	        TEST(test_a_rename_over_a_known_file_modifies_it),
	        TEST(test_a_safe_save_is_one_modification),
	        TEST(test_a_rotation_tells_its_moves),
	        TEST(test_a_moved_directory_keeps_what_is_known_below),
	        TEST(test_what_is_seen_before_its_directory_waits_for_it),
	        TEST(test_nothing_is_kept_that_was_seen_through_a_link),
	        TEST(test_directories_that_went_to_and_fro_are_listed),
	        TEST(test_changes_of_files_with_more_names_are_reported),
	        TEST(test_what_was_told_of_is_reported_a_directory_as_a_whole),
	        TEST(test_an_exchange_modifies_both),
	        TEST(test_retiring_takes_one_event),
	        TEST(test_notes_are_written_in_order_without_any_path),
	        TEST(test_many_paths_in_many_batches_are_each_told_once),
	        TEST(test_a_held_journal_begins_nothing),
	        TEST(test_paths_wait_while_notes_are_written),
	        TEST(test_the_last_moment_to_wait_is_before_a_path_is_read),
	        TEST(test_changes_are_explained_and_counted),
	        TEST(test_an_explainer_lives_as_long_as_the_batch_that_asks_it),
	        TEST(test_values_are_remembered_and_forgotten),
	        TEST(test_a_full_store_loses_nothing),
	        TEST(test_it_may_be_freed_in_its_own_callback),
	        TEST(test_it_may_be_freed_while_it_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
