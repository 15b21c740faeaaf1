#include "agent/fim/links.h"

#include <stdlib.h>

#include "agent/state/baseline.h"
#include "common/base/budget.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define GATHER_MS     20 /* from the first inode to the pass */
#define PAUSE_FACTOR  20 /* pauses are this much longer than a pass needs the processor */
#define PAUSE_MOST_MS 10000
#define NAMES_MAX     65536

struct linked {
	uint64_t device;
	uint64_t inode;
};

struct links {
	struct loop *loop;
	struct state *state;
	void (*touched)(void *ctx, const struct touch *touch);
	void (*overflowed)(void *ctx);
	void *ctx;
	struct timer *timer;
	struct linked *gathered;
	size_t gathered_count;
	uint64_t began_ms; /* the last pass */
	uint64_t pause_ms; /* after it */

	/* of the pass under way */
	bool is_working;
	bool is_orphan; /* freed meanwhile: the end of the pass frees it */
	struct linked *sought;
	size_t sought_count;
	struct buf names; /* length (4 bytes) and bytes of each */
	size_t name_count;
	uint64_t cpu_ns;
	int rc;
};

static int compare(const void *a, const void *b)
{
	const struct linked *left = a, *right = b;
	if (left->inode != right->inode)
		return left->inode < right->inode ? -1 : 1;
	return (left->device > right->device) - (left->device < right->device);
}

/* --- a pass ---------------------------------------------------------------------------------- */

static int take_name(void *ctx, struct slice path, const struct filestate *state)
{
	struct links *links = ctx;
	struct linked wanted = {.device = state->device, .inode = state->inode};
	if (state->type == FILE_DIRECTORY ||
	        !bsearch(&wanted, links->sought, links->sought_count, sizeof(wanted), compare))
		return 0;
	if (links->name_count++ == NAMES_MAX)
		return ERR_LIMIT;
	buf_append_u32(&links->names, (uint32_t)path.len);
	buf_append_slice(&links->names, path);
	return 0;
}

static void work(void *ctx)
{
	struct links *links = ctx;
	struct kv_txn *txn;
	uint64_t began_ns = budget_thread_cpu_ns();
	qsort(links->sought, links->sought_count, sizeof(*links->sought), compare);
	links->rc = kv_begin_read(state_kv(links->state), &txn);
	if (links->rc < 0)
		return;
	links->rc = baseline_each_below(txn, slice_text("/"), take_name, links);
	kv_abort(txn);
	links->cpu_ns = budget_thread_cpu_ns() - began_ns;
}

/* Not by the clock: on a machine with a load a pass waits, and would make the next wait longer. */
static uint64_t pause_after(const struct links *links)
{
	uint64_t pause_ms = links->cpu_ns / NS_PER_MS * PAUSE_FACTOR;
	return pause_ms < PAUSE_MOST_MS ? pause_ms : PAUSE_MOST_MS;
}

static void free_all(struct links *links)
{
	free(links->gathered);
	free(links->sought);
	buf_fini(&links->names);
	free(links);
}

static void touch_names(struct links *links)
{
	struct slice rest = buf_slice(&links->names), path;
	uint32_t len;
	while (!links->is_orphan && slice_take_u32(&rest, &len) && slice_take(&rest, len, &path)) {
		struct touch touch = {
		        .path = path, .hints = TOUCH_DONE | TOUCH_LINKED, .cause = CAUSE_LIVE};
		links->touched(links->ctx, &touch);
	}
}

static void begin(struct links *links);

static void done(void *ctx)
{
	struct links *links = ctx;
	if (!links->is_orphan) {
		links->pause_ms = pause_after(links);
		if (links->rc < 0) {
			log_warn("cannot look up other names of changed files: %s",
			        err_text(links->rc));
			links->overflowed(links->ctx);
		} else {
			touch_names(links);
		}
	}
	links->is_working = false;
	buf_reset(&links->names);
	if (!links->is_orphan)
		kv_release_pages(state_kv(links->state)); /* a pass touches most of the map */
	if (links->is_orphan)
		free_all(links);
	else if (links->gathered_count > 0)
		begin(links);
}

static void pass(void *ctx)
{
	struct links *links = ctx;
	struct linked *sought = links->sought;
	links->sought = links->gathered;
	links->sought_count = links->gathered_count;
	links->gathered = sought;
	links->gathered_count = 0;
	links->name_count = 0;
	links->began_ms = loop_now_ms(links->loop);
	links->is_working = true;
	loop_work(links->loop, work, done, links);
}

static void begin(struct links *links)
{
	uint64_t now = loop_now_ms(links->loop);
	uint64_t next = links->began_ms + links->pause_ms;
	timer_start(links->timer, next > now + GATHER_MS ? next - now : GATHER_MS, 0);
}

/* --- public ---------------------------------------------------------------------------------- */

struct links *links_new(struct loop *loop, struct state *state,
        void (*touched)(void *ctx, const struct touch *touch), void (*overflowed)(void *ctx),
        void *ctx)
{
	struct links *links = mem_new(sizeof(*links));
	links->loop = loop;
	links->state = state;
	links->touched = touched;
	links->overflowed = overflowed;
	links->ctx = ctx;
	links->timer = timer_new(loop, pass, links);
	return links;
}

void links_free(struct links *links)
{
	if (!links)
		return;
	timer_free(links->timer);
	links->is_orphan = true;
	if (!links->is_working)
		free_all(links);
}

void links_add(struct links *links, uint64_t device, uint64_t inode)
{
	if (!links->gathered)
		links->gathered = mem_new_array(LINKS_MAX, sizeof(*links->gathered));
	for (size_t i = links->gathered_count; i > 0; i--)
		if (links->gathered[i - 1].inode == inode &&
		        links->gathered[i - 1].device == device)
			return;
	if (links->gathered_count == LINKS_MAX) {
		links->gathered_count = 0;
		links->overflowed(links->ctx);
	}
	links->gathered[links->gathered_count++] = (struct linked){device, inode};
	if (!links->is_working && !timer_is_active(links->timer))
		begin(links);
}

bool links_is_idle(const struct links *links)
{
	return !links->is_working && links->gathered_count == 0;
}
