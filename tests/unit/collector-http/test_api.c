/* Hosts, tokens and events by the API: who may, what is shown, what is refused. */
#include "tests/unit/collector-http/api_scene.h"

/* --- who may ------------------------------------------------------------------------------- */

static void test_only_api_tokens_open_the_api(void **state)
{
	struct ask asks[] = {{.path = "/api/v1/status", .token = "unknown"},
	        {.path = "/api/v1/status", .token = ENROL},
	        {.path = "/api/v1/status", .token = READER},
	        {.path = "/api/v1/status", .token = ADMIN},
	        {.method = "POST", .path = "/api/v1/tokens", .token = READER},
	        {.method = "POST", .path = "/api/v1/hosts/web01/revoke", .token = READER},
	        {.path = "/api/v1/tokens", .token = READER},
	        {.method = "POST",
	                .path = "/api/v1/tokens/0123456789abcdef/revoke",
	                .token = READER}};
	const long want[] = {401, 401, 200, 200, 403, 403, 403, 403};
	struct fixture *fixture = *state;

	rig_ask(&fixture->rig, api_port(fixture->api), asks, 8);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(asks[i].status, want[i]);
		ask_fini(&asks[i]);
	}
	assert_int_equal(fixture->revoked, UINT32_MAX);
}

/* --- hosts --------------------------------------------------------------------------------- */

static void test_hosts_are_listed_with_their_state(void **state)
{
	struct ask one = {.path = "/api/v1/hosts"};

	ask(*state, &one);
	assert_int_equal(one.status, 200);
	assert_int_equal(count_lines(&one.answer), 2);
	assert_true(ask_says(&one,
	        "{\"host\":\"web01\",\"id\":0,\"os\":\"debian 12\",\"kernel\":\"6.1.0-28-amd64\","
	        "\"state\":\"connected\",\"held\":null,\"last_seen\":null,\"enrolled\":"
	        "\"2025-11-22T10:00:00.000000Z\",\"agent_version\":\"0.1.0\",\"packages\":1,"
	        "\"labels\":{\"env\":\"production\"}}\n"));
	assert_true(ask_says(&one, "\"host\":\"db01\",\"id\":1,\"os\":null,\"kernel\":null,"
	                           "\"state\":\"offline\""));
	ask_fini(&one);
	one = (struct ask){.path = "/api/v1/hosts"};
	silent_host = 1;
	ask(*state, &one);
	silent_host = UINT32_MAX;
	assert_true(ask_says(&one, "\"host\":\"db01\",\"id\":1,\"os\":null,\"kernel\":null,"
	                           "\"state\":\"silent\""));
	ask_fini(&one);
}

static void test_host_shows_files_and_kernels(void **state)
{
	struct ask one = {.path = "/api/v1/hosts/web01"};

	ask(*state, &one);
	assert_int_equal(one.status, 200);
	assert_true(ask_says(&one, "\"files\":3"));
	assert_true(ask_says(&one, "\"kernels\":[{\"state\":\"running\""));
	ask_fini(&one);
	expect(*state, "/api/v1/hosts/nobody", 404, "{\"error\":\"no host 'nobody'\"}\n");
}

static struct fact account(const char *name, const char *login)
{
	struct fact fact = {.kind = FACT_USER};

	fact.field[USER_NAME] = slice_text(name);
	fact.field[USER_LOGIN] = slice_text(login);
	return fact;
}

