/*
 * kv_scene - a store in a directory of its own: for the tests of kv.
 */
#ifndef TSUJIBAN_TESTS_UNIT_COMMON_STORE_KV_SCENE_H
#define TSUJIBAN_TESTS_UNIT_COMMON_STORE_KV_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/store/kv.h"

#define MAP_BYTES (1ull << 30)

enum { FIRST, SECOND };

static const char *const TABLES[] = {"first", "second", NULL};
static char dir[64];
static struct kv *kv;
static struct reason why;

static inline void open_store(size_t map_bytes)
{
	int rc = kv_open(dir, TABLES, map_bytes, false, &kv, &why);
	if (rc != 0)
		fail_msg("%s", why.text);
}

static inline const char *in_dir(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static inline int begin(void **state)
{
	(void)state;
	kv = NULL;
	snprintf(dir, sizeof(dir), "/tmp/tsujiban-kv-XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static inline int end(void **state)
{
	(void)state;
	kv_close(kv);
	unlink(in_dir("data.mdb"));
	unlink(in_dir("lock.mdb"));
	return rmdir(dir);
}

static inline void put(unsigned table, const char *key, const char *value)
{
	struct kv_txn *txn;
	assert_int_equal(kv_begin_write(kv, &txn), 0);
	assert_int_equal(kv_put(txn, table, slice_text(key), slice_text(value)), 0);
	assert_int_equal(kv_commit(txn), 0);
}

static inline void assert_value(unsigned table, const char *key, const char *value)
{
	struct kv_txn *txn;
	struct slice found;
	assert_int_equal(kv_begin_read(kv, &txn), 0);
	int rc = kv_get(txn, table, slice_text(key), &found);
	if (value == NULL) {
		assert_int_equal(rc, ERR_MISSING);
	} else {
		assert_int_equal(rc, 0);
		assert_true(slice_is(found, value));
	}
	kv_abort(txn);
}

static inline void fill(unsigned count)
{
	struct kv_txn *txn;
	char key[16], value[200];
	memset(value, 'x', sizeof(value));
	assert_int_equal(kv_begin_write(kv, &txn), 0);
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "%08u", i);
		assert_int_equal(
		        kv_append(txn, FIRST, slice_text(key), slice_of(value, sizeof(value))), 0);
	}
	assert_int_equal(kv_commit(txn), 0);
}

#endif
