/*
 * A real ingest on a free port of the loopback, its store in a directory of its own, and clients
 * that say what a test wants them to say. All on one loop.
 */
#ifndef TSUJIBAN_TESTS_COLLECTOR_INGEST_SCENE_H
#define TSUJIBAN_TESTS_COLLECTOR_INGEST_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/ingest/ingest.h"
#include "collector/store/picture.h"
#include "collector/store/tokens.h"
#include "common/base/clock.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

#define HOUR_NS     (3600 * NS_PER_S)
#define WATCHDOG_MS 30000 /* ends a test that hangs */
#define MAP_BYTES   (64u << 20)

struct scene {
	char dir[32];
	char address[32];
	struct ingest_limits limits; /* zeros: none */
	struct loop *loop;
	struct timer *watchdog;
	struct store *store;
	struct ingest *ingest;
	struct buf ca_key, ca_cert, server_key, server_cert, host_key;
	uint8_t fingerprint[PKI_FINGERPRINT_BYTES];

	/* what the ingest has told */
	unsigned stored_calls, new_streams, enrolled;
	unsigned restated;
	size_t stored_events;
	char details[512]; /* of the stored events, each with a space behind */
	uint32_t last_host;
};

struct client {
	struct scene *scene;
	struct conn *conn;
	struct tls_context *tls;
	bool is_ready, is_closed;
	int code;
	struct message last; /* borrows from the arena */
	unsigned frames;     /* heartbeats aside */
	unsigned of_kind[FRAME_KIND_MAX + 1];
	uint64_t acked;
	struct arena *arena;
	struct buf plain;
};

static inline void must(int rc, const struct reason *why, const char *what)
{
	if (rc < 0)
		fail_msg("%s: %s", what, why->text);
}

/* --- certificates ----------------------------------------------------------------------------- */

static inline void sign_cert(
        struct scene *scene, struct slice key, const char *name, bool is_server, struct buf *out)
{
	static const char *const names[] = {"127.0.0.1", NULL};
	int64_t now_ns = clock_wall_ns();
	struct pki_grant grant = {.name = name,
	        .names = is_server ? names : NULL,
	        .is_server = is_server,
	        .not_before_ns = now_ns - HOUR_NS,
	        .not_after_ns = now_ns + HOUR_NS};
	struct buf csr = BUF_INIT;
	struct reason why;

	must(pki_csr_new(key, name, &csr, &why), &why, "request");
	must(pki_sign(buf_slice(&csr), buf_slice(&scene->ca_cert), buf_slice(&scene->ca_key),
	             &grant, out, &why),
	        &why, "sign");
	buf_fini(&csr);
}

static inline void make_identities(struct scene *scene)
{
	struct pki_cert_info info;
	struct reason why;

	must(pki_key_new(&scene->ca_key, &why), &why, "key");
	must(pki_key_new(&scene->server_key, &why), &why, "key");
	must(pki_key_new(&scene->host_key, &why), &why, "key");
	must(pki_ca_new(buf_slice(&scene->ca_key), "test CA", clock_wall_ns() - 2 * HOUR_NS,
	             2000 * HOUR_NS, &scene->ca_cert, &why),
	        &why, "ca");
	sign_cert(scene, buf_slice(&scene->server_key), "collector", true, &scene->server_cert);
	must(pki_cert_info(buf_slice(&scene->ca_cert), &info, &why), &why, "ca");
	memcpy(scene->fingerprint, info.fingerprint, PKI_FINGERPRINT_BYTES);
}

/* --- the collector's side --------------------------------------------------------------------- */

static inline void note_stored(
        void *ctx, uint32_t host, const struct event *events, size_t count, bool is_new_stream)
{
	struct scene *scene = ctx;
	size_t used = strlen(scene->details);

	scene->stored_calls++;
	scene->stored_events += count;
	scene->new_streams += is_new_stream;
	scene->last_host = host;
	for (size_t i = 0; i < count; i++) {
		struct slice text = events[i].detail;
		if (events[i].kind == EVENT_FACT && events[i].fact_after)
			text = events[i].fact_after->field[PAIR_VALUE];
		if (used + text.len + 2 > sizeof(scene->details))
			break;
		if (text.len > 0)
			memcpy(scene->details + used, text.ptr, text.len);
		used += text.len;
		scene->details[used++] = ' ';
		scene->details[used] = '\0';
	}
}

