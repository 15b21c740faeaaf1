#include "collector/ingest/peer.h"

#include <stdlib.h>
#include <utlist.h>

#include "collector/ingest/admit.h"
#include "collector/ingest/gate.h"
#include "collector/ingest/greet.h"
#include "collector/ingest/guest.h"
#include "collector/ingest/held.h"
#include "collector/ingest/intake.h"
#include "collector/ingest/renew.h"
#include "collector/ingest/restate.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define FIRST_MESSAGE_MS 10000
#define OWED_MS          120000 /* facts that were asked for, all of them */
#define SILENCE_FACTOR   3      /* heartbeats that may be missed */
#define FRAME_FACTOR     10     /* heartbeats' time for one frame to arrive */
#define HOLD_MS_MAX      60000
#define UNIT_BYTES       64
/* Who has not begun a session may not make us hold much. */
#define HELLO_FRAME_MAX (16u << 10)

/* Batches of one peer, and of all, that may wait for the store. */
#define PEER_JOBS_MAX   16
#define PEER_BYTES_MAX  (8u << 20)
#define TOTAL_BYTES_MAX (256u << 20)
/* A peer that sends and never reads what it is told. */
#define UNREAD_BYTES_MAX (1u << 20)

/* --- its place among the peers --------------------------------------------------------- */

/* A paused peer cannot be heard: that is our doing. */
static void note_heard(struct peer *peer, uint64_t now_ms)
{
	uint64_t heard_ms = peer->is_paused ? now_ms : conn_last_heard_ms(peer->conn);

	if (heard_ms > peer->heard_ms)
		peer->heard_ms = heard_ms;
}

static void tell_left(struct peer *peer)
{
	struct ingest *ingest = peer->ingest;

	if (ingest->is_closed || !ingest->events->left)
		return;
	note_heard(peer, loop_now_ms(ingest->loop));
	ingest->events->left(ingest->ctx, peer->host, peer->heard_ms);
}

static void leave_sessions(struct peer *peer)
{
	if (peer->state == PEER_STREAMING) {
		HASH_DELETE(hh, peer->ingest->sessions, peer);
		tell_left(peer);
	}
	peer->state = PEER_ENDED;
	timer_stop(peer->timer);
}

static void free_when_over(struct peer *peer)
{
	struct ingest *ingest = peer->ingest;

	if (peer->conn || peer->jobs > 0)
		return;
	free(peer);
	ingest_peer_freed(ingest);
}

static void lose_conn(struct peer *peer)
{
	leave_sessions(peer);
	gate_leave(peer);
	timer_free(peer->timer);
	timer_free(peer->hold_timer);
	peer->timer = peer->hold_timer = NULL;
	peer->conn = NULL;
	if (peer->guest)
		peer->guest->conns--;
	restate_drop(peer);
	DL_DELETE(peer->ingest->peers, peer);
	free_when_over(peer);
}

bool peer_may_log(struct peer *peer)
{
	struct ingest *ingest = peer->ingest;
	struct chatter *chatter = peer->guest ? &peer->guest->chatter : &ingest->chatter;
	unsigned dropped;
	bool may = chatter_may_log(chatter, loop_now_ms(ingest->loop), &dropped);

	if (dropped > 0)
		log_warn("%u lines about %s%s were left out", dropped,
		        peer->guest ? "host " : "peers that are no host yet",
		        peer->guest ? peer->cert.name : "");
	return may;
}

/* --- saying --------------------------------------------------------------------------------- */

void peer_send(struct peer *peer, const struct message *message)
{
	struct ingest *ingest = peer->ingest;

	if (peer->state == PEER_ENDED || !peer->conn)
		return;
	buf_reset(&ingest->out);
	if (wire_append_frame(message, &ingest->scratch, &ingest->out) < 0) {
		log_error("cannot encode a %s message for peer %s", frame_kind_name(message->kind),
		        conn_peer_address(peer->conn));
		return;
	}
	conn_send(peer->conn, buf_slice(&ingest->out));
	peer->sent_ms = loop_now_ms(ingest->loop);
	if (conn_pending(peer->conn) > UNREAD_BYTES_MAX) {
		if (peer_may_log(peer))
			log_warn("peer does not read what it is told, closing peer=%s host=%s",
			        conn_peer_address(peer->conn), peer->cert.name);
		peer_end(peer);
	}
}

