#include "agent/ship/ship.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/identity/identity.h"
#include "agent/seam/seam.h"
#include "agent/ship/renew.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/resident.h"
#include "common/base/text.h"
#include "common/confine/confine.h"
#include "common/io/backoff.h"
#include "common/io/channel.h"
#include "common/io/conn.h"

#define WINDOW_MAX        64
#define WINDOW_DEFAULT    8
#define PENDING_BYTES_MAX (1u << 20) /* above this the socket is full: go on at `drained` */
#define BACKOFF_FIRST_MS  500
#define BACKOFF_MOST_MS   60000
#define ARENA_BYTES       (SEAM_MESSAGE_MAX + (256u << 10))
#define IDLE_BYTES        4096
#define REST_MS           10000 /* with nothing under way */
#define DEAF_AFTER        3     /* heartbeats without a word from the collector */

enum ship_state { OFFLINE, ASKING, CONNECTING, GREETING, STREAMING, WAITING };

struct ship {
	struct loop *loop;
	unsigned window;
	void (*over)(void *ctx);
	void *ctx;
	struct channel *channel; /* to the reading half */
	char *collector;         /* HOST:PORT; NULL until it is told */

	enum ship_state now;
	struct conn *conn;
	struct timer *retry;
	struct timer *heartbeat;
	struct timer *rest;
	uint64_t heartbeat_ms;
	struct backoff backoff;
	struct renew renew;
	/* Of this connection. */
	struct pki_cert_info cert; /* our own */
	uint8_t stream_id[WIRE_STREAM_ID_BYTES];
	uint64_t first_seq, next_seq; /* of the spool, when it was asked */
	uint8_t root[SECTION_ROOT_BYTES];
	bool has_root;

	uint64_t confirmed_seq;
	uint64_t sent_seq;
	bool is_pulling;   /* events from sent_seq + 1 on have been asked for */
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
	const struct confine_notes *confined; /* NULL: not at all */
	int64_t connected_since_ns;
};

/* --- to the reading half ---------------------------------------------------------------------- */

static void say(struct ship *ship, const struct seam_message *message)
{
	buf_reset(&ship->scratch);
	seam_encode(message, &ship->scratch);
	channel_send(ship->channel, (uint8_t)message->kind, buf_slice(&ship->scratch));
}

static void say_seq(struct ship *ship, enum seam_kind kind, uint64_t seq)
{
	say(ship, &(struct seam_message){.kind = kind, .seq = seq});
}

static void say_alone(struct ship *ship, enum seam_kind kind)
{
	say(ship, &(struct seam_message){.kind = kind});
}

static void say_status(struct ship *ship)
{
	static const enum seam_link LINKS[] = {
	        [OFFLINE] = SEAM_OFFLINE,
	        [ASKING] = SEAM_CONNECTING,
	        [CONNECTING] = SEAM_CONNECTING,
	        [GREETING] = SEAM_GREETING_SENT,
	        [STREAMING] = SEAM_STREAMING,
	        [WAITING] = SEAM_WAITING,
	};
	struct seam_message message = {.kind = SEAM_STATUS};
	message.status = (struct seam_status){
	        .link = LINKS[ship->now],
	        .connected_since_ns = (uint64_t)ship->connected_since_ns,
	        .host = slice_text(ship->host),
	        .why = slice_text(ship->why),
	};
	if (ship->confined) {
		message.status.confined = slice_text(ship->confined->on);
		message.status.not_confined = slice_text(ship->confined->missing);
	}
	say(ship, &message);
}

/* --- at rest ---------------------------------------------------------------------------------- */

/* A handshake and a long batch take room that is not needed again soon, an idle half keeps none. */
static void rest(void *ctx)
{
	struct ship *ship = ctx;
	if (ship->in_flight_count > 0)
		return; /* begins anew when they are confirmed */
	buf_shrink(&ship->scratch, 0);
	buf_shrink(&ship->frames, 0);
	arena_rest(ship->arena);
	frame_rest();
	loop_rest(ship->loop);
	resident_release();
}