static void test_host_shows_short_lists_and_counts_of_all(void **state)
{
	struct fixture *fixture = *state;
	struct ask one = {.path = "/api/v1/hosts/web01"};

	store_fact(fixture, fixture->web, socket_of("tcp", "443"));
	store_fact(fixture, fixture->web, account("aiko", "yes"));
	store_fact(fixture, fixture->web, account("daemon", "no"));
	store_fact(fixture, fixture->web, fact_of(FACT_MITIGATION, "spectre_v2", "Vulnerable"));
	store_fact(fixture, fixture->web, fact_of(FACT_MODULE, "zfs", "2.1"));
	ask(fixture, &one);
	assert_true(ask_says(&one, "\"counts\":{\"package\":1,\"kernel\":1,\"os\":1,\"host\":0,"
	                           "\"label\":1,\"module\":1,"));
	assert_true(ask_says(&one, "\"mitigations\":{\"spectre_v2\":\"Vulnerable\"}"));
	assert_true(ask_says(&one, "\"sockets\":[{\"protocol\":\"tcp\",\"address\":\"0.0.0.0\","
	                           "\"port\":\"443\",\"program\":\"/usr/sbin/nginx\","));
	assert_true(ask_says(&one, "\"login_accounts\":[{\"name\":\"aiko\""));
	assert_false(ask_says(&one, "daemon"));
	assert_false(ask_says(&one, "zfs"));
	ask_fini(&one);
}

static void store_units(struct fixture *fixture, uint32_t host, char names[1000][32])
{
	static struct fact facts[1000];
	static struct event events[1000];

	for (int i = 0; i < 1000; i++) {
		snprintf(names[i], 32, "unit-%04d.service", i);
		facts[i] = fact_of(FACT_UNIT, names[i], "enabled");
		events[i] = fact_event(&facts[i]);
	}
	store_events(fixture, host, events, 1000);
}

static void test_facts_of_a_host_come_each_once(void **state)
{
	struct fixture *fixture = *state;
	static char names[1000][32];
	struct ask units = {.path = "/api/v1/hosts/db01/facts?kind=unit"};
	struct ask all = {.path = "/api/v1/hosts/db01/facts"};

	store_units(fixture, fixture->db, names);
	ask(fixture, &units);
	assert_int_equal(count_lines(&units.answer), 1000);
	for (int i = 0; i < 1000; i++)
		assert_true(ask_says(&units, names[i]));
	ask(fixture, &all);
	assert_int_equal(count_lines(&all.answer), 1002);
	assert_true(
	        ask_says(&all, "{\"kind\":\"package\",\"manager\":\"dpkg\",\"name\":\"openssl\""));
	ask_fini(&units);
	ask_fini(&all);
	expect(fixture, "/api/v1/hosts/db01/facts?kind=kernel", 200, "");
	expect(fixture, "/api/v1/hosts/db01/facts?kind=colour", 400, NULL);
	expect(fixture, "/api/v1/hosts/nobody/facts", 404, "{\"error\":\"no host 'nobody'\"}\n");
	expect(fixture, "/api/v1/hosts//facts", 404, NULL);
}

static void test_lists_of_a_host_end_and_its_counts_do_not(void **state)
{
	struct fixture *fixture = *state;
	static struct fact facts[300];
	static struct event events[300];
	static char ports[300][8];
	struct ask one = {.path = "/api/v1/hosts/db01"};
	size_t shown = 0;

	for (int i = 0; i < 300; i++) {
		snprintf(ports[i], sizeof(ports[i]), "%d", 1000 + i);
		facts[i] = socket_of("tcp", ports[i]);
		events[i] = fact_event(&facts[i]);
	}
	store_events(fixture, fixture->db, events, 300);
	ask(fixture, &one);
	assert_true(ask_says(&one, "\"socket\":300"));
	for (int i = 0; i < 300; i++) {
		char port[24];
		snprintf(port, sizeof(port), "\"port\":\"%d\"", 1000 + i);
		shown += ask_says(&one, port);
	}
	assert_int_equal(shown, 256);
	ask_fini(&one);
}

static void test_revoking_is_stored_and_told(void **state)
{
	struct fixture *fixture = *state;
	struct ask one = {.method = "POST", .path = "/api/v1/hosts/db01/revoke", .token = ADMIN};

	ask(fixture, &one);
	assert_int_equal(one.status, 200);
	assert_string_equal((char *)one.answer.data, "{\"host\":\"db01\",\"state\":\"revoked\"}\n");
	assert_int_equal(fixture->revoked, fixture->db);
	ask_fini(&one);
	one = (struct ask){.path = "/api/v1/hosts/db01"};
	ask(fixture, &one);
	assert_true(ask_says(&one, "\"state\":\"revoked\""));
	ask_fini(&one);
}

