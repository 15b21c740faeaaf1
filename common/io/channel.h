/*
 * channel - messages between two processes of one program, over a pair of sockets.
 *
 *   4 bytes   length of what follows, big endian
 *   1 byte    kind
 *   …         payload
 *
 * Life     channel_pair once; then channel_new on one end in each process -> send* -> channel_free.
 * Owner    the channel owns its descriptor. A payload is borrowed for the call.
 * Limits   a message above `most_bytes` ends the channel. What the other side does not take piles
 *          up to channel_pending: the user stops above its own limit and goes on at `drained`.
 * Errors   `closed` says why, once; nothing is sent or told after it.
 * Thread   the loop's. Callbacks may call anything here, channel_free included.
 */
#ifndef TSUJIBAN_COMMON_IO_CHANNEL_H
#define TSUJIBAN_COMMON_IO_CHANNEL_H

#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/io/loop.h"

struct channel;

struct channel_events {
	void (*message)(void *ctx, uint8_t kind, struct slice payload);
	/* Everything that was sent has gone to the kernel. May be NULL. */
	void (*drained)(void *ctx);
	/* ERR_CLOSED: the other side is gone; ERR_LIMIT: it sent what is too long; -errno. */
	void (*closed)(void *ctx, int code, const char *why);
};

/* Two connected ends, both close-on-exec. 0 or -errno. */
int channel_pair(int out_fd[2]);

struct channel *channel_new(struct loop *loop, int fd, size_t most_bytes,
        const struct channel_events *events, void *ctx);
void channel_free(struct channel *channel);

void channel_send(struct channel *channel, uint8_t kind, struct slice payload);
/* Bytes sent that the kernel has not taken yet. */
size_t channel_pending(const struct channel *channel);

#endif