static inline void note_restated(void *ctx, uint32_t host)
{
	struct scene *scene = ctx;

	scene->restated++;
	scene->last_host = host;
	loop_stop(scene->loop);
}

static inline void note_enrolled(void *ctx, uint32_t host, struct slice name)
{
	struct scene *scene = ctx;

	(void)name;
	scene->enrolled++;
	scene->last_host = host;
}

static inline void hang(void *ctx)
{
	(void)ctx;
	fprintf(stderr, "the test hangs\n");
	abort();
}

static inline void open_ingest(struct scene *scene, uint32_t heartbeat_s)
{
	static const struct ingest_events events = {
	        .stored = note_stored, .restated = note_restated, .enrolled = note_enrolled};
	struct ingest_options options = {
	        .address = "127.0.0.1:0",
	        .connections = 20,
	        .heartbeat_s = heartbeat_s,
	        .cert_pem = buf_slice(&scene->server_cert),
	        .key_pem = buf_slice(&scene->server_key),
	        .ca_pem = buf_slice(&scene->ca_cert),
	        .ca_key_pem = buf_slice(&scene->ca_key),
	        .cert_valid_ns = 24 * HOUR_NS,
	        .limits = scene->limits,
	        .loop = scene->loop,
	        .store = scene->store,
	};
	struct reason why;

	must(ingest_open(&options, &events, scene, &scene->ingest, &why), &why, "ingest");
	snprintf(
	        scene->address, sizeof(scene->address), "127.0.0.1:%u", ingest_port(scene->ingest));
}

static inline void open_store(struct scene *scene, uint64_t map_bytes)
{
	struct reason why;

	must(store_open(scene->dir, map_bytes, scene->loop, &scene->store, &why), &why, "store");
}

static inline int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	snprintf(scene->dir, sizeof(scene->dir), "/tmp/tsujiban-ingest-XXXXXX");
	if (!mkdtemp(scene->dir))
		return -1;
	make_identities(scene);
	scene->loop = loop_new();
	scene->watchdog = timer_new(scene->loop, hang, NULL);
	timer_start(scene->watchdog, WATCHDOG_MS, 0);
	open_store(scene, MAP_BYTES);
	open_ingest(scene, 30);
	*state = scene;
	return 0;
}

static inline int tear_down(void **state)
{
	struct scene *scene = *state;
	char command[64];

	ingest_close(scene->ingest);
	store_close(scene->store);
	timer_free(scene->watchdog);
	loop_free(scene->loop);
	buf_fini(&scene->ca_key);
	buf_fini(&scene->ca_cert);
	buf_fini(&scene->server_key);
	buf_fini(&scene->server_cert);
	buf_fini(&scene->host_key);
	snprintf(command, sizeof(command), "rm -rf '%s'", scene->dir);
	free(scene);
	return system(command);
}

/* --- the store's content ---------------------------------------------------------------------- */

struct write_job {
	struct store_job job;
	struct host_record host;
	const char *token;
	int64_t token_ends_ns;
};

static inline int apply_write(struct store_job *base, struct kv_txn *txn, struct reason *out_why)
{
	struct write_job *job = (struct write_job *)base;
	struct token_record token = {.role = TOKEN_ENROLL,
	        .expires_ns = job->token_ends_ns,
	        .label_count = 1,
	        .label_name = {slice_text("env")},
	        .label_value = {slice_text("production")}};

	(void)out_why;
	if (job->token)
		return tokens_put(txn, slice_text(job->token), &token);
	return hosts_put(txn, &job->host, &job->host.id);
}

static inline void write_now(struct scene *scene, struct write_job *job)
{
	struct reason why;

	job->job.apply = apply_write;
	must(store_write(scene->store, &job->job, &why), &why, "write");
}

