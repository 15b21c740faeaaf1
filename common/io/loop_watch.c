#include "common/io/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/loop_private.h"

struct fd_watch {
	uv_poll_t handle;
	int events;
	void (*readable)(void *ctx);
	void *ctx;
};

struct signal_watch {
	int fd;
	struct fd_watch *readable;
	void (*raised)(void *ctx, const struct signal_origin *origin);
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

/* One a step: `raised` may free the watch. libuv's own signals do not tell who sent them. */
static void on_raised(void *ctx)
{
	struct signal_watch *watch = ctx;
	struct signalfd_siginfo info;

	if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
		return;
	struct signal_origin origin = {
	        .signum = (int)info.ssi_signo, .pid = (int)info.ssi_pid, .uid = info.ssi_uid};
	watch->raised(watch->ctx, &origin);
}

struct signal_watch *signal_watch_new(struct loop *loop, int signum,
        void (*raised)(void *ctx, const struct signal_origin *origin), void *ctx)
{
	struct signal_watch *watch = mem_new(sizeof(*watch));
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, signum);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	watch->raised = raised;
	watch->ctx = ctx;
	watch->fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	loop_require(watch->fd < 0 ? -errno : 0, "a signal watch");
	watch->readable = fd_watch_new(loop, watch->fd, on_raised, watch);
	return watch;
}

void signal_watch_free(struct signal_watch *watch)
{
	if (!watch)
		return;
	fd_watch_free(watch->readable);
	close(watch->fd);
	free(watch);
}
