/*
 * feed - serves the half that sends: events from the spool, the host's identity, answers about
 * facts.
 *
 * The other half speaks to the network and is not trusted: what it says that cannot be is the end
 * of the feed (`broke`), never of the agent. So is an event that cannot be read: the next feed
 * tries again.
 *
 * Life     feed_new -> wake* -> feed_free.
 * Errors   `broke` says why, once; after it the feed is only to be freed.
 * Thread   the loop's. Blocks on small files (the identity, once a connection) and on reading the
 *          store.
 */
#ifndef TSUJIBAN_AGENT_SENDER_FEED_H
#define TSUJIBAN_AGENT_SENDER_FEED_H

#include "agent/seam/seam.h"
#include "agent/state/state.h"
#include "common/io/loop.h"

struct feed;

struct feed_options {
	const char *collector; /* HOST:PORT */
	const char *dir;       /* of the identity, see identity.h */
};

struct feed_events {
	/* Everything up to `seq` is stored at the collector. */
	void (*confirmed)(void *ctx, uint64_t seq);
	void (*begin_anew)(void *ctx);
	/* Borrowed for the call. */
	void (*status)(void *ctx, const struct seam_status *status);
	/* `why` NULL: the other half is gone. */
	void (*broke)(void *ctx, const char *why);
};

/* Takes the descriptor, the reader's end of a channel. */
struct feed *feed_new(struct loop *loop, struct state *state, int fd,
        const struct feed_options *options, const struct feed_events *events, void *ctx);
void feed_free(struct feed *feed);
/* There may be new events in the spool. Cheap. */
void feed_wake(struct feed *feed);

#endif
