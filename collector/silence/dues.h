/*
 * dues - hosts by the moment at which they are due: a heap, and each host's place in it.
 *
 * Private to collector/silence. Costs 16 bytes for each host up to the highest number.
 *
 * Life     {0} -> dues_set*, dues_remove* -> dues_fini.
 * Thread   one at a time. Time is a number to it.
 */
#ifndef TSUJIBAN_COLLECTOR_SILENCE_DUES_H
#define TSUJIBAN_COLLECTOR_SILENCE_DUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct due_place {
	uint64_t at_ms;
	uint32_t rank; /* in the heap, from 1; 0: not in it */
	uint32_t host; /* that the heap has at this rank less one */
};

/* `place` is two tables in one: by host (at_ms, rank), and by rank (host). */
struct dues {
	struct due_place *place;
	size_t room;  /* hosts that there are places for */
	size_t count; /* in the heap */
};

void dues_fini(struct dues *dues);
/* Puts the host into the heap, or changes its moment. */
void dues_set(struct dues *dues, uint32_t host, uint64_t at_ms);
/* Fine when it is not in the heap. */
void dues_remove(struct dues *dues, uint32_t host);
/* The first to come; false when there is none. */
bool dues_first(const struct dues *dues, uint32_t *out_host, uint64_t *out_at_ms);
/* All of them later by so much. */
void dues_postpone(struct dues *dues, uint64_t by_ms);

#endif
