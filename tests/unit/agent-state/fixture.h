/* A state in a directory of its own, for each test. */
#ifndef TSUJIBAN_TESTS_AGENT_STATE_FIXTURE_H
#define TSUJIBAN_TESTS_AGENT_STATE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/state/baseline.h"
#include "agent/state/factbook.h"
#include "agent/state/spool.h"

#define SPOOL_BYTES (1u << 20)

static char dir[64];
static struct state *state;
static struct reason why;

static inline void open_state_with(uint64_t spool_bytes)
{
	struct state_limits limits = {.spool_bytes = spool_bytes, .map_bytes = 1ull << 30};
	if (state_open(dir, &limits, &state, &why) < 0)
		fail_msg("%s", why.text);
}

static inline void close_state(void)
{
	state_close(state);
	state = NULL;
}

static inline void reopen_state(void)
{
	close_state();
	open_state_with(SPOOL_BYTES);
}

static inline int begin_test(void **unused)
{
	(void)unused;
	snprintf(dir, sizeof(dir), "/tmp/tsujiban-state-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	open_state_with(SPOOL_BYTES);
	return 0;
}

static inline int remove_one(
        const char *path, const struct stat *st, int flag, struct FTW *position)
{
	(void)st;
	(void)flag;
	(void)position;
	return remove(path);
}

static inline int end_test(void **unused)
{
	(void)unused;
	close_state();
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct state_txn *begin_txn(void)
{
	struct state_txn *txn;
	if (state_begin(state, &txn, &why) < 0)
		fail_msg("%s", why.text);
	return txn;
}

static inline void commit(struct state_txn *txn)
{
	if (state_commit(txn, &why) < 0)
		fail_msg("%s", why.text);
}

static inline struct kv_txn *begin_read(void)
{
	struct kv_txn *txn;
	assert_int_equal(kv_begin_read(state_kv(state), &txn), 0);
	return txn;
}

static inline struct filestate file_with(uint64_t inode)
{
	return (struct filestate){.type = FILE_REGULAR,
	        .hash = HASH_DONE,
	        .mode = 0644,
	        .inode = inode,
	        .mtime_ns = -5,
	        .sha256 = {1, 2, 3}};
}

static inline struct event event_about(const char *path, const struct filestate *after)
{
	return (struct event){.time_ns = 1,
	        .kind = EVENT_FILE,
	        .action = ACTION_CREATED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text(path),
	        .after = after};
}

#endif
