/*
 * burst - how long the next batch gathers: a durable commit costs the same for one path as for a
 * hundred, so when many change in a short time each commit is made worth it.
 *
 * A burst is counted over time, not by batch: where reading and writing are fast, a thousand
 * changes a second come in batches of two or three.
 *
 * Thread   the loop's. Time is passed in: tests choose it.
 */
#ifndef TSUJIBAN_AGENT_FIM_BURST_H
#define TSUJIBAN_AGENT_FIM_BURST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BURST_PATHS      16 /* so many live ones within BURST_GATHER_MS: a burst … */
#define BURST_GATHER_MS  40 /* … and the next batch gathers so long from this one's beginning … */
#define BURST_MOST_PATHS 512 /* … but no more than these */

struct burst {
	uint64_t since_ms; /* when counting began */
	size_t paths;      /* since then */
	uint64_t until_ms; /* no batch before this moment */
};

/* A batch with so many live paths begins. */
void burst_add(struct burst *burst, size_t paths, uint64_t now_ms);
/* Whether the next one is to wait until burst->until_ms, `waiting` paths being there for it. */
bool burst_is_gathering(const struct burst *burst, size_t waiting, uint64_t now_ms);

#endif
