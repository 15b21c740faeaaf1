#include "agent/fim/unwatched.h"

#include <stdlib.h>
#include <uthash.h>

#include "common/base/mem.h"

#define ROUND_LEAST_MS 2000
#define ROUND_MOST_MS  60000
#define PAUSE_FACTOR   20

struct unwatched_dir {
	UT_hash_handle hh;
	size_t path_len;
	uint8_t path[];
};

struct unwatched {
	struct loop *loop;
	bool (*compare)(void *ctx, struct slice dir);
	void *ctx;
	struct timer *timer;
	struct unwatched_dir *dirs;
	uint64_t pause_ms; /* before the next round */
	uint64_t began_ms; /* the round under way */
	bool is_round;
};

static void begin_round(void *ctx)
{
	struct unwatched *unwatched = ctx;
	struct unwatched_dir *dir, *next;
	bool is_begun = false;
	unwatched->is_round = true;
	unwatched->began_ms = loop_now_ms(unwatched->loop);
	HASH_ITER(hh, unwatched->dirs, dir, next)
	is_begun |= unwatched->compare(unwatched->ctx, slice_of(dir->path, dir->path_len));
	if (!is_begun)
		unwatched_round_over(unwatched);
}

static struct unwatched_dir *find(const struct unwatched *unwatched, struct slice path)
{
	struct unwatched_dir *dir = NULL;
	if (unwatched->dirs)
		HASH_FIND(hh, unwatched->dirs, path.ptr, path.len, dir);
	return dir;
}

static void drop(struct unwatched *unwatched, struct unwatched_dir *dir)
{
	HASH_DEL(unwatched->dirs, dir);
	free(dir);
	if (unwatched->dirs)
		return;
	timer_stop(unwatched->timer);
	unwatched->pause_ms = ROUND_LEAST_MS;
}

struct unwatched *unwatched_new(
        struct loop *loop, bool (*compare)(void *ctx, struct slice dir), void *ctx)
{
	struct unwatched *unwatched = mem_new(sizeof(*unwatched));
	unwatched->loop = loop;
	unwatched->compare = compare;
	unwatched->ctx = ctx;
	unwatched->timer = timer_new(loop, begin_round, unwatched);
	unwatched->pause_ms = ROUND_LEAST_MS;
	return unwatched;
}

void unwatched_free(struct unwatched *unwatched)
{
	if (!unwatched)
		return;
	struct unwatched_dir *dir = unwatched->dirs, *next;
	HASH_CLEAR(hh, unwatched->dirs);
	for (; dir; dir = next) {
		next = dir->hh.next;
		free(dir);
	}
	timer_free(unwatched->timer);
	free(unwatched);
}

void unwatched_add(struct unwatched *unwatched, struct slice path)
{
	if (find(unwatched, path))
		return;
	struct unwatched_dir *dir = mem_new(sizeof(*dir) + path.len);
	dir->path_len = path.len;
	memcpy(dir->path, path.ptr, path.len);
	HASH_ADD_KEYPTR(hh, unwatched->dirs, dir->path, dir->path_len, dir);
	if (!unwatched->is_round && !timer_is_active(unwatched->timer))
		timer_start(unwatched->timer, unwatched->pause_ms, 0);
}

void unwatched_remove(struct unwatched *unwatched, struct slice path)
{
	struct unwatched_dir *dir = find(unwatched, path);
	if (dir)
		drop(unwatched, dir);
}

void unwatched_round_over(struct unwatched *unwatched)
{
	if (!unwatched->is_round)
		return;
	unwatched->is_round = false;
	uint64_t took_ms = loop_now_ms(unwatched->loop) - unwatched->began_ms;
	uint64_t wait_ms = unwatched->pause_ms;
	if (wait_ms < took_ms * PAUSE_FACTOR)
		wait_ms = took_ms * PAUSE_FACTOR;
	if (unwatched->dirs)
		timer_start(unwatched->timer, wait_ms, 0);
	unwatched->pause_ms *= 2;
	if (unwatched->pause_ms > ROUND_MOST_MS)
		unwatched->pause_ms = ROUND_MOST_MS;
}

size_t unwatched_count(const struct unwatched *unwatched)
{
	return HASH_COUNT(unwatched->dirs);
}
