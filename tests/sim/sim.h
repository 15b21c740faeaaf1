/*
 * sim - one simulated machine: a virtual clock, a fake kernel and the agent's real stages on them.
 *
 * The stages are the very objects of the agent. What they call outside is replaced by the linker:
 * system calls by calls.c (--wrap), the event loop, the store and the stages that read no files
 * by fakes of their headers.
 *
 *   sim.c      run's clock, choices, memory and trace
 *   task.c     the loop and each worker as a coroutine; each system call is a place to change over
 *   loop.c     common/io/loop.h
 *   disk.c     a file system
 *   notify.c   inotify on it
 *   calls.c    the system calls that the agent makes
 *   store.c    common/store/kv.h in memory
 *   stages.c   ship (with a collector behind it), inventory, packages, report
 *   ops.c      what is done to the disk, made from the seed
 *   check.c    what has to hold at the end
 *   run.c      one run: the scheduler
 *   main.c     many runs, and the shortening of those that fail
 *
 * Everything follows from the seed: nothing here asks the real clock or the real disk.
 */
#ifndef TSUJIBAN_TESTS_SIM_SIM_H
#define TSUJIBAN_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

#define SIM_TICK_NS 4000000 /* of the clock that files are stamped with: HZ=250 */

struct sim_random {
	uint64_t state;
};
uint64_t sim_random(struct sim_random *random);
size_t sim_below(struct sim_random *random, size_t limit);
bool sim_chance(struct sim_random *random, unsigned percent);

struct sim_settings {
	unsigned yield_percent; /* how many system calls are a place to change over */
	unsigned workers;
	size_t queue_limit; /* fs.inotify.max_queued_events */
	size_t watch_limit; /* fs.inotify.max_user_watches */
	uint64_t spool_bytes;
	size_t listing_chunk; /* entries of one getdents64 */
	unsigned short_read_percent;
	uint64_t busy_per_min; /* limits.busy_per_min */
};

struct sim {
	int64_t now_ns; /* since the start of the run */
	int64_t wall_offset_ns;
	struct sim_random choices; /* of the scheduler and the kernel */
	struct sim_settings settings;
	/* The agent is being killed: nothing that it still does has an effect, and it is not
	 * interrupted any more. */
	bool is_dying;
	bool is_disk_full; /* the one that the state lies on */
	bool is_link_down;
	bool is_tracing;
	uint64_t steps;
	struct buf trace;
	struct buf fault; /* the first fault; empty: none */
	char fault_path[4096];
};
extern struct sim SIM;

void sim_begin(uint64_t seed, bool is_tracing);
void sim_end(void);
int64_t sim_wall_ns(void);
int64_t sim_stamp_ns(void);

/* Zeroed; lives until the end of the run. */
void *sim_alloc(size_t size);
char *sim_text(const char *text);

void sim_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Something does not hold. `path` may be NULL. Only the first is kept. */
void sim_fault(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
