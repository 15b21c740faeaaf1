/* State sync as it is meant to go. */
#include "tests/unit/collector-ingest/restate_scene.h"

/* --- rounds ----------------------------------------------------------------------------------- */

static void test_equal_roots_ask_for_nothing(void **state)
{
	(void)state;
	agent_holds(&web01, NULL, 0);
	agent_connect(&web01, scene);
	agent_is_not_asked(&web01);
	agent_tells(&web01, NULL, NULL, true);
	agent_is_not_asked(&web01);
	assert_int_equal(scene->restated, 0);
}

static void test_a_greeting_with_another_root_leads_to_the_facts(void **state)
{
	(void)state;
	agent_connect(&web01, scene);
	agent_is_put_right(&web01);
	assert_picture_is_the_agents(scene, &web01);
	agent_is_not_asked(&web01);
	agent_leave(&web01);
	agent_connect(&web01, scene);
	agent_is_not_asked(&web01);
	assert_int_equal(scene->restated, 1);
}

/* Behind it in the stream stands what may be the difference. */
static void test_a_greeting_before_all_is_stored_is_not_compared(void **state)
{
	struct fact xfs = module_of("xfs", "1");

	(void)state;
	agent_holds(&web01, &xfs, 1);
	web01.seq = 1;
	agent_connect(&web01, scene);
	web01.seq = 0;
	agent_tells(&web01, NULL, &xfs, true);
	agent_is_not_asked(&web01);
	assert_picture_is_the_agents(scene, &web01);
}

static void test_a_batch_with_another_root_leads_to_the_facts(void **state)
{
	size_t count = web01.count;

	(void)state;
	web01.count = 0;
	agent_connect(&web01, scene);
	web01.count = count;
	agent_tells(&web01, NULL, NULL, false);
	agent_is_not_asked(&web01);
	agent_tells(&web01, NULL, NULL, true);
	agent_is_put_right(&web01);
	assert_picture_is_the_agents(scene, &web01);
	agent_tells(&web01, NULL, NULL, true);
	agent_is_not_asked(&web01);
}

static void test_only_buckets_that_differ_are_asked_for(void **state)
{
	const struct want *want = &web01.client.last.want;
	struct fact old;

	(void)state;
	agent_connect(&web01, scene);
	agent_is_put_right(&web01);
	old = web01.fact[0];
	assert_int_equal(old.kind, FACT_MODULE);
	web01.fact[0].field[MODULE_VERSION] = slice_text("2");
	agent_tells(&web01, NULL, NULL, true);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	agent_is_asked_for_buckets(&web01);
	assert_int_equal(want->count, 1);
	assert_int_equal(want->section[0].kind, FACT_MODULE);
	assert_int_equal(want->section[0].buckets.len, 1);
	assert_int_equal(want->section[0].buckets.ptr[0], agent_bucket_of(&old, 4));
	agent_shows(&web01);
	await_restated(scene, 2);
	assert_picture_is_the_agents(scene, &web01);
}

static void test_what_the_agent_has_not_is_emptied_and_labels_stay(void **state)
{
	struct fact label = {.kind = FACT_LABEL, .field = {slice_text("role"), slice_text("db")}};
	struct fact held;
	struct kv_txn *txn;

	(void)state;
	agent_connect(&web01, scene);
	agent_is_put_right(&web01);
	agent_tells(&web01, NULL, &label, false);
	agent_holds(&web01, NULL, 0);
	agent_tells(&web01, NULL, NULL, true);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	await_restated(scene, 2);
	assert_int_equal(picture_count(scene, web01.host), 0);
	assert_int_equal(kv_begin_read(store_kv(scene->store), &txn), 0);
	assert_int_equal(picture_fact(txn, web01.host, &label, &held), 0);
	kv_abort(txn);
	agent_tells(&web01, NULL, NULL, true);
	agent_is_not_asked(&web01);
}

