/*
 * task - coroutines: the loop's thread and each of its workers, on one thread of ours.
 *
 * A task runs until it yields; the scheduler (who is no task) says which one goes on.
 *
 * Life     task_new -> task_run until task_is_over -> task_free.
 */
#ifndef TSUJIBAN_TESTS_SIM_TASK_H
#define TSUJIBAN_TESTS_SIM_TASK_H

#include <stdbool.h>

struct task;

struct task *task_new(void (*body)(void *ctx), void *ctx);
void task_free(struct task *task);
/* Until it yields or is over. */
void task_run(struct task *task);
bool task_is_over(const struct task *task);
/* The one that runs; NULL: the scheduler. */
struct task *task_now(void);

/* A place where something else may go on: by chance, and never while the agent is dying. */
void task_may_yield(void);
void task_yield(void);

#endif
