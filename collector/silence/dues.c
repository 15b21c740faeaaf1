#include "collector/silence/dues.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#define ROOM_MIN 64

static uint32_t host_at(const struct dues *dues, uint32_t rank)
{
	return dues->place[rank - 1].host;
}

static uint64_t moment_at(const struct dues *dues, uint32_t rank)
{
	return dues->place[host_at(dues, rank)].at_ms;
}

static void put_at(struct dues *dues, uint32_t rank, uint32_t host)
{
	dues->place[rank - 1].host = host;
	dues->place[host].rank = rank;
}

static void rise(struct dues *dues, uint32_t rank, uint32_t host)
{
	uint64_t at_ms = dues->place[host].at_ms;

	for (; rank > 1 && moment_at(dues, rank / 2) > at_ms; rank /= 2)
		put_at(dues, rank, host_at(dues, rank / 2));
	put_at(dues, rank, host);
}

static void sink(struct dues *dues, uint32_t rank, uint32_t host)
{
	uint64_t at_ms = dues->place[host].at_ms;

	while (2 * (size_t)rank <= dues->count) {
		uint32_t child = 2 * rank;
		if (child < dues->count && moment_at(dues, child + 1) < moment_at(dues, child))
			child++;
		if (moment_at(dues, child) >= at_ms)
			break;
		put_at(dues, rank, host_at(dues, child));
		rank = child;
	}
	put_at(dues, rank, host);
}

static void make_room(struct dues *dues, uint32_t host)
{
	size_t room = dues->room ? dues->room : ROOM_MIN;

	if (host < dues->room)
		return;
	while (room <= host)
		room *= 2;
	dues->place = mem_resize(dues->place, room * sizeof(*dues->place));
	memset(dues->place + dues->room, 0, (room - dues->room) * sizeof(*dues->place));
	dues->room = room;
}

void dues_fini(struct dues *dues)
{
	free(dues->place);
	*dues = (struct dues){0};
}

void dues_set(struct dues *dues, uint32_t host, uint64_t at_ms)
{
	dues_remove(dues, host);
	make_room(dues, host);
	dues->place[host].at_ms = at_ms;
	dues->count++;
	rise(dues, (uint32_t)dues->count, host);
}

void dues_remove(struct dues *dues, uint32_t host)
{
	uint32_t rank = host < dues->room ? dues->place[host].rank : 0, last;

	if (rank == 0)
		return;
	last = host_at(dues, (uint32_t)dues->count--);
	dues->place[host].rank = 0;
	if (last == host)
		return;
	if (dues->place[last].at_ms < dues->place[host].at_ms)
		rise(dues, rank, last);
	else
		sink(dues, rank, last);
}

bool dues_first(const struct dues *dues, uint32_t *out_host, uint64_t *out_at_ms)
{
	if (dues->count == 0)
		return false;
	*out_host = host_at(dues, 1);
	*out_at_ms = moment_at(dues, 1);
	return true;
}

void dues_postpone(struct dues *dues, uint64_t by_ms)
{
	for (uint32_t rank = 1; rank <= dues->count; rank++)
		dues->place[host_at(dues, rank)].at_ms += by_ms;
}
