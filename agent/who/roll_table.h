/*
 * roll_table - the processes that are known, by their number, within a bound.
 *
 *   roll.c        what is told and asked
 *   roll_table.c  one process: found, kept within the bound, forgotten
 *   portrait.c    what /proc says of a process, as an actor
 *
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_WHO_ROLL_TABLE_H
#define TSUJIBAN_AGENT_WHO_ROLL_TABLE_H

#include <uthash.h>

#include "agent/touch/witness.h"

struct process {
	UT_hash_handle hh;
	struct process *prev, *next; /* in one of the table's lists */
	uint32_t pid;
	uint64_t known_ns;   /* what is told of it from before that moment is known already */
	uint64_t checked_ns; /* when it was last compared with /proc */
	uint64_t ended_ns;   /* 0: not told */
	unsigned doubts;     /* the roll's, when it was last certain */
	/* Of /proc/PID/stat when it was read; 0: it was not. */
	uint64_t started, stack;
	struct witness *self;   /* NULL: it is what `parent` was, with a number of its own */
	struct witness *parent; /* who made it, as it was then; NULL: not seen */
	int64_t born_ns;        /* wall clock; 0: not seen */
	size_t bytes;           /* counted */
};

struct roll_table {
	struct process *by_pid;
	struct process *living; /* the longest not asked about first */
	struct process *ended;  /* the longest ended first */
	size_t count;
	size_t bytes;
};

void table_fini(struct roll_table *table);
struct process *table_find(const struct roll_table *table, uint32_t pid);
/* A new one; there is none with this number. */
struct process *table_add(struct roll_table *table, uint32_t pid);
void table_forget(struct roll_table *table, struct process *process);
/* It was asked about. */
void table_use(struct roll_table *table, struct process *process);
void table_end(struct roll_table *table, struct process *process, uint64_t now_ns);
/* Forgets those that ended before that moment. */
void table_sweep(struct roll_table *table, uint64_t before_ns);
/* Both take the caller's reference over; what stood there is dropped. */
void table_set_self(struct roll_table *table, struct process *process, struct witness *self);
void table_set_parent(struct roll_table *table, struct process *process, struct witness *parent);
/* Forgets those that have ended, then the longest not asked about, but not `spared`, until the
 * bound holds. */
void table_shrink(struct roll_table *table, const struct process *spared);

#endif
