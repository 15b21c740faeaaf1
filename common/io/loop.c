#include "common/io/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/loop_private.h"

/* Scratch buffers keep this much between steps. */
#define SCRATCH_KEEP_BYTES (64u << 10)

void loop_require(int status, const char *what)
{
	if (status < 0) {
		log_error("cannot make %s: %s", what, err_text(status));
		abort();
	}
}

/* --- calls at the end of the step ---------------------------------------------------------- */

void loop_later(struct loop *loop, struct later *later)
{
	if (later->is_due)
		return;
	later->is_due = true;
	later->prev = loop->due.prev;
	later->next = &loop->due;
	later->prev->next = later;
	loop->due.prev = later;
	/* A loop without any other live handle would end before the call. */
	uv_ref((uv_handle_t *)&loop->before_wait);
}

void loop_later_cancel(struct later *later)
{
	if (!later->is_due)
		return;
	later->is_due = false;
	later->prev->next = later->next;
	later->next->prev = later->prev;
}

/* Until nothing is left: a call that asks for another one must not wait for the next event. */
static void run_due(struct loop *loop)
{
	while (loop->due.next != &loop->due) {
		struct later *later = loop->due.next;

		loop_later_cancel(later);
		later->run(later->ctx);
	}
	uv_unref((uv_handle_t *)&loop->before_wait);
	buf_shrink(&loop->plain, SCRATCH_KEEP_BYTES);
	buf_shrink(&loop->cipher, SCRATCH_KEEP_BYTES);
}

static void run_before_wait(uv_prepare_t *handle)
{
	run_due(handle->data);
}

static void run_after_wait(uv_check_t *handle)
{
	run_due(handle->data);
}

/* --- life ---------------------------------------------------------------------------------- */

struct loop *loop_new(void)
{
	struct loop *loop = mem_new(sizeof(*loop));

	/* A peer that is gone is an error of write(2), not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
	loop_require(uv_loop_init(&loop->uv), "an event loop");
	loop->due.prev = loop->due.next = &loop->due;
	buf_init(&loop->plain);
	buf_init(&loop->cipher);

	uv_prepare_init(&loop->uv, &loop->before_wait);
	uv_check_init(&loop->uv, &loop->after_wait);
	loop->before_wait.data = loop->after_wait.data = loop;
	uv_prepare_start(&loop->before_wait, run_before_wait);
	uv_check_start(&loop->after_wait, run_after_wait);
	uv_unref((uv_handle_t *)&loop->before_wait);
	uv_unref((uv_handle_t *)&loop->after_wait);
	return loop;
}

/* A handle left open would keep the last run waiting for ever: say so and go on. */
static void close_forgotten(uv_handle_t *handle, void *ctx)
{
	(void)ctx;
	if (uv_is_closing(handle))
		return;
	log_warn("loop is freed with an open %s handle", uv_handle_type_name(handle->type));
	uv_close(handle, NULL);
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	uv_close((uv_handle_t *)&loop->before_wait, NULL);
	uv_close((uv_handle_t *)&loop->after_wait, NULL);
	uv_walk(&loop->uv, close_forgotten, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	int status = uv_loop_close(&loop->uv);
	assert(status == 0);
	(void)status;

	buf_fini(&loop->plain);
	buf_fini(&loop->cipher);
	free(loop->read_bytes);
	free(loop);
}

void loop_rest(struct loop *loop)
{
	free(loop->read_bytes);
	loop->read_bytes = NULL;
	buf_shrink(&loop->plain, 0);
	buf_shrink(&loop->cipher, 0);
}

void loop_run(struct loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

uint64_t loop_now_ms(struct loop *loop)
{
	return uv_now(&loop->uv);
}

void *loop_native(struct loop *loop)
{
	return &loop->uv;
}

/* --- work ---------------------------------------------------------------------------------- */

struct work {
	uv_work_t request;
	void (*work)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
};

static void on_worker(uv_work_t *request)
{
	struct work *work = request->data;

	work->work(work->ctx);
}

static void on_work_done(uv_work_t *request, int status)
{
	struct work *work = request->data;
	void (*done)(void *ctx) = work->done;
	void *ctx = work->ctx;

	(void)status; /* never cancelled */
	free(work);
	done(ctx);
}

void loop_work(struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	struct work *asked = mem_new(sizeof(*asked));

	asked->request.data = asked;
	asked->work = work;
	asked->done = done;
	asked->ctx = ctx;
	uv_queue_work(&loop->uv, &asked->request, on_worker, on_work_done);
}

void loop_set_workers(unsigned count)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", count);
	setenv("UV_THREADPOOL_SIZE", text, 1);
}
