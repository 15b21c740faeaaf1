#include "tests/sim/task.h"

#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#include "common/base/mem.h"
#include "tests/sim/sim.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BYTES (512u << 10)

struct task {
	ucontext_t context;
	void (*body)(void *ctx);
	void *ctx;
	bool is_over;
	void *fake_stack; /* AddressSanitizer's */
	struct task *next_spare;
	uint8_t *stack;
};

static struct task *now;
static struct task *spare;
static ucontext_t scheduler;
static void *scheduler_fake_stack;
static const void *scheduler_stack;
static size_t scheduler_stack_bytes;

/* --- the change of stacks, said to AddressSanitizer ------------------------------------------- */

#ifdef __SANITIZE_ADDRESS__
static void leave(void **fake_stack, const void *stack, size_t bytes)
{
	__sanitizer_start_switch_fiber(fake_stack, stack, bytes);
}

static void arrive(void *fake_stack, const void **out_stack, size_t *out_bytes)
{
	__sanitizer_finish_switch_fiber(fake_stack, out_stack, out_bytes);
}
#else
static void leave(void **fake_stack, const void *stack, size_t bytes)
{
	(void)fake_stack;
	(void)stack;
	(void)bytes;
}

static void arrive(void *fake_stack, const void **out_stack, size_t *out_bytes)
{
	(void)fake_stack;
	(void)out_stack;
	(void)out_bytes;
}
#endif

static void to_scheduler(struct task *task)
{
	leave(task->is_over ? NULL : &task->fake_stack, scheduler_stack, scheduler_stack_bytes);
	swapcontext(&task->context, &scheduler);
	arrive(task->fake_stack, &scheduler_stack, &scheduler_stack_bytes);
}

static void begin(void)
{
	arrive(NULL, &scheduler_stack, &scheduler_stack_bytes);
	now->body(now->ctx);
	now->is_over = true;
	to_scheduler(now);
}

/* --- public ----------------------------------------------------------------------------------- */

static struct task *spare_or_new(void)
{
	struct task *task = spare;
	if (task) {
		spare = task->next_spare;
		return task;
	}
	task = mem_new(sizeof *task);
	task->stack = mem_new(STACK_BYTES);
	return task;
}

static void prepare(struct task *task)
{
	getcontext(&task->context);
	task->context.uc_stack.ss_sp = task->stack;
	task->context.uc_stack.ss_size = STACK_BYTES;
	task->context.uc_link = NULL;
	makecontext(&task->context, begin, 0);
}

struct task *task_new(void (*body)(void *ctx), void *ctx)
{
	struct task *task = spare_or_new();
	task->body = body;
	task->ctx = ctx;
	task->is_over = false;
	task->fake_stack = NULL;
	prepare(task);
	return task;
}

void task_free(struct task *task)
{
	if (!task)
		return;
#ifdef __SANITIZE_ADDRESS__
	__asan_unpoison_memory_region(task->stack, STACK_BYTES);
#endif
	task->next_spare = spare;
	spare = task;
}

void task_run(struct task *task)
{
	now = task;
	leave(&scheduler_fake_stack, task->stack, STACK_BYTES);
	swapcontext(&scheduler, &task->context);
	arrive(scheduler_fake_stack, NULL, NULL);
	now = NULL;
}

bool task_is_over(const struct task *task)
{
	return task->is_over;
}

struct task *task_now(void)
{
	return now;
}

void task_yield(void)
{
	if (now)
		to_scheduler(now);
}

void task_may_yield(void)
{
	SIM.now_ns += 500;
	if (now && !SIM.is_dying && sim_chance(&SIM.choices, SIM.settings.yield_percent))
		to_scheduler(now);
}
