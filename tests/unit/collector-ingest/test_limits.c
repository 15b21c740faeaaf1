#include "fact_agent.h"
#include "scene.h"

#include "collector/ingest/chatter.h"
#include "collector/store/usage.h"

static void limit(struct scene *scene, struct ingest_limits limits)
{
	ingest_close(scene->ingest);
	scene->limits = limits;
	open_ingest(scene, 30);
}

static unsigned times_told(const struct scene *scene, const char *text)
{
	unsigned times = 0;

	for (const char *at = scene->details; (at = strstr(at, text)) != NULL; at++)
		times++;
	return times;
}

static unsigned held_of(struct scene *scene, uint32_t host)
{
	struct usage usage;
	struct kv_txn *txn;

	assert_int_equal(kv_begin_read(store_kv(scene->store), &txn), 0);
	assert_int_equal(usage_get(txn, host, &usage), 0);
	kv_abort(txn);
	return usage_held(&usage, clock_wall_ns());
}

/* --- connections ------------------------------------------------------------------------------ */

static void test_host_has_so_many_connections_and_another_host_still_its_own(void **state)
{
	struct scene *scene = *state;
	struct client first, second, third, other;
	struct buf cert = BUF_INIT, other_cert = BUF_INIT;

	limit(scene, (struct ingest_limits){.conns = 2});
	add_host(scene, "web01", &cert);
	add_host(scene, "web02", &other_cert);
	client_stream(&first, scene, &cert, "stream a");
	client_open_stream(&second, scene, &cert);
	client_open_stream(&third, scene, &cert);
	client_is_refused(&third, REFUSED_OVERLOADED, "has 2 connections already");
	client_fini(&third);
	client_stream(&other, scene, &other_cert, "stream b");
	/* The session was not harmed, and a place that is free can be taken. */
	client_batch(&first, 1, 1);
	client_await(&first, FRAME_ACK);
	client_fini(&second);
	client_batch(&other, 1, 1);
	client_await(&other, FRAME_ACK);
	client_stream(&third, scene, &cert, "stream a");
	client_is_refused(&first, REFUSED_SUPERSEDED, "connected anew");
	client_fini(&first);
	client_fini(&third);
	client_fini(&other);
	buf_fini(&cert);
	buf_fini(&other_cert);
}

static void test_strangers_of_one_address_are_few_and_sessions_do_not_count(void **state)
{
	struct scene *scene = *state;
	struct client session, stranger[2], more;
	struct buf cert = BUF_INIT;

	limit(scene, (struct ingest_limits){.strangers = 10, .strangers_per_address = 2});
	add_host(scene, "web01", &cert);
	client_stream(&session, scene, &cert, "stream a");
	client_open_enrolment(&stranger[0], scene);
	client_open_enrolment(&stranger[1], scene);
	assert_true(stranger[1].is_ready);
	client_open_enrolment(&more, scene);
	assert_false(more.is_ready);
	assert_true(more.is_closed);
	client_fini(&more);
	client_batch(&session, 1, 1);
	client_await(&session, FRAME_ACK);
	client_fini(&stranger[0]);
	client_batch(&session, 2, 1);
	client_await(&session, FRAME_ACK);
	client_open_enrolment(&more, scene);
	assert_true(more.is_ready);
	client_fini(&more);
	client_fini(&stranger[1]);
	client_fini(&session);
	buf_fini(&cert);
}

static void test_large_frame_before_the_greeting_is_refused(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;
	static const uint8_t head[FRAME_HEADER_BYTES] = {0, 0x0f, 0, 0, FRAME_HELLO, 0};
	static uint8_t body[32 << 10];

	add_host(scene, "web01", &cert);
	client_open_stream(&client, scene, &cert);
	conn_send(client.conn, slice_of(head, sizeof(head)));
	conn_send(client.conn, slice_of(body, sizeof(body)));
	client_await_close(&client);
	assert_int_equal(client.of_kind[FRAME_WELCOME], 0);
	client_fini(&client);
	buf_fini(&cert);
}

/* --- the store -------------------------------------------------------------------------------- */

static void test_host_that_has_filled_its_share_of_the_log_is_held_back_alone(void **state)
{
	struct scene *scene = *state;
	struct client greedy, honest;
	struct buf cert = BUF_INIT, other_cert = BUF_INIT;
	uint32_t host = add_host(scene, "web01", &cert);
	uint64_t end;

	limit(scene, (struct ingest_limits){.log_bytes = 2000});
	add_host(scene, "web02", &other_cert);
	client_stream(&greedy, scene, &cert, "stream a");
	client_batch(&greedy, 1, 10);
	client_await(&greedy, FRAME_ACK);
	assert_int_equal(held_of(scene, host), 0);
	client_batch(&greedy, 11, 64);
	client_is_refused(&greedy, REFUSED_OVERLOADED, "host_store_percent");
	client_fini(&greedy);
	assert_int_equal(greedy.acked, 10);
	assert_int_equal(held_of(scene, host), 1u << HOLD_LOG);
	assert_int_equal(times_told(scene, "held back"), 1);
	end = log_end(scene);
	/* Once a day is enough. */
	client_stream(&greedy, scene, &cert, "stream a");
	assert_int_equal(greedy.last.welcome.stored_seq, 10);
	client_batch(&greedy, 11, 64);
	client_is_refused(&greedy, REFUSED_OVERLOADED, "host_store_percent");
	client_fini(&greedy);
	assert_int_equal(log_end(scene), end);
	client_stream(&honest, scene, &other_cert, "stream b");
	client_batch(&honest, 1, 10);
	client_await(&honest, FRAME_ACK);
	client_fini(&honest);
	buf_fini(&cert);
	buf_fini(&other_cert);
}

