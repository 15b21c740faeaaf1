#include "agent/fim/audit.h"

#include <stdlib.h>

#include "agent/state/baseline.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define META_NAME "audit" /* portions, portion (4 bytes each), rounds (8), big endian */
#define RETRY_MS  5000    /* while other work goes first */
#define PATHS_MAX 65536   /* of one portion; more wait for the next round */

struct audit {
	struct loop *loop;
	struct state *state;
	struct audit_events events;
	void *ctx;
	struct timer *timer;
	uint64_t portion_ms;
	struct audit_status status;

	/* of the portion that is looked up */
	bool is_working;
	bool is_orphan; /* freed meanwhile: the end frees it */
	int rc;
	struct buf paths; /* length (4 bytes) and bytes of each */
	size_t path_count;
};

/* FNV-1a, 32 bits. */
uint32_t audit_portion_of(struct slice path, uint32_t portions)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < path.len; i++)
		hash = (hash ^ path.ptr[i]) * 16777619u;
	return portions ? hash % portions : 0;
}

/* --- what is remembered ----------------------------------------------------------------------- */

static void recall(struct audit *audit)
{
	struct kv_txn *txn;
	struct slice value;
	uint32_t portions, portion;
	uint64_t rounds;
	if (kv_begin_read(state_kv(audit->state), &txn) < 0)
		return;
	if (state_meta_get(txn, META_NAME, &value) == 0 && slice_take_u32(&value, &portions) &&
	        slice_take_u32(&value, &portion) && slice_take_u64(&value, &rounds)) {
		audit->status.rounds = rounds;
		if (portions == audit->status.portions && portion < portions)
			audit->status.portion = portion;
	}
	kv_abort(txn);
}

static int remember(struct audit *audit)
{
	struct state_txn *txn;
	struct buf value = BUF_INIT;
	buf_append_u32(&value, audit->status.portions);
	buf_append_u32(&value, audit->status.portion);
	buf_append_u64(&value, audit->status.rounds);
	int rc = state_begin(audit->state, &txn, NULL);
	if (rc == 0) {
		rc = state_meta_put(txn, META_NAME, buf_slice(&value));
		if (rc == 0)
			rc = state_commit(txn, NULL);
		else
			state_abort(txn);
	}
	buf_fini(&value);
	return rc;
}

/* --- a portion -------------------------------------------------------------------------------- */

static int take_path(void *ctx, struct slice path, const struct filestate *state)
{
	struct audit *audit = ctx;
	(void)state;
	if (audit_portion_of(path, audit->status.portions) != audit->status.portion)
		return 0;
	if (audit->path_count++ == PATHS_MAX)
		return ERR_LIMIT;
	buf_append_u32(&audit->paths, (uint32_t)path.len);
	buf_append_slice(&audit->paths, path);
	return 0;
}

static void work(void *ctx)
{
	struct audit *audit = ctx;
	struct kv_txn *txn = NULL;
	audit->rc = remember(audit);
	if (audit->rc == 0)
		audit->rc = kv_begin_read(state_kv(audit->state), &txn);
	if (audit->rc < 0)
		return;
	audit->rc = baseline_each_below(txn, slice_text("/"), take_path, audit);
	kv_abort(txn);
	if (audit->rc == ERR_LIMIT)
		audit->rc = 0;
}

static void free_all(struct audit *audit)
{
	buf_fini(&audit->paths);
	free(audit);
}

static void touch_paths(struct audit *audit)
{
	struct slice rest = buf_slice(&audit->paths), path;
	uint32_t len;
	while (slice_take_u32(&rest, &len) && slice_take(&rest, len, &path)) {
		struct touch touch = {.path = path,
		        .hints = TOUCH_DONE | TOUCH_REREAD,
		        .cause = CAUSE_AUDIT,
		        .gap = ACTOR_UNSEEN};
		audit->events.touched(audit->ctx, &touch);
	}
}

static void begin_next(struct audit *audit)
{
	if (++audit->status.portion < audit->status.portions)
		return;
	audit->status.portion = 0;
	audit->status.rounds++;
	log_info("the audit has been through everything rounds=%llu",
	        (unsigned long long)audit->status.rounds);
}

static void done(void *ctx)
{
	struct audit *audit = ctx;
	audit->is_working = false;
	if (audit->is_orphan) {
		free_all(audit);
		return;
	}
	kv_release_pages(state_kv(audit->state)); /* it has touched most of the map */
	if (audit->rc < 0) {
		log_warn("cannot audit: %s", err_text(audit->rc));
	} else {
		touch_paths(audit);
		begin_next(audit);
	}
	buf_shrink(&audit->paths, 0);
	timer_start(audit->timer, audit->portion_ms, 0);
	if (audit->events.changed)
		audit->events.changed(audit->ctx);
}

static void on_due(void *ctx)
{
	struct audit *audit = ctx;
	if (audit->events.is_busy(audit->ctx)) {
		uint64_t portion_ms = audit->portion_ms;
		timer_start(audit->timer, portion_ms < RETRY_MS ? portion_ms : RETRY_MS, 0);
		return;
	}
	audit->path_count = 0;
	audit->is_working = true;
	loop_work(audit->loop, work, done, audit);
}

/* --- public ----------------------------------------------------------------------------------- */

struct audit *audit_new(struct loop *loop, struct state *state, uint64_t round_ms,
        const struct audit_events *events, void *ctx)
{
	struct audit *audit = mem_new(sizeof *audit);
	audit->loop = loop;
	audit->state = state;
	audit->events = *events;
	audit->ctx = ctx;
	audit->timer = timer_new(loop, on_due, audit);
	if (round_ms == 0)
		return audit;
	uint64_t portions = round_ms / AUDIT_PORTION_MS_MIN;
	if (portions > AUDIT_PORTIONS_MAX)
		portions = AUDIT_PORTIONS_MAX;
	audit->status.portions = portions ? (uint32_t)portions : 1;
	audit->portion_ms = round_ms / audit->status.portions;
	recall(audit);
	timer_start(audit->timer, audit->portion_ms, 0);
	return audit;
}

void audit_free(struct audit *audit)
{
	if (!audit)
		return;
	timer_free(audit->timer);
	audit->is_orphan = true;
	if (!audit->is_working)
		free_all(audit);
}

struct audit_status audit_status(const struct audit *audit)
{
	return audit->status;
}
