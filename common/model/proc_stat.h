/*
 * proc_stat - the line of /proc/PID/stat, as far as it tells one process from another.
 *
 * Format   proc_pid_stat(5): "PID (COMM) STATE PPID …", 52 fields in all. COMM is up to 15 bytes
 *          that the process chooses, parentheses, spaces and newlines among them: it ends at the
 *          last closing parenthesis.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_PROC_STAT_H
#define TSUJIBAN_COMMON_MODEL_PROC_STAT_H

#include "common/base/slice.h"

#define PROC_STAT_BYTES 1024 /* more than the kernel can write there */

struct proc_stat {
	uint32_t pid, ppid;
	char state;        /* 'Z', 'X': it has ended */
	bool is_kernels;   /* a thread of the kernel: it runs no program */
	uint64_t started;  /* clock ticks since boot (field 22): with the pid, who it is */
	uint64_t stack;    /* where its stack begins (field 28), another with every program it runs;
	                      0 of kernel threads, of what has ended, and where that is secret */
	struct slice comm; /* borrowed */
};

/* False when it is no such line. */
bool proc_stat_parse(struct slice text, struct proc_stat *out);
bool proc_stat_has_ended(const struct proc_stat *stat);

#endif
