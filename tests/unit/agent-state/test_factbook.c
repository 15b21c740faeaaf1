#include "fixture.h"

#define ALL (1u << FACT_PACKAGE | 1u << FACT_LABEL)

static struct arena *arena;

static struct fact package(const char *name, const char *version)
{
	return (struct fact){.kind = FACT_PACKAGE,
	        .field[PACKAGE_MANAGER] = slice_text("dpkg"),
	        .field[PACKAGE_NAME] = slice_text(name),
	        .field[PACKAGE_ARCH] = slice_text("amd64"),
	        .field[PACKAGE_VERSION] = slice_text(version),
	        .field[PACKAGE_STATUS] = slice_text("installed")};
}

static int sync_facts(unsigned kinds, const struct fact *facts, size_t count)
{
	struct state_txn *txn = begin_txn();
	struct fact_scope scopes[FACT_KIND_MAX];
	size_t scope_count = 0;
	for (unsigned kind = 1; kind <= FACT_KIND_MAX; kind++)
		if (kinds & 1u << kind)
			scopes[scope_count++] = (struct fact_scope){(enum fact_kind)kind, NULL};
	int rc = factbook_sync(txn, scopes, scope_count, facts, count, CAUSE_LIVE, 1);
	commit(txn);
	return rc;
}

static struct event event_at(uint64_t seq)
{
	struct batch batch;
	struct event event = {0};
	assert_int_equal(spool_read(state, seq, 1, 1u << 20, arena, &batch), 0);
	assert_int_equal(batch.count, 1);
	assert_int_equal(wire_event_decode(batch.events[0], arena, &event, &why), 0);
	return event;
}

static void test_the_first_report_of_a_kind_is_one_event_that_counts(void **unused)
{
	(void)unused;
	struct fact facts[] = {package("a", "1"), package("b", "1")};
	assert_int_equal(sync_facts(ALL, facts, 2), 1);
	assert_int_equal(event_at(1).cause, CAUSE_BASELINE);
	assert_int_equal(event_at(1).action, ACTION_BASELINED);
	assert_int_equal(event_at(1).count, 2);
	struct fact more[] = {package("a", "1"), package("b", "1"), package("c", "1")};
	assert_int_equal(sync_facts(ALL, more, 3), 1);
	assert_int_equal(event_at(2).cause, CAUSE_LIVE);
	assert_int_equal(event_at(2).action, ACTION_INSTALLED);
}

static void test_labels_are_told_one_by_one_from_the_first(void **unused)
{
	(void)unused;
	struct fact label = {.kind = FACT_LABEL,
	        .field[PAIR_NAME] = slice_text("role"),
	        .field[PAIR_VALUE] = slice_text("web")};
	assert_int_equal(sync_facts(1u << FACT_LABEL, &label, 1), 1);
	assert_int_equal(event_at(1).cause, CAUSE_BASELINE);
	assert_int_equal(event_at(1).action, ACTION_INSTALLED);
}

static uint64_t root_of(const struct fact *facts, size_t count, uint8_t out[SECTION_ROOT_BYTES])
{
	struct section_sum sums[FACT_KIND_MAX + 1] = {0};
	struct buf encoded = BUF_INIT;
	uint8_t held[SECTION_ROOT_BYTES];
	uint64_t changed_seq;
	for (size_t i = 0; i < count; i++) {
		buf_reset(&encoded);
		fact_encode(&facts[i], &encoded);
		section_sum_add(&sums[facts[i].kind], buf_slice(&encoded));
	}
	buf_fini(&encoded);
	section_root(sums, out);
	struct kv_txn *read = begin_read();
	assert_int_equal(factbook_root(read, held, &changed_seq), 0);
	kv_abort(read);
	assert_memory_equal(held, out, SECTION_ROOT_BYTES);
	return changed_seq;
}

