/* State sync with agents that are wrong, and peers that go. */
#include "tests/unit/collector-ingest/restate_scene.h"

/* --- agents that are wrong -------------------------------------------------------------------- */

static void test_facts_that_are_not_what_was_offered_are_never_put_in_place(void **state)
{
	struct fact_agent liar;

	(void)state;
	agent_connect(&web01, scene);
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		agent_is_asked_for_an_offer(&web01);
		agent_offers(&web01);
		agent_is_asked_for_buckets(&web01);
		liar = web01;
		for (size_t i = 0; i < liar.count; i++)
			liar.fact[i].field[1] = slice_text("other");
		agent_shows(&liar);
	}
	agent_is_not_asked(&web01);
	assert_int_equal(picture_count(scene, web01.host), 0);
	assert_int_equal(scene->restated, 0);
	/* A new difference is a new beginning. */
	agent_tells(&web01, NULL, NULL, true);
	agent_is_put_right(&web01);
	assert_picture_is_the_agents(scene, &web01);
}

static void test_what_is_right_of_the_facts_is_not_asked_for_again(void **state)
{
	const struct want *want = &web01.client.last.want;
	struct fact_agent partly;

	(void)state;
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	agent_is_asked_for_buckets(&web01);
	assert_int_equal(want->count, 2);
	partly = web01;
	partly.count = agent_count_of(&web01, FACT_MODULE);
	assert_true(partly.count > 0 && partly.count < web01.count);
	/* In key order modules are before users. */
	agent_shows(&partly);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	agent_is_asked_for_buckets(&web01);
	assert_int_equal(want->count, 1);
	assert_int_equal(want->section[0].kind, FACT_USER);
	assert_int_equal(picture_count(scene, web01.host), 0);
	agent_shows(&web01);
	await_restated(scene, 1);
	assert_picture_is_the_agents(scene, &web01);
}

static void test_a_key_twice_is_not_put_in_place_though_the_digest_is_right(void **state)
{
	struct fact twice[] = {user_of("root", "/bin/bash"), user_of("root", "/bin/bash")};

	(void)state;
	agent_holds(&web01, twice, 2);
	agent_connect(&web01, scene);
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		agent_is_asked_for_an_offer(&web01);
		agent_offers(&web01);
		agent_is_asked_for_buckets(&web01);
		agent_shows(&web01);
	}
	agent_is_not_asked(&web01);
	assert_int_equal(picture_count(scene, web01.host), 0);
}

static void test_facts_that_were_not_asked_for_are_left_aside(void **state)
{
	struct fact_agent chatty;
	struct fact more[] = {{.kind = FACT_OS, .field[OS_ID] = slice_text("debian")},
	        {.kind = FACT_HOST, .field = {slice_text("cpus"), slice_text("2")}}};

	(void)state;
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	agent_is_asked_for_buckets(&web01);
	chatty = web01;
	memcpy(&chatty.fact[chatty.count], more, sizeof(more));
	agent_holds(&chatty, chatty.fact, chatty.count + 2);
	agent_shows(&chatty);
	await_restated(scene, 1);
	assert_picture_is_the_agents(scene, &web01);
}

static void refused_at_the_wrong_moment(const char *text)
{
	client_is_refused(&web01.client, REFUSED_PROTOCOL, text);
	assert_int_equal(picture_count(scene, web01.host), 0);
	agent_leave(&web01);
}

static void test_messages_out_of_turn_are_refused(void **state)
{
	static const char offer[] = "message 'offer' at the wrong moment";
	static const char bucket[] = "message 'bucket' at the wrong moment";
	struct message want = {.kind = FRAME_WANT};

	(void)state;
	web01.count = 0;
	agent_connect(&web01, scene);
	agent_offers(&web01);
	refused_at_the_wrong_moment(offer);
	agent_connect(&web01, scene);
	agent_shows(&web01);
	refused_at_the_wrong_moment(bucket);
	agent_connect(&web01, scene);
	client_send(&web01.client, &want);
	refused_at_the_wrong_moment("message 'want' at the wrong moment");
	web01.count = 6;
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	agent_shows(&web01);
	refused_at_the_wrong_moment(bucket);
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	agent_is_asked_for_buckets(&web01);
	agent_offers(&web01);
	refused_at_the_wrong_moment(offer);
	agent_connect(&web01, scene);
	agent_is_put_right(&web01);
}

static void test_broken_messages_are_refused_by_name(void **state)
{
	struct buf frame = BUF_INIT;

	(void)state;
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	assert_int_equal(frame_append(&frame, FRAME_OFFER, slice_of("\x0a\x02\x08\x03", 4)), 0);
	conn_send(web01.client.conn, buf_slice(&frame));
	refused_at_the_wrong_moment("field 'digests' has the wrong length");
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	agent_is_asked_for_buckets(&web01);
	buf_reset(&frame);
	assert_int_equal(frame_append(&frame, FRAME_BUCKET, slice_of("\x0a\x02\x08\x03", 4)), 0);
	conn_send(web01.client.conn, buf_slice(&frame));
	refused_at_the_wrong_moment("field 'count' or 'column' is out of range");
	buf_fini(&frame);
	agent_connect(&web01, scene);
	agent_is_put_right(&web01);
}