static inline void add_token(struct scene *scene, const char *text, int64_t ends_ns)
{
	struct write_job job = {.token = text, .token_ends_ns = ends_ns};

	write_now(scene, &job);
}

/* An enrolled host; its certificate is appended to `out_cert`. */
static inline uint32_t add_host(struct scene *scene, const char *name, struct buf *out_cert)
{
	struct write_job job = {.host = {.id = UINT32_MAX, .name = slice_text(name)}};
	struct pki_cert_info info;
	struct reason why;

	job.host.label_count = 1;
	job.host.label_name[0] = slice_text("role");
	job.host.label_value[0] = slice_text("web");
	sign_cert(scene, buf_slice(&scene->host_key), name, false, out_cert);
	must(pki_cert_info(buf_slice(out_cert), &info, &why), &why, "cert");
	memcpy(job.host.serial, info.serial, PKI_SERIAL_BYTES);
	write_now(scene, &job);
	return job.host.id;
}

static inline struct host_record read_host(struct scene *scene, uint32_t id)
{
	struct host_record host;
	struct kv_txn *txn;

	assert_int_equal(kv_begin_read(store_kv(scene->store), &txn), 0);
	assert_int_equal(hosts_get(txn, id, &host), 0);
	kv_abort(txn);
	return host;
}

static inline uint64_t log_end(struct scene *scene)
{
	struct kv_txn *txn;
	uint64_t end;

	assert_int_equal(kv_begin_read(store_kv(scene->store), &txn), 0);
	end = eventlog_end(txn);
	kv_abort(txn);
	return end;
}

static inline uint64_t count_files(struct scene *scene, uint32_t host)
{
	struct kv_txn *txn;
	uint64_t count;

	assert_int_equal(kv_begin_read(store_kv(scene->store), &txn), 0);
	count = picture_count_files(txn, host);
	kv_abort(txn);
	return count;
}

/* --- clients ---------------------------------------------------------------------------------- */

static inline void client_is_ready(
        void *ctx, struct conn *conn, const char *protocol, const struct pki_cert_info *peer)
{
	struct client *client = ctx;

	(void)conn;
	(void)protocol;
	(void)peer;
	client->is_ready = true;
	loop_stop(client->scene->loop);
}

static inline void client_gets_frame(void *ctx, struct conn *conn, const struct frame *frame)
{
	struct client *client = ctx;
	struct reason why;
	struct slice plain;

	(void)conn;
	client->of_kind[frame->kind]++;
	loop_stop(client->scene->loop);
	if (frame->kind == FRAME_HEARTBEAT)
		return;
	client->frames++;
	arena_reset(client->arena);
	must(frame_open(frame, &client->plain, &plain, &why), &why, "frame");
	plain = arena_copy(client->arena, plain);
	must(wire_decode(frame->kind, plain, client->arena, &client->last, &why), &why, "message");
	if (frame->kind == FRAME_ACK)
		client->acked = client->last.ack.stored_seq;
}

static inline void client_is_closed(
        void *ctx, struct conn *conn, int code, const struct reason *why)
{
	struct client *client = ctx;

	(void)conn;
	(void)why;
	client->is_closed = true;
	client->code = code;
	loop_stop(client->scene->loop);
}

static inline void client_begin(struct client *client, struct scene *scene)
{
	static const struct conn_events events = {
	        .ready = client_is_ready, .frame = client_gets_frame, .closed = client_is_closed};

	client->scene = scene;
	client->arena = arena_new(1u << 20);
	client->conn = conn_connect(scene->loop, client->tls, scene->address, &events, client);
	while (!client->is_ready && !client->is_closed)
		loop_run(scene->loop);
}

static inline void client_open_stream(struct client *client, struct scene *scene, struct buf *cert)
{
	struct reason why;

	*client = (struct client){0};
	must(tls_client_new(buf_slice(cert), buf_slice(&scene->host_key),
	             buf_slice(&scene->ca_cert), &client->tls, &why),
	        &why, "tls");
	client_begin(client, scene);
}