static void rest_soon(struct ship *ship)
{
	timer_start(ship->rest, REST_MS, 0);
}

/* --- leaving: one way down from any state -------------------------------------------------- */

static void remember_why(struct ship *ship, const char *why)
{
	if (strncmp(ship->why, why, sizeof ship->why - 1) != 0)
		log_warn("cannot reach collector '%s': %s", ship->collector, why);
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
	ship->is_pulling = false;
	ship->now = WAITING;
	rest_soon(ship);
	log_debug("trying collector '%s' again in_ms=%llu", ship->collector,
	        (unsigned long long)wait_ms);
	say_status(ship);
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
	return ship->in_flight_count < ship->window && conn_pending(ship->conn) < PENDING_BYTES_MAX;
}

/* The root goes with the last events that there are: once a connection, for the collector may not
 * have had them all at the greeting, and then when facts have changed since. */
static void choose_root(struct ship *ship, struct seam_events *events, uint64_t last_seq)
{
	bool is_news = !ship->is_root_sent || events->changed_seq > ship->root_seq;
	if (events->batch.facts_root.len == 0 || !is_news) {
		events->batch.facts_root = (struct slice){0};
		return;
	}
	ship->is_root_sent = true;
	ship->root_seq = last_seq;
}

static void pump(struct ship *ship)
{
	if (ship->is_pulling || !window_is_open(ship))
		return;
	ship->is_pulling = true;
	say_seq(ship, SEAM_PULL, ship->sent_seq + 1);
}

/* What was asked for before the last connection was lost is of no use any more. */
static void on_events(struct ship *ship, struct seam_events *events)
{
	struct message message = {.kind = FRAME_BATCH};
	if (!ship->is_pulling || events->batch.first_seq != ship->sent_seq + 1)
		return;
	ship->is_pulling = false;
	uint64_t last_seq = ship->sent_seq + events->batch.count;
	choose_root(ship, events, last_seq);
	message.batch = events->batch;
	send_message(ship, &message);
	ship->sent_seq = last_seq;
	ship->in_flight[ship->in_flight_count++] = last_seq;
	pump(ship);
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
		say_seq(ship, SEAM_CONFIRMED, seq);
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
	snprintf(ship->host, sizeof ship->host, "%.*s", SLICE_ARG(welcome->host));
	if (welcome->stored_seq + 1 < ship->first_seq || welcome->stored_seq >= ship->next_seq) {
		log_warn("collector and spool do not meet: reporting everything anew stored=%llu "
		         "spool=%llu..%llu",
		        (unsigned long long)welcome->stored_seq,
		        (unsigned long long)ship->first_seq, (unsigned long long)ship->next_seq);
		drop_and_retry(ship, "collector and spool do not meet");
		say_alone(ship, SEAM_ANEW);
		return;
	}
	log_info("connected to collector '%s' host=%s stored=%llu waiting=%llu", ship->collector,
	        ship->host, (unsigned long long)welcome->stored_seq,
	        (unsigned long long)(ship->next_seq - 1 - welcome->stored_seq));
	ship->now = STREAMING;
	ship->why[0] = '\0';
	ship->connected_since_ns = clock_wall_ns();
	ship->sent_seq = welcome->stored_seq;
	ship->confirmed_seq = 0;
	ship->heartbeat_ms = (welcome->heartbeat_s ? welcome->heartbeat_s : 30) * 1000ull;
	backoff_reset(&ship->backoff);
	timer_start(ship->heartbeat, ship->heartbeat_ms, ship->heartbeat_ms);
	confirm(ship, welcome->stored_seq);
	say_status(ship);
	ask_for_renewal_when_due(ship);
	pump(ship);
	rest_soon(ship);
}

