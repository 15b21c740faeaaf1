#include "tests/unit/collector-http/rig.h"

#include "collector/http/api.h"
#include "collector/store/eventlog.h"
#include "collector/store/hosts.h"
#include "collector/store/picture.h"
#include "collector/store/tokens.h"

#define READER "reader-token"
#define ADMIN  "admin-token"
#define ENROL  "enrolment-token"
#define NOW_NS 1763805600000000000LL /* 2025-11-22T10:00:00Z */

struct fixture {
	struct rig rig;
	struct store *store;
	struct index *index;
	struct api *api;
	uint32_t web, db;
	uint32_t revoked; /* told to api_actions */
	uint64_t next_seq[8];
};

/* --- what the collector's other stages would have done --------------------------------------- */

static struct kv_txn *begin_write(struct fixture *fixture)
{
	struct kv_txn *txn;

	assert_int_equal(kv_begin_write(store_kv(fixture->store), &txn), 0);
	return txn;
}

static uint32_t add_host(struct fixture *fixture, const char *name)
{
	struct host_record host = {.id = UINT32_MAX,
	        .name = slice_text(name),
	        .enrolled_ns = NOW_NS,
	        .agent_version = slice_text("0.1.0")};
	struct kv_txn *txn = begin_write(fixture);
	uint32_t id = 0;

	assert_int_equal(hosts_put(txn, &host, &id), 0);
	assert_int_equal(kv_commit(txn), 0);
	index_add_host(fixture->index, id, slice_text(name));
	return id;
}

static void put_token(struct fixture *fixture, const char *text, enum token_role role)
{
	struct token_record token = {.role = role, .created_ns = NOW_NS};
	struct kv_txn *txn = begin_write(fixture);

	assert_int_equal(tokens_put(txn, slice_text(text), &token), 0);
	assert_int_equal(kv_commit(txn), 0);
}

/* One batch: into the log, the picture and the index. */
static void store_events(
        struct fixture *fixture, uint32_t host, const struct event *events, size_t count)
{
	struct buf payload = BUF_INIT, all = BUF_INIT;
	struct slice encoded[1024];
	size_t at[1025] = {0};
	struct message message = {.kind = FRAME_BATCH};
	struct log_batch batch = {.host = host,
	        .stream_id = {1},
	        .first_seq = fixture->next_seq[host] + 1,
	        .count = (uint32_t)count,
	        .received_ns = NOW_NS,
	        .min_time_ns = INT64_MAX,
	        .max_time_ns = INT64_MIN};

	struct reason why;
	assert_true(count <= 1024);
	struct kv_txn *txn = begin_write(fixture);
	for (size_t i = 0; i < count; i++) {
		if (event_check(&events[i], &why) < 0)
			fail_msg("%s", why.text);
		assert_int_equal(wire_event_encode(&events[i], &all), 0);
		at[i + 1] = all.len;
		if (events[i].time_ns < batch.min_time_ns)
			batch.min_time_ns = events[i].time_ns;
		if (events[i].time_ns > batch.max_time_ns)
			batch.max_time_ns = events[i].time_ns;
		assert_int_equal(picture_apply(txn, host, &events[i]), 0);
		if (events[i].fact_after)
			index_fact_begins(fixture->index, host, events[i].fact_after);
	}
	for (size_t i = 0; i < count; i++)
		encoded[i] = slice_of(all.data + at[i], at[i + 1] - at[i]);
	message.batch = (struct batch){
	        .first_seq = batch.first_seq, .count = count, .events = encoded};
	assert_int_equal(wire_encode(&message, &payload), 0);
	batch.payload = buf_slice(&payload);
	assert_int_equal(eventlog_append(txn, &batch), 0);
	assert_int_equal(kv_commit(txn), 0);
	fixture->next_seq[host] += count;
	buf_fini(&payload);
	buf_fini(&all);
}

static struct event fact_event(const struct fact *fact)
{
	return (struct event){.time_ns = NOW_NS,
	        .kind = EVENT_FACT,
	        .action = ACTION_INSTALLED,
	        .cause = CAUSE_BASELINE,
	        .fact_after = fact};
}

static struct fact package(const char *name, const char *version)
{
	struct fact fact = {.kind = FACT_PACKAGE};

