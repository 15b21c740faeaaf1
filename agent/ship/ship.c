#include "agent/ship/ship.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/ship/identity.h"
#include "agent/ship/renew.h"
#include "agent/ship/sections.h"
#include "agent/state/spool.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/backoff.h"
#include "common/io/conn.h"

#define BATCH_EVENTS      1000
#define BATCH_BYTES       (256u << 10)
#define WINDOW_MAX        64
#define WINDOW_DEFAULT    8
#define PENDING_BYTES_MAX (1u << 20) /* above this the socket is full: go on at `drained` */
#define BACKOFF_FIRST_MS  500
#define BACKOFF_MOST_MS   60000
#define MESSAGE_BYTES_MAX (256u << 10)
#define IDLE_BYTES        4096
#define RELEASE_EVENTS    500
#define DEAF_AFTER        3 /* heartbeats without a word from the collector */

enum ship_state { OFFLINE, CONNECTING, GREETING, STREAMING, WAITING };

struct ship {
	struct loop *loop;
	struct state *state;
	struct ship_options options;
	const struct ship_events *events;
	void *ctx;

	enum ship_state now;
	struct conn *conn;
	struct timer *retry;
	struct timer *heartbeat;
	uint64_t heartbeat_ms;
	struct backoff backoff;
	struct renew renew;
	struct pki_cert_info cert; /* our own, of this connection */

	uint64_t confirmed_seq;
	uint64_t sent_seq;
	bool is_root_sent; /* behind a batch of this connection … */
	uint64_t root_seq; /* … up to this one, which tells what the facts add up to there */
	uint64_t in_flight[WINDOW_MAX]; /* the last seq of each batch that is not confirmed, oldest
	                                   first */
	unsigned in_flight_count;

	struct arena *arena;
	struct buf scratch; /* encoded messages */
	struct buf frames;  /* on their way to the conn */
	char why[REASON_MAX];
	char host[PKI_NAME_MAX + 1];
	int64_t connected_since_ns;
};

static void connect_now(void *ctx);

/* --- leaving: one way down from any state -------------------------------------------------- */

static void remember_why(struct ship *ship, const char *why)
{
	if (strncmp(ship->why, why, sizeof ship->why - 1) != 0)
		log_warn("cannot reach collector '%s': %s", ship->options.collector, why);
	snprintf(ship->why, sizeof ship->why, "%s", why);
}

static void wait_and_retry(struct ship *ship, const char *why)
{
	uint64_t random;
	random_bytes(&random, sizeof random);
	uint64_t wait_ms = backoff_next_ms(&ship->backoff, random);
	remember_why(ship, why);
	renew_drop(&ship->renew);
	timer_stop(ship->heartbeat);
	timer_start(ship->retry, wait_ms, 0);
	ship->conn = NULL;
	ship->in_flight_count = 0;
	ship->connected_since_ns = 0;
	ship->now = WAITING;
	buf_shrink(&ship->scratch, 0);
	buf_shrink(&ship->frames, 0);
	log_debug("trying collector '%s' again in_ms=%llu", ship->options.collector,
	        (unsigned long long)wait_ms);
	ship->events->changed(ship->ctx);
}

static void drop_and_retry(struct ship *ship, const char *why)
{
	conn_drop(ship->conn);
	wait_and_retry(ship, why);
}

static void on_closed(void *ctx, struct conn *conn, int code, const struct reason *why)
{
	(void)conn;
	(void)code;
	wait_and_retry(
	        ctx, why && why->text[0] ? why->text : "the collector closed the connection");
}

/* --- sending --------------------------------------------------------------------------------- */

static void send_message(struct ship *ship, const struct message *message)
{
	buf_reset(&ship->frames);
	if (wire_append_frame(message, &ship->scratch, &ship->frames) == 0)
		conn_send(ship->conn, buf_slice(&ship->frames));
}

static bool window_is_open(const struct ship *ship)
{
	return ship->in_flight_count < ship->options.window &&
	       conn_pending(ship->conn) < PENDING_BYTES_MAX;
}

/* With the last events that there are: once a connection, for the collector may not have had them
 * all at the greeting, and then when facts have changed since. */