void peer_end(struct peer *peer)
{
	if (peer->state == PEER_ENDED || !peer->conn)
		return;
	leave_sessions(peer);
	conn_close(peer->conn);
}

void peer_refuse(struct peer *peer, enum refusal code, const char *format, ...)
{
	struct message message = {.kind = FRAME_REFUSED};
	struct buf text = BUF_INIT, shown = BUF_INIT;
	va_list args;

	if (peer->state == PEER_ENDED || !peer->conn)
		return;
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	/* A sentence that was cut may end within a character. */
	if (!text_is_utf8(buf_slice(&text))) {
		text_append_display(&shown, buf_slice(&text));
		buf_reset(&text);
		buf_append_slice(&text, buf_slice(&shown));
	}
	if (peer_may_log(peer))
		log_warn("refused peer=%s host=%s: %s", conn_peer_address(peer->conn),
		        peer->cert.name[0] ? peer->cert.name : "-", buf_text(&text));
	peer->ingest->status.refused++;
	message.refused.code = code;
	message.refused.text = buf_slice(&text);
	peer_send(peer, &message);
	peer_end(peer);
	buf_fini(&text);
	buf_fini(&shown);
}

/* --- silence -------------------------------------------------------------------------------- */

static uint64_t heartbeat_ms(const struct peer *peer)
{
	return (uint64_t)peer->ingest->heartbeat_s * 1000;
}

static void await_silence(struct peer *peer, uint64_t now_ms)
{
	uint64_t speak_ms = peer->sent_ms + heartbeat_ms(peer);
	uint64_t give_up_ms = peer->heard_ms + SILENCE_FACTOR * heartbeat_ms(peer);
	uint64_t due_ms = speak_ms < give_up_ms ? speak_ms : give_up_ms;

	timer_start(peer->timer, due_ms > now_ms ? due_ms - now_ms : 1, 0);
}

/* A byte a minute is not silence. */
static bool is_dawdling(const struct peer *peer, uint64_t now_ms)
{
	uint64_t since_ms = conn_unfinished_since_ms(peer->conn);

	return since_ms > 0 && now_ms - since_ms >= FRAME_FACTOR * heartbeat_ms(peer);
}

static void check_silence(struct peer *peer)
{
	const struct message heartbeat = {.kind = FRAME_HEARTBEAT};
	uint64_t now_ms = loop_now_ms(peer->ingest->loop);

	note_heard(peer, now_ms);
	if (now_ms - peer->heard_ms >= SILENCE_FACTOR * heartbeat_ms(peer)) {
		if (peer_may_log(peer))
			log_info("host has fallen silent, closing peer=%s host=%s",
			        conn_peer_address(peer->conn), peer->cert.name);
		peer_end(peer);
		return;
	}
	if (is_dawdling(peer, now_ms)) {
		peer_refuse(peer, REFUSED_PROTOCOL, "a message is not whole after %u s",
		        FRAME_FACTOR * peer->ingest->heartbeat_s);
		return;
	}
	if (!peer->is_paused && restate_owes_ms(peer) > OWED_MS) {
		restate_failed(peer);
		peer_refuse(peer, REFUSED_PROTOCOL, "no answer to what is wanted");
		return;
	}
	if (now_ms - peer->sent_ms >= heartbeat_ms(peer))
		peer_send(peer, &heartbeat);
	if (peer->state == PEER_STREAMING)
		await_silence(peer, now_ms);
}

static void time_is_up(void *ctx)
{
	struct peer *peer = ctx;

	if (peer->state == PEER_STREAMING)
		check_silence(peer);
	else if (peer->state == PEER_GREETING)
		peer_refuse(
		        peer, REFUSED_PROTOCOL, "no hello within %d s", FIRST_MESSAGE_MS / 1000);
	else
		peer_end(peer);
}

/* --- its life -------------------------------------------------------------------------------- */

struct peer *peer_new(struct ingest *ingest, struct conn *conn)
{
	struct peer *peer = mem_new(sizeof(*peer));
	const char *why;