	fact.field[PACKAGE_MANAGER] = slice_text("dpkg");
	fact.field[PACKAGE_NAME] = slice_text(name);
	fact.field[PACKAGE_ARCH] = slice_text("amd64");
	fact.field[PACKAGE_VERSION] = slice_text(version);
	fact.field[PACKAGE_STATUS] = slice_text("installed");
	return fact;
}

static struct fact fact_of(enum fact_kind kind, const char *first, const char *second)
{
	struct fact fact = {.kind = kind};

	fact.field[0] = slice_text(first);
	fact.field[1] = slice_text(second);
	return fact;
}

static void store_fact(struct fixture *fixture, uint32_t host, struct fact fact)
{
	struct event event = fact_event(&fact);

	store_events(fixture, host, &event, 1);
}

static const struct filestate regular = {.type = FILE_REGULAR,
        .hash = HASH_DONE,
        .sha256 = {1},
        .mode = 0644,
        .size = 5,
        .mtime_ns = NOW_NS};

static struct event file_event(const char *path)
{
	return (struct event){.time_ns = NOW_NS,
	        .kind = EVENT_FILE,
	        .action = ACTION_CREATED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text(path),
	        .after = &regular};
}

static void store_file(struct fixture *fixture, uint32_t host, const char *path)
{
	struct event event = file_event(path);

	store_events(fixture, host, &event, 1);
}

/* --- actions ------------------------------------------------------------------------------- */

static uint32_t silent_host = UINT32_MAX;

static bool is_silent(void *ctx, uint32_t host)
{
	(void)ctx;
	return host == silent_host;
}

static bool is_connected(void *ctx, uint32_t host)
{
	return host == ((struct fixture *)ctx)->web;
}

static void revoked(void *ctx, uint32_t host)
{
	((struct fixture *)ctx)->revoked = host;
}

static void status(void *ctx, struct buf *out)
{
	(void)ctx;
	buf_append_text(out, ",\"sessions\":3");
}

static const struct api_actions actions = {is_connected, is_silent, revoked, status};

/* --- life ---------------------------------------------------------------------------------- */

static void fill(struct fixture *fixture)
{
	fixture->web = add_host(fixture, "web01");
	fixture->db = add_host(fixture, "db01");
	put_token(fixture, READER, TOKEN_READ);
	put_token(fixture, ADMIN, TOKEN_ADMIN);
	put_token(fixture, ENROL, TOKEN_ENROLL);
	store_fact(fixture, fixture->web, fact_of(FACT_OS, "debian", "12"));
	store_fact(fixture, fixture->web, fact_of(FACT_KERNEL, "running", "6.1.0-28-amd64"));
	store_fact(fixture, fixture->web, fact_of(FACT_LABEL, "env", "production"));
	store_fact(fixture, fixture->web, package("openssl", "3.0.9-1"));
	store_fact(fixture, fixture->db, package("openssl", "3.0.15-1"));
	store_fact(fixture, fixture->db, package("zlib1g", "1.2.13"));
	store_file(fixture, fixture->web, "/etc/passwd");
	store_file(fixture, fixture->web, "/etc/ssh/sshd_config");
	store_file(fixture, fixture->web, "/etcetera");
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char dir[96];
	struct reason why = {{0}};

	rig_init(&fixture->rig);
	snprintf(dir, sizeof(dir), "%s/data", fixture->rig.dir);
	if (store_open(dir, 64u << 20, fixture->rig.loop, &fixture->store, &why) < 0)
		fail_msg("%s", why.text);
	fixture->index = index_new();
	fixture->revoked = UINT32_MAX;
	fill(fixture);
	struct api_options options = {.address = "127.0.0.1:0",
	        .cert_file = fixture->rig.cert,
	        .key_file = fixture->rig.key,
	        .ca_fingerprint = "sha256:abcd",
	        .connections = 16,
	        .loop = fixture->rig.loop,
	        .store = fixture->store,
	        .index = fixture->index,
	        .actions = &actions,
	        .ctx = fixture};
	if (api_open(&options, &fixture->api, &why) < 0)
		fail_msg("%s", why.text);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	api_close(fixture->api);
	store_close(fixture->store);
	index_free(fixture->index);
	rig_fini(&fixture->rig);
	free(fixture);
	return 0;
}

