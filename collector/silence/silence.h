/*
 * silence - hosts that were connected and are not heard of any more.
 *
 * A host whose session has ended and that does not come back in time becomes silent: an event of
 * the collector's own says so, and another one when it has returned. What was told of a host stands
 * in its presence record, written in the event's transaction: each is told once, whatever happens
 * to the collector in between. collector/DESIGN.md has how time is counted.
 *
 * Life     silence_open (reads the store) -> came, left, forget, wake -> silence_free, once the
 *          store is closed: its jobs are with the store until then.
 * Units    now_ms and heard_ms are the loop's time, wall_ns is wall time.
 * Errors   what the store does not take is tried again.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_SILENCE_SILENCE_H
#define TSUJIBAN_COLLECTOR_SILENCE_SILENCE_H

#include "collector/store/store.h"
#include "common/codec/config.h"

struct silence;

/* One entry of silence.by_label. */
struct silence_label {
	const char *label, *value; /* value NULL: any */
	int64_t after_ns;          /* 0: never */
};

struct silence_config {
	int64_t after_ns;            /* 0: never */
	struct config_list by_label; /* of struct silence_label; the first that fits a host holds */
};

struct silence_options {
	const struct silence_config *config; /* borrowed */
	struct store *store;
	uint64_t session_quiet_ms; /* so long a session is kept without a word */
	/* silence_wake is wanted at that moment, and no longer at an earlier wish. */
	void (*wake_at)(void *ctx, uint64_t at_ms);
	/* An event has been committed. */
	void (*told)(void *ctx);
	void *ctx;
};

/* Hosts that were not silent when the collector ended have their time from now on. */
int silence_open(const struct silence_options *options, uint64_t now_ms, struct silence **out,
        struct reason *out_why);
void silence_free(struct silence *silence);

/* A session of the host begins, from ADDR:PORT; ends. */
void silence_came(struct silence *silence, uint32_t host, const char *address);
void silence_left(struct silence *silence, uint32_t host, uint64_t heard_ms, uint64_t now_ms);
/* The host is revoked. */
void silence_forget(struct silence *silence, uint32_t host);
void silence_wake(struct silence *silence, uint64_t now_ms);

bool silence_is_silent(const struct silence *silence, uint32_t host);

#endif