	peer->ingest = ingest;
	peer->conn = conn;
	if (!gate_enter(peer, &why)) {
		if (peer_may_log(peer))
			log_warn("connection refused peer=%s: %s", conn_peer_address(conn), why);
		ingest->status.refused++;
		free(peer);
		return NULL;
	}
	peer->timer = timer_new(ingest->loop, time_is_up, peer);
	DL_APPEND(ingest->peers, peer);
	ingest->peer_count++;
	return peer;
}

/* A host has one session, and others only for the moment in which a new one takes its place. */
static void take_seat(struct peer *peer, uint32_t host)
{
	struct guest *guest = guest_of(peer->ingest, host);
	uint64_t most = peer->ingest->limits.conns;

	peer->host = host;
	if (most > 0 && guest->conns >= most) {
		peer_refuse(peer, REFUSED_OVERLOADED, "host '%s' has %u connections already",
		        peer->cert.name, guest->conns);
		return;
	}
	guest->conns++;
	peer->guest = guest;
	peer_charge(peer, GUEST_GREETING_UNITS);
}

static void check_certificate(struct peer *peer)
{
	struct host_record host;
	struct kv_txn *txn;
	struct reason why = {"the store cannot be read"};
	int rc = kv_begin_read(store_kv(peer->ingest->store), &txn);

	if (rc == 0) {
		rc = hosts_accepts(txn, &peer->cert, &host, &why);
		kv_abort(txn);
	}
	if (rc == ERR_MISSING || rc == ERR_REFUSED)
		peer_refuse(peer, REFUSED_REVOKED, "%s", why.text);
	else if (rc != 0)
		peer_refuse(peer, REFUSED_STORE, "%s", why.text);
	else
		take_seat(peer, host.id);
}

void peer_ready(struct peer *peer, const char *protocol, const struct pki_cert_info *cert)
{
	timer_start(peer->timer, FIRST_MESSAGE_MS, 0);
	if (strcmp(protocol, TLS_ALPN_ENROLL) == 0) {
		peer->state = PEER_ENROLLING;
	} else if (strcmp(protocol, TLS_ALPN_STREAM) == 0 && cert) {
		peer->cert = *cert;
		peer->state = PEER_GREETING;
		conn_limit_frames(peer->conn, HELLO_FRAME_MAX);
		check_certificate(peer);
	} else {
		peer_refuse(peer, REFUSED_PROTOCOL, "a stream needs a client certificate");
	}
}

void peer_begin_streaming(struct peer *peer)
{
	struct peer *older = ingest_session(peer->ingest, peer->host);

	if (older)
		peer_refuse(
		        older, REFUSED_SUPERSEDED, "host '%s' has connected anew", peer->cert.name);
	gate_leave(peer);
	conn_limit_frames(peer->conn, FRAME_LENGTH_MAX);
	peer->state = PEER_STREAMING;
	HASH_ADD(hh, peer->ingest->sessions, host, sizeof(peer->host), peer);
	peer->sent_ms = peer->heard_ms = loop_now_ms(peer->ingest->loop);
	await_silence(peer, peer->sent_ms);
	if (peer->ingest->events->came)
		peer->ingest->events->came(
		        peer->ingest->ctx, peer->host, conn_peer_address(peer->conn));
}

static bool is_expected(const struct peer *peer, enum frame_kind kind)
{
	switch (peer->state) {
	case PEER_ENROLLING:
		return kind == FRAME_ENROLL_REQUEST && !peer->is_busy;
	case PEER_GREETING:
		return kind == FRAME_HELLO;
	case PEER_STREAMING:
		return kind == FRAME_BATCH || kind == FRAME_HEARTBEAT ||
		       (kind == FRAME_RENEW_REQUEST && !peer->is_busy) ||
		       restate_expects(peer, kind);
	default:
		return false;
	}
}

/* What is too large for the ingest's arena has one of its own. */
static void take_large(struct peer *peer, const struct frame *frame)
{
	if (frame->kind == FRAME_BATCH)
		intake_batch(peer, frame);
	else if (frame->kind == FRAME_OFFER)
		restate_offer(peer, frame);
	else
		restate_bucket(peer, frame);
}

