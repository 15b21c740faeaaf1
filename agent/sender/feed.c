#include "agent/sender/feed.h"

#include <stdlib.h>

#include "agent/identity/identity.h"
#include "agent/sender/sections.h"
#include "agent/state/spool.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/resident.h"
#include "common/io/channel.h"

#define ARENA_BYTES    (SEAM_MESSAGE_MAX + 2 * SEAM_BATCH_BYTES)
#define IDLE_BYTES     4096
#define RELEASE_EVENTS 500
#define REST_MS        10000 /* with nothing that waits to be confirmed */

struct feed {
	struct loop *loop;
	struct state *state;
	struct timer *rest;
	struct feed_options options;
	const struct feed_events *events;
	void *ctx;
	struct channel *channel; /* NULL: it broke */
	uint64_t pulled_seq;     /* events from here on are waited for; 0: none are */
	struct arena *arena;
	struct buf scratch; /* encoded messages */
};

/* --- saying ----------------------------------------------------------------------------------- */

static void break_off(struct feed *feed, const char *why)
{
	channel_free(feed->channel);
	feed->channel = NULL;
	feed->events->broke(feed->ctx, why);
}

static void say(struct feed *feed, const struct seam_message *message)
{
	buf_reset(&feed->scratch);
	seam_encode(message, &feed->scratch);
	channel_send(feed->channel, (uint8_t)message->kind, buf_slice(&feed->scratch));
}

static void say_text(struct feed *feed, enum seam_kind kind, const char *text)
{
	struct seam_message message = {.kind = kind, .text = slice_text(text)};
	if (message.text.len > SEAM_TEXT_MAX)
		message.text.len = SEAM_TEXT_MAX;
	say(feed, &message);
}

/* --- at rest ---------------------------------------------------------------------------------- */

/* What was told is told: an idle agent keeps no room for it. */
static void rest(void *ctx)
{
	struct feed *feed = ctx;
	buf_shrink(&feed->scratch, 0);
	arena_rest(feed->arena);
	loop_rest(feed->loop);
	resident_release();
}

/* --- a connection is about to be made --------------------------------------------------------- */

static void greet(struct feed *feed)
{
	struct identity identity;
	struct reason why;
	struct state_position position = state_position(feed->state);
	struct seam_message message = {.kind = SEAM_GREETING};
	struct seam_greeting *greeting = &message.greeting;
	uint8_t root[SECTION_ROOT_BYTES];
	uint64_t changed_seq;
	feed->pulled_seq = 0;
	if (identity_load(feed->options.dir, &identity, &why) < 0) {
		identity_fini(&identity);
		say_text(feed, SEAM_SORRY, why.text);
		return;
	}
	memcpy(greeting->stream_id, state_stream_id(feed->state), WIRE_STREAM_ID_BYTES);
	greeting->first_seq = position.first_seq;
	greeting->next_seq = position.next_seq;
	if (sections_root(feed->state, position.next_seq - 1, root, &changed_seq))
		greeting->facts_root = slice_of(root, SECTION_ROOT_BYTES);
	greeting->key_pem = buf_slice(&identity.key_pem);
	greeting->cert_pem = buf_slice(&identity.cert_pem);
	greeting->ca_pem = buf_slice(&identity.ca_pem);
	say(feed, &message);
	identity_fini(&identity);
}

/* --- events ----------------------------------------------------------------------------------- */

static void answer_pull(struct feed *feed)
{
	struct seam_message message = {.kind = SEAM_EVENTS};
	struct batch *batch = &message.events.batch;
	uint8_t root[SECTION_ROOT_BYTES];
	arena_reset(feed->arena);
	int rc = spool_read(feed->state, feed->pulled_seq, SEAM_BATCH_EVENTS, SEAM_BATCH_BYTES,
	        feed->arena, batch);
	if (rc < 0) {
		struct reason why;
		fail(&why, rc, "cannot read the spool: %s", err_text(rc));
		break_off(feed, why.text);
		return;
	}
	if (batch->count == 0)
		return;
	uint64_t last_seq = batch->first_seq + batch->count - 1;
	if (sections_root(feed->state, last_seq, root, &message.events.changed_seq))
		batch->facts_root = slice_of(root, SECTION_ROOT_BYTES);
	say(feed, &message);
	feed->pulled_seq = 0;
	/* A long spool is read once, and need not stay this process's memory. */
	if (batch->count >= RELEASE_EVENTS)
		kv_release_pages(state_kv(feed->state));
	buf_shrink(&feed->scratch, IDLE_BYTES);
}

static void take_pull(struct feed *feed, uint64_t seq)
{
	if (seq == 0 || seq > state_position(feed->state).next_seq) {
		break_off(feed, "the half that sends asks for events that were never written");
		return;
	}
	feed->pulled_seq = seq;
	answer_pull(feed);
}