static void add_root(struct ship *ship, struct batch *batch, uint8_t root[SECTION_ROOT_BYTES])
{
	uint64_t last_seq = batch->first_seq + batch->count - 1, changed_seq;
	if (sections_root(ship->state, last_seq, root, &changed_seq) &&
	        (!ship->is_root_sent || changed_seq > ship->root_seq)) {
		batch->facts_root = slice_of(root, SECTION_ROOT_BYTES);
		ship->is_root_sent = true;
		ship->root_seq = last_seq;
	}
}

/* 1: one batch went out; 0: the spool has no more; negative: it cannot be read. */
static int send_next_batch(struct ship *ship)
{
	struct message message = {.kind = FRAME_BATCH};
	arena_reset(ship->arena);
	int rc = spool_read(ship->state, ship->sent_seq + 1, BATCH_EVENTS, BATCH_BYTES, ship->arena,
	        &message.batch);
	if (rc < 0 || message.batch.count == 0)
		return rc;
	uint8_t root[SECTION_ROOT_BYTES];
	add_root(ship, &message.batch, root);
	send_message(ship, &message);
	/* A long spool is read once, and need not stay this process's memory. */
	if (message.batch.count >= RELEASE_EVENTS)
		kv_release_pages(state_kv(ship->state));
	ship->sent_seq += message.batch.count;
	ship->in_flight[ship->in_flight_count++] = ship->sent_seq;
	return 1;
}

static void pump(struct ship *ship)
{
	int rc = 1;
	while (rc == 1 && window_is_open(ship))
		rc = send_next_batch(ship);
	if (rc < 0)
		drop_and_retry(ship, err_text(rc));
}

static void on_drained(void *ctx, struct conn *conn)
{
	struct ship *ship = ctx;
	(void)conn;
	if (ship->now == STREAMING)
		pump(ship);
}

/* --- receiving ------------------------------------------------------------------------------- */

static void confirm(struct ship *ship, uint64_t seq)
{
	unsigned done = 0;
	while (done < ship->in_flight_count && ship->in_flight[done] <= seq)
		done++;
	ship->in_flight_count -= done;
	memmove(ship->in_flight, ship->in_flight + done,
	        ship->in_flight_count * sizeof ship->in_flight[0]);
	if (seq > ship->confirmed_seq) {
		ship->confirmed_seq = seq;
		ship->events->confirmed(ship->ctx, seq);
	}
}

static void ask_for_renewal_when_due(struct ship *ship)
{
	struct reason why;
	if (!identity_is_due(&ship->cert, clock_wall_ns()))
		return;
	buf_reset(&ship->frames);
	if (renew_begin(&ship->renew, ship->host, &ship->frames, &why) < 0)
		log_error("cannot ask for a new certificate: %s", why.text);
	else if (ship->frames.len)
		conn_send(ship->conn, buf_slice(&ship->frames));
}

/* The collector's memory and ours have to meet: what it has not stored must still be in the spool,
 * and it cannot know more than we have numbered (it can after our state directory was restored from
 * a copy). */
static void on_welcome(struct ship *ship, const struct welcome *welcome)
{
	struct state_position position = state_position(ship->state);
	snprintf(ship->host, sizeof ship->host, "%.*s", SLICE_ARG(welcome->host));
	if (welcome->stored_seq + 1 < position.first_seq ||
	        welcome->stored_seq >= position.next_seq) {
		log_warn("collector and spool do not meet: reporting everything anew stored=%llu "
		         "spool=%llu..%llu",
		        (unsigned long long)welcome->stored_seq,
		        (unsigned long long)position.first_seq,
		        (unsigned long long)position.next_seq);
		drop_and_retry(ship, "collector and spool do not meet");
		ship->events->begin_anew(ship->ctx);
		return;
	}
	log_info("connected to collector '%s' host=%s stored=%llu waiting=%llu",
	        ship->options.collector, ship->host, (unsigned long long)welcome->stored_seq,
	        (unsigned long long)(position.next_seq - 1 - welcome->stored_seq));
	ship->now = STREAMING;
	ship->why[0] = '\0';
	ship->connected_since_ns = clock_wall_ns();
	ship->sent_seq = welcome->stored_seq;
	ship->confirmed_seq = 0;
	ship->heartbeat_ms = (welcome->heartbeat_s ? welcome->heartbeat_s : 30) * 1000ull;
	backoff_reset(&ship->backoff);
	timer_start(ship->heartbeat, ship->heartbeat_ms, ship->heartbeat_ms);
	confirm(ship, welcome->stored_seq);
	ship->events->changed(ship->ctx);
	ask_for_renewal_when_due(ship);
	pump(ship);
}