void peer_frame(struct peer *peer, const struct frame *frame)
{
	struct message message;
	struct reason why;

	if (peer->state == PEER_ENDED)
		return;
	if (!is_expected(peer, frame->kind)) {
		peer_refuse(peer, REFUSED_PROTOCOL, "message '%s' at the wrong moment",
		        frame_kind_name(frame->kind));
		return;
	}
	peer_charge(peer, 1 + frame->payload.len / UNIT_BYTES);
	if (frame->kind == FRAME_BATCH || frame->kind == FRAME_OFFER ||
	        frame->kind == FRAME_BUCKET) {
		take_large(peer, frame);
		return;
	}
	if (ingest_decode(peer->ingest, frame, &message, &why) < 0) {
		peer_refuse(peer, REFUSED_PROTOCOL, "%s", why.text);
		return;
	}
	if (frame->kind == FRAME_HELLO)
		greet(peer, &message.hello);
	else if (frame->kind == FRAME_ENROLL_REQUEST)
		admit(peer, &message.enroll_request);
	else if (frame->kind == FRAME_RENEW_REQUEST)
		renew(peer, &message.renew_request);
}

void peer_closed(struct peer *peer, int code, const struct reason *why)
{
	bool is_known = peer->cert.name[0] != '\0';

	/* Anybody can connect and go away again. */
	if (code < 0 && peer->state != PEER_ENDED && (is_known || code != ERR_CLOSED) &&
	        peer_may_log(peer))
		log_info(
		        "connection lost host=%s: %s", is_known ? peer->cert.name : "-", why->text);
	if (code == ERR_FORMAT || code == ERR_LIMIT)
		peer->ingest->status.refused++;
	lose_conn(peer);
}

void peer_drop(struct peer *peer)
{
	conn_drop(peer->conn);
	lose_conn(peer);
}

/* --- back-pressure --------------------------------------------------------------------------- */

static bool has_too_much(const struct peer *peer)
{
	return peer->jobs >= PEER_JOBS_MAX || peer->bytes >= PEER_BYTES_MAX;
}

static void resume_if_light(struct peer *peer)
{
	if (!peer->is_paused || peer->is_held || !peer->conn || peer->ingest->is_full ||
	        peer->jobs > PEER_JOBS_MAX / 2 || peer->bytes > PEER_BYTES_MAX / 2)
		return;
	note_heard(peer, loop_now_ms(peer->ingest->loop));
	peer->is_paused = false;
	conn_resume(peer->conn);
}

static void pause_peer(struct peer *peer)
{
	if (!peer->conn || peer->is_paused)
		return;
	peer->is_paused = true;
	conn_pause(peer->conn);
}

static void hold_is_over(void *ctx)
{
	struct peer *peer = ctx;

	peer->is_held = false;
	resume_if_light(peer);
}

void peer_charge(struct peer *peer, uint64_t units)
{
	uint64_t wait_ms;

	if (!peer->guest || !peer->conn || peer->state == PEER_ENDED)
		return;
	wait_ms = guest_charge(peer->ingest, peer->guest, units);
	if (wait_ms == 0)
		return;
	if (!peer->hold_timer)
		peer->hold_timer = timer_new(peer->ingest->loop, hold_is_over, peer);
	timer_start(peer->hold_timer, wait_ms < HOLD_MS_MAX ? wait_ms : HOLD_MS_MAX, 0);
	peer->is_held = true;
	pause_peer(peer);
	held_tell(peer);
}

void peer_job_begins(struct peer *peer, size_t bytes)
{
	struct ingest *ingest = peer->ingest;

	peer->jobs++;
	peer->bytes += bytes;
	ingest->waiting_bytes += bytes;
	if (ingest->waiting_bytes > TOTAL_BYTES_MAX)
		ingest->is_full = true;
	if (ingest->is_full || has_too_much(peer))
		pause_peer(peer);
}

void peer_job_ends(struct peer *peer, size_t bytes)
{
	struct ingest *ingest = peer->ingest;
	struct peer *other, *next;

	peer->jobs--;
	peer->bytes -= bytes;
	ingest->waiting_bytes -= bytes;
	if (ingest->is_full && ingest->waiting_bytes < TOTAL_BYTES_MAX / 2) {
		ingest->is_full = false;
		DL_FOREACH_SAFE(ingest->peers, other, next)
		{
			resume_if_light(other);
		}
	}
	resume_if_light(peer);
	free_when_over(peer);
}
