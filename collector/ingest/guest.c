#include "collector/ingest/guest.h"

#include <stdlib.h>

#include "common/base/mem.h"

struct guest *guest_of(struct ingest *ingest, uint32_t host)
{
	struct guest *guest;

	HASH_FIND(hh, ingest->guests, &host, sizeof(host), guest);
	if (guest)
		return guest;
	guest = mem_new(sizeof(*guest));
	guest->host = host;
	guest->spare = (int64_t)ingest->limits.units_burst;
	guest->counted_ms = loop_now_ms(ingest->loop);
	HASH_ADD(hh, ingest->guests, host, sizeof(guest->host), guest);
	return guest;
}

void guests_free(struct ingest *ingest)
{
	struct guest *guest = ingest->guests, *next;

	HASH_CLEAR(hh, ingest->guests);
	for (; guest; guest = next) {
		next = guest->hh.next;
		free(guest);
	}
}

/* Whole milliseconds' worth; the rest of the time stays. */
static void save_up(const struct ingest_limits *limits, struct guest *guest, uint64_t now_ms)
{
	int64_t burst = (int64_t)limits->units_burst;
	int64_t missing = burst - guest->spare;
	uint64_t passed_ms = now_ms - guest->counted_ms;
	uint64_t full_ms = missing > 0 ? (uint64_t)missing * 1000 / limits->units_per_s + 1 : 0;

	if (passed_ms >= full_ms) {
		guest->spare = burst;
		guest->counted_ms = now_ms;
		return;
	}
	uint64_t earned = passed_ms * limits->units_per_s / 1000;
	guest->spare += (int64_t)earned;
	guest->counted_ms += earned * 1000 / limits->units_per_s;
}

uint64_t guest_charge(struct ingest *ingest, struct guest *guest, uint64_t units)
{
	const struct ingest_limits *limits = &ingest->limits;

	if (limits->units_per_s == 0)
		return 0;
	save_up(limits, guest, loop_now_ms(ingest->loop));
	guest->spare -= (int64_t)units;
	return guest->spare >= 0 ? 0 : (uint64_t)-guest->spare * 1000 / limits->units_per_s + 1;
}
