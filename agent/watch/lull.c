#include "agent/watch/lull.h"

#include <stdlib.h>

#include "common/base/mem.h"

#define WINDOW_MS  10
#define DRAINS     16         /* in one window: there is load */
#define MUCH_BYTES (4u << 10) /* at once: likewise */
#define AT_ONCE_MS 1          /* after a rest: the load goes on */

struct lull {
	struct loop *loop;
	struct fd_watch *readable;
	struct timer *timer;
	uint64_t rest_ms;
	uint64_t since_ms; /* the window's beginning */
	unsigned drains;   /* in the window */
	uint64_t ended_ms; /* the last rest; 0: there is no load */
};

static void on_rested(void *ctx)
{
	struct lull *lull = ctx;
	lull->ended_ms = loop_now_ms(lull->loop);
	fd_watch_resume(lull->readable);
}

struct lull *lull_new(struct loop *loop, struct fd_watch *readable, uint64_t rest_ms)
{
	struct lull *lull = mem_new(sizeof *lull);
	*lull = (struct lull){.loop = loop, .readable = readable, .rest_ms = rest_ms};
	lull->timer = timer_new(loop, on_rested, lull);
	return lull;
}

void lull_free(struct lull *lull)
{
	if (!lull)
		return;
	timer_free(lull->timer);
	free(lull);
}

static bool is_load(struct lull *lull, size_t bytes)
{
	uint64_t now_ms = loop_now_ms(lull->loop);
	if (lull->ended_ms > 0 && now_ms <= lull->ended_ms + AT_ONCE_MS)
		return true;
	lull->ended_ms = 0;
	if (now_ms >= lull->since_ms + WINDOW_MS) {
		lull->since_ms = now_ms;
		lull->drains = 0;
	}
	return ++lull->drains >= DRAINS || bytes >= MUCH_BYTES;
}

void lull_drained(struct lull *lull, size_t bytes)
{
	if (bytes == 0 || !is_load(lull, bytes))
		return;
	fd_watch_pause(lull->readable);
	timer_start(lull->timer, lull->rest_ms, 0);
}
