#include "tests/sim/loop.h"

#include <assert.h>
#include <stdlib.h>

#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "tests/sim/notify.h"
#include "tests/sim/sim.h"
#include "tests/sim/task.h"

struct timer {
	struct timer *prev, *next;
	struct loop *loop;
	void (*expired)(void *ctx);
	void *ctx;
	bool is_active;
	uint64_t at_ms;
	uint64_t repeat_ms;
	uint64_t turn;
};

struct waker {
	struct waker *prev, *next;
	struct loop *loop;
	void (*woken)(void *ctx);
	void *ctx;
	bool is_awake;
};

struct fd_watch {
	struct fd_watch *prev, *next;
	struct loop *loop;
	int fd;
	void (*readable)(void *ctx);
	void *ctx;
	bool is_paused;
};

struct work {
	struct work *prev, *next;
	void (*work)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
	struct task *task; /* NULL: no worker has it yet */
};

struct loop {
	struct timer *timers;
	struct waker *wakers;
	struct fd_watch *fd_watches;
	struct work *asked; /* the first of them are with workers */
	struct work *finished;
	uint64_t now_ms;
	uint64_t turns;
};

static uint64_t clock_ms(void)
{
	return (uint64_t)(SIM.now_ns / NS_PER_MS);
}

struct loop *loop_new(void)
{
	struct loop *loop = mem_new(sizeof *loop);
	loop->now_ms = clock_ms();
	return loop;
}

