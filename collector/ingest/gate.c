#include "collector/ingest/gate.h"

#include <stdlib.h>
#include <utlist.h>

#include "common/base/mem.h"

/* An honest agent is through in a fraction of this, unless thousands come at once. */
#define PATIENCE_MS 3000

struct gate_network {
	uint64_t network;
	unsigned strangers;
	UT_hash_handle hh;
};

static struct gate_network *network_of(struct ingest *ingest, uint64_t number)
{
	struct gate_network *network;

	HASH_FIND(hh, ingest->networks, &number, sizeof(number), network);
	if (network)
		return network;
	network = mem_new(sizeof(*network));
	network->network = number;
	HASH_ADD(hh, ingest->networks, network, sizeof(network->network), network);
	return network;
}

static void take_off(struct ingest *ingest, struct gate_network *network)
{
	if (network->strangers > 0)
		return;
	HASH_DELETE(hh, ingest->networks, network);
	free(network);
}

/* The first of the list has waited longest. */
static bool make_room(struct ingest *ingest, uint64_t now_ms)
{
	struct peer *oldest = ingest->strangers;

	if (!oldest || now_ms - oldest->entered_ms < PATIENCE_MS)
		return false;
	peer_drop(oldest);
	return true;
}

bool gate_enter(struct peer *peer, const char **out_why)
{
	struct ingest *ingest = peer->ingest;
	const struct ingest_limits *limits = &ingest->limits;
	uint64_t now_ms = loop_now_ms(ingest->loop);
	struct gate_network *network;

	if (limits->strangers > 0 && ingest->stranger_count >= limits->strangers &&
	        !make_room(ingest, now_ms)) {
		*out_why = "as many as are allowed have not said yet who they are";
		return false;
	}
	network = network_of(ingest, conn_peer_network(peer->conn));
	if (limits->strangers_per_address > 0 &&
	        network->strangers >= limits->strangers_per_address) {
		*out_why = "too many from one address have not said yet who they are";
		return false;
	}
	network->strangers++;
	peer->network = network;
	peer->entered_ms = now_ms;
	ingest->stranger_count++;
	DL_APPEND2(ingest->strangers, peer, gate_prev, gate_next);
	return true;
}

void gate_leave(struct peer *peer)
{
	struct ingest *ingest = peer->ingest;

	if (!peer->network)
		return;
	peer->network->strangers--;
	take_off(ingest, peer->network);
	peer->network = NULL;
	ingest->stranger_count--;
	DL_DELETE2(ingest->strangers, peer, gate_prev, gate_next);
}