static void on_want(struct ship *ship, const struct message *message)
{
	struct buf payload = BUF_INIT;
	struct seam_message asked = {.kind = SEAM_WANT};
	if (wire_encode(message, &payload) == 0) {
		asked.want = buf_slice(&payload);
		say(ship, &asked);
	}
	buf_fini(&payload);
}

static void on_answer(struct ship *ship, const struct seam_message *message)
{
	if (ship->now != STREAMING)
		return;
	buf_reset(&ship->frames);
	if (frame_append(&ship->frames, message->answer.kind, message->answer.payload) == 0)
		conn_send(ship->conn, buf_slice(&ship->frames));
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
	if (ship->in_flight_count == 0)
		rest_soon(ship);
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
	struct seam_message message = {.kind = SEAM_INSTALL};
	if (renew_finish(&ship->renew, reply, &ship->cert, &why) < 0) {
		log_error("cannot renew the certificate: %s", why.text);
		return;
	}
	message.install.key_pem = buf_slice(&ship->renew.key_pem);
	message.install.cert_pem = reply->cert_pem;
	say(ship, &message);
	renew_drop(&ship->renew);
}

static void on_installed(struct ship *ship, struct slice why)
{
	if (why.len > 0)
		log_error("cannot renew the certificate: %.*s", SLICE_ARG(why));
	else
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
		on_want(ship, message);
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
	struct message message = {.kind = FRAME_HELLO};
	(void)conn;
	(void)protocol;
	(void)peer;
	memcpy(message.hello.stream_id, ship->stream_id, WIRE_STREAM_ID_BYTES);
	message.hello.first_seq = ship->first_seq;
	message.hello.next_seq = ship->next_seq;
	message.hello.agent_version = slice_text(TSUJIBAN_VERSION);
	if (ship->has_root)
		message.hello.facts_root = slice_of(ship->root, SECTION_ROOT_BYTES);
	ship->is_root_sent = false;
	ship->now = GREETING;
	send_message(ship, &message);
	timer_start(ship->heartbeat, CONN_HANDSHAKE_MS, CONN_HANDSHAKE_MS);
	say_status(ship);
}

static const struct conn_events CONN_EVENTS = {
        .ready = on_ready,
        .frame = on_frame,
        .drained = on_drained,
        .closed = on_closed,
};

static void ask(void *ctx)
{
	struct ship *ship = ctx;
	if (confine_is_outdated()) {
		log_info("beginning again: a file of name resolution was replaced");
		ship->over(ship->ctx);
		return;
	}
	ship->now = ASKING;
	say_alone(ship, SEAM_ASK);
}

static void on_sorry(struct ship *ship, struct slice why)
{
	char text[REASON_MAX];
	snprintf(text, sizeof text, "%.*s", SLICE_ARG(why));
	if (ship->now == ASKING)
		wait_and_retry(ship, text);
}

static void on_greeting(struct ship *ship, const struct seam_greeting *greeting)
{
	struct tls_context *tls = NULL;
	struct reason why;
	if (ship->now != ASKING)
		return;
	memcpy(ship->stream_id, greeting->stream_id, WIRE_STREAM_ID_BYTES);
	ship->first_seq = greeting->first_seq;
	ship->next_seq = greeting->next_seq;
	ship->has_root = greeting->facts_root.len > 0;
	if (ship->has_root)
		memcpy(ship->root, greeting->facts_root.ptr, SECTION_ROOT_BYTES);
	int rc = pki_cert_info(greeting->cert_pem, &ship->cert, &why);
	if (rc == 0)
		rc = tls_client_new(
		        greeting->cert_pem, greeting->key_pem, greeting->ca_pem, &tls, &why);
	if (rc < 0) {
		wait_and_retry(ship, why.text);
		return;
	}
	ship->now = CONNECTING;
	ship->conn = conn_connect(ship->loop, tls, ship->collector, &CONN_EVENTS, ship);
	tls_context_free(tls);
	say_status(ship);
}

/* Notices when the collector is not there any more, a link that was cut without a word; and says
 * that we are, once the reading half has said so: this half alone is of no use to anybody. */