static int send_answer(void *ctx, const struct message *message)
{
	struct ship *ship = ctx;
	buf_reset(&ship->frames);
	int rc = wire_append_frame(message, &ship->scratch, &ship->frames);
	if (rc == 0)
		conn_send(ship->conn, buf_slice(&ship->frames));
	return rc;
}

static void on_want(struct ship *ship, const struct want *want)
{
	int rc = sections_answer(ship->state, want, send_answer, ship);
	if (rc < 0)
		drop_and_retry(ship, err_text(rc));
	buf_shrink(&ship->scratch, IDLE_BYTES);
	buf_shrink(&ship->frames, IDLE_BYTES);
}

static void on_ack(struct ship *ship, uint64_t seq)
{
	if (seq > ship->sent_seq) {
		drop_and_retry(ship, "the collector confirmed events that were never sent");
		return;
	}
	confirm(ship, seq);
	pump(ship);
	if (ship->in_flight_count == 0) { /* nothing more for now: no large batch stays in memory */
		buf_shrink(&ship->scratch, IDLE_BYTES);
		buf_shrink(&ship->frames, IDLE_BYTES);
	}
}

static void on_refused(struct ship *ship, const struct refused *refused)
{
	struct buf text = BUF_INIT;
	buf_append_text(&text, "the collector refuses this host: ");
	text_append_display(&text, refused->text);
	drop_and_retry(ship, buf_text(&text));
	buf_fini(&text);
}

static void on_renewed(struct ship *ship, const struct enroll_reply *reply)
{
	struct reason why;
	if (renew_finish(&ship->renew, reply, ship->options.dir, &why) < 0) {
		log_error("cannot renew the certificate: %s", why.text);
		return;
	}
	pki_cert_info(reply->cert_pem, &ship->cert, NULL);
	log_info("renewed the certificate host=%s", ship->host);
}

static void on_message(struct ship *ship, const struct message *message)
{
	if (message->kind == FRAME_REFUSED)
		on_refused(ship, &message->refused);
	else if (message->kind == FRAME_WELCOME && ship->now == GREETING)
		on_welcome(ship, &message->welcome);
	else if (message->kind == FRAME_ACK && ship->now == STREAMING)
		on_ack(ship, message->ack.stored_seq);
	else if (message->kind == FRAME_WANT && ship->now == STREAMING)
		on_want(ship, &message->want);
	else if (message->kind == FRAME_RENEW_REPLY && ship->now == STREAMING)
		on_renewed(ship, &message->renew_reply);
	else if (message->kind != FRAME_HEARTBEAT)
		drop_and_retry(ship, "the collector sent a message out of turn");
}

static void on_frame(void *ctx, struct conn *conn, const struct frame *frame)
{
	struct ship *ship = ctx;
	struct slice payload;
	struct message message;
	struct reason why;
	(void)conn;
	arena_reset(ship->arena);
	int rc = frame_open(frame, &ship->scratch, &payload, &why);
	if (rc == 0)
		rc = wire_decode(frame->kind, payload, ship->arena, &message, &why);
	if (rc != 0)
		drop_and_retry(ship, why.text);
	else
		on_message(ship, &message);
}

/* --- connecting ------------------------------------------------------------------------------ */

static void on_ready(
        void *ctx, struct conn *conn, const char *protocol, const struct pki_cert_info *peer)
{
	struct ship *ship = ctx;
	struct state_position position = state_position(ship->state);
	struct message message = {.kind = FRAME_HELLO};
	uint8_t root[SECTION_ROOT_BYTES];
	uint64_t changed_seq;
	(void)conn;
	(void)protocol;
	(void)peer;
	memcpy(message.hello.stream_id, state_stream_id(ship->state), WIRE_STREAM_ID_BYTES);
	message.hello.first_seq = position.first_seq;
	message.hello.next_seq = position.next_seq;
	message.hello.agent_version = slice_text(TSUJIBAN_VERSION);
	ship->is_root_sent = false;
	if (sections_root(ship->state, position.next_seq - 1, root, &changed_seq))
		message.hello.facts_root = slice_of(root, SECTION_ROOT_BYTES);
	ship->now = GREETING;
	send_message(ship, &message);
	timer_start(ship->heartbeat, CONN_HANDSHAKE_MS, CONN_HANDSHAKE_MS);
	ship->events->changed(ship->ctx);
}

