#include "agent/ship/ship.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/ship/ship_private.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/resident.h"
#include "common/confine/confine.h"

#define WINDOW_DEFAULT   8
#define BACKOFF_FIRST_MS 500
#define BACKOFF_MOST_MS  60000
#define ARENA_BYTES      (SEAM_MESSAGE_MAX + (256u << 10))
#define REST_MS          10000 /* with nothing under way */
#define DEAF_AFTER       3     /* heartbeats without a word from the collector */

/* --- to the reading half ---------------------------------------------------------------------- */

void ship_say(struct ship *ship, const struct seam_message *message)
{
	buf_reset(&ship->scratch);
	seam_encode(message, &ship->scratch);
	channel_send(ship->channel, (uint8_t)message->kind, buf_slice(&ship->scratch));
}

void ship_say_alone(struct ship *ship, enum seam_kind kind)
{
	ship_say(ship, &(struct seam_message){.kind = kind});
}

void ship_say_status(struct ship *ship)
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
	ship_say(ship, &message);
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

void ship_rest_soon(struct ship *ship)
{
	timer_start(ship->rest, REST_MS, 0);
}

/* --- leaving: one way down from any state ----------------------------------------------------- */

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
	ship_rest_soon(ship);
	log_debug("trying collector '%s' again in_ms=%llu", ship->collector,
	        (unsigned long long)wait_ms);
	ship_say_status(ship);
}

void ship_drop_and_retry(struct ship *ship, const char *why)
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

/* --- connecting ------------------------------------------------------------------------------- */

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
	ship_send(ship, &message);
	timer_start(ship->heartbeat, CONN_HANDSHAKE_MS, CONN_HANDSHAKE_MS);
	ship_say_status(ship);
}

static const struct conn_events CONN_EVENTS = {
        .ready = on_ready,
        .frame = ship_on_frame,
        .drained = ship_on_drained,
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
	ship_say_alone(ship, SEAM_ASK);
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
	ship_say_status(ship);
}

/* Notices when the collector is not there any more, a link that was cut without a word; and says
 * that we are, once the reading half has said so: this half alone is of no use to anybody. */
static void on_heartbeat(void *ctx)
{
	struct ship *ship = ctx;
	uint64_t silent_ms = loop_now_ms(ship->loop) - conn_last_heard_ms(ship->conn);
	if (ship->now == GREETING) {
		ship_drop_and_retry(ship, "the collector does not answer");
	} else if (silent_ms > DEAF_AFTER * ship->heartbeat_ms) {
		ship_drop_and_retry(ship, "the collector has fallen silent");
	} else {
		ship_say_alone(ship, SEAM_PING);
		ship_ask_for_renewal(ship);
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
		ship_send(ship, &(struct message){.kind = FRAME_HEARTBEAT});
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
		ship_take_events(ship, &message.events);
	} else if (kind == SEAM_ANSWER) {
		ship_take_answer(ship, &message);
	} else if (kind == SEAM_INSTALLED) {
		ship_take_installed(ship, message.text);
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

/* --- life ------------------------------------------------------------------------------------- */

struct ship *ship_new(
        struct loop *loop, int fd, unsigned window, void (*over)(void *ctx), void *ctx)
{
	struct ship *ship = mem_new(sizeof *ship);
	ship->loop = loop;
	ship->window = window == 0 || window > SHIP_WINDOW_MAX ? WINDOW_DEFAULT : window;
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
