#include "tests/unit/agent/halves.h"

struct scene {
	struct fake fake;
	struct halves halves;
	enum seam_link link;
	char host[256], why[256];
	uint64_t confirmed_seq;
	uint64_t stop_at_seq; /* end of the test: that much is confirmed */
	unsigned anew;
};

static struct scene scene;

static void on_confirmed(void *ctx, uint64_t seq)
{
	struct scene *at = ctx;
	assert_true(seq > at->confirmed_seq);
	at->confirmed_seq = seq;
	if (at->stop_at_seq && seq >= at->stop_at_seq)
		loop_stop(at->fake.loop);
}

static void on_begin_anew(void *ctx)
{
	struct scene *at = ctx;
	at->anew++;
	loop_stop(at->fake.loop);
}

static void on_status(void *ctx, const struct seam_status *status)
{
	struct scene *at = ctx;
	at->link = status->link;
	snprintf(at->host, sizeof(at->host), "%.*s", SLICE_ARG(status->host));
	snprintf(at->why, sizeof(at->why), "%.*s", SLICE_ARG(status->why));
}

static void on_broke(void *ctx, const char *reason)
{
	(void)ctx;
	fail_msg("%s", reason);
}

static const struct feed_events EVENTS = {
        .confirmed = on_confirmed,
        .begin_anew = on_begin_anew,
        .status = on_status,
        .broke = on_broke,
};