static void test_the_root_is_of_what_is_held_whatever_led_to_it(void **unused)
{
	(void)unused;
	struct fact facts[] = {package("a", "1"), package("b", "1"), package("a", "2"),
	        {.kind = FACT_OS, .field[OS_ID] = slice_text("debian")}};
	uint8_t none[SECTION_ROOT_BYTES], two[SECTION_ROOT_BYTES], other[SECTION_ROOT_BYTES];
	assert_int_equal(root_of(NULL, 0, none), 0);
	sync_facts(ALL, facts, 2);
	assert_int_equal(root_of(facts, 2, two), 1);
	sync_facts(ALL, &facts[1], 2);
	assert_int_equal(root_of(&facts[1], 2, other), 2);
	assert_memory_not_equal(two, other, SECTION_ROOT_BYTES);
	sync_facts(1u << FACT_OS, &facts[3], 1);
	assert_int_equal(root_of(&facts[1], 3, other), 3);
	sync_facts(1u << FACT_OS, NULL, 0);
	sync_facts(ALL, facts, 2);
	root_of(facts, 2, other);
	assert_memory_equal(two, other, SECTION_ROOT_BYTES);
}

static void test_a_state_from_before_there_were_sums_is_counted(void **unused)
{
	(void)unused;
	struct fact facts[] = {package("a", "1"), package("b", "1"), package("c", "1")};
	uint8_t root[SECTION_ROOT_BYTES];
	sync_facts(ALL, facts, 2);
	struct state_txn *txn = begin_txn();
	assert_int_equal(state_meta_delete(txn, "sum package"), 0);
	commit(txn);
	root_of(facts, 2, root);
	sync_facts(ALL, facts, 3);
	root_of(facts, 3, root);
}

static void test_a_scope_leaves_the_rest_of_its_kind_alone(void **unused)
{
	(void)unused;
	struct fact_scope dpkg = {FACT_PACKAGE, "dpkg"}, rpm = {FACT_PACKAGE, "rpm"};
	struct fact deb = package("a", "1"), other = package("a", "1");
	other.field[PACKAGE_MANAGER] = slice_text("rpm");
	struct state_txn *txn = begin_txn();
	assert_int_equal(factbook_sync(txn, &dpkg, 1, &deb, 1, CAUSE_LIVE, 1), 1);
	assert_int_equal(factbook_sync(txn, &rpm, 1, &other, 1, CAUSE_LIVE, 1), 1);
	assert_int_equal(factbook_sync(txn, &rpm, 1, NULL, 0, CAUSE_LIVE, 1), 1);
	assert_int_equal(factbook_sync(txn, &dpkg, 1, &deb, 1, CAUSE_LIVE, 1), 0);
	commit(txn);
	assert_int_equal(event_at(1).cause, CAUSE_BASELINE);
	assert_int_equal(event_at(2).cause, CAUSE_BASELINE);
	assert_int_equal(event_at(3).action, ACTION_REMOVED);
	assert_true(slice_is(event_at(3).fact_before->field[PACKAGE_MANAGER], "rpm"));
}

/* As when a program reports by other scopes than the one before it: a change without any event
 * would be told to nobody. */
static void test_what_a_new_scope_takes_away_in_silence_is_an_event_still(void **unused)
{
	(void)unused;
	struct fact_scope all = {FACT_PACKAGE, NULL}, dpkg = {FACT_PACKAGE, "dpkg"};
	struct fact deb = package("a", "1");
	uint8_t root[SECTION_ROOT_BYTES];
	struct state_txn *txn = begin_txn();
	assert_int_equal(factbook_sync(txn, &all, 1, &deb, 1, CAUSE_LIVE, 1), 1);
	assert_int_equal(factbook_sync(txn, &dpkg, 1, NULL, 0, CAUSE_LIVE, 1), 1);
	commit(txn);
	assert_int_equal(event_at(2).action, ACTION_BASELINED);
	assert_int_equal(event_at(2).count, 0);
	assert_int_equal(root_of(NULL, 0, root), 2);
}

static void test_equal_facts_cost_nothing(void **unused)
{
	(void)unused;
	struct fact facts[] = {package("a", "1"), package("b", "1")};
	assert_int_equal(sync_facts(ALL, facts, 2), 1);
	struct fact other_order[] = {package("b", "1"), package("a", "1")};
	assert_int_equal(sync_facts(ALL, other_order, 2), 0);
	assert_int_equal(state_position(state).next_seq, 2);
}

