/*
 * loop - the event loop: timers, descriptors, signals, worker threads. libuv, seen from outside.
 *
 * Life     loop_new -> loop_run (returns after loop_stop) -> free everything that lives on it ->
 *          loop_free.
 * Thread   everything here is for the loop's thread, except waker_wake (any thread) and the work
 *          function of loop_work (a worker thread). Free functions may be called from inside the
 *          object's own callback and accept NULL.
 */
#ifndef TSUJIBAN_COMMON_IO_LOOP_H
#define TSUJIBAN_COMMON_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct timer;
struct waker;
struct fd_watch;
struct signal_watch;

struct loop *loop_new(void);
/* Every timer, watch, waker and work has been freed or has finished. Runs pending close callbacks.
 */
void loop_free(struct loop *loop);
void loop_run(struct loop *loop);
/* loop_run returns once the current callback is over. */
void loop_stop(struct loop *loop);
/* Gives back what reading and encrypting keep between steps. From a timer or a done alone: within
 * a conn's or a channel's callbacks it is in use. */
void loop_rest(struct loop *loop);
/* The monotonic clock in ms, read once a step. */
uint64_t loop_now_ms(struct loop *loop);
/* The uv_loop_t, for libraries that run on it (the HTTP server). */
void *loop_native(struct loop *loop);

/* A timer is made stopped. start replaces what was set; repeat_ms 0: once. */
struct timer *timer_new(struct loop *loop, void (*expired)(void *ctx), void *ctx);
void timer_free(struct timer *timer);
void timer_start(struct timer *timer, uint64_t after_ms, uint64_t repeat_ms);
void timer_stop(struct timer *timer);
bool timer_is_active(const struct timer *timer);

/* Calls `woken` on the loop's thread some time after each wake; several wakes may become one call.
 */
struct waker *waker_new(struct loop *loop, void (*woken)(void *ctx), void *ctx);
void waker_free(struct waker *waker);
void waker_wake(struct waker *waker);

/* Calls `readable` whenever `fd` (non-blocking, the caller's) can be read. */
struct fd_watch *fd_watch_new(struct loop *loop, int fd, void (*readable)(void *ctx), void *ctx);
/* The same for what the kernel calls urgent (POLLPRI): some files of /proc have changed then. */
struct fd_watch *fd_watch_new_urgent(
        struct loop *loop, int fd, void (*changed)(void *ctx), void *ctx);
void fd_watch_free(struct fd_watch *watch);
void fd_watch_pause(struct fd_watch *watch);
void fd_watch_resume(struct fd_watch *watch);

/* A signal, and who sent it; pid 0: the kernel (a terminal), or somebody outside our PID
 * namespace. */
struct signal_origin {
	int signum;
	int pid;
	unsigned uid;
};

/* Calls `raised` for each one, whoever is busy with what. The signal is blocked in this thread and
 * in those that it makes from now on, for good: what comes when nobody watches waits. */
struct signal_watch *signal_watch_new(struct loop *loop, int signum,
        void (*raised)(void *ctx, const struct signal_origin *origin), void *ctx);
void signal_watch_free(struct signal_watch *watch);

/* Runs `work` on a worker thread, then `done` on the loop's thread. The number of workers is
 * $UV_THREADPOOL_SIZE, which a program sets with loop_set_workers before its first loop_work.
 * Cannot be taken back once asked: the ctx has to live until done. */
void loop_work(struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx);
void loop_set_workers(unsigned count);

#endif
