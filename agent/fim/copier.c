#include "agent/fim/copier.h"

#include <stdlib.h>

#include "agent/fim/textdiff.h"
#include "agent/state/baseline.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/codec/pack.h"

#define SCRATCH_BYTES_MAX (16u << 20) /* of one diff */
#define TEXT_BYTES_MAX    (1u << 20)

struct copier {
	struct state *state;
	const struct filter *filter;
	struct packer *packer;
	struct arena *scratch;
	struct buf packed;
	struct buf before;
	struct buf diff;
	size_t kept_bytes; /* in this batch */
};

struct copier *copier_new(struct state *state, const struct filter *filter)
{
	struct copier *copier = mem_new(sizeof(*copier));
	copier->state = state;
	copier->filter = filter;
	copier->packer = packer_new();
	copier->scratch = arena_new(SCRATCH_BYTES_MAX);
	return copier;
}

void copier_free(struct copier *copier)
{
	if (!copier)
		return;
	copier_rest(copier);
	packer_free(copier->packer);
	arena_free(copier->scratch);
	free(copier);
}

void copier_begin(struct copier *copier)
{
	copier->kept_bytes = 0;
}

void copier_rest(struct copier *copier)
{
	packer_rest(copier->packer);
	arena_rest(copier->scratch);
	buf_fini(&copier->packed);
	buf_fini(&copier->before);
	buf_fini(&copier->diff);
}

uint64_t copier_wants(const struct copier *copier, struct slice path)
{
	uint64_t most_bytes = 0;
	filter_diff_of(copier->filter, path, &most_bytes);
	return most_bytes;
}

bool copier_is_full(const struct copier *copier)
{
	return copier->kept_bytes >= COPIER_BATCH_BYTES;
}

/* --- one reading ----------------------------------------------------------------------------- */

/* Of what lives in the copier's own memory. */
static int keep(struct copier *copier, struct slice *bytes, struct arena *arena)
{
	*bytes = arena_copy(arena, *bytes);
	if (!bytes->ptr)
		return ERR_LIMIT;
	copier->kept_bytes += bytes->len;
	return 0;
}

static int take_copy(struct copier *copier, const struct reading *reading, struct arena *arena,
        struct copied *out)
{
	struct text_copy *copy = arena_alloc_zeroed(arena, 1, sizeof(*copy));
	if (!copy)
		return ERR_LIMIT;
	memcpy(copy->sha256, reading->state.sha256, SHA256_BYTES);
	copy->is_text = textdiff_is_text(reading->text);
	out->copy = copy;
	if (!copy->is_text)
		return 0;
	buf_reset(&copier->packed);
	if (pack(copier->packer, reading->text, &copier->packed) < 0)
		return ERR_LIMIT;
	copy->packed = buf_slice(&copier->packed);
	return keep(copier, &copy->packed, arena);
}

/* The text of which the baseline has the hash, or why there is none. */
static enum diff_gap recall(
        struct copier *copier, struct slice path, const struct filestate *known, struct slice *out)
{
	struct kv_txn *txn;
	struct text_copy copy;
	enum diff_gap gap = DIFF_NO_COPY;
	buf_reset(&copier->before);
	if (kv_begin_read(state_kv(copier->state), &txn) < 0)
		return gap;
	if (texts_get(txn, path, &copy) == 0 &&
	        memcmp(copy.sha256, known->sha256, SHA256_BYTES) == 0) {
		if (!copy.is_text)
			gap = DIFF_BINARY;
		else if (pack_open(copier->packer, copy.packed, TEXT_BYTES_MAX, &copier->before) ==
		         0)
			gap = DIFF_NOT_ASKED;
	}
	kv_abort(txn);
	*out = buf_slice(&copier->before);
	return gap;
}

static int compare(struct copier *copier, struct slice path, const struct filestate *known,
        const struct reading *reading, struct arena *arena, struct copied *out)
{
	struct slice before = {0};
	out->since = arena_copy(arena, slice_of(known->sha256, SHA256_BYTES)).ptr;
	if (!out->since)
		return ERR_LIMIT;
	out->diff_gap = recall(copier, path, known, &before);
	if (out->diff_gap != DIFF_NOT_ASKED)
		return 0;
	arena_reset(copier->scratch);
	buf_reset(&copier->diff);
	out->diff_gap = textdiff(
	        before, reading->text, EVENT_DIFF_BYTES, copier->scratch, &copier->diff);
	if (copier->diff.len == 0)
		return 0;
	out->diff = buf_slice(&copier->diff);
	return keep(copier, &out->diff, arena);
}

static bool has_hash(const struct filestate *state)
{
	return state && state->type == FILE_REGULAR && state->hash == HASH_DONE;
}

/* Nothing new: attributes have changed, or the file was read once more. */
static bool has_this(struct copier *copier, struct slice path, const struct reading *reading)
{
	struct kv_txn *txn;
	struct text_copy copy;
	if (kv_begin_read(state_kv(copier->state), &txn) < 0)
		return false;
	bool has = texts_get(txn, path, &copy) == 0 &&
	           memcmp(copy.sha256, reading->state.sha256, SHA256_BYTES) == 0;
	kv_abort(txn);
	return has;
}

