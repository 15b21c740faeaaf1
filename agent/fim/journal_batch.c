#include "agent/fim/journal_batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/state/baseline.h"
#include "agent/touch/explainer.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/store/pathkey.h"

#define CHUNK            16 /* entries that a reader takes at a time, under one transaction */
#define WRITER_BYTES_MAX (64u << 20)
#define NAME_PATH_BYTES  200
#define AGAIN_STARVED_MS 1

void batch_init(struct journal_batch *batch, struct state *state, const struct filter *filter)
{
	*batch = (struct journal_batch){.state = state, .filter = filter};
	batch->baselined = mem_new(filter_count(filter) + 1);
	batch->arena = arena_new(WRITER_BYTES_MAX);
}

void batch_fini(struct journal_batch *batch)
{
	free(batch->entry);
	overlap_fini(&batch->paths);
	free(batch->baselined);
	arena_free(batch->arena);
	buf_fini(&batch->notes);
	buf_fini(&batch->marks);
	buf_fini(&batch->metas);
	explainer_drop(batch->explainer);
}

void batch_begin(struct journal_batch *batch, size_t count)
{
	if (count > batch->room) {
		free(batch->entry);
		batch->entry = mem_new_array(count, sizeof(*batch->entry));
		batch->room = count;
	} else if (count > 0) {
		memset(batch->entry, 0, count * sizeof(*batch->entry));
	}
	memset(batch->baselined, -1, filter_count(batch->filter) + 1);
	batch->count = count;
	overlap_reset(&batch->paths);
	atomic_store(&batch->next, 0);
	arena_reset(batch->arena);
	buf_reset(&batch->notes);
	buf_reset(&batch->marks);
	buf_reset(&batch->metas);
	batch->rc = 0;
	batch->events = 0;
}

void batch_rest(struct journal_batch *batch)
{
	batch_begin(batch, 0);
	free(batch->entry);
	batch->entry = NULL;
	batch->room = 0;
	overlap_fini(&batch->paths);
	arena_rest(batch->arena);
	buf_shrink(&batch->notes, 0);
	buf_shrink(&batch->marks, 0);
	buf_shrink(&batch->metas, 0);
}

bool batch_is_moving(const struct batch_entry *entry)
{
	return entry->now.reading.is_moving;
}

void batch_baselined_name(struct slice path, char out[BASELINED_NAME_MAX])
{
	if (path.len <= NAME_PATH_BYTES) {
		snprintf(out, BASELINED_NAME_MAX, BASELINED_PREFIX "%.*s", SLICE_ARG(path));
		return;
	}
	uint8_t digest[SHA256_BYTES];
	struct buf hex = BUF_INIT;
	digest_of(path, digest);
	text_append_hex(&hex, slice_of(digest, sizeof(digest)));
	snprintf(out, BASELINED_NAME_MAX, BASELINED_PREFIX "sha256 %s", buf_text(&hex));
	buf_fini(&hex);
}

/* --- reading --------------------------------------------------------------------------------- */

/* What the baseline knows of an entry's two paths, copied so that the transaction need not stay
 * open while files are read: an old reader would keep pages of the store from being used again. */
struct known {
	bool has_path;
	bool has_old;
	struct filestate path;
	struct filestate old;
};

static bool recall(
        struct kv_txn *txn, struct slice path, struct arena *arena, struct filestate *out)
{
	if (baseline_get(txn, path, out) < 0)
		return false;
	/* Names are looked up anew. */
	out->owner = out->group = (struct slice){0};
	return filestate_keep(arena, out) == 0;
}

static void recall_chunk(struct journal_batch *batch, struct batch_reader *reader, size_t from,
        size_t count, struct known *known)
{
	struct kv_txn *txn;
	memset(known, 0, count * sizeof(*known));
	if (kv_begin_read(state_kv(batch->state), &txn) < 0)
		return; /* without it everything is read in full */
	for (size_t i = 0; i < count; i++) {
		const struct settled *settled = batch->entry[from + i].settled;
		known[i].has_path = recall(txn, settled->path, reader->arena, &known[i].path);
		if (settled->old_path.ptr)
			known[i].has_old = recall(
			        txn, settled->old_path, reader->arena, &known[i].old);
	}
	kv_abort(txn);
}

static bool is_storable(struct slice path)
{
	struct buf key = BUF_INIT;
	bool is_good = pathkey_append(&key, path) == 0;
	buf_fini(&key);
	return is_good;
}

static void refuse(struct batch_entry *entry, struct slice path)
{
	struct buf shown = BUF_INIT;
	text_append_display(&shown, path);
	log_warn("cannot keep the state of '%.300s': no path that the system could name",
	        buf_text(&shown));
	buf_fini(&shown);
	entry->is_refused = true;
}

static void read_entry(
        struct batch_reader *reader, struct batch_entry *entry, const struct known *known)
{
	const struct settled *settled = entry->settled;
	struct slice path = settled->path, old_path = settled->old_path;
	if (!is_storable(path) || (old_path.ptr && !is_storable(old_path))) {
		refuse(entry, path);
		return;
	}
	int rc;
	entry->now.time_ns = clock_wall_ns();
	if (!known->has_path && !known->has_old && settled->hints & TOUCH_LISTED)
		rc = probe_read_listed(reader->prober, path, reader->arena, &entry->now.reading);
	else if (!known->has_path && known->has_old)
		rc = probe_read_renamed(
		        reader->prober, path, &known->old, reader->arena, &entry->now.reading);
	else
		rc = probe_read(reader->prober, path, known->has_path ? &known->path : NULL,
		        reader->arena, &entry->now.reading);
	if (rc == 0 && old_path.ptr) {
		entry->old.time_ns = clock_wall_ns();
		rc = probe_read(reader->prober, old_path, known->has_old ? &known->old : NULL,
		        reader->arena, &entry->old.reading);
	}
	if (rc < 0)
		entry->again_ms = AGAIN_STARVED_MS;
}

void batch_read(struct journal_batch *batch, struct batch_reader *reader)
{
	struct known known[CHUNK];
	arena_reset(reader->arena);
	prober_refresh(reader->prober);
	prober_ask(reader->prober, batch->explainer);
	for (;;) {
		size_t from = atomic_fetch_add(&batch->next, CHUNK);
		if (from >= batch->count || atomic_load(batch->is_stopping))
			return;
		size_t count = batch->count - from < CHUNK ? batch->count - from : CHUNK;
		recall_chunk(batch, reader, from, count, known);
		for (size_t i = 0; i < count && !atomic_load(batch->is_stopping); i++)
			read_entry(reader, &batch->entry[from + i], &known[i]);
	}
}
