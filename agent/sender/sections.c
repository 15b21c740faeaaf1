#include "agent/sender/sections.h"

#include "agent/state/factbook.h"
#include "common/model/factlist.h"

#define ARENA_BYTES   (96u << 20)
#define MESSAGE_BYTES (768u << 10) /* of facts, before they are columns and compressed */

bool sections_root(struct state *state, uint64_t seq, uint8_t out[SECTION_ROOT_BYTES],
        uint64_t *out_changed_seq)
{
	struct kv_txn *txn;
	if (kv_begin_read(state_kv(state), &txn) < 0)
		return false;
	struct state_position position;
	bool is_last = state_read_position(txn, &position) == 0 && position.next_seq - 1 == seq;
	bool is_told = is_last && factbook_root(txn, out, out_changed_seq) == 0;
	kv_abort(txn);
	return is_told;
}

/* --- an offer --------------------------------------------------------------------------------- */

/* Over `out`, which is emptied first. */
static int digest_section(struct kv_txn *txn, enum fact_kind kind, struct buf *out)
{
	unsigned buckets = section_bucket_count(kind, factbook_count(txn, kind));
	struct section_digests *digests = section_digests_new(buckets);
	int rc = factbook_each(txn, kind, section_digests_add_fact, digests);
	buf_reset(out);
	section_digests_finish(digests, out);
	return rc;
}

static int make_offer(struct kv_txn *txn, struct arena *arena, struct offer *out)
{
	struct buf digests = BUF_INIT;
	int rc = 0;
	out->section = arena_alloc(arena, FACT_KIND_MAX * sizeof(*out->section));
	for (unsigned number = 1; rc == 0 && number <= FACT_KIND_MAX; number++) {
		enum fact_kind kind = (enum fact_kind)number;
		if (!section_is_synced(kind) || factbook_count(txn, kind) == 0)
			continue;
		rc = digest_section(txn, kind, &digests);
		struct section_offer *section = &out->section[out->count++];
		section->kind = kind;
		section->digests = arena_copy(arena, buf_slice(&digests));
		if (!section->digests.ptr)
			rc = ERR_LIMIT;
	}
	buf_fini(&digests);
	return rc;
}

/* --- what is wanted --------------------------------------------------------------------------- */

struct answering {
	struct arena *arena;
	int (*send)(void *ctx, const struct message *message);
	void *ctx;
	struct section_facts section[FACT_KIND_MAX];
	size_t section_count;
	struct fact_list facts; /* of the section at hand */
	size_t bytes;           /* of facts since the last message */
	enum fact_kind kind;
	unsigned bucket_count;
	bool is_wanted[SECTION_BUCKETS_MAX];
};

static void end_section(struct answering *answering)
{
	if (answering->facts.count > 0)
		answering->section[answering->section_count++] = (struct section_facts){
		        .kind = answering->kind,
		        .count = answering->facts.count,
		        .fact = answering->facts.fact,
		};
	answering->facts = (struct fact_list){.arena = answering->arena};
}

static int send_out(struct answering *answering, bool more)
{
	struct message message = {.kind = FRAME_BUCKET};
	message.bucket.section = answering->section;
	message.bucket.count = answering->section_count;
	message.bucket.more = more;
	int rc = answering->send(answering->ctx, &message);
	answering->section_count = 0;
	answering->bytes = 0;
	arena_reset(answering->arena);
	return rc;
}

static size_t bytes_of(const struct fact *fact)
{
	size_t bytes = 0;
	for (unsigned i = 0; i < FACT_FIELDS_MAX; i++)
		bytes += fact->field[i].len + 2;
	return bytes;
}

static int take_fact(void *ctx, const struct fact *fact)
{
	struct answering *answering = ctx;
	int rc = 0;
	if (!answering->is_wanted[section_bucket_of(fact, answering->bucket_count)])
		return 0;
	if (answering->bytes > MESSAGE_BYTES) {
		end_section(answering);
		rc = send_out(answering, true);
	}
	answering->bytes += bytes_of(fact);
	return rc ? rc : fact_list_add(&answering->facts, fact);
}

static int take_section(
        struct answering *answering, struct kv_txn *txn, const struct section_want *want)
{
	answering->kind = want->kind;
	answering->bucket_count = section_bucket_count(want->kind, factbook_count(txn, want->kind));
	memset(answering->is_wanted, 0, sizeof(answering->is_wanted));
	for (size_t i = 0; i < want->buckets.len; i++)
		answering->is_wanted[want->buckets.ptr[i]] = true;
	answering->facts = (struct fact_list){.arena = answering->arena};
	int rc = factbook_each(txn, want->kind, take_fact, answering);
	end_section(answering);
	return rc;
}

int sections_answer(struct state *state, const struct want *want,
        int (*send)(void *ctx, const struct message *message), void *ctx)
{
	struct message offer = {.kind = FRAME_OFFER};
	struct answering answering = {.send = send, .ctx = ctx};
	struct kv_txn *txn;
	int rc = kv_begin_read(state_kv(state), &txn);
	if (rc < 0)
		return rc;
	answering.arena = arena_new(ARENA_BYTES);
	if (want->count == 0) {
		rc = make_offer(txn, answering.arena, &offer.offer);
		if (rc == 0)
			rc = send(ctx, &offer);
	} else {
		for (size_t i = 0; rc == 0 && i < want->count; i++)
			rc = take_section(&answering, txn, &want->section[i]);
		if (rc == 0)
			rc = send_out(&answering, false);
	}
	kv_abort(txn);
	arena_free(answering.arena);
	return rc;
}