static void test_revoking_an_unknown_host_is_404(void **state)
{
	struct fixture *fixture = *state;
	struct ask one = {.method = "POST", .path = "/api/v1/hosts/nobody/revoke", .token = ADMIN};

	ask(fixture, &one);
	assert_int_equal(one.status, 404);
	assert_true(ask_says(&one, "no host 'nobody'"));
	assert_int_equal(fixture->revoked, UINT32_MAX);
	ask_fini(&one);
}

/* --- tokens -------------------------------------------------------------------------------- */

static void post_token(struct fixture *fixture, struct ask *one, const char *body)
{
	*one = (struct ask){.method = "POST",
	        .path = "/api/v1/tokens",
	        .token = ADMIN,
	        .body = body,
	        .body_len = strlen(body)};
	ask(fixture, one);
}

static void test_new_token_enrols_with_its_labels(void **state)
{
	struct fixture *fixture = *state;
	struct token_record token;
	struct kv_txn *txn;
	struct ask one;

	post_token(fixture, &one, "{\"ttl\":\"2h\",\"labels\":{\"env\":\"test\"}}");
	assert_int_equal(one.status, 200);
	assert_true(ask_says(&one, "\"ca_fingerprint\":\"sha256:abcd\",\"expires\":\"20"));
	assert_memory_equal(one.answer.data, "{\"token\":\"", 10);
	struct slice text = slice_of(one.answer.data + 10, TOKEN_TEXT_BYTES);
	assert_int_equal(kv_begin_read(store_kv(fixture->store), &txn), 0);
	assert_int_equal(tokens_find(txn, text, clock_wall_ns(), &token, NULL), 0);
	assert_int_equal(token.role, TOKEN_ENROLL);
	assert_int_equal(token.expires_ns - token.created_ns, 7200 * NS_PER_S);
	assert_int_equal(token.label_count, 1);
	assert_true(slice_is(token.label_name[0], "env"));
	kv_abort(txn);
	ask_fini(&one);
}

static void test_wrong_wishes_for_a_token_are_400(void **state)
{
	static const char *const wrong[] = {"{", "[]", "{\"ttl\":\"31d\"}", "{\"ttl\":\"0s\"}",
	        "{\"ttl\":5}", "{\"tll\":\"1h\"}", "{\"labels\":[]}",
	        "{\"labels\":{\"a b\":\"c\"}}", "{\"labels\":{\"a\":1}}",
	        "{\"labels\":{\"\":\"x\"}}", "{\"labels\":{\"a\":\"x\\u001b\"}}",
	        "{\"ttl\":\"1h\",\"ttl\":\"2h\"}", "{\"role\":\"admin\"}", "{\"role\":1}",
	        "{\"role\":\"read\",\"ttl\":\"367d\"}"};
	struct ask one;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		post_token(*state, &one, wrong[i]);
		assert_int_equal(one.status, 400);
		ask_fini(&one);
	}
}

/* More than one piece of the listing. */
static void test_tokens_are_listed_without_what_makes_them_secret(void **state)
{
	struct fixture *fixture = *state;
	struct ask one;
	char id[TOKEN_ID_BYTES + 1];
	struct kv_txn *txn;
	size_t before;

	one = (struct ask){.path = "/api/v1/tokens", .token = ADMIN};
	ask(fixture, &one);
	before = count_lines(&one.answer);
	ask_fini(&one);
	txn = begin_write(fixture);
	for (int i = 0; i < 800; i++) {
		char text[16];
		struct token_record token = {.role = i ? TOKEN_READ : TOKEN_ENROLL,
		        .created_ns = 1,
		        .expires_ns = i % 8 == 7 ? 2 : 0,
		        .label_count = 1,
		        .label_name = {slice_text("for")},
		        .label_value = {slice_text("a \"dashboard\"")}};
		snprintf(text, sizeof(text), "secret%d", i);
		assert_int_equal(tokens_put(txn, slice_text(text), &token), 0);
	}
	assert_int_equal(kv_commit(txn), 0);
	one = (struct ask){.path = "/api/v1/tokens", .token = ADMIN};
	ask(fixture, &one);
	assert_int_equal(one.status, 200);
	assert_int_equal(count_lines(&one.answer), before + 700);
	token_id(slice_text("secret0"), id);
	assert_true(ask_says(&one, id));
	assert_true(
	        ask_says(&one, "\",\"role\":\"enroll\",\"created\":\"1970-01-01T00:00:00.000000Z\","
	                       "\"expires\":null,\"labels\":{\"for\":\"a \\\"dashboard\\\"\"}}\n"));
	assert_false(ask_says(&one, "secret"));
	ask_fini(&one);
}

