#include "agent/fim/journal_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/state/baseline.h"
#include "common/base/budget.h"
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
	*batch = (struct journal_batch){
	        .state = state, .filter = filter, .born_ns = clock_wall_ns()};
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
	bool lacks_copy; /* of what stands at the path, so it has to be read */
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

/* A first scan has just looked. Should a record have come since then, the file is read for nothing,
 * and the writer finds it. */
static bool is_unknown(const struct settled *settled)
{
	return settled->cause == CAUSE_BASELINE && settled->hints & TOUCH_LISTED &&
	       !settled->old_path.ptr;
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
		if (is_unknown(settled))
			continue;
		known[i].has_path = recall(txn, settled->path, reader->arena, &known[i].path);
		known[i].lacks_copy = known[i].has_path && copier_lacks(batch->filter, txn,
		                                                   settled->path, &known[i].path);
		if (settled->old_path.ptr)
			known[i].has_old = recall(
			        txn, settled->old_path, reader->arena, &known[i].old);
	}
	kv_abort(txn);
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

static enum rereading rereading_of(const struct settled *settled, const struct known *known)
{
	if (settled->hints & TOUCH_REREAD || known->lacks_copy)
		return REREAD_ALL;
	return settled->hints & TOUCH_LINKED ? REREAD_SHARED : REREAD_CHANGED;
}

/* The reading itself: `known` of the path, or of the old path that it was renamed from. */
static int read_now(struct batch_reader *reader, const struct batch_entry *entry,
        const struct known *known, struct reading *out)
{
	const struct settled *settled = entry->settled;
	struct slice path = settled->path;
	prober_want_reread(reader->prober, rereading_of(settled, known));
	if (!known->has_path && !known->has_old && settled->hints & TOUCH_LISTED)
		return probe_read_listed(reader->prober, path, reader->arena, out);
	if (!known->has_path && known->has_old)
		return probe_read_renamed(reader->prober, path, &known->old, reader->arena, out);
	return probe_read(
	        reader->prober, path, known->has_path ? &known->path : NULL, reader->arena, out);
}

static int read_old(struct batch_reader *reader, const struct batch_entry *entry,
        const struct known *known, struct reading *out)
{
	prober_want_reread(reader->prober, REREAD_CHANGED);
	return probe_read(reader->prober, entry->settled->old_path,
	        known->has_old ? &known->old : NULL, reader->arena, out);
}

typedef int read_fn(struct batch_reader *reader, const struct batch_entry *entry,
        const struct known *known, struct reading *out);

static int see(struct batch_reader *reader, const struct batch_entry *entry,
        const struct known *known, struct slice path, const struct filestate *before, read_fn *read,
        struct sighting *out)
{
	uint64_t text_most_bytes = copier_wants(reader->copier, path);
	if (text_most_bytes > 0 && copier_is_full(reader->copier))
		return ERR_LIMIT;
	prober_want_text(reader->prober, text_most_bytes);
	out->time_ns = clock_wall_ns();
	int rc = read(reader, entry, known, &out->reading);
	if (rc == 0)
		rc = copier_take(
		        reader->copier, path, before, &out->reading, reader->arena, &out->copied);
	out->reading.text = (struct slice){0}; /* the prober's */
	return rc;
}

static int see_old(
        struct batch_reader *reader, struct batch_entry *entry, const struct known *known)
{
	struct slice old_path = entry->settled->old_path;
	if (!old_path.ptr)
		return 0;
	entry->old = arena_alloc_zeroed(reader->arena, 1, sizeof(*entry->old));
	if (!entry->old)
		return ERR_LIMIT;
	return see(reader, entry, known, old_path, known->has_old ? &known->old : NULL, read_old,
	        entry->old);
}

static void read_entry(
        struct batch_reader *reader, struct batch_entry *entry, const struct known *known)
{
	const struct settled *settled = entry->settled;
	struct slice path = settled->path, old_path = settled->old_path;
	if (pathkey_check(path) < 0 || (old_path.ptr && pathkey_check(old_path) < 0)) {
		refuse(entry, path);
		return;
	}
	int rc = see(reader, entry, known, path, known->has_path ? &known->path : NULL, read_now,
	        &entry->now);
	if (rc == 0)
		rc = see_old(reader, entry, known);
	if (rc < 0)
		entry->again_ms = AGAIN_STARVED_MS;
}

/* While the audit reads, whoever else wants the disk goes first (ioprio_set(2), of this thread). */
static void set_idle_io(bool is_idle)
{
	const int CLASS = is_idle ? 3 : 0, CLASS_SHIFT = 13, WHO_PROCESS = 1;
	syscall(SYS_ioprio_set, WHO_PROCESS, 0, CLASS << CLASS_SHIFT);
}

static void read_paced(
        struct batch_reader *reader, struct batch_entry *entry, const struct known *known)
{
	enum event_cause cause = entry->settled->cause;
	struct budget *budget = cause == CAUSE_LIVE ? NULL : reader->budget;
	bool is_timed = budget && budget_counts_cpu(budget);
	uint64_t before_ns = is_timed ? budget_thread_cpu_ns() : 0;
	prober_pace(reader->prober, budget);
	if (cause == CAUSE_AUDIT)
		set_idle_io(true);
	read_entry(reader, entry, known);
	if (cause == CAUSE_AUDIT)
		set_idle_io(false);
	if (is_timed)
		budget_spend(budget, 0, budget_thread_cpu_ns() - before_ns);
}

static void read_chunks(struct journal_batch *batch, struct batch_reader *reader)
{
	struct known known[CHUNK];
	for (;;) {
		size_t from = atomic_fetch_add(&batch->next, CHUNK);
		if (from >= batch->count || atomic_load(batch->is_stopping))
			return;
		size_t count = batch->count - from < CHUNK ? batch->count - from : CHUNK;
		recall_chunk(batch, reader, from, count, known);
		for (size_t i = 0; i < count && !atomic_load(batch->is_stopping); i++)
			read_paced(reader, &batch->entry[from + i], &known[i]);
	}
}

void batch_read(struct journal_batch *batch, struct batch_reader *reader)
{
	arena_reset(reader->arena);
	prober_refresh(reader->prober);
	copier_begin(reader->copier);
	prober_ask(reader->prober, batch->explainer);
	read_chunks(batch, reader);
	prober_leave(reader->prober);
}
