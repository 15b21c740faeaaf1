/* When the collector is told what the facts add up to, and that what it wants is answered. */
#include "tests/unit/agent/halves.h"

#include "agent/state/factbook.h"
#include "common/model/section.h"

static struct fake fake;
static struct halves halves;
static bool has_hello_root;
static uint64_t batches, roots, last_root_seq, offers, shown;
static uint8_t root[SECTION_ROOT_BYTES];
static uint64_t stop_at_seq;

static void on_confirmed(void *ctx, uint64_t seq)
{
	(void)ctx;
	if (seq >= stop_at_seq && stop_at_seq)
		loop_stop(fake.loop);
}

static void on_begin_anew(void *ctx)
{
	(void)ctx;
}

static void on_status(void *ctx, const struct seam_status *status)
{
	(void)ctx;
	(void)status;
}

static void on_broke(void *ctx, const char *reason)
{
	(void)ctx;
	fail_msg("%s", reason);
}

static const struct feed_events EVENTS = {.confirmed = on_confirmed,
        .begin_anew = on_begin_anew,
        .status = on_status,
        .broke = on_broke};

static void take_message(struct fake *at, const struct message *message)
{
	if (message->kind == FRAME_HELLO) {
		has_hello_root = message->hello.facts_root.len == SECTION_ROOT_BYTES;
		fake_welcome(at);
	} else if (message->kind == FRAME_BATCH) {
		at->stored_seq += message->batch.count;
		batches++;
		if (message->batch.facts_root.len > 0) {
			roots++;
			last_root_seq = at->stored_seq;
			memcpy(root, message->batch.facts_root.ptr, SECTION_ROOT_BYTES);
		}
		fake_ack(at);
	} else if (message->kind == FRAME_OFFER) {
		offers += message->offer.count;
		loop_stop(at->loop);
	} else if (message->kind == FRAME_BUCKET) {
		for (size_t i = 0; i < message->bucket.count; i++)
			shown += message->bucket.section[i].count;
		if (!message->bucket.more)
			loop_stop(at->loop);
	}
}

static int set_up(void **unused)
{
	(void)unused;
	fake_open(&fake);
	fake_install(&fake, clock_wall_ns() + 24 * HOUR_NS);
	fake.on_message = take_message;
	has_hello_root = false;
	batches = roots = last_root_seq = offers = shown = stop_at_seq = 0;
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	halves_stop(&halves);
	fake_close(&fake);
	return 0;
}

static void hold(const char *version)
{
	struct fact_scope scope = {FACT_MODULE, NULL};
	struct fact fact = {
	        .kind = FACT_MODULE, .field = {slice_text("btrfs"), slice_text(version)}};
	struct state_txn *txn;
	must(state_begin(fake.state, &txn, &why));
	assert_int_equal(factbook_sync(txn, &scope, 1, &fact, 1, CAUSE_LIVE, 1), 1);
	must(state_commit(txn, &why));
}

static void run_until(uint64_t seq)
{
	stop_at_seq = seq;
	if (!halves.feed)
		halves_start(&halves, &fake, 4, &EVENTS, NULL);
	feed_wake(halves.feed);
	loop_run(fake.loop);
	assert_int_equal(fake.stored_seq, seq);
}

static void test_the_last_batch_has_the_root_and_no_other(void **unused)
{
	uint8_t held[SECTION_ROOT_BYTES];
	uint64_t changed_seq;
	struct kv_txn *txn;
	(void)unused;
	hold("1");
	fake_spool(&fake, 5000);
	run_until(5001);
	assert_true(has_hello_root);
	assert_true(batches > 3);
	assert_int_equal(roots, 1);
	assert_int_equal(last_root_seq, 5001);
	assert_int_equal(kv_begin_read(state_kv(fake.state), &txn), 0);
	assert_int_equal(factbook_root(txn, held, &changed_seq), 0);
	kv_abort(txn);
	assert_memory_equal(held, root, SECTION_ROOT_BYTES);
}

static void test_the_root_is_told_again_when_facts_have_changed(void **unused)
{
	uint8_t before[SECTION_ROOT_BYTES];
	(void)unused;
	hold("1");
	run_until(1);
	assert_int_equal(roots, 1);
	memcpy(before, root, sizeof(before));
	fake_spool(&fake, 1);
	run_until(2);
	assert_int_equal(roots, 1);
	hold("2");
	run_until(3);
	assert_int_equal(roots, 2);
	assert_memory_not_equal(before, root, sizeof(before));
}

/* The collector could not compare at the greeting: it had not stored all events yet. */
static void test_each_connection_is_told_the_root_though_no_fact_changes(void **unused)
{
	(void)unused;
	hold("1");
	run_until(1);
	halves_stop(&halves);
	fake_spool(&fake, 1);
	run_until(2);
	assert_int_equal(roots, 2);
	assert_int_equal(last_root_seq, 2);
}

/* It may have facts of a state that was lost. */
static void test_a_host_without_facts_says_so(void **unused)
{
	(void)unused;
	fake_spool(&fake, 2);
	run_until(2);
	assert_true(has_hello_root);
	assert_int_equal(roots, 1);
	fake_spool(&fake, 1);
	run_until(3);
	assert_int_equal(roots, 1);
}

static void test_what_is_wanted_is_answered(void **unused)
{
	struct section_want wanted = {FACT_MODULE, slice_of("\0\1\2\3", 4)};
	struct message want = {.kind = FRAME_WANT};
	(void)unused;
	hold("1");
	run_until(1);
	fake_say(&fake, &want);
	loop_run(fake.loop);
	assert_int_equal(offers, 1);
	want.want = (struct want){1, &wanted};
	fake_say(&fake, &want);
	loop_run(fake.loop);
	assert_int_equal(shown, 1);
	assert_int_equal(fake.connected, 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        CASE(test_the_last_batch_has_the_root_and_no_other),
	        CASE(test_the_root_is_told_again_when_facts_have_changed),
	        CASE(test_each_connection_is_told_the_root_though_no_fact_changes),
	        CASE(test_a_host_without_facts_says_so),
	        CASE(test_what_is_wanted_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
