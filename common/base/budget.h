/*
 * budget - how much processor and reading bulk work may use: first scans, comparisons, the audit.
 * What happens now, on the host, is never made to wait.
 *
 * Workers say what they have used and are held back until the average is right again; a little is
 * free, so that small work does not stumble. While something live waits for a worker
 * (budget_hurry) nobody is held back; what is used then is still owed, up to DEBT_MS_MAX.
 *
 * Life     budget_new -> spend*, hurry* -> budget_stop -> budget_free, when no worker is left.
 * Units    percent of one processor; bytes a second. 0: no limit.
 * Thread   budget_spend: workers. The others: the loop's.
 */
#ifndef TSUJIBAN_COMMON_BASE_BUDGET_H
#define TSUJIBAN_COMMON_BASE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define FREE_MS     200  /* owed without being held back */
#define DEBT_MS_MAX 5000 /* more is forgiven */

struct budget;

struct budget *budget_new(uint64_t cpu_percent, uint64_t bytes_per_s);
void budget_free(struct budget *budget);

/* Held back for as long as it takes. NULL: no budget. */
void budget_spend(struct budget *budget, uint64_t bytes, uint64_t cpu_ns);
void budget_hurry(struct budget *budget, bool hurry);
/* Nobody is held back any more. */
void budget_stop(struct budget *budget);

/* The rule by itself: what is owed after `bytes` and `cpu_ns` more, in ns from `now_ns` on;
 * `*paid_ns` is the moment until which everything is paid for. */
uint64_t budget_owe(const struct budget *budget, uint64_t bytes, uint64_t cpu_ns, uint64_t now_ns,
        uint64_t *paid_ns);
/* Whether `cpu_ns` matters: to measure it costs a system call. */
bool budget_counts_cpu(const struct budget *budget);
/* What this thread has used of the processor, ns. */
uint64_t budget_thread_cpu_ns(void);

#endif