static void test_stream_that_begins_anew_again_and_again_is_held_back(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;
	uint32_t host = add_host(scene, "web01", &cert);
	char name[16];

	limit(scene, (struct ingest_limits){.streams_a_day = 2});
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "stream %d", i);
		client_stream(&client, scene, &cert, name);
		client_batch(&client, 1, 1);
		client_await(&client, FRAME_ACK);
		client_fini(&client);
	}
	assert_int_equal(scene->new_streams, 2);
	client_stream(&client, scene, &cert, "stream 3");
	client_batch(&client, 1, 1);
	client_is_refused(&client, REFUSED_OVERLOADED, "host_streams_per_day");
	client_fini(&client);
	assert_int_equal(scene->new_streams, 2);
	assert_int_equal(held_of(scene, host), 1u << HOLD_STREAMS);
	client_stream(&client, scene, &cert, "stream 2");
	client_batch(&client, 2, 1);
	client_await(&client, FRAME_ACK);
	assert_int_equal(client.acked, 2);
	client_fini(&client);
	buf_fini(&cert);
}

/* --- facts ------------------------------------------------------------------------------------ */

static void show_facts_beyond(struct scene *scene, struct ingest_limits limits, unsigned hold)
{
	struct fact facts[] = {user_of("root", "/bin/bash"), user_of("aiko", "/bin/zsh"),
	        module_of("xfs", "1"), module_of("ext4", "1")};
	struct fact_agent agent = {0};

	limit(scene, limits);
	agent_enrol(&agent, scene, "web01");
	agent_holds(&agent, facts, 4);
	agent_connect(&agent, scene);
	agent_is_asked_for_an_offer(&agent);
	agent_offers(&agent);
	agent_is_asked_for_buckets(&agent);
	agent_shows(&agent);
	agent_is_not_asked(&agent);
	assert_int_equal(held_of(scene, agent.host), 1u << hold);
	assert_int_equal(times_told(scene, "held back"), 1);
	assert_int_equal(scene->restated, 0);
	agent_tells(&agent, NULL, NULL, true);
	agent_is_not_asked(&agent);
	agent_fini(&agent);
}

static void test_host_that_shows_more_facts_than_it_may_have_is_held_back(void **state)
{
	show_facts_beyond(*state, (struct ingest_limits){.facts = 2}, HOLD_FACTS);
}

static void test_host_that_fills_the_buckets_is_held_back(void **state)
{
	show_facts_beyond(*state, (struct ingest_limits){.bucket_bytes = 60}, HOLD_BUCKETS);
}

/* --- pace ------------------------------------------------------------------------------------- */

static void test_host_that_is_too_fast_is_read_later_and_loses_nothing(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;
	uint32_t host = add_host(scene, "web01", &cert);

	limit(scene, (struct ingest_limits){.units_per_s = 5000, .units_burst = 500});
	client_stream(&client, scene, &cert, "stream a");
	for (uint64_t i = 0; i < 30; i++)
		client_batch(&client, 1 + 64 * i, 64);
	while (client.acked < 30 * 64 && !client.is_closed)
		loop_run(scene->loop);
	assert_int_equal(client.acked, 30 * 64);
	assert_int_equal(held_of(scene, host), 1u << HOLD_PACE);
	assert_int_equal(status_of(scene).events, 30 * 64);
	client_fini(&client);
	buf_fini(&cert);
}

static void test_lines_that_peers_provoke_are_some_a_minute(void **state)
{
	struct chatter chatter = {0};
	unsigned dropped, lines = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		lines += chatter_may_log(&chatter, 1000 + i, &dropped);
	assert_in_range(lines, 10, 50);
	assert_true(chatter_may_log(&chatter, 61000, &dropped));
	assert_int_equal(dropped, 1000 - lines);
	assert_true(chatter_may_log(&chatter, 61001, &dropped));
	assert_int_equal(dropped, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        CASE(test_host_has_so_many_connections_and_another_host_still_its_own),
	        CASE(test_strangers_of_one_address_are_few_and_sessions_do_not_count),
	        CASE(test_large_frame_before_the_greeting_is_refused),
	        CASE(test_host_that_has_filled_its_share_of_the_log_is_held_back_alone),
	        CASE(test_stream_that_begins_anew_again_and_again_is_held_back),
	        CASE(test_host_that_shows_more_facts_than_it_may_have_is_held_back),
	        CASE(test_host_that_fills_the_buckets_is_held_back),
	        CASE(test_host_that_is_too_fast_is_read_later_and_loses_nothing),
	        cmocka_unit_test(test_lines_that_peers_provoke_are_some_a_minute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
