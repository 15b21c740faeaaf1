/*
 * state_private - what the state's own files share; nobody else includes it.
 */
#ifndef TSUJIBAN_AGENT_STATE_STATE_PRIVATE_H
#define TSUJIBAN_AGENT_STATE_STATE_PRIVATE_H

#include <pthread.h>

#include "agent/state/state.h"

struct state {
	struct kv *kv;
	char *dir;
	int lock_fd; /* -1: opened beside the owner of the lock */
	bool is_new;
	int64_t last_written_ns; /* before it was opened */
	bool was_rebuilt;
	struct state_limits limits;
	uint8_t stream_id[WIRE_STREAM_ID_BYTES];
	/* Held from state_begin until the figures of the commit are published: otherwise a second
	 * writer, let in by the store at the commit, could publish first and be overwritten. */
	pthread_mutex_t writer;
	pthread_mutex_t figures; /* guards the two below */
	struct state_position position;
	bool is_full;
};

struct state_txn {
	struct state *state;
	struct kv_txn *kv;
	struct state_position position; /* what it will be after the commit */
	bool moved;                     /* position differs from what is stored */
	struct buf key;                 /* scratch of the modules that write */
	struct buf value;
};

#endif