static void ask(struct fixture *fixture, struct ask *one)
{
	if (!one->token)
		one->token = READER;
	rig_ask(&fixture->rig, api_port(fixture->api), one, 1);
}

/* Asks, and holds status and answer against what is wanted. */
static void expect(struct fixture *fixture, const char *path, long code, const char *answer)
{
	struct ask one = {.path = path};

	ask(fixture, &one);
	if (answer)
		assert_string_equal((char *)one.answer.data, answer);
	assert_int_equal(one.status, code);
	ask_fini(&one);
}

static size_t count_lines(const struct buf *text)
{
	size_t lines = 0;

	for (size_t i = 0; i < text->len; i++)
		lines += text->data[i] == '\n';
	return lines;
}

/* --- who may ------------------------------------------------------------------------------- */

static void test_only_api_tokens_open_the_api(void **state)
{
	struct ask asks[] = {{.path = "/api/v1/status", .token = "unknown"},
	        {.path = "/api/v1/status", .token = ENROL},
	        {.path = "/api/v1/status", .token = READER},
	        {.path = "/api/v1/status", .token = ADMIN},
	        {.method = "POST", .path = "/api/v1/tokens", .token = READER},
	        {.method = "POST", .path = "/api/v1/hosts/web01/revoke", .token = READER}};
	const long want[] = {401, 401, 200, 200, 403, 403};
	struct fixture *fixture = *state;

	rig_ask(&fixture->rig, api_port(fixture->api), asks, 6);
	for (int i = 0; i < 6; i++) {
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

static struct fact socket_of(const char *protocol, const char *port)
{
	struct fact fact = {.kind = FACT_SOCKET};

	fact.field[SOCKET_PROTOCOL] = slice_text(protocol);
	fact.field[SOCKET_ADDRESS] = slice_text("0.0.0.0");
	fact.field[SOCKET_PORT] = slice_text(port);
	fact.field[SOCKET_PROGRAM] = slice_text("/usr/sbin/nginx");
	return fact;
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
	        "{\"ttl\":\"1h\",\"ttl\":\"2h\"}"};
	struct ask one;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		post_token(*state, &one, wrong[i]);
		assert_int_equal(one.status, 400);
		ask_fini(&one);
	}
}

/* --- search and packages ------------------------------------------------------------------- */

static void test_search_says_why_a_host_matches(void **state)
{
	expect(*state, "/api/v1/search?q=package:openssl%3C3.0.10", 200,
	        "{\"host\":\"web01\",\"os\":\"debian 12\",\"kernel\":\"6.1.0-28-amd64\","
	        "\"last_seen\":null,\"state\":\"connected\",\"matches\":[{\"name\":\"openssl\","
	        "\"version\":\"3.0.9-1\",\"arch\":\"amd64\",\"manager\":\"dpkg\"}]}\n");
}

static void test_search_is_limited(void **state)
{
	struct ask one = {.path = "/api/v1/search?limit=1"};

	ask(*state, &one);
	assert_int_equal(count_lines(&one.answer), 1);
	ask_fini(&one);
	expect(*state, "/api/v1/search?limit=none", 400, NULL);
	expect(*state, "/api/v1/search?limit=0", 400, NULL);
}

static void test_bad_query_is_400_with_its_sentence(void **state)
{
	struct ask one = {.path = "/api/v1/search?q=package:("};

	ask(*state, &one);
	assert_int_equal(one.status, 400);
	assert_true(ask_says(&one, "column"));
	ask_fini(&one);
}

static void test_count_by_counts_hosts(void **state)
{
	expect(*state, "/api/v1/search?q=package:openssl&count_by=version", 200,
	        "{\"version\":\"3.0.15-1\",\"hosts\":1}\n{\"version\":\"3.0.9-1\",\"hosts\":1}\n");
	expect(*state, "/api/v1/search?q=package:openssl&count_by=package", 200,
	        "{\"package\":\"openssl\",\"hosts\":2}\n");
	expect(*state, "/api/v1/search?count_by=os", 200,
	        "{\"os\":\"debian 12\",\"hosts\":1}\n{\"os\":null,\"hosts\":1}\n");
	expect(*state, "/api/v1/search?count_by=label.env", 200,
	        "{\"label.env\":\"production\",\"hosts\":1}\n{\"label.env\":null,\"hosts\":1}\n");
	expect(*state, "/api/v1/search?count_by=host&limit=1", 200,
	        "{\"host\":\"db01\",\"hosts\":1}\n");
	expect(*state, "/api/v1/search?count_by=colour", 400, NULL);
	expect(*state, "/api/v1/search?count_by=version", 400, NULL);
	expect(*state, "/api/v1/search?q=package:*&count_by=manager", 200,
	        "{\"manager\":\"dpkg\",\"hosts\":2}\n");
}