/* --- events -------------------------------------------------------------------------------- */

#define FILLED 9 /* events of fill() */

static void test_events_come_oldest_first(void **state)
{
	struct ask one = {.path = "/api/v1/events"};
	char id[32];
	const char *at;

	ask(*state, &one);
	assert_int_equal(count_lines(&one.answer), FILLED);
	at = (char *)one.answer.data;
	for (int i = 1; i <= FILLED; i++) {
		snprintf(id, sizeof(id), "{\"id\":\"%d-0\",", i);
		at = strstr(at, id);
		assert_non_null(at);
	}
	ask_fini(&one);
}

static void test_events_are_filtered(void **state)
{
	struct ask one = {.path = "/api/v1/events?q=action:created+path:/etc/passwd"};

	ask(*state, &one);
	assert_int_equal(count_lines(&one.answer), 1);
	assert_true(ask_says(&one, "\"host\":\"web01\""));
	ask_fini(&one);
	one = (struct ask){.path = "/api/v1/events?host=db01"};
	ask(*state, &one);
	assert_int_equal(count_lines(&one.answer), 2);
	ask_fini(&one);
	expect(*state, "/api/v1/events?host=web01&q=host:db01", 200, "");
	expect(*state, "/api/v1/events?since=2099-01-01", 200, "");
	expect(*state, "/api/v1/events?host=nobody", 404, NULL);
	expect(*state, "/api/v1/events?since=never", 400, NULL);
	expect(*state, "/api/v1/events?limit=1&last=1", 400, NULL);
}

static void test_limit_gives_the_first_and_last_the_newest(void **state)
{
	struct ask first = {.path = "/api/v1/events?limit=2"};
	struct ask last = {.path = "/api/v1/events?last=2&q=host:web01"};
	struct ask all = {.path = "/api/v1/events?last=1000"};

	ask(*state, &first);
	assert_int_equal(count_lines(&first.answer), 2);
	assert_true(ask_says(&first, "\"1-0\"") && ask_says(&first, "\"2-0\""));
	ask(*state, &last);
	assert_int_equal(count_lines(&last.answer), 2);
	assert_true(ask_says(&last, "\"8-0\"") && ask_says(&last, "\"9-0\""));
	ask(*state, &all);
	assert_int_equal(count_lines(&all.answer), FILLED);
	ask_fini(&first);
	ask_fini(&last);
	ask_fini(&all);
}

/* More than one budget and one piece, in one batch and in several. */
static void test_long_listing_has_every_event_once(void **state)
{
	struct fixture *fixture = *state;
	static char paths[1000][32];
	struct event events[1000];
	struct ask one = {.path = "/api/v1/events?host=db01"};
	struct ask last = {.path = "/api/v1/events?last=1500"};

	for (int i = 0; i < 1000; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/srv/file-%04d", i);
		events[i] = file_event(paths[i]);
	}
	for (int i = 0; i < 10; i++)
		store_events(fixture, fixture->db, events, 1000);
	ask(fixture, &one);
	assert_int_equal(count_lines(&one.answer), 2 + 10 * 1000);
	assert_true(ask_says(&one, "\"19-999\""));
	ask(fixture, &last);
	assert_int_equal(count_lines(&last.answer), 1500);
	assert_memory_equal(last.answer.data, "{\"id\":\"18-500\"", 14);
	ask_fini(&one);
	ask_fini(&last);
}

