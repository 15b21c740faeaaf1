/*
 * lull - under load a queue of the kernel is read now and then, not at each record.
 *
 * A process that is woken for each record of a burst spends more on waking up than on the records;
 * left alone for some milliseconds the kernel merges equal ones. There is load when the queue was
 * read often within a few milliseconds, or much came at once, and as long as a rest ends with
 * records waiting. A single change never rests.
 *
 * Life     lull_new -> drained* -> lull_free, before its fd_watch is freed.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_WATCH_LULL_H
#define TSUJIBAN_AGENT_WATCH_LULL_H

#include <stddef.h>

#include "common/io/loop.h"

struct lull;

struct lull *lull_new(struct loop *loop, struct fd_watch *readable, uint64_t rest_ms);
void lull_free(struct lull *lull);
/* The queue was read until it was empty (or long enough), and gave so many bytes. */
void lull_drained(struct lull *lull, size_t bytes);

#endif
