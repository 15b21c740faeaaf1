/*
 * state - the agent's memory on disk: baseline, texts, facts, apps, spool and meta in one store, so
 * that a change of what is known and the event that tells of it are one transaction.
 *
 *   DIR/db/      the store (LMDB)
 *   DIR/lock     held by the running agent
 *
 *   table     key                         value
 *   meta      name (text)                 see state.c
 *   baseline  pathkey                     staterec
 *   facts     fact_key                    fact_encode
 *   spool     seq, 8 bytes big endian     encoded event (wire_event_encode)
 *   texts     pathkey                     see texts.h
 *   apps      pathkey                     see appbook.h
 *
 * Life     state_open -> transactions -> state_close. Survives kill -9 and loss of power.
 * Owner    owns the store, the stream id and the next sequence number.
 * Errors   0 or negative with a sentence. -ENOSPC from a transaction: nothing of it was kept; try
 *          again later.
 * Thread   open and close: one. A transaction: the thread that began it (usually a worker).
 *          state_position and state_is_full: any thread, the figures of the last commit.
 */
#ifndef TSUJIBAN_AGENT_STATE_STATE_H
#define TSUJIBAN_AGENT_STATE_STATE_H

#include "common/codec/wire.h"
#include "common/store/kv.h"

#define STATE_DEFAULT_DIR "/var/lib/tsujiban-agent" /* where packages have it */

enum state_table {
	STATE_META,
	STATE_BASELINE,
	STATE_FACTS,
	STATE_SPOOL,
	STATE_TEXTS,
	STATE_APPS,
	STATE_FORMER
};

struct state;

/* How much the spool may hold before state_is_full says so: what reads then waits for what sends.
 */
struct state_limits {
	uint64_t spool_bytes;
	uint64_t map_bytes; /* of the whole store; 0: 16 GiB */
};

/*
 * Makes DIR/db when there is none. A store that cannot be read as ours (damaged, cut short) is
 * moved aside to DIR/db.broken-<seconds since 1970> and a new one with a new stream is begun:
 * state_was_rebuilt then says so. A store of a newer version is refused (ERR_VERSION). ERR_BUSY:
 * another agent runs on it.
 */
int state_open(const char *dir, const struct state_limits *limits, struct state **out,
        struct reason *out_why);
/* For `status`: beside a running agent, without its lock; no transactions but reads. */
int state_open_read_only(const char *dir, struct state **out, struct reason *out_why);
void state_close(struct state *state);

bool state_was_rebuilt(const struct state *state);
bool state_is_new(const struct state *state); /* made by this state_open */
/* When the store was last written before this state_open, as the file system has it; 0: never. */
int64_t state_last_written_ns(const struct state *state);
const uint8_t *state_stream_id(const struct state *state);
struct kv *state_kv(struct state *state); /* for kv_begin_read and kv_release_pages */

struct state_position {
	uint64_t first_seq; /* the oldest event in the spool; next_seq when it is empty */
	uint64_t next_seq;
	uint64_t spool_bytes;
};
struct state_position state_position(const struct state *state);
/* What the transaction sees of it. */
int state_read_position(struct kv_txn *txn, struct state_position *out);
/* The spool has passed its budget (and not yet gone below three quarters of it again). */
bool state_is_full(const struct state *state);

/* A write transaction. Commit writes next_seq and the spool's size along. */
struct state_txn;
int state_begin(struct state *state, struct state_txn **out, struct reason *out_why);
/* The transaction is gone either way. */
int state_commit(struct state_txn *txn, struct reason *out_why);
void state_abort(struct state_txn *txn);
struct kv_txn *state_txn_kv(struct state_txn *txn);

/* Small values by name, for what has no table of its own (which roots are baselined, the boot id
 * last seen). ERR_MISSING when there is none; the slice is valid as kv.h says. */
int state_meta_get(struct kv_txn *txn, const char *name, struct slice *out);
int state_meta_put(struct state_txn *txn, const char *name, struct slice value);
int state_meta_delete(struct state_txn *txn, const char *name);
/* Every value whose name begins with `prefix`, in name order; a negative answer of `each` stops
 * it. */
int state_meta_each(struct kv_txn *txn, const char *prefix,
        int (*each)(void *ctx, struct slice name, struct slice value), void *ctx);

/* Forgets baseline, texts, facts, apps, spool and the meta values, and begins a new stream: the
 * collector asked for everything anew (its own memory is older than what was confirmed). */
int state_begin_anew(struct state *state, struct reason *out_why);

#endif