static void finish_all(struct loop *loop)
{
	while (loop->asked || loop->finished) {
		while (loop->finished)
			sim_loop_dispatch(loop);
		if (loop->asked)
			sim_loop_work(loop, 0);
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	finish_all(loop);
	if (loop->timers || loop->fd_watches || loop->wakers)
		sim_fault(NULL, "a loop is freed that something still lives on");
	free(loop);
}

uint64_t loop_now_ms(struct loop *loop)
{
	return loop->now_ms;
}

void loop_set_workers(unsigned count)
{
	(void)count;
}

/* --- timers ----------------------------------------------------------------------------------- */

struct timer *timer_new(struct loop *loop, void (*expired)(void *ctx), void *ctx)
{
	struct timer *timer = mem_new(sizeof *timer);
	timer->loop = loop;
	timer->expired = expired;
	timer->ctx = ctx;
	DL_APPEND(loop->timers, timer);
	return timer;
}

void timer_free(struct timer *timer)
{
	if (!timer)
		return;
	DL_DELETE(timer->loop->timers, timer);
	free(timer);
}

void timer_start(struct timer *timer, uint64_t after_ms, uint64_t repeat_ms)
{
	timer->is_active = true;
	timer->at_ms = timer->loop->now_ms + after_ms;
	if (timer->at_ms < after_ms)
		timer->at_ms = UINT64_MAX;
	timer->repeat_ms = repeat_ms;
	timer->turn = ++timer->loop->turns;
}

void timer_stop(struct timer *timer)
{
	timer->is_active = false;
}

bool timer_is_active(const struct timer *timer)
{
	return timer->is_active;
}

static struct timer *first_timer(const struct loop *loop)
{
	struct timer *first = NULL, *timer;
	DL_FOREACH(loop->timers, timer)
	{
		if (!timer->is_active)
			continue;
		if (!first || timer->at_ms < first->at_ms ||
		        (timer->at_ms == first->at_ms && timer->turn < first->turn))
			first = timer;
	}
	return first;
}

uint64_t sim_loop_next_ms(const struct loop *loop)
{
	const struct timer *timer = first_timer(loop);
	return timer ? timer->at_ms : UINT64_MAX;
}

/* --- wakers, descriptors ---------------------------------------------------------------------- */

struct waker *waker_new(struct loop *loop, void (*woken)(void *ctx), void *ctx)
{
	struct waker *waker = mem_new(sizeof *waker);
	waker->loop = loop;
	waker->woken = woken;
	waker->ctx = ctx;
	DL_APPEND(loop->wakers, waker);
	return waker;
}

void waker_free(struct waker *waker)
{
	if (!waker)
		return;
	DL_DELETE(waker->loop->wakers, waker);
	free(waker);
}

void waker_wake(struct waker *waker)
{
	waker->is_awake = true;
}

struct fd_watch *fd_watch_new(struct loop *loop, int fd, void (*readable)(void *ctx), void *ctx)
{
	struct fd_watch *watch = mem_new(sizeof *watch);
	watch->loop = loop;
	watch->fd = fd;
	watch->readable = readable;
	watch->ctx = ctx;
	DL_APPEND(loop->fd_watches, watch);
	return watch;
}

/* Nothing of the fake machine is ever urgent. */
struct fd_watch *fd_watch_new_urgent(
        struct loop *loop, int fd, void (*changed)(void *ctx), void *ctx)
{
	struct fd_watch *watch = fd_watch_new(loop, fd, changed, ctx);
	fd_watch_pause(watch);
	return watch;
}

void fd_watch_free(struct fd_watch *watch)
{
	if (!watch)
		return;
	DL_DELETE(watch->loop->fd_watches, watch);
	free(watch);
}

void fd_watch_pause(struct fd_watch *watch)
{
	watch->is_paused = true;
}

void fd_watch_resume(struct fd_watch *watch)
{
	watch->is_paused = false;
}

/* --- work ------------------------------------------------------------------------------------- */

void loop_work(struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	struct work *asked = mem_new(sizeof *asked);
	asked->work = work;
	asked->done = done;
	asked->ctx = ctx;
	DL_APPEND(loop->asked, asked);
}

size_t sim_loop_workable(const struct loop *loop)
{
	size_t count = 0;
	struct work *work;
	DL_COUNT(loop->asked, work, count);
	return count < SIM.settings.workers ? count : SIM.settings.workers;
}

void sim_loop_work(struct loop *loop, size_t index)
{
	struct work *work = loop->asked;
	while (index-- > 0)
		work = work->next;
	if (!work->task)
		work->task = task_new(work->work, work->ctx);
	task_run(work->task);
	if (!task_is_over(work->task))
		return;
	task_free(work->task);
	DL_DELETE(loop->asked, work);
	DL_APPEND(loop->finished, work);
}

bool sim_loop_is_idle(const struct loop *loop)
{
	return !loop->asked && !loop->finished;
}

/* --- dispatch --------------------------------------------------------------------------------- */

struct ready {
	struct timer *timer;
	struct waker *waker;
	struct fd_watch *fd_watch;
	struct work *work;
};

static size_t gather(const struct loop *loop, struct ready out[8])
{
	size_t count = 0;
	struct timer *timer = first_timer(loop);
	struct waker *waker;
	struct fd_watch *watch;
	if (timer && timer->at_ms <= clock_ms())
		out[count++] = (struct ready){.timer = timer};
	if (loop->finished)
		out[count++] = (struct ready){.work = loop->finished};
	DL_FOREACH(loop->wakers, waker)
	{
		if (waker->is_awake && count < 8)
			out[count++] = (struct ready){.waker = waker};
	}
	DL_FOREACH(loop->fd_watches, watch)
	{
		if (!watch->is_paused && sim_notify_is_readable(watch->fd) && count < 8)
			out[count++] = (struct ready){.fd_watch = watch};
	}
	return count;
}

bool sim_loop_has_event(const struct loop *loop)
{
	struct ready ready[8];
	return gather(loop, ready) > 0;
}

static void expire(struct timer *timer)
{
	timer->is_active = false;
	if (timer->repeat_ms > 0)
		timer_start(timer, timer->repeat_ms, timer->repeat_ms);
	timer->expired(timer->ctx);
}

static void call_done(struct loop *loop, struct work *work)
{
	void (*done)(void *ctx) = work->done;
	void *ctx = work->ctx;
	DL_DELETE(loop->finished, work);
	free(work);
	done(ctx);
}

void sim_loop_dispatch(struct loop *loop)
{
	struct ready ready[8];
	size_t count = gather(loop, ready);
	if (count == 0)
		return;
	struct ready one = ready[sim_below(&SIM.choices, count)];
	if (SIM.is_dying && loop->finished)
		one = (struct ready){.work = loop->finished};
	/* Several callbacks of one turn of the loop see the same time. */
	if (one.timer || sim_chance(&SIM.choices, 70))
		loop->now_ms = clock_ms();
	if (one.timer) {
		expire(one.timer);
	} else if (one.work) {
		call_done(loop, one.work);
	} else if (one.waker) {
		one.waker->is_awake = false;
		one.waker->woken(one.waker->ctx);
	} else {
		one.fd_watch->readable(one.fd_watch->ctx);
	}
}