static void test_a_new_version_is_an_upgrade(void **unused)
{
	(void)unused;
	struct fact old = package("a", "1"), new = package("a", "2");
	assert_int_equal(sync_facts(ALL, &old, 1), 1);
	assert_int_equal(sync_facts(ALL, &new, 1), 1);
	struct event event = event_at(2);
	assert_int_equal(event.action, ACTION_UPGRADED);
	assert_true(slice_is(event.fact_before->field[PACKAGE_VERSION], "1"));
	assert_true(slice_is(event.fact_after->field[PACKAGE_VERSION], "2"));
}

static void test_what_is_gone_is_removed_and_other_kinds_stay(void **unused)
{
	(void)unused;
	struct fact facts[] = {package("a", "1"), package("b", "1"), package("c", "1"),
	        {.kind = FACT_LABEL,
	                .field[PAIR_NAME] = slice_text("role"),
	                .field[PAIR_VALUE] = slice_text("web")}};
	assert_int_equal(sync_facts(ALL, facts, 4), 2);
	assert_int_equal(sync_facts(1u << FACT_PACKAGE, &facts[1], 1), 2);
	assert_int_equal(event_at(3).action, ACTION_REMOVED);
	assert_int_equal(event_at(4).action, ACTION_REMOVED);
	assert_true(slice_is(event_at(4).fact_before->field[PACKAGE_NAME], "c"));
	assert_int_equal(sync_facts(1u << FACT_PACKAGE, &facts[1], 1), 0);
	assert_int_equal(sync_facts(1u << FACT_LABEL, &facts[3], 1), 0);
}

static void test_of_two_facts_with_one_key_the_last_counts(void **unused)
{
	(void)unused;
	struct fact facts[] = {package("a", "1"), package("a", "2")};
	assert_int_equal(sync_facts(ALL, facts, 2), 1);
	assert_int_equal(sync_facts(ALL, &facts[1], 1), 0);
}

static void test_facts_too_large_for_one_event_are_told_in_two(void **unused)
{
	(void)unused;
	static char large[2][FACT_FIELD_BYTES];
	struct fact fact[2] = {package("a", "1"), package("a", "2")};
	for (int i = 0; i < 2; i++) {
		memset(large[i], 'x' + i, FACT_FIELD_BYTES);
		for (int field = PACKAGE_VERSION; field <= PACKAGE_STATUS; field++)
			fact[i].field[field] = slice_of(large[i], FACT_FIELD_BYTES);
		fact[i].field[PACKAGE_MANAGER] = slice_of(large[0], FACT_FIELD_BYTES);
		fact[i].field[PACKAGE_NAME] = slice_of(large[0], FACT_FIELD_BYTES);
		fact[i].field[PACKAGE_ARCH] = slice_of(large[0], FACT_FIELD_BYTES);
		fact[i].field[PACKAGE_INSTANCE] = slice_of(large[0], FACT_FIELD_BYTES);
	}
	assert_int_equal(sync_facts(ALL, &fact[0], 1), 1);
	assert_int_equal(sync_facts(ALL, &fact[1], 1), 2);
	assert_int_equal(event_at(2).action, ACTION_REMOVED);
	assert_int_equal(event_at(3).action, ACTION_INSTALLED);
}

static int count_one(void *ctx, const struct fact *fact)
{
	assert_int_equal(fact->kind, FACT_PACKAGE);
	(*(int *)ctx)++;
	return 0;
}

static void test_each_gives_one_kind(void **unused)
{
	(void)unused;
	struct fact facts[] = {package("a", "1"), package("b", "1"),
	        {.kind = FACT_LABEL, .field[PAIR_NAME] = slice_text("role")}};
	int count = 0;
	assert_int_equal(sync_facts(ALL, facts, 3), 2);
	struct kv_txn *read = begin_read();
	assert_int_equal(factbook_each(read, FACT_PACKAGE, count_one, &count), 0);
	kv_abort(read);
	assert_int_equal(count, 2);
}

/* --- one fact at a time ---------------------------------------------------------------------- */

static const struct fact_scope EDITED[] = {{FACT_PACKAGE, "dpkg"}, {FACT_PACKAGE, "rpm"}};

static int edit_facts(const struct fact *gone, const struct fact *held, size_t count)
{
	struct state_txn *txn = begin_txn();
	struct factbook_edit *edit = factbook_edit_begin(txn, EDITED, 2, CAUSE_LIVE, 1);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(factbook_edit_hold(edit, &held[i]), 0);
	if (gone)
		assert_int_equal(factbook_edit_drop(edit, gone), 0);
	int rc = factbook_edit_end(edit);
	commit(txn);
	return rc;
}