int copier_take(struct copier *copier, struct slice path, const struct filestate *known,
        const struct reading *reading, struct arena *arena, struct copied *out)
{
	uint64_t most_bytes = 0;
	enum filter_diff wanted = filter_diff_of(copier->filter, path, &most_bytes);
	*out = (struct copied){.diff_gap = DIFF_NOT_ASKED};
	if (wanted == FILTER_DIFF_NO || reading->state.type != FILE_REGULAR ||
	        (known && known->type != FILE_REGULAR))
		known = NULL; /* nothing to compare, but perhaps to keep */
	if (wanted == FILTER_DIFF_SECRET && known)
		out->diff_gap = DIFF_SECRET;
	if (wanted != FILTER_DIFF_YES || reading->state.type != FILE_REGULAR)
		return 0;
	if (reading->state.size > most_bytes || (known && known->size > most_bytes))
		out->diff_gap = known ? DIFF_TOO_LARGE : DIFF_NOT_ASKED;
	else if (known)
		out->diff_gap = DIFF_NO_COPY;
	if (!reading->text.ptr || has_this(copier, path, reading))
		return 0;
	int rc = take_copy(copier, reading, arena, out);
	if (rc < 0 || !known || out->diff_gap != DIFF_NO_COPY)
		return rc;
	if (!out->copy->is_text)
		out->diff_gap = DIFF_BINARY;
	else if (has_hash(known) && memcmp(known->sha256, reading->state.sha256, SHA256_BYTES) != 0)
		rc = compare(copier, path, known, reading, arena, out);
	return rc;
}

/* --- copies that are too many, and too few --------------------------------------------------- */

/* Under this name the state remembers what the copies in it were allowed by. */
#define ALLOWED_NAME "diffs"

struct purge {
	const struct filter *filter;
	struct kv_txn *txn;
};

static bool may_stay(void *ctx, struct slice path)
{
	const struct purge *purge = ctx;
	struct filestate known;
	uint64_t most_bytes = 0;
	return filter_diff_of(purge->filter, path, &most_bytes) == FILTER_DIFF_YES &&
	       baseline_get(purge->txn, path, &known) == 0 && known.size <= most_bytes;
}

static int64_t purge_and_commit(
        struct state *state, const struct filter *filter, struct reason *out_why)
{
	struct state_txn *txn;
	int rc = state_begin(state, &txn, out_why);
	if (rc < 0)
		return rc;
	struct purge purge = {.filter = filter, .txn = state_txn_kv(txn)};
	int64_t removed = texts_purge_below(txn, slice_text("/"), may_stay, &purge);
	if (removed <= 0) {
		state_abort(txn);
		return removed < 0 ? fail(out_why, (int)removed, "cannot remove copies: %s",
		                             err_text((int)removed))
		                   : 0;
	}
	rc = state_commit(txn, out_why);
	return rc < 0 ? rc : removed;
}

static bool is_remembered(struct state *state, struct slice digest)
{
	struct kv_txn *txn;
	struct slice value;
	if (kv_begin_read(state_kv(state), &txn) < 0)
		return false;
	bool is = state_meta_get(txn, ALLOWED_NAME, &value) == 0 && slice_equal(value, digest);
	kv_abort(txn);
	return is;
}

static int remember(struct state *state, struct slice digest, struct reason *out_why)
{
	struct state_txn *txn;
	int rc = state_begin(state, &txn, out_why);
	if (rc < 0)
		return rc;
	rc = state_meta_put(txn, ALLOWED_NAME, digest);
	if (rc == 0)
		return state_commit(txn, out_why);
	state_abort(txn);
	return fail(out_why, rc, "cannot write the state: %s", err_text(rc));
}

/* Only when the configuration is another: looking at all copies takes time and memory. */
int copier_purge(struct state *state, const struct filter *filter, struct reason *out_why)
{
	uint8_t digest[SHA256_BYTES];
	struct slice allowed = slice_of(digest, sizeof(digest));
	filter_digest_diffs(filter, digest);
	if (is_remembered(state, allowed))
		return 0;
	int64_t removed = purge_and_commit(state, filter, out_why);
	if (removed < 0)
		return (int)removed;
	if (removed > 0) {
		log_info("removed copies that the configuration does not allow count=%lld",
		        (long long)removed);
		int rc = texts_wipe(state, out_why);
		if (rc < 0)
			return rc;
	}
	kv_release_pages(state_kv(state));
	return remember(state, allowed, out_why);
}

bool copier_lacks(const struct filter *filter, struct kv_txn *txn, struct slice path,
        const struct filestate *known)
{
	uint64_t most_bytes = 0;
	if (!has_hash(known) || !filter_has_diffs(filter) ||
	        filter_diff_of(filter, path, &most_bytes) != FILTER_DIFF_YES ||
	        known->size > most_bytes)
		return false;
	return !texts_has(txn, path);
}
