#include "collector/ingest/restate.h"

#include <stdlib.h>
#include <utlist.h>

#include "collector/ingest/guest.h"
#include "collector/ingest/restate_private.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define SLOTS         4
#define ROUNDS_MAX    5 /* of buckets that are not what was offered, without news in between */
#define MESSAGE_BYTES (24u << 20) /* one message, decoded */
#define JOB_BYTES     (1u << 20)  /* of writes, about */
#define FAILED_MS     3600000     /* without a slot, behind a sync that came to nothing */

static void queue(struct restate *restate);

static void enter(struct restate *restate, enum restate_state state)
{
	restate->state = state;
	restate->since_ms = loop_now_ms(restate->peer->ingest->loop);
}

static bool holds_slot(const struct restate *restate)
{
	return restate->state == TRYING || restate->state == WANTING;
}

static void restate_free(struct restate *restate)
{
	arena_free(restate->arena);
	arena_free(restate->message);
	free(restate);
}

/* --- slots ------------------------------------------------------------------------------------ */

static void release_slot(struct ingest *ingest);
static void done(struct store_job *base, int code, const struct reason *why);

static void try_it(struct restate *restate)
{
	struct peer *peer = restate->peer;

	enter(restate, TRYING);
	restate->job = (struct store_job){.apply = restate_apply, .done = done, .bytes = JOB_BYTES};
	peer_job_begins(peer, 0);
	store_submit(peer->ingest->store, &restate->job);
}

static void forget(struct restate *restate)
{
	restate->peer->restate = NULL;
	restate_free(restate);
}

/* A peer that has ended, though its connection is still there, has been replaced or refused: what
 * it offered may be older than what a session after it has brought. */
static void serve_queue(struct ingest *ingest)
{
	while (ingest->restates && ingest->slots_taken < SLOTS && !ingest->is_closed) {
		struct restate *restate = ingest->restates;
		DL_DELETE(ingest->restates, restate);
		if (restate->peer->state != PEER_STREAMING) {
			forget(restate);
			continue;
		}
		ingest->slots_taken++;
		try_it(restate);
	}
}

static void release_slot(struct ingest *ingest)
{
	ingest->slots_taken--;
	serve_queue(ingest);
}