static void take_confirmed(struct feed *feed, uint64_t seq)
{
	uint64_t next_seq = state_position(feed->state).next_seq;
	if (seq >= next_seq) {
		break_off(feed, "the half that sends confirms events that were never written");
		return;
	}
	if (seq + 1 == next_seq)
		timer_start(feed->rest, REST_MS, 0);
	feed->events->confirmed(feed->ctx, seq);
}

/* --- facts ------------------------------------------------------------------------------------ */

static int say_answer(void *ctx, const struct message *message)
{
	struct feed *feed = ctx;
	struct buf payload = BUF_INIT;
	int rc = wire_encode(message, &payload);
	if (rc == 0 && payload.len > SEAM_ANSWER_MAX)
		rc = ERR_LIMIT;
	if (rc == 0) {
		struct seam_message answer = {.kind = SEAM_ANSWER};
		answer.answer.kind = message->kind;
		answer.answer.payload = buf_slice(&payload);
		say(feed, &answer);
	}
	buf_fini(&payload);
	return rc;
}

/* What cannot be told is no fault of the other half's; the collector asks again in its time. */
static void take_want(struct feed *feed, struct slice payload)
{
	struct message message;
	struct reason why;
	if (wire_decode(FRAME_WANT, payload, feed->arena, &message, &why) < 0) {
		break_off(feed, why.text);
		return;
	}
	int rc = sections_answer(feed->state, &message.want, say_answer, feed);
	if (rc < 0)
		log_error("cannot tell the collector of facts: %s", err_text(rc));
	buf_shrink(&feed->scratch, IDLE_BYTES);
}

/* --- a renewed certificate -------------------------------------------------------------------- */

/* It may be newer; it may not make this host another one. */
static int install(
        struct feed *feed, struct slice key_pem, struct slice cert_pem, struct reason *out_why)
{
	struct identity identity;
	struct pki_cert_info renewed;
	int rc = identity_load(feed->options.dir, &identity, out_why);
	if (rc == 0)
		rc = pki_cert_info(cert_pem, &renewed, out_why);
	if (rc == 0 && strcmp(renewed.name, identity.cert.name) != 0)
		rc = fail(out_why, ERR_REFUSED, "the certificate is for '%s', not for '%s'",
		        renewed.name, identity.cert.name);
	if (rc == 0)
		rc = identity_install(
		        feed->options.dir, key_pem, cert_pem, (struct slice){0}, out_why);
	identity_fini(&identity);
	return rc;
}

static void take_install(struct feed *feed, struct slice key_pem, struct slice cert_pem)
{
	struct reason why = {.text = ""};
	int rc = install(feed, key_pem, cert_pem, &why);
	say_text(feed, SEAM_INSTALLED, rc < 0 ? why.text : "");
}

/* --- hearing ---------------------------------------------------------------------------------- */

static void on_message(void *ctx, uint8_t kind, struct slice payload)
{
	struct feed *feed = ctx;
	struct seam_message message;
	struct reason why;
	arena_reset(feed->arena);
	if (seam_decode(kind, payload, feed->arena, &message, &why) < 0)
		break_off(feed, why.text);
	else if (kind == SEAM_ASK)
		greet(feed);
	else if (kind == SEAM_PULL)
		take_pull(feed, message.seq);
	else if (kind == SEAM_CONFIRMED)
		take_confirmed(feed, message.seq);
	else if (kind == SEAM_ANEW)
		feed->events->begin_anew(feed->ctx);
	else if (kind == SEAM_WANT)
		take_want(feed, message.want);
	else if (kind == SEAM_INSTALL)
		take_install(feed, message.install.key_pem, message.install.cert_pem);
	else if (kind == SEAM_STATUS)
		feed->events->status(feed->ctx, &message.status);
	else if (kind == SEAM_PING)
		say(feed, &(struct seam_message){.kind = SEAM_PONG});
	else
		break_off(feed, "the half that sends said what is not its to say");
}

static void on_closed(void *ctx, int code, const char *why)
{
	break_off(ctx, code == ERR_CLOSED ? NULL : why);
}

static const struct channel_events CHANNEL_EVENTS = {.message = on_message, .closed = on_closed};

/* --- life ------------------------------------------------------------------------------------- */

struct feed *feed_new(struct loop *loop, struct state *state, int fd,
        const struct feed_options *options, const struct feed_events *events, void *ctx)
{
	struct feed *feed = mem_new(sizeof *feed);
	feed->loop = loop;
	feed->state = state;
	feed->rest = timer_new(loop, rest, feed);
	feed->options = *options;
	feed->events = events;
	feed->ctx = ctx;
	feed->arena = arena_new(ARENA_BYTES);
	feed->channel = channel_new(loop, fd, SEAM_MESSAGE_MAX, &CHANNEL_EVENTS, feed);
	say_text(feed, SEAM_SETTINGS, options->collector);
	return feed;
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	timer_free(feed->rest);
	channel_free(feed->channel);
	arena_free(feed->arena);
	buf_fini(&feed->scratch);
	free(feed);
}

void feed_wake(struct feed *feed)
{
	if (feed->channel && feed->pulled_seq > 0)
		answer_pull(feed);
}
