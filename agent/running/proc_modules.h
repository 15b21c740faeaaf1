/*
 * proc_modules - the kernel's modules from /proc/modules.
 *
 * Format   proc_modules(5): lines "NAME SIZE USES DEPENDENCIES STATE ADDRESS", and behind them
 *          " (LETTERS)" where the module taints the kernel; STATE is "Live", "Loading" or
 *          "Unloading"; a "+" or "-" among the letters says the last two again.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_RUNNING_PROC_MODULES_H
#define TSUJIBAN_AGENT_RUNNING_PROC_MODULES_H

#include "common/base/slice.h"

struct proc_module {
	struct slice name;  /* letters, digits, "_" and "-" */
	struct slice taint; /* capital letters; may be empty */
};

/* Takes lines up to and with the next module that is live; false at the end. What is no such line
 * is passed over. `out` borrows from the text. */
bool proc_modules_take(struct slice *text, struct proc_module *out);

/* Letters of taint as the kernel writes them (proc-sys-kernel "tainted"): one bit a letter, the
 * lowest first. 18 and 19 came with Linux 6.x. Returns how many were written. */
#define TAINT_LETTERS_MAX 64
size_t taint_letters(uint64_t tainted, char out[TAINT_LETTERS_MAX]);

#endif
