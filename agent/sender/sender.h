/*
 * sender - the half that sends, as the half that reads sees it: a process that is kept running and
 * fed from the spool.
 *
 * When it ends by itself it is started again, later each time; nothing is lost by that, since the
 * spool keeps what the collector has not confirmed.
 *
 * Life     sender_new -> start -> wake* -> sender_free.
 * Errors   never ends by itself; what keeps it from the collector is in sender_status.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_AGENT_SENDER_SENDER_H
#define TSUJIBAN_AGENT_SENDER_SENDER_H

#include "agent/state/state.h"
#include "common/io/loop.h"

struct launcher;
struct sender;

struct sender_events {
	/* Everything up to `seq` is stored at the collector. */
	void (*confirmed)(void *ctx, uint64_t seq);
	void (*begin_anew)(void *ctx);
	/* Connected or not, and why not; for status. */
	void (*changed)(void *ctx);
	/* Its process has ended, unasked. */
	void (*ended)(void *ctx, const char *how);
	/* It cannot be started any more: the launcher is gone. */
	void (*alone)(void *ctx);
};

struct sender_options {
	const char *collector;     /* HOST:PORT */
	const char *dir;           /* of the host's identity */
	struct launcher *launcher; /* lives longer */
};

/* ERR_MISSING when this host is not enrolled. */
int sender_new(struct loop *loop, struct state *state, const struct sender_options *options,
        const struct sender_events *events, void *ctx, struct sender **out, struct reason *out_why);
void sender_start(struct sender *sender);
void sender_free(struct sender *sender);
/* There may be new events in the spool. Cheap. */
void sender_wake(struct sender *sender);

struct sender_status {
	const char *state;    /* "offline", "connecting", "greeting", "streaming", "waiting" */
	char why[REASON_MAX]; /* the last failure; empty when streaming */
	char confined[REASON_MAX], not_confined[REASON_MAX]; /* by its own word */
	char host[254]; /* our name at the collector, once known */
	int pid;        /* 0: not running */
	uint64_t confirmed_seq;
	uint64_t connected_since_ns; /* 0: not streaming */
};
void sender_status(const struct sender *sender, struct sender_status *out);

#endif
