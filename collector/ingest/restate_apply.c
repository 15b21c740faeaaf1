#include "collector/ingest/restate_private.h"

#include <stdlib.h>

#include "collector/store/buckets.h"
#include "collector/store/sections.h"
#include "collector/store/usage.h"
#include "common/base/clock.h"
#include "common/base/mem.h"

static struct slice digest_at(const struct section *section, unsigned bucket)
{
	return slice_of(
	        section->digests.ptr + (size_t)bucket * SECTION_DIGEST_BYTES, SECTION_DIGEST_BYTES);
}

/* What has another digest than was offered is left: it is missing still. */
static int keep_bucket(const struct section *section, struct kv_txn *txn,
        const struct bucket_owner *owner, unsigned bucket, const uint8_t *bucket_of_fact,
        struct fact *room)
{
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < section->shown.count; i++)
		if (bucket_of_fact[i] == bucket)
			room[count++] = section->shown.fact[i];
	rc = buckets_put(txn, section->kind, digest_at(section, bucket), room, count, owner,
	        clock_wall_ns());
	return rc == ERR_FORMAT ? 0 : rc;
}

static int keep_shown(
        const struct section *section, struct kv_txn *txn, const struct bucket_owner *owner)
{
	size_t count = section->shown.count;
	struct fact *room = mem_new_array(count + 1, sizeof(*room));
	uint8_t *bucket_of_fact = mem_new_array(count + 1, sizeof(*bucket_of_fact));
	int rc = 0;

	for (size_t i = 0; i < count; i++)
		bucket_of_fact[i] = (uint8_t)section_bucket_of(
		        &section->shown.fact[i], section->bucket_count);
	for (unsigned bucket = 0; rc == 0 && bucket < section->bucket_count; bucket++)
		if (section->is_missing[bucket])
			rc = keep_bucket(section, txn, owner, bucket, bucket_of_fact, room);
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

static int hold(struct restate *restate, struct kv_txn *txn, enum hold reason, const char *detail)
{
	uint32_t host = restate->peer->host;
	struct usage usage;
	int rc = usage_get(txn, host, &usage);

	restate->is_held_back = true;
	if (rc == 0)
		rc = usage_hold(txn, host, &usage, reason, clock_wall_ns(), slice_text(detail),
		        &restate->note, &restate->is_note_new);
	return rc;
}

/* Twice over: nothing is put in place before all is there. */
static int put_in_place(struct restate *restate, struct kv_txn *txn, struct arena *arena)
{
	uint64_t limit = restate->peer->ingest->limits.facts, count = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < restate->section_count; i++) {
		bool is_other[SECTION_BUCKETS_MAX];
		struct fact_list facts = {.arena = arena};
		rc = compare_section(restate, txn, &restate->section[i], is_other, &facts);
		count += facts.count;
		arena_reset(arena);
	}
	if (rc < 0 || restate->is_missing_any)
		return rc;
	if (limit > 0 && count > limit)
		return hold(restate, txn, HOLD_FACTS,
		        USAGE_HELD_BACK "it has more facts than limits.host_facts");
	for (size_t i = 0; rc == 0 && i < restate->section_count; i++) {
		rc = put_section(restate, txn, &restate->section[i], arena);
		arena_reset(arena);
	}
	if (rc == 0)
		rc = empty_others(restate, txn);
	restate->is_put = rc == 0;
	return rc;
}

/* What fits within the limit stays: other hosts may have it too. */
static int keep_all_shown(struct restate *restate, struct kv_txn *txn)
{
	const struct bucket_owner owner = {.host = restate->peer->host,
	        .limit_bytes = restate->peer->ingest->limits.bucket_bytes};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < restate->section_count; i++)
		rc = keep_shown(&restate->section[i], txn, &owner);
	if (rc != ERR_LIMIT)
		return rc;
	return hold(restate, txn, HOLD_BUCKETS,
	        USAGE_HELD_BACK "it has shown more facts than limits.host_buckets_mb");
}

int restate_apply(struct store_job *base, struct kv_txn *txn, struct reason *out_why)
{
	struct restate *restate = (struct restate *)base;
	struct arena *arena = arena_new(RESTATE_ARENA_BYTES);
	struct host_record host;
	int rc = hosts_get(txn, restate->peer->host, &host);

	restate->is_missing_any = restate->is_put = false;
	restate->is_held_back = restate->is_note_new = false;
	if (rc == 0 && !host.is_revoked) {
		if (restate->has_shown)
			rc = keep_all_shown(restate, txn);
		if (rc == 0 && !restate->is_held_back)
			rc = put_in_place(restate, txn, arena);
	}
	arena_free(arena);
	return rc < 0 ? fail(out_why, rc, "cannot put a host's facts right: %s", err_text(rc)) : 0;
}
