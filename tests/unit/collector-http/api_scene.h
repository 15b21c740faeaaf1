/*
 * api_scene - an API over a store with two hosts in it, and what the collector's other stages
 * would do.
 */
#ifndef TSUJIBAN_TESTS_UNIT_COLLECTOR_HTTP_API_SCENE_H
#define TSUJIBAN_TESTS_UNIT_COLLECTOR_HTTP_API_SCENE_H

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

static inline struct kv_txn *begin_write(struct fixture *fixture)
{
	struct kv_txn *txn;

	assert_int_equal(kv_begin_write(store_kv(fixture->store), &txn), 0);
	return txn;
}

static inline uint32_t add_host(struct fixture *fixture, const char *name)
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

static inline void put_token(struct fixture *fixture, const char *text, enum token_role role)
{
	struct token_record token = {.role = role, .created_ns = NOW_NS};
	struct kv_txn *txn = begin_write(fixture);

	assert_int_equal(tokens_put(txn, slice_text(text), &token), 0);
	assert_int_equal(kv_commit(txn), 0);
}

/* One batch: into the log, the picture and the index. */
static inline void store_events(
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

static inline struct event fact_event(const struct fact *fact)
{
	return (struct event){.time_ns = NOW_NS,
	        .kind = EVENT_FACT,
	        .action = ACTION_INSTALLED,
	        .cause = CAUSE_BASELINE,
	        .fact_after = fact};
}

static inline struct fact package(const char *name, const char *version)
{
	struct fact fact = {.kind = FACT_PACKAGE};

	fact.field[PACKAGE_MANAGER] = slice_text("dpkg");
	fact.field[PACKAGE_NAME] = slice_text(name);
	fact.field[PACKAGE_ARCH] = slice_text("amd64");
	fact.field[PACKAGE_VERSION] = slice_text(version);
	fact.field[PACKAGE_STATUS] = slice_text("installed");
	return fact;
}

static inline struct fact fact_of(enum fact_kind kind, const char *first, const char *second)
{
	struct fact fact = {.kind = kind};

	fact.field[0] = slice_text(first);
	fact.field[1] = slice_text(second);
	return fact;
}

static inline void store_fact(struct fixture *fixture, uint32_t host, struct fact fact)
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

static inline struct event file_event(const char *path)
{
	return (struct event){.time_ns = NOW_NS,
	        .kind = EVENT_FILE,
	        .action = ACTION_CREATED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text(path),
	        .after = &regular};
}

static inline void store_file(struct fixture *fixture, uint32_t host, const char *path)
{
	struct event event = file_event(path);

	store_events(fixture, host, &event, 1);
}

/* --- actions ------------------------------------------------------------------------------- */

static uint32_t silent_host = UINT32_MAX;

static inline bool is_silent(void *ctx, uint32_t host)
{
	(void)ctx;
	return host == silent_host;
}

static inline bool is_connected(void *ctx, uint32_t host)
{
	return host == ((struct fixture *)ctx)->web;
}

static inline void revoked(void *ctx, uint32_t host)
{
	((struct fixture *)ctx)->revoked = host;
}

static inline void status(void *ctx, struct buf *out)
{
	(void)ctx;
	buf_append_text(out, ",\"sessions\":3");
}

static const struct api_actions actions = {is_connected, is_silent, revoked, status};

/* --- life ---------------------------------------------------------------------------------- */

static inline void fill(struct fixture *fixture)
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

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;

	api_close(fixture->api);
	store_close(fixture->store);
	index_free(fixture->index);
	rig_fini(&fixture->rig);
	free(fixture);
	return 0;
}

static inline void ask(struct fixture *fixture, struct ask *one)
{
	if (!one->token)
		one->token = READER;
	rig_ask(&fixture->rig, api_port(fixture->api), one, 1);
}

/* Asks, and holds status and answer against what is wanted. */
static inline void expect(struct fixture *fixture, const char *path, long code, const char *answer)
{
	struct ask one = {.path = path};

	ask(fixture, &one);
	if (answer)
		assert_string_equal((char *)one.answer.data, answer);
	assert_int_equal(one.status, code);
	ask_fini(&one);
}

static inline size_t count_lines(const struct buf *text)
{
	size_t lines = 0;

	for (size_t i = 0; i < text->len; i++)
		lines += text->data[i] == '\n';
	return lines;
}

static inline struct fact socket_of(const char *protocol, const char *port)
{
	struct fact fact = {.kind = FACT_SOCKET};

	fact.field[SOCKET_PROTOCOL] = slice_text(protocol);
	fact.field[SOCKET_ADDRESS] = slice_text("0.0.0.0");
	fact.field[SOCKET_PORT] = slice_text(port);
	fact.field[SOCKET_PROGRAM] = slice_text("/usr/sbin/nginx");
	return fact;
}

#endif