static void test_host_counts_once_where_several_facts_have_a_value(void **state)
{
	struct fixture *fixture = *state;

	store_fact(fixture, fixture->web, socket_of("tcp", "443"));
	store_fact(fixture, fixture->web, socket_of("udp", "443"));
	store_fact(fixture, fixture->web, socket_of("tcp", "80"));
	expect(fixture, "/api/v1/search?count_by=listen", 200,
	        "{\"listen\":\"443\",\"hosts\":1}\n{\"listen\":\"80\",\"hosts\":1}\n"
	        "{\"listen\":null,\"hosts\":1}\n");
	expect(fixture, "/api/v1/search?q=listen:443&count_by=listen", 200,
	        "{\"listen\":\"443\",\"hosts\":1}\n");
	expect(fixture, "/api/v1/search?q=host:db01&count_by=listen", 200,
	        "{\"listen\":null,\"hosts\":1}\n");
}

static void test_search_shows_the_facts_that_match(void **state)
{
	struct fixture *fixture = *state;
	struct ask one = {.path = "/api/v1/search?q=listen:nginx+fact.virtualisation:*"};

	store_fact(fixture, fixture->web, socket_of("tcp", "443"));
	store_fact(fixture, fixture->db, socket_of("udp", "443"));
	store_fact(fixture, fixture->web, fact_of(FACT_HOST, "virtualisation", "kvm"));
	ask(fixture, &one);
	assert_int_equal(count_lines(&one.answer), 1);
	assert_true(ask_says(&one, "\"matches\":[{\"kind\":\"socket\",\"protocol\":\"tcp\","));
	assert_true(ask_says(
	        &one, "},{\"kind\":\"host\",\"name\":\"virtualisation\",\"value\":\"kvm\"}]}"));
	ask_fini(&one);
}

/* db01 is not connected and has told no os; its package's manager has no order. */
static void test_coverage_tells_what_an_answer_cannot_know(void **state)
{
	struct fixture *fixture = *state;
	struct fact lodash = package("lodash", "4.17.20");

	lodash.field[PACKAGE_MANAGER] = slice_text("brew");
	store_fact(fixture, fixture->db, lodash);
	expect(fixture, "/api/v1/search/coverage", 200,
	        "{\"hosts\":2,\"matches\":2,\"stale\":1,\"unknown\":1,\"unordered\":0,"
	        "\"unordered_managers\":[]}\n");
	expect(fixture, "/api/v1/search/coverage?q=package:lodash%3C5", 200,
	        "{\"hosts\":2,\"matches\":0,\"stale\":1,\"unknown\":1,\"unordered\":1,"
	        "\"unordered_managers\":[\"brew\"]}\n");
	expect(fixture, "/api/v1/search/coverage?q=(", 400, NULL);
}

static void test_packages_stand_in_version_order(void **state)
{
	struct ask one = {.path = "/api/v1/packages?name=openssl"};

	ask(*state, &one);
	assert_int_equal(count_lines(&one.answer), 2);
	const char *nine = strstr((char *)one.answer.data, "3.0.9-1");
	const char *fifteen = strstr((char *)one.answer.data, "3.0.15-1");
	assert_true(nine && fifteen && nine < fifteen);
	assert_true(ask_says(&one, "\"hosts\":1}\n"));
	ask_fini(&one);
}

static void test_packages_of_a_host(void **state)
{
	struct ask one = {.path = "/api/v1/packages?host=db01"};

	ask(*state, &one);
	assert_int_equal(count_lines(&one.answer), 2);
	ask_fini(&one);
	expect(*state, "/api/v1/packages?host=web01&name=zlib1g", 200, "");
	expect(*state, "/api/v1/packages?host=nobody", 404, NULL);
	expect(*state, "/api/v1/packages", 400, NULL);
}

