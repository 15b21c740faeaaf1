/*
 * loop - what the simulation knows of its event loop, beside common/io/loop.h.
 */
#ifndef TSUJIBAN_TESTS_SIM_LOOP_H
#define TSUJIBAN_TESTS_SIM_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include "common/io/loop.h"

/* Whether something waits to be called back. */
bool sim_loop_has_event(const struct loop *loop);
/* Calls one of what waits. */
void sim_loop_dispatch(struct loop *loop);
/* When the next timer comes, in ms; UINT64_MAX: never. */
uint64_t sim_loop_next_ms(const struct loop *loop);
/* Work that a worker could go on with: how many pieces, and one step of one of them. */
size_t sim_loop_workable(const struct loop *loop);
void sim_loop_work(struct loop *loop, size_t index);
/* Nothing that was asked for is under way. */
bool sim_loop_is_idle(const struct loop *loop);

#endif