static void queue(struct restate *restate)
{
	struct ingest *ingest = restate->peer->ingest;

	enter(restate, QUEUED);
	DL_APPEND(ingest->restates, restate);
	serve_queue(ingest);
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* Asks for an offer. */
static void ask(struct restate *restate)
{
	struct message want = {.kind = FRAME_WANT};

	restate->section_count = 0;
	restate->is_again = restate->has_shown = false;
	arena_reset(restate->arena);
	enter(restate, ASKED);
	peer_send(restate->peer, &want);
}

/* News may be why the buckets were others; without any it is the agent that is wrong. */
static void ask_again(struct restate *restate)
{
	restate->rounds = restate->is_again ? 0 : restate->rounds + 1;
	if (restate->rounds < ROUNDS_MAX) {
		ask(restate);
		return;
	}
	if (peer_may_log(restate->peer))
		log_warn("a host shows other facts than it offers host=%s",
		        restate->peer->cert.name);
	forget(restate);
}

static void ask_for_missing(struct restate *restate)
{
	struct message message = {.kind = FRAME_WANT};
	struct section_want wants[FACT_KIND_MAX];
	uint8_t numbers[FACT_KIND_MAX][SECTION_BUCKETS_MAX];

	message.want.section = wants;
	for (size_t i = 0; i < restate->section_count; i++) {
		const struct section *section = &restate->section[i];
		size_t count = 0;
		for (unsigned bucket = 0; bucket < section->bucket_count; bucket++)
			if (section->is_missing[bucket])
				numbers[i][count++] = (uint8_t)bucket;
		if (count > 0)
			wants[message.want.count++] = (struct section_want){
			        .kind = section->kind,
			        .buckets = slice_of(numbers[i], count),
			};
	}
	enter(restate, WANTING);
	peer_send(restate->peer, &message);
}

static void put_right(struct restate *restate)
{
	struct peer *peer = restate->peer;

	if (!peer->ingest->is_closed)
		peer->ingest->events->restated(peer->ingest->ctx, peer->host);
	log_debug("facts are as the agent has them host=%s", peer->cert.name);
}

/* It may go on with events; its facts are not put right while it is connected. */
static void be_held_back(struct restate *restate)
{
	struct peer *peer = restate->peer;

	peer->is_beyond_sync = true;
	restate_failed(peer);
	if (restate->is_note_new && !peer->ingest->is_closed)
		peer->ingest->events->stored(
		        peer->ingest->ctx, peer->host, &restate->note, 1, false);
	if (peer_may_log(peer))
		log_warn("host is held back: it shows more facts than its limits allow host=%s",
		        peer->cert.name);
}

static void done(struct store_job *base, int code, const struct reason *why)
{
	struct restate *restate = (struct restate *)base;
	struct peer *peer = restate->peer;
	struct ingest *ingest = peer->ingest;
	bool goes_on = code >= 0 && peer->conn && peer->state == PEER_STREAMING;
	bool keeps_slot = false;

	if (code < 0)
		log_warn("%s host=%s", why->text, peer->cert.name);
	else if (restate->is_put)
		put_right(restate);
	if (code >= 0 && restate->is_held_back) {
		be_held_back(restate);
		goes_on = false;
	}
	if (goes_on && restate->is_missing_any && !restate->has_shown) {
		keeps_slot = true;
		ask_for_missing(restate);
	} else if (goes_on && (restate->is_missing_any || restate->is_again)) {
		ask_again(restate);
	} else {
		forget(restate);
	}
	if (!keeps_slot)
		release_slot(ingest);
	peer_job_ends(peer, 0);
}

void restate_failed(struct peer *peer)
{
	peer->guest->no_sync_until_ms = loop_now_ms(peer->ingest->loop) + FAILED_MS;
}

/* --- from the peer ---------------------------------------------------------------------------- */

void restate_begin(struct peer *peer)
{
	struct restate *restate = peer->restate;

	if (peer->state != PEER_STREAMING)
		return;
	if (restate) {
		restate_facts_came(peer);
		return;
	}
	if (peer->is_beyond_sync || loop_now_ms(peer->ingest->loop) < peer->guest->no_sync_until_ms)
		return;
	restate = mem_new(sizeof(*restate));
	restate->peer = peer;
	restate->arena = arena_new(RESTATE_ARENA_BYTES);
	restate->message = arena_new(MESSAGE_BYTES);
	peer->restate = restate;
	ask(restate);
}

/* An offer that is still to come is younger than any batch that is stored. */
void restate_facts_came(struct peer *peer)
{
	if (peer->restate && peer->restate->state != ASKED)
		peer->restate->is_again = true;
}

bool restate_expects(const struct peer *peer, enum frame_kind kind)
{
	if (!peer->restate)
		return false;
	return (kind == FRAME_OFFER && peer->restate->state == ASKED) ||
	       (kind == FRAME_BUCKET && peer->restate->state == WANTING);
}

static int open_message(struct restate *restate, const struct frame *frame, struct arena *arena,
        struct message *out, struct reason *out_why)
{
	struct slice plain;
	int rc = frame_open(frame, &restate->peer->ingest->plain, &plain, out_why);

	return rc < 0 ? rc : wire_decode(frame->kind, plain, arena, out, out_why);
}

void restate_offer(struct peer *peer, const struct frame *frame)
{
	struct restate *restate = peer->restate;
	struct message message;
	struct reason why;

	if (open_message(restate, frame, restate->arena, &message, &why) < 0) {
		peer_refuse(peer, REFUSED_PROTOCOL, "%s", why.text);
		return;
	}
	for (size_t i = 0; i < message.offer.count; i++) {
		const struct section_offer *offer = &message.offer.section[i];
		struct section *section = &restate->section[i];
		*section = (struct section){
		        .kind = offer->kind,
		        .bucket_count = (unsigned)(offer->digests.len / SECTION_DIGEST_BYTES),
		        .digests = offer->digests,
		        .shown = {.arena = restate->arena},
		};
	}
	restate->section_count = message.offer.count;
	queue(restate);
}

static int take_shown(struct restate *restate, const struct section_facts *facts)
{
	for (size_t i = 0; i < restate->section_count; i++) {
		struct section *section = &restate->section[i];
		for (size_t k = 0; section->kind == facts->kind && k < facts->count; k++)
			if (section->shown.count >= SECTION_FACTS_MAX ||
			        fact_list_add(&section->shown, &facts->fact[k]) < 0)
				return ERR_LIMIT;
	}
	return 0;
}

/* Refusing the peer would have it come back with the same facts at once. */
static void give_up(struct restate *restate)
{
	struct peer *peer = restate->peer;

	if (!peer->is_beyond_sync && peer_may_log(peer))
		log_warn("facts of a host are too many for state sync host=%s", peer->cert.name);
	peer->is_beyond_sync = true;
	restate->section_count = 0;
	arena_rest(restate->arena);
}

static void take_bucket(struct restate *restate, const struct bucket *bucket)
{
	for (size_t i = 0; i < bucket->count && !restate->peer->is_beyond_sync; i++)
		if (take_shown(restate, &bucket->section[i]) < 0)
			give_up(restate);
	arena_rest(restate->message);
}

void restate_bucket(struct peer *peer, const struct frame *frame)
{
	struct restate *restate = peer->restate;
	struct message message;
	struct reason why;
	bool more;

	if (open_message(restate, frame, restate->message, &message, &why) < 0) {
		peer_refuse(peer, REFUSED_PROTOCOL, "%s", why.text);
		return;
	}
	more = message.bucket.more;
	take_bucket(restate, &message.bucket);
	if (more)
		return;
	if (peer->is_beyond_sync) {
		restate_drop(peer);
		return;
	}
	restate->has_shown = true;
	try_it(restate);
}

uint64_t restate_owes_ms(const struct peer *peer)
{
	const struct restate *restate = peer->restate;

	if (!restate || restate->state != WANTING)
		return 0;
	return loop_now_ms(peer->ingest->loop) - restate->since_ms;
}

/* A job under way ends what it began when it is done. */
void restate_drop(struct peer *peer)
{
	struct restate *restate = peer->restate;
	struct ingest *ingest = peer->ingest;
	bool had_slot;

	if (!restate || restate->state == TRYING)
		return;
	if (restate->state == QUEUED)
		DL_DELETE(ingest->restates, restate);
	had_slot = holds_slot(restate);
	forget(restate);
	if (had_slot)
		release_slot(ingest);
}
