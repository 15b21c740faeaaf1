#include "collector/ingest/restate.h"

#include <stdlib.h>
#include <utlist.h>

#include "collector/store/buckets.h"
#include "collector/store/sections.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define SLOTS          4
#define ROUNDS_MAX     5 /* of buckets that are not what was offered, without news in between */
#define ARENA_BYTES    (96u << 20)
#define MESSAGE_BYTES  (24u << 20) /* one message, decoded */
#define JOB_BYTES      (1u << 20)  /* of writes, about */
#define SECTIONS_BYTES (64u << 10)

enum restate_state { ASKED, QUEUED, TRYING, WANTING };

/* What the store knows nothing of yet is `is_missing`. */
struct section {
	enum fact_kind kind;
	unsigned bucket_count;
	struct slice digests;
	bool is_missing[SECTION_BUCKETS_MAX];
	struct fact_list shown; /* by the peer, of what was missing */
};

struct restate {
	struct store_job job;
	struct peer *peer;
	enum restate_state state;
	struct restate *prev, *next; /* in the queue */
	struct arena *arena;
	struct arena *message; /* the last one with facts, until they are copied */
	struct section section[FACT_KIND_MAX];
	size_t section_count;
	uint64_t since_ms; /* in this state */
	unsigned rounds;
	bool is_again;
	bool has_shown; /* what it was asked for, in this round */

	/* from apply */
	bool is_missing_any;
	bool is_put; /* the store has what was offered */
};

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

/* --- in the store ----------------------------------------------------------------------------- */

static struct slice digest_at(const struct section *section, unsigned bucket)
{
	return slice_of(
	        section->digests.ptr + (size_t)bucket * SECTION_DIGEST_BYTES, SECTION_DIGEST_BYTES);
}

static unsigned bucket_of(const struct fact *fact, unsigned bucket_count)
{
	uint8_t key[FACT_KEY_MAX];

	return section_bucket_of(slice_of(key, fact_key(fact, key)), bucket_count);
}

/* What has another digest than was offered is left: it is missing still. */
static int keep_bucket(const struct section *section, struct kv_txn *txn, unsigned bucket,
        const uint8_t *bucket_of_fact, struct fact *room)
{
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < section->shown.count; i++)
		if (bucket_of_fact[i] == bucket)
			room[count++] = section->shown.fact[i];
	rc = buckets_put(
	        txn, section->kind, digest_at(section, bucket), room, count, clock_wall_ns());
	return rc == ERR_FORMAT ? 0 : rc;
}

static int keep_shown(const struct section *section, struct kv_txn *txn)
{
	size_t count = section->shown.count;
	struct fact *room = mem_new_array(count + 1, sizeof(*room));
	uint8_t *bucket_of_fact = mem_new_array(count + 1, sizeof(*bucket_of_fact));
	int rc = 0;

	for (size_t i = 0; i < count; i++)
		bucket_of_fact[i] = (uint8_t)bucket_of(
		        &section->shown.fact[i], section->bucket_count);
	for (unsigned bucket = 0; rc == 0 && bucket < section->bucket_count; bucket++)
		if (section->is_missing[bucket])
			rc = keep_bucket(section, txn, bucket, bucket_of_fact, room);
	free(bucket_of_fact);
	free(room);
	return rc;
}

/* Finds what is to be put in place, and what is known of it. */
static int compare_section(struct restate *restate, struct kv_txn *txn, struct section *section,
        bool is_other[SECTION_BUCKETS_MAX], struct fact_list *out)
{
	struct buf ours = BUF_INIT;
	int rc = sections_digests(
	        txn, restate->peer->host, section->kind, section->bucket_count, &ours);

	for (unsigned bucket = 0; rc == 0 && bucket < section->bucket_count; bucket++) {
		struct slice digest = digest_at(section, bucket);
		is_other[bucket] = memcmp(ours.data + (size_t)bucket * SECTION_DIGEST_BYTES,
		                           digest.ptr, SECTION_DIGEST_BYTES) != 0;
		section->is_missing[bucket] = false;
		if (!is_other[bucket])
			continue;
		rc = buckets_get(txn, section->kind, digest, clock_wall_ns(), out);
		section->is_missing[bucket] = rc == ERR_MISSING;
		restate->is_missing_any |= section->is_missing[bucket];
		if (rc == ERR_MISSING)
			rc = 0;
	}
	buf_fini(&ours);
	return rc;
}