static const struct conn_events CONN_EVENTS = {
        .ready = on_ready,
        .frame = on_frame,
        .drained = on_drained,
        .closed = on_closed,
};

static void connect_now(void *ctx)
{
	struct ship *ship = ctx;
	struct identity identity;
	struct tls_context *tls = NULL;
	struct reason why;
	int rc = identity_load(ship->options.dir, &identity, &why);
	if (rc == 0)
		rc = tls_client_new(buf_slice(&identity.cert_pem), buf_slice(&identity.key_pem),
		        buf_slice(&identity.ca_pem), &tls, &why);
	ship->cert = identity.cert;
	identity_fini(&identity);
	if (rc < 0) {
		wait_and_retry(ship, why.text);
		return;
	}
	ship->now = CONNECTING;
	ship->conn = conn_connect(ship->loop, tls, ship->options.collector, &CONN_EVENTS, ship);
	tls_context_free(tls);
	ship->events->changed(ship->ctx);
}

/* Says that we are here, and notices when the collector is not: a link that was cut without a word.
 */
static void on_heartbeat(void *ctx)
{
	struct ship *ship = ctx;
	uint64_t silent_ms = loop_now_ms(ship->loop) - conn_last_heard_ms(ship->conn);
	if (ship->now == GREETING) {
		drop_and_retry(ship, "the collector does not answer");
	} else if (silent_ms > DEAF_AFTER * ship->heartbeat_ms) {
		drop_and_retry(ship, "the collector has fallen silent");
	} else {
		send_message(ship, &(struct message){.kind = FRAME_HEARTBEAT});
		ask_for_renewal_when_due(ship);
	}
}

/* --- life ------------------------------------------------------------------------------------ */

int ship_new(struct loop *loop, struct state *state, const struct ship_options *options,
        const struct ship_events *events, void *ctx, struct ship **out, struct reason *out_why)
{
	struct identity identity;
	int rc = identity_load(options->dir, &identity, out_why);
	identity_fini(&identity);
	if (rc < 0)
		return rc;
	struct ship *ship = mem_new(sizeof *ship);
	ship->loop = loop;
	ship->state = state;
	ship->options = *options;
	if (ship->options.window == 0 || ship->options.window > WINDOW_MAX)
		ship->options.window = WINDOW_DEFAULT;
	ship->events = events;
	ship->ctx = ctx;
	ship->retry = timer_new(loop, connect_now, ship);
	ship->heartbeat = timer_new(loop, on_heartbeat, ship);
	ship->backoff = (struct backoff){.first_ms = BACKOFF_FIRST_MS, .most_ms = BACKOFF_MOST_MS};
	ship->arena = arena_new(MESSAGE_BYTES_MAX + 2 * BATCH_BYTES);
	*out = ship;
	return 0;
}

void ship_start(struct ship *ship)
{
	connect_now(ship);
}

void ship_free(struct ship *ship)
{
	if (!ship)
		return;
	if (ship->conn)
		conn_drop(ship->conn);
	timer_free(ship->retry);
	timer_free(ship->heartbeat);
	renew_drop(&ship->renew);
	arena_free(ship->arena);
	buf_fini(&ship->scratch);
	buf_fini(&ship->frames);
	free(ship);
}

void ship_wake(struct ship *ship)
{
	if (ship->now == STREAMING)
		pump(ship);
}

void ship_status(const struct ship *ship, struct ship_status *out)
{
	static const char *const NAMES[] = {
	        "offline", "connecting", "greeting", "streaming", "waiting"};
	*out = (struct ship_status){
	        .state = NAMES[ship->now],
	        .confirmed_seq = ship->confirmed_seq,
	        .sent_seq = ship->sent_seq,
	        .connected_since_ns = (uint64_t)ship->connected_since_ns,
	};
	memcpy(out->why, ship->why, sizeof out->why);
	memcpy(out->host, ship->host, sizeof out->host);
}
