#include <stdio.h>

#include "agent/identity/identity.h"
#include "agent/ship/ship_private.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"

#define PENDING_BYTES_MAX (1u << 20) /* above this the socket is full: go on at `drained` */

/* --- sending ---------------------------------------------------------------------------------- */

static void say_seq(struct ship *ship, enum seam_kind kind, uint64_t seq)
{
	ship_say(ship, &(struct seam_message){.kind = kind, .seq = seq});
}

void ship_send(struct ship *ship, const struct message *message)
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
void ship_take_events(struct ship *ship, struct seam_events *events)
{
	struct message message = {.kind = FRAME_BATCH};
	if (!ship->is_pulling || events->batch.first_seq != ship->sent_seq + 1)
		return;
	ship->is_pulling = false;
	uint64_t last_seq = ship->sent_seq + events->batch.count;
	choose_root(ship, events, last_seq);
	message.batch = events->batch;
	ship_send(ship, &message);
	ship->sent_seq = last_seq;
	ship->in_flight[ship->in_flight_count++] = last_seq;
	pump(ship);
}

void ship_on_drained(void *ctx, struct conn *conn)
{
	struct ship *ship = ctx;
	(void)conn;
	if (ship->now == STREAMING)
		pump(ship);
}

/* --- receiving -------------------------------------------------------------------------------- */

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

void ship_ask_for_renewal(struct ship *ship)
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
		ship_drop_and_retry(ship, "collector and spool do not meet");
		ship_say_alone(ship, SEAM_ANEW);
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
	ship_say_status(ship);
	ship_ask_for_renewal(ship);
	pump(ship);
	ship_rest_soon(ship);
}

static void on_want(struct ship *ship, const struct message *message)
{
	struct buf payload = BUF_INIT;
	struct seam_message asked = {.kind = SEAM_WANT};
	if (wire_encode(message, &payload) == 0) {
		asked.want = buf_slice(&payload);
		ship_say(ship, &asked);
	}
	buf_fini(&payload);
}

void ship_take_answer(struct ship *ship, const struct seam_message *message)
{
	if (ship->now != STREAMING)
		return;
	buf_reset(&ship->frames);
	if (frame_append(&ship->frames, message->answer.kind, message->answer.payload) == 0)
		conn_send(ship->conn, buf_slice(&ship->frames));
	buf_shrink(&ship->frames, SHIP_IDLE_BYTES);
}

static void on_ack(struct ship *ship, uint64_t seq)
{
	if (seq > ship->sent_seq) {
		ship_drop_and_retry(ship, "the collector confirmed events that were never sent");
		return;
	}
	confirm(ship, seq);
	pump(ship);
	if (ship->in_flight_count == 0)
		ship_rest_soon(ship);
}

static void on_refused(struct ship *ship, const struct refused *refused)
{
	struct buf text = BUF_INIT;
	buf_append_text(&text, "the collector refuses this host: ");
	text_append_display(&text, refused->text);
	ship_drop_and_retry(ship, buf_text(&text));
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
	ship_say(ship, &message);
	renew_drop(&ship->renew);
}

void ship_take_installed(struct ship *ship, struct slice why)
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
		ship_drop_and_retry(ship, "the collector sent a message out of turn");
}

void ship_on_frame(void *ctx, struct conn *conn, const struct frame *frame)
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
		ship_drop_and_retry(ship, why.text);
	else
		on_message(ship, &message);
}
