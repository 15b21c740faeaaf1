#include "common/io/loop.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/io/loop_private.h"

struct fd_watch {
	uv_poll_t handle;
	int events;
	void (*readable)(void *ctx);
	void *ctx;
};

struct signal_watch {
	uv_signal_t handle;
	void (*raised)(void *ctx, int signum);
	void *ctx;
};

static void free_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* --- descriptors --------------------------------------------------------------------------- */

/* An error on the descriptor is told as readable too: read(2) says which it is. libuv has stopped
 * the watch then, so that nothing spins. */
static void on_readable(uv_poll_t *handle, int status, int events)
{
	struct fd_watch *watch = handle->data;

	(void)status;
	(void)events;
	watch->readable(watch->ctx);
}

static struct fd_watch *watch_for(
        struct loop *loop, int fd, int events, void (*readable)(void *ctx), void *ctx)
{
	struct fd_watch *watch = mem_new(sizeof(*watch));

	loop_require(uv_poll_init(&loop->uv, &watch->handle, fd), "a watch on a descriptor");
	watch->handle.data = watch;
	watch->events = events;
	watch->readable = readable;
	watch->ctx = ctx;
	fd_watch_resume(watch);
	return watch;
}

struct fd_watch *fd_watch_new(struct loop *loop, int fd, void (*readable)(void *ctx), void *ctx)
{
	return watch_for(loop, fd, UV_READABLE, readable, ctx);
}

struct fd_watch *fd_watch_new_urgent(
        struct loop *loop, int fd, void (*changed)(void *ctx), void *ctx)
{
	return watch_for(loop, fd, UV_PRIORITIZED, changed, ctx);
}

void fd_watch_free(struct fd_watch *watch)
{
	if (watch)
		uv_close((uv_handle_t *)&watch->handle, free_closed);
}

void fd_watch_pause(struct fd_watch *watch)
{
	uv_poll_stop(&watch->handle);
}

void fd_watch_resume(struct fd_watch *watch)
{
	uv_poll_start(&watch->handle, watch->events, on_readable);
}

/* --- signals ------------------------------------------------------------------------------- */

static void on_raised(uv_signal_t *handle, int signum)
{
	struct signal_watch *watch = handle->data;

	watch->raised(watch->ctx, signum);
}

struct signal_watch *signal_watch_new(
        struct loop *loop, int signum, void (*raised)(void *ctx, int signum), void *ctx)
{
	struct signal_watch *watch = mem_new(sizeof(*watch));

	loop_require(uv_signal_init(&loop->uv, &watch->handle), "a signal watch");
	watch->handle.data = watch;
	watch->raised = raised;
	watch->ctx = ctx;
	loop_require(uv_signal_start(&watch->handle, on_raised, signum), "a signal watch");
	return watch;
}

void signal_watch_free(struct signal_watch *watch)
{
	if (watch)
		uv_close((uv_handle_t *)&watch->handle, free_closed);
}
