/* A store in a directory of its own, and one write transaction that a test works in. */
#ifndef TSUJIBAN_TESTS_COLLECTOR_STORE_FIXTURE_H
#define TSUJIBAN_TESTS_COLLECTOR_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/store/store.h"

#define MAP_BYTES (64u << 20)

struct fixture {
	char dir[32];
	struct store *store;
	struct kv_txn *txn;
};

static inline void remove_dir(const char *dir)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

static inline int set_up(void **state)
{
	static struct fixture fixture;
	struct reason why;

	snprintf(fixture.dir, sizeof(fixture.dir), "/tmp/tsujiban-store-XXXXXX");
	if (!mkdtemp(fixture.dir) || store_open(fixture.dir, MAP_BYTES, NULL, &fixture.store, &why))
		return -1;
	if (kv_begin_write(store_kv(fixture.store), &fixture.txn) < 0)
		return -1;
	*state = &fixture;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;

	kv_abort(fixture->txn);
	store_close(fixture->store);
	remove_dir(fixture->dir);
	return 0;
}

#endif