static void test_one_version_at_many_paths_is_one_line(void **state)
{
	static const char *const paths[] = {"/srv/a", "/srv/b", "/usr/share/c"};
	struct fixture *fixture = *state;
	struct ask one = {.path = "/api/v1/packages?name=lodash"};
	struct fact lodash = package("lodash", "4.17.20");

	lodash.field[PACKAGE_MANAGER] = slice_text("npm");
	for (int i = 0; i < 3; i++) {
		lodash.field[PACKAGE_INSTANCE] = slice_text(paths[i]);
		lodash.field[PACKAGE_OWNER] = slice_text(i == 2 ? "dpkg:node-lodash" : "");
		store_fact(fixture, i == 1 ? fixture->db : fixture->web, lodash);
	}
	lodash.field[PACKAGE_VERSION] = slice_text("4.17.21");
	store_fact(fixture, fixture->db, lodash);
	ask(fixture, &one);
	assert_int_equal(count_lines(&one.answer), 2);
	assert_true(ask_says(&one, "\"status\":\"installed\",\"hosts\":2,\"instances\":3}\n"));
	assert_true(ask_says(&one, "\"instance\":\"/usr/share/c\""));
	assert_true(ask_says(&one, "\"owner\":\"dpkg:node-lodash\",\"hosts\":1}\n"));
	ask_fini(&one);
}

static void test_packages_of_a_host_say_when_they_came(void **state)
{
	struct fixture *fixture = *state;
	struct fact install = {.kind = FACT_INSTALL};
	struct ask one = {.path = "/api/v1/packages?host=db01"};

	install.field[INSTALL_MANAGER] = slice_text("dpkg");
	install.field[INSTALL_NAME] = slice_text("zlib1g");
	install.field[INSTALL_ARCH] = slice_text("amd64");
	install.field[INSTALL_TIME] = slice_text("1763805600");
	store_fact(fixture, fixture->db, install);
	ask(fixture, &one);
	assert_int_equal(count_lines(&one.answer), 2);
	assert_true(
	        ask_says(&one, "\"hosts\":1,\"installed_at\":\"2025-11-22T10:00:00.000000Z\"}\n"));
	assert_true(ask_says(&one, "\"hosts\":1}\n"));
	ask_fini(&one);
}

/* --- files --------------------------------------------------------------------------------- */

static void test_files_below_a_prefix(void **state)
{
	struct ask one = {.path = "/api/v1/files?host=web01&prefix=/etc"};

	ask(*state, &one);
	assert_int_equal(count_lines(&one.answer), 2);
	assert_false(ask_says(&one, "etcetera"));
	ask_fini(&one);
	expect(*state, "/api/v1/files?host=web01&prefix=etc", 400, NULL);
	expect(*state, "/api/v1/files?host=nobody", 404, "{\"error\":\"no host 'nobody'\"}\n");
	expect(*state, "/api/v1/files", 400, NULL);
}

static void test_many_files_come_each_once(void **state)
{
	struct fixture *fixture = *state;
	static char paths[1000][32];
	struct event events[1000];
	struct ask one = {.path = "/api/v1/files?host=db01"};

	for (int i = 0; i < 1000; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/srv/file-%04d", i);
		events[i] = file_event(paths[i]);
	}
	store_events(fixture, fixture->db, events, 1000);
	ask(fixture, &one);
	assert_int_equal(count_lines(&one.answer), 1000);
	for (int i = 0; i < 1000; i++)
		assert_true(ask_says(&one, paths[i]));
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
	        TEST(test_search_says_why_a_host_matches),
	        TEST(test_search_shows_the_facts_that_match),
	        TEST(test_search_is_limited),
	        TEST(test_coverage_tells_what_an_answer_cannot_know),
	        TEST(test_bad_query_is_400_with_its_sentence),
	        TEST(test_count_by_counts_hosts),
	        TEST(test_host_counts_once_where_several_facts_have_a_value),
	        TEST(test_packages_stand_in_version_order),
	        TEST(test_packages_of_a_host),
	        TEST(test_one_version_at_many_paths_is_one_line),
	        TEST(test_packages_of_a_host_say_when_they_came),
	        TEST(test_files_below_a_prefix),
	        TEST(test_many_files_come_each_once),
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