static void test_facts_that_are_there_by_mistake_go(void **state)
{
	struct fact mistake = module_of("mistake", "1"), other = {.kind = FACT_OS};

	(void)state;
	agent_connect(&web01, scene);
	agent_is_put_right(&web01);
	agent_tells(&web01, NULL, &mistake, false);
	agent_tells(&web01, NULL, &other, false);
	assert_int_equal(picture_count(scene, web01.host), 8);
	agent_tells(&web01, NULL, NULL, true);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	/* The bucket was shown before: nothing has to be asked for. */
	await_restated(scene, 2);
	assert_picture_is_the_agents(scene, &web01);
}

static void test_facts_come_in_several_messages(void **state)
{
	struct message message = {.kind = FRAME_BUCKET};
	struct section_facts section = {.count = 1};

	(void)state;
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	agent_is_asked_for_buckets(&web01);
	for (size_t i = 0; i < web01.count; i++) {
		section.kind = web01.fact[i].kind;
		section.fact = &web01.fact[i];
		message.bucket = (struct bucket){1, &section, true};
		client_send(&web01.client, &message);
	}
	message.bucket = (struct bucket){0};
	client_send(&web01.client, &message);
	await_restated(scene, 1);
	assert_picture_is_the_agents(scene, &web01);
}

/* --- other hosts ------------------------------------------------------------------------------ */

static void test_what_one_host_has_shown_no_other_is_asked_for(void **state)
{
	struct fact_agent web02;

	(void)state;
	agent_connect(&web01, scene);
	agent_is_put_right(&web01);
	agent_enrol(&web02, scene, "web02");
	agent_holds(&web02, web01.fact, web01.count);
	agent_connect(&web02, scene);
	agent_is_asked_for_an_offer(&web02);
	agent_offers(&web02);
	await_restated(scene, 2);
	assert_int_equal(scene->last_host, web02.host);
	agent_is_not_asked(&web02);
	assert_picture_is_the_agents(scene, &web02);
	agent_fini(&web02);
}

static void test_of_many_hosts_the_first_ones_are_asked_and_the_rest_finds_it_known(void **state)
{
	struct fact_agent fleet[2 * SLOTS];

	(void)state;
	agent_connect(&web01, scene);
	open_fleet(fleet, 2 * SLOTS);
	for (size_t i = SLOTS; i < (size_t)2 * SLOTS; i++)
		agent_is_not_asked(&fleet[i]);
	assert_int_equal(scene->restated, 0);
	/* One shows, and with its slot all that wait are served. */
	agent_shows(&fleet[1]);
	await_restated(scene, 1 + SLOTS);
	for (size_t i = SLOTS; i < (size_t)2 * SLOTS; i++) {
		agent_is_not_asked(&fleet[i]);
		assert_picture_is_the_agents(scene, &fleet[i]);
	}
	agent_shows(&fleet[0]);
	agent_shows(&fleet[2]);
	agent_shows(&fleet[3]);
	await_restated(scene, 2 * SLOTS);
	for (size_t i = 0; i < (size_t)2 * SLOTS; i++)
		assert_picture_is_the_agents(scene, &fleet[i]);
	close_fleet(fleet, 2 * SLOTS);
}

/* --- facts that change meanwhile -------------------------------------------------------------- */

static void change_one(struct fact_agent *agent, const char *version, bool has_root)
{
	struct fact before = agent->fact[1];

	assert_int_equal(before.kind, FACT_MODULE);
	agent->fact[1].field[MODULE_VERSION] = slice_text(version);
	agent_tells(agent, &before, &agent->fact[1], has_root);
}

static void test_an_event_while_buckets_are_awaited_leads_to_another_round(void **state)
{
	struct fact_agent before;

	(void)state;
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	agent_is_asked_for_buckets(&web01);
	before = web01;
	change_one(&web01, "2", true);
	agent_shows(&before);
	await_restated(scene, scene->restated + 1);
	agent_is_put_right(&web01);
	assert_picture_is_the_agents(scene, &web01);
	agent_is_not_asked(&web01);
}