/* Its events are taken all the same: a host must not come back for ever. */
static void test_a_host_with_too_many_facts_is_left_alone(void **state)
{
	enum { MANY = 100000 };
	struct fact *facts = mem_new_array(MANY, sizeof(*facts));
	struct section_facts section = {FACT_USER, MANY, facts};
	struct message message = {.kind = FRAME_BUCKET, .bucket = {1, &section, true}};

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		facts[i] = user_of("root", "/bin/bash");
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	agent_is_asked_for_buckets(&web01);
	for (unsigned i = 0; i < 4; i++)
		client_send(&web01.client, &message);
	message.bucket = (struct bucket){0};
	client_send(&web01.client, &message);
	agent_is_not_asked(&web01);
	agent_tells(&web01, NULL, NULL, true);
	agent_is_not_asked(&web01);
	assert_int_equal(picture_count(scene, web01.host), 0);
	free(facts);
	/* Until it comes back. */
	agent_leave(&web01);
	agent_connect(&web01, scene);
	agent_is_put_right(&web01);
}

/* --- peers that go ---------------------------------------------------------------------------- */

static void test_a_peer_that_goes_frees_its_place_in_every_state(void **state)
{
	struct fact_agent fleet[SLOTS];

	(void)state;
	for (unsigned i = 0; i <= SLOTS; i++) {
		/* asked for an offer */
		agent_connect(&web01, scene);
		agent_is_asked_for_an_offer(&web01);
		agent_leave(&web01);
		/* its offer is in the store */
		agent_connect(&web01, scene);
		agent_is_asked_for_an_offer(&web01);
		agent_offers(&web01);
		agent_says_and_leaves(&web01);
		/* asked for buckets */
		agent_connect(&web01, scene);
		agent_is_asked_for_an_offer(&web01);
		agent_offers(&web01);
		agent_is_asked_for_buckets(&web01);
		agent_leave(&web01);
	}
	/* waiting for a slot */
	open_fleet(fleet, SLOTS);
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	agent_is_not_asked(&web01);
	agent_leave(&web01);
	while (ingest_is_connected(scene->ingest, web01.host))
		agent_is_not_asked(&fleet[0]);
	close_fleet(fleet, SLOTS);
	/* its buckets are in the store */
	for (unsigned i = 0; i <= SLOTS; i++) {
		web01.fact[0].field[1] = slice_text(&"123456789"[i]);
		agent_connect(&web01, scene);
		agent_is_asked_for_an_offer(&web01);
		agent_offers(&web01);
		agent_is_asked_for_buckets(&web01);
		agent_shows(&web01);
		agent_says_and_leaves(&web01);
	}
	web01.fact[0].field[1] = slice_text("new");
	agent_connect(&web01, scene);
	agent_is_put_right(&web01);
	assert_picture_is_the_agents(scene, &web01);
}

static void test_a_newer_session_of_the_host_begins_again(void **state)
{
	struct fact_agent newer;

	(void)state;
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	agent_is_asked_for_buckets(&web01);
	newer = web01; /* of one certificate */
	agent_connect(&newer, scene);
	client_is_refused(&web01.client, REFUSED_SUPERSEDED, "has connected anew");
	agent_is_put_right(&newer);
	assert_picture_is_the_agents(scene, &newer);
	agent_leave(&newer);
}

static void test_a_revoked_host_writes_nothing_any_more(void **state)
{
	struct write_job job = {0};

	(void)state;
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	agent_is_asked_for_buckets(&web01);
	job.host = read_host(scene, web01.host);
	job.host.name = slice_text("web01");
	job.host.agent_version = slice_text("0.1.0");
	job.host.label_count = 0;
	job.host.is_revoked = true;
	write_now(scene, &job);
	agent_shows(&web01);
	client_send(&web01.client, &(struct message){.kind = FRAME_HEARTBEAT});
	/* Behind it: a batch is refused, so that what came before it has been done. */
	client_batch(&web01.client, 1, 1);
	client_is_refused(&web01.client, REFUSED_REVOKED, "is revoked");
	assert_int_equal(picture_count(scene, web01.host), 0);
	assert_int_equal(scene->restated, 0);
}

static void test_closing_in_the_middle_leaves_nothing_behind(void **state)
{
	struct fact_agent fleet[SLOTS + 1];

	(void)state;
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	open_fleet(fleet, SLOTS + 1);
	agent_is_not_asked(&fleet[SLOTS]);
	agent_shows(&fleet[0]);
	agent_is_not_asked(&fleet[1]);
	ingest_close(scene->ingest);
	scene->ingest = NULL;
	client_await_close(&web01.client);
	close_fleet(fleet, SLOTS + 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_facts_that_are_not_what_was_offered_are_never_put_in_place),
	        CASE(test_what_is_right_of_the_facts_is_not_asked_for_again),
	        CASE(test_a_key_twice_is_not_put_in_place_though_the_digest_is_right),
	        CASE(test_facts_that_were_not_asked_for_are_left_aside),
	        CASE(test_messages_out_of_turn_are_refused),
	        CASE(test_broken_messages_are_refused_by_name),
	        CASE(test_a_host_with_too_many_facts_is_left_alone),
	        CASE(test_a_peer_that_goes_frees_its_place_in_every_state),
	        CASE(test_a_newer_session_of_the_host_begins_again),
	        CASE(test_a_revoked_host_writes_nothing_any_more),
	        CASE(test_closing_in_the_middle_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