/* --- the stream ---------------------------------------------------------------------------- */

static void test_stream_goes_on_behind_the_last_id(void **state)
{
	struct ask one = {.path = "/api/v1/events/stream",
	        .header = "last-event-id: 7-0",
	        .stop_at = "id: 9-0\n"};

	ask(*state, &one);
	assert_int_equal(one.status, 200);
	assert_non_null(strstr((char *)one.head.data, "text/event-stream"));
	assert_memory_equal(one.answer.data, ":\n\nid: 8-0\ndata: {\"id\":\"8-0\"", 28);
	ask_fini(&one);
}

static void test_stream_since_begins_with_what_is_stored(void **state)
{
	struct ask one = {.path = "/api/v1/events/stream?since=2020-01-01&q=host:db01",
	        .stop_at = "id: 6-0\n"};

	ask(*state, &one);
	assert_true(ask_says(&one, "id: 5-0\ndata: "));
	assert_false(ask_says(&one, "id: 4-0\n"));
	ask_fini(&one);
}

static void test_bad_last_id_is_400(void **state)
{
	struct ask one = {.path = "/api/v1/events/stream", .header = "last-event-id: seven"};

	ask(*state, &one);
	assert_int_equal(one.status, 400);
	ask_fini(&one);
}

struct commit {
	struct fixture *fixture;
	struct timer *timer;
	unsigned times;
};

static void commit_one(void *ctx)
{
	struct commit *commit = ctx;

	store_file(commit->fixture, commit->fixture->db, "/srv/new");
	commit->times++;
	api_committed(commit->fixture->api);
	timer_start(commit->timer, 1, 0);
}

/* It is not known when the client has connected: so events are made until it has seen two. */
static void test_stream_shows_what_is_committed_and_nothing_older(void **state)
{
	struct fixture *fixture = *state;
	struct commit commit = {.fixture = fixture};
	struct ask one = {.path = "/api/v1/events/stream?q=host:db01", .stop_after = 900};

	commit.timer = timer_new(fixture->rig.loop, commit_one, &commit);
	timer_start(commit.timer, 1, 0);
	ask(fixture, &one);
	timer_free(commit.timer);
	assert_true(ask_says(&one, "\"path\":\"/srv/new\""));
	assert_false(ask_says(&one, "zlib1g"));
	ask_fini(&one);
}

static void test_status_counts(void **state)
{
	struct ask one = {.path = "/api/v1/status"};

	ask(*state, &one);
	assert_true(ask_says(&one, "\"hosts\":2,\"connected\":1,\"facts\":6,\"events_end\":9,"));
	assert_true(ask_says(&one, ",\"sessions\":3}\n"));
	ask_fini(&one);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_only_api_tokens_open_the_api),
	        TEST(test_hosts_are_listed_with_their_state),
	        TEST(test_host_shows_files_and_kernels),
	        TEST(test_host_shows_short_lists_and_counts_of_all),
	        TEST(test_facts_of_a_host_come_each_once),
	        TEST(test_lists_of_a_host_end_and_its_counts_do_not),
	        TEST(test_revoking_is_stored_and_told),
	        TEST(test_revoking_an_unknown_host_is_404),
	        TEST(test_new_token_enrols_with_its_labels),
	        TEST(test_wrong_wishes_for_a_token_are_400),
	        TEST(test_tokens_are_listed_without_what_makes_them_secret),
	        TEST(test_events_come_oldest_first),
	        TEST(test_events_are_filtered),
	        TEST(test_limit_gives_the_first_and_last_the_newest),
	        TEST(test_long_listing_has_every_event_once),
	        TEST(test_stream_goes_on_behind_the_last_id),
	        TEST(test_stream_since_begins_with_what_is_stored),
	        TEST(test_bad_last_id_is_400),
	        TEST(test_stream_shows_what_is_committed_and_nothing_older),
	        TEST(test_status_counts),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	curl_global_cleanup();
	return failed;
}