static int set_up(void **state)
{
	(void)state;
	scene = (struct scene){0};
	fake_open(&scene.fake);
	fake_install(&scene.fake, clock_wall_ns() + 24 * HOUR_NS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	halves_stop(&scene.halves);
	fake_close(&scene.fake);
	return 0;
}

static void run(unsigned window)
{
	halves_start(&scene.halves, &scene.fake, window, &EVENTS, &scene);
	loop_run(scene.fake.loop);
}

/* A collector that does what it should: every event once and in order. */
static void store_all(struct fake *fake, const struct message *message)
{
	if (message->kind == FRAME_HELLO)
		fake_welcome(fake);
	if (message->kind != FRAME_BATCH)
		return;
	assert_int_equal(message->batch.first_seq, fake->stored_seq + 1);
	fake->stored_seq += message->batch.count;
	fake->batches++;
	fake_ack(fake);
}

static void test_whole_spool_arrives_in_order(void **state)
{
	(void)state;
	fake_spool(&scene.fake, 5000);
	scene.fake.on_message = store_all;
	scene.stop_at_seq = 5000;
	run(0);
	assert_int_equal(scene.fake.stored_seq, 5000);
	assert_int_equal(scene.link, SEAM_STREAMING);
	assert_string_equal(scene.host, "web01");
	assert_string_equal(scene.why, "");
}

static void test_what_is_stored_already_is_not_sent_again(void **state)
{
	(void)state;
	fake_spool(&scene.fake, 100);
	scene.fake.stored_seq = 60;
	scene.fake.on_message = store_all;
	scene.stop_at_seq = 100;
	run(0);
	assert_int_equal(scene.fake.stored_seq, 100);
}

/* The link breaks after a batch was stored and before it was confirmed. */
static void store_and_cut_once(struct fake *fake, const struct message *message)
{
	if (message->kind == FRAME_BATCH && fake->connected == 1) {
		fake->stored_seq += message->batch.count;
		conn_drop(fake->conn);
		fake->conn = NULL;
		return;
	}
	store_all(fake, message);
}

static void test_cut_before_the_ack_sends_nothing_twice(void **state)
{
	(void)state;
	fake_spool(&scene.fake, 3000);
	scene.fake.on_message = store_and_cut_once;
	scene.stop_at_seq = 3000;
	run(1);
	assert_int_equal(scene.fake.connected, 2);
	assert_int_equal(scene.fake.stored_seq, 3000);
}

/* Never confirms, and counts what comes. */
static void count_batches(struct fake *fake, const struct message *message)
{
	if (message->kind == FRAME_HELLO)
		fake_welcome(fake);
	if (message->kind == FRAME_BATCH)
		fake->batches++;
	if (message->kind == FRAME_HEARTBEAT)
		loop_stop(fake->loop); /* said after a second: whatever was to come has come */
}

static void test_window_bounds_what_is_under_way(void **state)
{
	(void)state;
	fake_spool(&scene.fake, 20000);
	scene.fake.on_message = count_batches;
	run(3);
	assert_int_equal(scene.fake.batches, 3);
}

static void test_new_events_go_out_on_wake(void **state)
{
	(void)state;
	fake_spool(&scene.fake, 1);
	scene.fake.on_message = store_all;
	scene.stop_at_seq = 1;
	run(0);
	fake_spool(&scene.fake, 1);
	scene.stop_at_seq = 2;
	feed_wake(scene.halves.feed);
	loop_run(scene.fake.loop);
	assert_int_equal(scene.fake.stored_seq, 2);
}

static void test_collector_that_forgot_confirmed_events_begins_anew(void **state)
{
	struct state_txn *txn;
	(void)state;
	fake_spool(&scene.fake, 10);
	must(state_begin(scene.fake.state, &txn, &why));
	assert_int_equal(spool_trim(txn, 8), 0);
	must(state_commit(txn, &why));
	scene.fake.stored_seq = 5; /* 6 to 8 are nowhere any more */
	scene.fake.on_message = store_all;
	run(0);
	assert_int_equal(scene.anew, 1);
}

static void test_collector_that_knows_more_than_was_numbered_begins_anew(void **state)
{
	(void)state;
	fake_spool(&scene.fake, 10);
	scene.fake.stored_seq = 11; /* this state directory is an old copy */
	scene.fake.on_message = store_all;
	run(0);
	assert_int_equal(scene.anew, 1);
}

static void refuse_at_first(struct fake *fake, const struct message *message)
{
	struct message refusal = {.kind = FRAME_REFUSED};
	if (message->kind == FRAME_HELLO && fake->connected == 1) {
		refusal.refused.code = REFUSED_OVERLOADED;
		refusal.refused.text = slice_text("come back later\x1b[31m");
		fake_say(fake, &refusal);
		return;
	}
	store_all(fake, message);
}

static void test_refusal_is_tried_again_later(void **state)
{
	(void)state;
	fake_spool(&scene.fake, 1);
	scene.fake.on_message = refuse_at_first;
	scene.stop_at_seq = 1;
	run(0);
	assert_int_equal(scene.fake.connected, 2);
}

static void ack_too_much(struct fake *fake, const struct message *message)
{
	if (message->kind == FRAME_HELLO)
		fake_welcome(fake);
	if (message->kind == FRAME_BATCH && fake->connected == 1) {
		fake->stored_seq = 1000000;
		fake_ack(fake);
		fake->stored_seq = 0;
	} else if (message->kind == FRAME_BATCH) {
		fake->stored_seq += message->batch.count;
		fake_ack(fake);
	}
}

static void test_ack_of_what_was_never_sent_is_not_believed(void **state)
{
	(void)state;
	fake_spool(&scene.fake, 5);
	scene.fake.on_message = ack_too_much;
	scene.stop_at_seq = 5;
	run(0);
	assert_int_equal(scene.confirmed_seq, 5);
	assert_int_equal(scene.fake.connected, 2);
}

static void grant_renewal(struct fake *fake, const struct message *message)
{
	struct message reply = {.kind = FRAME_RENEW_REPLY};
	struct buf cert = BUF_INIT;
	struct pki_grant grant = {.name = "web01",
	        .not_before_ns = clock_wall_ns() - HOUR_NS,
	        .not_after_ns = clock_wall_ns() + 20 * HOUR_NS};
	if (message->kind == FRAME_HELLO)
		fake_welcome(fake);
	if (message->kind == FRAME_HEARTBEAT)
		loop_stop(fake->loop);
	if (message->kind != FRAME_RENEW_REQUEST)
		return;
	must(pki_sign(message->renew_request.csr_pem, buf_slice(&fake->ca_cert),
	        buf_slice(&fake->ca_key), &grant, &cert, &why));
	reply.renew_reply.host = slice_text("web01");
	reply.renew_reply.cert_pem = buf_slice(&cert);
	reply.renew_reply.ca_pem = buf_slice(&fake->ca_cert);
	fake_say(fake, &reply);
	fake->count++;
	buf_fini(&cert);
}

static void test_certificate_near_its_end_is_renewed_once(void **state)
{
	struct identity before, after;
	(void)state;
	fake_install(&scene.fake, clock_wall_ns() + HOUR_NS / 4); /* an hour of it is over */
	must(identity_load(scene.fake.dir, &before, &why));
	scene.fake.on_message = grant_renewal;
	run(0);
	must(identity_load(scene.fake.dir, &after, &why));
	assert_int_equal(scene.fake.count, 1);
	assert_true(after.cert.not_after_ns > before.cert.not_after_ns);
	assert_false(slice_equal(buf_slice(&before.key_pem), buf_slice(&after.key_pem)));
	identity_fini(&before);
	identity_fini(&after);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_whole_spool_arrives_in_order),
	        TEST(test_what_is_stored_already_is_not_sent_again),
	        TEST(test_cut_before_the_ack_sends_nothing_twice),
	        TEST(test_window_bounds_what_is_under_way),
	        TEST(test_new_events_go_out_on_wake),
	        TEST(test_collector_that_forgot_confirmed_events_begins_anew),
	        TEST(test_collector_that_knows_more_than_was_numbered_begins_anew),
	        TEST(test_refusal_is_tried_again_later),
	        TEST(test_ack_of_what_was_never_sent_is_not_believed),
	        TEST(test_certificate_near_its_end_is_renewed_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