static void on_heartbeat(void *ctx)
{
	struct ship *ship = ctx;
	uint64_t silent_ms = loop_now_ms(ship->loop) - conn_last_heard_ms(ship->conn);
	if (ship->now == GREETING) {
		drop_and_retry(ship, "the collector does not answer");
	} else if (silent_ms > DEAF_AFTER * ship->heartbeat_ms) {
		drop_and_retry(ship, "the collector has fallen silent");
	} else {
		say_alone(ship, SEAM_PING);
		ask_for_renewal_when_due(ship);
	}
}

/* --- from the reading half -------------------------------------------------------------------- */

static void on_settings(struct ship *ship, struct slice collector)
{
	if (ship->collector)
		return;
	ship->collector = mem_copy_text((const char *)collector.ptr, collector.len);
	ask(ship);
}

static void on_pong(struct ship *ship)
{
	if (ship->now == STREAMING)
		send_message(ship, &(struct message){.kind = FRAME_HEARTBEAT});
}

static void on_seam(void *ctx, uint8_t kind, struct slice payload)
{
	struct ship *ship = ctx;
	struct seam_message message;
	struct reason why;
	arena_reset(ship->arena);
	if (seam_decode(kind, payload, ship->arena, &message, &why) < 0) {
		log_error("%s", why.text);
		ship->over(ship->ctx);
	} else if (kind == SEAM_SETTINGS) {
		on_settings(ship, message.text);
	} else if (kind == SEAM_GREETING) {
		on_greeting(ship, &message.greeting);
	} else if (kind == SEAM_SORRY) {
		on_sorry(ship, message.text);
	} else if (kind == SEAM_EVENTS && ship->now == STREAMING) {
		on_events(ship, &message.events);
	} else if (kind == SEAM_ANSWER) {
		on_answer(ship, &message);
	} else if (kind == SEAM_INSTALLED) {
		on_installed(ship, message.text);
	} else if (kind == SEAM_PONG) {
		on_pong(ship);
	}
}

static void on_seam_closed(void *ctx, int code, const char *why)
{
	struct ship *ship = ctx;
	if (code != ERR_CLOSED)
		log_error("%s", why);
	ship->over(ship->ctx);
}

static const struct channel_events CHANNEL_EVENTS = {
        .message = on_seam,
        .closed = on_seam_closed,
};

/* --- life ------------------------------------------------------------------------------------ */

struct ship *ship_new(
        struct loop *loop, int fd, unsigned window, void (*over)(void *ctx), void *ctx)
{
	struct ship *ship = mem_new(sizeof *ship);
	ship->loop = loop;
	ship->window = window == 0 || window > WINDOW_MAX ? WINDOW_DEFAULT : window;
	ship->over = over;
	ship->ctx = ctx;
	ship->retry = timer_new(loop, ask, ship);
	ship->heartbeat = timer_new(loop, on_heartbeat, ship);
	ship->rest = timer_new(loop, rest, ship);
	ship->backoff = (struct backoff){.first_ms = BACKOFF_FIRST_MS, .most_ms = BACKOFF_MOST_MS};
	ship->arena = arena_new(ARENA_BYTES);
	ship->channel = channel_new(loop, fd, SEAM_MESSAGE_MAX, &CHANNEL_EVENTS, ship);
	return ship;
}

void ship_set_confined(struct ship *ship, const struct confine_notes *notes)
{
	ship->confined = notes;
}

void ship_free(struct ship *ship)
{
	if (!ship)
		return;
	if (ship->conn)
		conn_drop(ship->conn);
	channel_free(ship->channel);
	timer_free(ship->retry);
	timer_free(ship->heartbeat);
	timer_free(ship->rest);
	renew_drop(&ship->renew);
	arena_free(ship->arena);
	buf_fini(&ship->scratch);
	buf_fini(&ship->frames);
	free(ship->collector);
	free(ship);
}
