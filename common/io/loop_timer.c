#include "common/io/loop.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/io/loop_private.h"

struct timer {
	uv_timer_t handle;
	void (*expired)(void *ctx);
	void *ctx;
};

struct waker {
	uv_async_t handle;
	void (*woken)(void *ctx);
	void *ctx;
};

static void free_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* --- timer --------------------------------------------------------------------------------- */

static void on_expired(uv_timer_t *handle)
{
	struct timer *timer = handle->data;

	timer->expired(timer->ctx);
}

struct timer *timer_new(struct loop *loop, void (*expired)(void *ctx), void *ctx)
{
	struct timer *timer = mem_new(sizeof(*timer));

	uv_timer_init(&loop->uv, &timer->handle);
	timer->handle.data = timer;
	timer->expired = expired;
	timer->ctx = ctx;
	return timer;
}

void timer_free(struct timer *timer)
{
	if (timer)
		uv_close((uv_handle_t *)&timer->handle, free_closed);
}

void timer_start(struct timer *timer, uint64_t after_ms, uint64_t repeat_ms)
{
	uv_timer_start(&timer->handle, on_expired, after_ms, repeat_ms);
}

void timer_stop(struct timer *timer)
{
	uv_timer_stop(&timer->handle);
}

bool timer_is_active(const struct timer *timer)
{
	return uv_is_active((const uv_handle_t *)&timer->handle) != 0;
}

/* --- waker --------------------------------------------------------------------------------- */

static void on_woken(uv_async_t *handle)
{
	struct waker *waker = handle->data;

	waker->woken(waker->ctx);
}

struct waker *waker_new(struct loop *loop, void (*woken)(void *ctx), void *ctx)
{
	struct waker *waker = mem_new(sizeof(*waker));

	loop_require(uv_async_init(&loop->uv, &waker->handle, on_woken), "a waker");
	waker->handle.data = waker;
	waker->woken = woken;
	waker->ctx = ctx;
	return waker;
}

void waker_free(struct waker *waker)
{
	if (waker)
		uv_close((uv_handle_t *)&waker->handle, free_closed);
}

void waker_wake(struct waker *waker)
{
	uv_async_send(&waker->handle);
}
