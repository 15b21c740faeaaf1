/* What becomes of a path, and of what is noted. */
#include "tests/unit/agent-fim/journal_scene.h"

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
	assert_false(journal_has_told(journal));
	run();
	assert_true(journal_has_told(journal));
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