static void test_events_of_a_host_that_waits_lead_to_one_round_more(void **state)
{
	struct fact_agent fleet[SLOTS];

	(void)state;
	open_fleet(fleet, SLOTS);
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	agent_offers(&web01);
	change_one(&web01, "2", true);
	change_one(&web01, "3", true);
	agent_is_not_asked(&web01);
	agent_shows(&fleet[0]);
	/* What it had offered is known, and older than the events. */
	agent_is_put_right(&web01);
	assert_picture_is_the_agents(scene, &web01);
	agent_is_not_asked(&web01);
	close_fleet(fleet, SLOTS);
}

/* What is offered is younger than they are. */
static void test_events_before_the_offer_lead_to_no_round_more(void **state)
{
	(void)state;
	agent_connect(&web01, scene);
	agent_is_asked_for_an_offer(&web01);
	change_one(&web01, "2", true);
	change_one(&web01, "3", true);
	agent_offers(&web01);
	agent_is_asked_for_buckets(&web01);
	agent_shows(&web01);
	while (picture_count(scene, web01.host) < web01.count)
		loop_run(scene->loop);
	agent_is_not_asked(&web01);
	assert_picture_is_the_agents(scene, &web01);
}

static void test_facts_may_change_for_more_rounds_than_are_made_in_vain(void **state)
{
	static const char *const versions[] = {"2", "3", "4", "5", "6", "7", "8", "9"};

	(void)state;
	agent_connect(&web01, scene);
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct fact_agent offered;
		agent_is_asked_for_an_offer(&web01);
		agent_offers(&web01);
		agent_is_asked_for_buckets(&web01);
		offered = web01;
		web01.fact[1].field[MODULE_VERSION] = slice_text(versions[i]);
		agent_tells(&web01, NULL, NULL, true);
		/* Now and then it shows what it has now, which is not what it has offered. */
		agent_shows(i % 3 == 0 ? &web01 : &offered);
	}
	agent_is_put_right(&web01);
	assert_picture_is_the_agents(scene, &web01);
	agent_is_not_asked(&web01);
}

/* Whoever follows the events alone would keep the fact that was there. */
static void test_an_event_upon_another_fact_is_told_as_a_repair(void **state)
{
	struct fact one = module_of("xfs", "1"), two = module_of("xfs", "2"),
	            three = module_of("xfs", "3");

	(void)state;
	agent_holds(&web01, NULL, 0);
	agent_connect(&web01, scene);
	agent_tells(&web01, NULL, &one, false);
	agent_tells(&web01, &one, &two, false);
	assert_int_equal(scene->restated, 0);
	agent_tells(&web01, &one, &three, false);
	assert_int_equal(scene->restated, 1);
	agent_tells(&web01, NULL, &two, false);
	assert_int_equal(scene->restated, 2);
	agent_tells(&web01, &two, NULL, false);
	assert_int_equal(scene->restated, 2);
	agent_tells(&web01, &two, &three, false);
	assert_int_equal(scene->restated, 2);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_equal_roots_ask_for_nothing),
	        CASE(test_a_greeting_with_another_root_leads_to_the_facts),
	        CASE(test_a_greeting_before_all_is_stored_is_not_compared),
	        CASE(test_a_batch_with_another_root_leads_to_the_facts),
	        CASE(test_only_buckets_that_differ_are_asked_for),
	        CASE(test_what_the_agent_has_not_is_emptied_and_labels_stay),
	        CASE(test_facts_that_are_there_by_mistake_go),
	        CASE(test_facts_come_in_several_messages),
	        CASE(test_what_one_host_has_shown_no_other_is_asked_for),
	        CASE(test_of_many_hosts_the_first_ones_are_asked_and_the_rest_finds_it_known),
	        CASE(test_an_event_while_buckets_are_awaited_leads_to_another_round),
	        CASE(test_events_of_a_host_that_waits_lead_to_one_round_more),
	        CASE(test_events_before_the_offer_lead_to_no_round_more),
	        CASE(test_facts_may_change_for_more_rounds_than_are_made_in_vain),
	        CASE(test_an_event_upon_another_fact_is_told_as_a_repair),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