/* Where nothing is other, only the sum is made anew: it must be that which differs. */
static int put_section(
        struct restate *restate, struct kv_txn *txn, struct section *section, struct arena *arena)
{
	bool is_other[SECTION_BUCKETS_MAX] = {false};
	struct fact_list facts = {.arena = arena};
	int rc = compare_section(restate, txn, section, is_other, &facts);

	if (rc < 0 || restate->is_missing_any)
		return rc;
	return sections_replace(txn, restate->peer->host, section->kind, section->bucket_count,
	        is_other, facts.fact, facts.count);
}

static bool is_offered(const struct restate *restate, enum fact_kind kind)
{
	for (size_t i = 0; i < restate->section_count; i++)
		if (restate->section[i].kind == kind)
			return true;
	return false;
}

/* What the agent has nothing of. */
static int empty_others(struct restate *restate, struct kv_txn *txn)
{
	const bool all[SECTION_BUCKETS_MAX] = {true};
	int rc = 0;

	for (unsigned number = 1; rc == 0 && number <= FACT_KIND_MAX; number++) {
		enum fact_kind kind = (enum fact_kind)number;
		if (section_is_synced(kind) && !is_offered(restate, kind))
			rc = sections_replace(txn, restate->peer->host, kind, 1, all, NULL, 0);
	}
	return rc;
}

/* Twice over: nothing is put in place before all is there. */
static int put_in_place(struct restate *restate, struct kv_txn *txn, struct arena *arena)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < restate->section_count; i++) {
		bool is_other[SECTION_BUCKETS_MAX];
		struct fact_list facts = {.arena = arena};
		rc = compare_section(restate, txn, &restate->section[i], is_other, &facts);
		arena_reset(arena);
	}
	if (rc < 0 || restate->is_missing_any)
		return rc;
	for (size_t i = 0; rc == 0 && i < restate->section_count; i++) {
		rc = put_section(restate, txn, &restate->section[i], arena);
		arena_reset(arena);
	}
	if (rc == 0)
		rc = empty_others(restate, txn);
	restate->is_put = rc == 0;
	return rc;
}

/* May be called again for the same job: see jobs.c. */
static int apply(struct store_job *base, struct kv_txn *txn, struct reason *out_why)
{
	struct restate *restate = (struct restate *)base;
	struct arena *arena = arena_new(ARENA_BYTES);
	struct host_record host;
	int rc = hosts_get(txn, restate->peer->host, &host);

	restate->is_missing_any = restate->is_put = false;
	if (rc == 0 && !host.is_revoked) {
		for (size_t i = 0; rc == 0 && restate->has_shown && i < restate->section_count; i++)
			rc = keep_shown(&restate->section[i], txn);
		if (rc == 0)
			rc = put_in_place(restate, txn, arena);
	}
	arena_free(arena);
	return rc < 0 ? fail(out_why, rc, "cannot put a host's facts right: %s", err_text(rc)) : 0;
}

/* --- slots ------------------------------------------------------------------------------------ */

static void release_slot(struct ingest *ingest);
static void done(struct store_job *base, int code, const struct reason *why);

static void try_it(struct restate *restate)
{
	struct peer *peer = restate->peer;

	enter(restate, TRYING);
	restate->job = (struct store_job){.apply = apply, .done = done, .bytes = JOB_BYTES};
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
	log_warn("a host shows other facts than it offers host=%s", restate->peer->cert.name);
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
	if (peer->is_beyond_sync)
		return;
	restate = mem_new(sizeof(*restate));
	restate->peer = peer;
	restate->arena = arena_new(ARENA_BYTES);
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

	if (!peer->is_beyond_sync)
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