static inline void client_open_enrolment(struct client *client, struct scene *scene)
{
	struct reason why;

	*client = (struct client){0};
	must(tls_enroll_new(scene->fingerprint, &client->tls, &why), &why, "tls");
	client_begin(client, scene);
}

static inline void client_fini(struct client *client)
{
	if (!client->is_closed)
		conn_drop(client->conn);
	tls_context_free(client->tls);
	arena_free(client->arena);
	buf_fini(&client->plain);
}

static inline void client_send(struct client *client, const struct message *message)
{
	struct buf scratch = BUF_INIT, out = BUF_INIT;

	assert_int_equal(wire_append_frame(message, &scratch, &out), 0);
	conn_send(client->conn, buf_slice(&out));
	buf_fini(&scratch);
	buf_fini(&out);
}

static inline void client_await(struct client *client, enum frame_kind kind)
{
	unsigned before = client->of_kind[kind];

	while (client->of_kind[kind] == before && !client->is_closed)
		loop_run(client->scene->loop);
	assert_int_equal(client->of_kind[kind], before + 1);
}

static inline void client_await_close(struct client *client)
{
	while (!client->is_closed)
		loop_run(client->scene->loop);
}

/* The refusal comes, its sentence contains `text`, and the connection is closed. */
static inline void client_is_refused(struct client *client, enum refusal code, const char *text)
{
	char said[REASON_MAX];

	while (client->of_kind[FRAME_REFUSED] == 0 && !client->is_closed)
		loop_run(client->scene->loop);
	assert_int_equal(client->of_kind[FRAME_REFUSED], 1);
	assert_int_equal(client->last.refused.code, code);
	snprintf(said, sizeof(said), "%.*s", SLICE_ARG(client->last.refused.text));
	if (!strstr(said, text))
		fail_msg("'%s' does not say '%s'", said, text);
	client_await_close(client);
}

static inline void client_hello(
        struct client *client, const char *stream, uint64_t first_seq, uint64_t next_seq)
{
	struct message message = {.kind = FRAME_HELLO};

	snprintf((char *)message.hello.stream_id, WIRE_STREAM_ID_BYTES, "%s", stream);
	message.hello.first_seq = first_seq;
	message.hello.next_seq = next_seq;
	message.hello.agent_version = slice_text("0.1.0");
	client_send(client, &message);
}

/* Handshake, Hello, Welcome. */
static inline void client_stream(
        struct client *client, struct scene *scene, struct buf *cert, const char *stream)
{
	client_open_stream(client, scene, cert);
	client_hello(client, stream, 1, 1000000);
	client_await(client, FRAME_WELCOME);
}

/* `count` files "/f/<seq>" come to be. */
static inline void client_batch(struct client *client, uint64_t first_seq, size_t count)
{
	struct filestate state = {.type = FILE_REGULAR, .hash = HASH_TOO_LARGE, .mode = 0644};
	struct message message = {.kind = FRAME_BATCH};
	struct slice events[64];
	struct buf encoded[64], path = BUF_INIT;

	assert_true(count <= 64);
	for (size_t i = 0; i < count; i++) {
		struct event event = {.time_ns = 1,
		        .kind = EVENT_FILE,
		        .action = ACTION_CREATED,
		        .cause = CAUSE_LIVE,
		        .after = &state};
		buf_reset(&path);
		buf_printf(&path, "/f/%llu", (unsigned long long)(first_seq + i));
		event.path = event.detail = buf_slice(&path);
		encoded[i] = BUF_INIT;
		assert_int_equal(wire_event_encode(&event, &encoded[i]), 0);
		events[i] = buf_slice(&encoded[i]);
	}
	message.batch = (struct batch){.first_seq = first_seq, .count = count, .events = events};
	client_send(client, &message);
	for (size_t i = 0; i < count; i++)
		buf_fini(&encoded[i]);
	buf_fini(&path);
}

static inline struct ingest_status status_of(const struct scene *scene)
{
	struct ingest_status status;

	ingest_status(scene->ingest, &status);
	return status;
}

#endif
