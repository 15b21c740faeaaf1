/*
 * store - what the collector keeps on disk, and the one writer that changes it.
 *
 *   table         key                          value
 *   meta          "schema"                     version of all of this (4, big endian)
 *   hosts         host id (4, big endian)      hostrec, see hosts.c
 *   host_names    host name                    host id (4)
 *   streams       host id (4) stream id (16)   last stored seq (8); see eventlog.c
 *   log           position (8)                 one batch as it came, see eventlog.c
 *   log_by_host   host id (4) position (8)     -
 *   files         host id (4) pathkey          staterec; see picture.c
 *   facts         host id (4) fact_key         fact_encode; see hostfacts.c
 *   presence      host id (4)                  whether it is heard of, see presence.c
 *   tokens        SHA-256 of the token (32)    see tokens.c (enrolment and API tokens)
 *   sections      host id (4) kind (1)         section_sum; see sections.c
 *   buckets       kind (1) digest (16)         facts that some host has shown; see buckets.c
 *   usage         host id (4)                  what the host takes up; see usage.c
 *
 * Writes are jobs: whatever waits is applied in one transaction by the writer's thread and
 * committed once (group commit); then each job's `done` runs on the loop's thread, in the order of
 * submission. A job that fails is taken back alone; when the commit fails, all of them fail with
 * its code (-ENOSPC: disk or map full) and nothing is kept.
 *
 * Life     store_open -> submit* -> store_close (finishes what was submitted).
 * Thread   the loop's, except apply, which runs on the writer's thread and touches nothing but its
 *          txn and its own job.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_STORE_H
#define TSUJIBAN_COLLECTOR_STORE_STORE_H

#include "common/io/loop.h"
#include "common/store/kv.h"

enum store_table {
	STORE_META,
	STORE_HOSTS,
	STORE_HOST_NAMES,
	STORE_STREAMS,
	STORE_LOG,
	STORE_LOG_BY_HOST,
	STORE_FILES,
	STORE_FACTS,
	STORE_TOKENS,
	STORE_SECTIONS,
	STORE_BUCKETS,
	STORE_USAGE,
	STORE_PRESENCE,
};

#define STORE_HOST_ID_BYTES 4

struct store;

/* Makes the store in `dir` (made when absent, 0700) if there is none. ERR_BUSY: another collector
 * has it; ERR_VERSION: a newer program made it. `loop` may be NULL for tools that use store_write
 * only. */
int store_open(const char *dir, uint64_t map_bytes, struct loop *loop, struct store **out,
        struct reason *out_why);
void store_close(struct store *store);
/* For reads on the loop's thread, which are short: begin, look, abort. */
struct kv *store_kv(struct store *store);

/* Embedded in the submitter's own struct, which lives until done. */
struct store_job {
	/* 0, or negative with a sentence: then nothing of this job is kept, the others are. It may
	 * be called a second time after its first effects have been taken back (another job of the
	 * group failed), so it starts from the job as submitted. A failure costs the whole group a
	 * second round: a refusal that strangers can provoke is better kept in the job, with 0 and
	 * nothing written. */
	int (*apply)(struct store_job *job, struct kv_txn *txn, struct reason *out_why);
	/* `code` is apply's answer, or the commit's when that failed. */
	void (*done)(struct store_job *job, int code, const struct reason *why);
	size_t bytes;           /* about what it writes: bounds a group; 0 for a record or two */
	struct store_job *next; /* the store's */
	int code;               /* the store's */
	struct reason why;      /* the store's */
};
void store_submit(struct store *store, struct store_job *job);
/* Jobs submitted and not done: for back-pressure. */
size_t store_waiting(const struct store *store);
/* The last group failed because the disk or the map is full or broken. Logged by the store when it
 * begins and when it is over. */
bool store_is_failing(const struct store *store);

/* At once, on the caller's thread, in a transaction of its own: for `init` and tests. `done` is not
 * called and may be NULL. */
int store_write(struct store *store, struct store_job *job, struct reason *out_why);

#endif