static void test_an_edit_says_nothing_of_other_facts(void **unused)
{
	(void)unused;
	struct fact facts[] = {package("a", "1"), package("b", "1"), package("c", "1")};
	struct fact newer = package("b", "2");
	uint8_t root[SHA256_BYTES];
	edit_facts(NULL, facts, 2);
	uint64_t seq = state_position(state).next_seq;
	assert_int_equal(edit_facts(NULL, &newer, 1), 1);
	assert_int_equal(event_at(seq).action, ACTION_UPGRADED);
	assert_int_equal(edit_facts(&newer, &facts[2], 1), 2);
	assert_int_equal(event_at(seq + 1).action, ACTION_INSTALLED);
	assert_int_equal(event_at(seq + 2).action, ACTION_REMOVED);
	assert_int_equal(edit_facts(&newer, &facts[2], 1), 0);
	struct fact left[] = {package("a", "1"), package("c", "1")};
	assert_int_equal(root_of(left, 2, root), seq + 2);
}

static void test_the_first_edit_of_a_scope_is_one_event_that_counts(void **unused)
{
	(void)unused;
	struct fact facts[] = {package("a", "1"), package("b", "1")};
	uint8_t root[SHA256_BYTES];
	assert_int_equal(edit_facts(NULL, facts, 2), 1);
	assert_int_equal(event_at(1).action, ACTION_BASELINED);
	assert_int_equal(event_at(1).cause, CAUSE_BASELINE);
	assert_int_equal(event_at(1).count, 2);
	assert_int_equal(root_of(facts, 2, root), 1);
	/* The other scope has been reported with nothing in it. */
	struct fact rpm = package("r", "1");
	rpm.field[PACKAGE_MANAGER] = slice_text("rpm");
	assert_int_equal(edit_facts(NULL, &rpm, 1), 1);
	assert_int_equal(event_at(2).action, ACTION_INSTALLED);
	assert_int_equal(event_at(2).cause, CAUSE_LIVE);
}

static void test_an_edit_refuses_facts_of_no_scope_of_its_own(void **unused)
{
	(void)unused;
	struct fact other = package("a", "1"), mine = package("b", "1");
	other.field[PACKAGE_MANAGER] = slice_text("apk");
	struct state_txn *txn = begin_txn();
	struct factbook_edit *edit = factbook_edit_begin(txn, EDITED, 2, CAUSE_LIVE, 1);
	assert_int_equal(factbook_edit_hold(edit, &other), ERR_FORMAT);
	assert_int_equal(factbook_edit_hold(edit, &mine), ERR_FORMAT);
	assert_int_equal(factbook_edit_end(edit), ERR_FORMAT);
	state_abort(txn);
}

static int begin_with_arena(void **unused)
{
	arena = arena_new(8u << 20);
	return begin_test(unused);
}

static int end_with_arena(void **unused)
{
	arena_free(arena);
	return end_test(unused);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_with_arena, end_with_arena)
	const struct CMUnitTest tests[] = {
	        TEST(test_the_first_report_of_a_kind_is_one_event_that_counts),
	        TEST(test_labels_are_told_one_by_one_from_the_first),
	        TEST(test_the_root_is_of_what_is_held_whatever_led_to_it),
	        TEST(test_a_state_from_before_there_were_sums_is_counted),
	        TEST(test_a_scope_leaves_the_rest_of_its_kind_alone),
	        TEST(test_what_a_new_scope_takes_away_in_silence_is_an_event_still),
	        TEST(test_equal_facts_cost_nothing),
	        TEST(test_a_new_version_is_an_upgrade),
	        TEST(test_what_is_gone_is_removed_and_other_kinds_stay),
	        TEST(test_of_two_facts_with_one_key_the_last_counts),
	        TEST(test_facts_too_large_for_one_event_are_told_in_two),
	        TEST(test_each_gives_one_kind),
	        TEST(test_an_edit_says_nothing_of_other_facts),
	        TEST(test_the_first_edit_of_a_scope_is_one_event_that_counts),
	        TEST(test_an_edit_refuses_facts_of_no_scope_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
