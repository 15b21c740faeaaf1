#include "tests/sim/store.h"

#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

#include "common/base/mem.h"
#include "tests/sim/sim.h"
#include "tests/sim/task.h"

struct pair {
	struct slice key;
	struct slice value;
};

struct table {
	struct pair **pair; /* by key; shared between versions until one of them is written to */
	size_t count, room;
	bool is_own;
};

struct version {
	struct table table[KV_TABLE_MAX];
};

struct kv_cursor {
	struct kv_cursor *prev, *next;
	struct kv_txn *txn;
	unsigned table;
	size_t at;
	bool is_deleted; /* what stood here: the next one has come to its place */
	bool is_off;
};

struct kv_txn {
	struct kv *kv;
	struct version version;
	struct kv_txn *parent;
	struct kv_cursor *cursors;
	bool is_write;
};

struct kv {
	struct version committed;
	struct kv_txn *writer;
};

static struct kv *disk;

void store_begin(void)
{
	disk = sim_alloc(sizeof *disk);
}

int kv_open(const char *dir, const char *const *tables, size_t map_bytes, bool read_only,
        struct kv **out, struct reason *out_why)
{
	(void)dir, (void)tables, (void)map_bytes, (void)read_only, (void)out_why;
	*out = disk;
	return 0;
}

void kv_close(struct kv *kv)
{
	(void)kv;
}

void kv_release_pages(struct kv *kv)
{
	(void)kv;
}

void kv_rest(struct kv *kv)
{
	(void)kv;
}

uint64_t kv_size(struct kv *kv)
{
	(void)kv;
	return 0;
}

/* Nothing is left behind here by what is removed. */
uint64_t kv_free_pages(struct kv *kv)
{
	(void)kv;
	return 0;
}

size_t kv_page_value_bytes(struct kv *kv)
{
	(void)kv;
	return 4080;
}

void store_forget_writer(void)
{
	if (disk->writer)
		sim_fault(NULL, "a write transaction was never ended");
	disk->writer = NULL;
}

/* --- transactions ----------------------------------------------------------------------------- */

static void share(struct version *to, const struct version *from)
{
	*to = *from;
	for (unsigned i = 0; i < KV_TABLE_MAX; i++)
		to->table[i].is_own = false;
}

int kv_begin_read(struct kv *kv, struct kv_txn **out)
{
	task_may_yield();
	struct kv_txn *txn = mem_new(sizeof *txn);
	txn->kv = kv;
	share(&txn->version, &kv->committed);
	*out = txn;
	return 0;
}

int kv_begin_write(struct kv *kv, struct kv_txn **out)
{
	task_may_yield();
	while (kv->writer && task_now())
		task_yield();
	struct kv_txn *txn = mem_new(sizeof *txn);
	txn->kv = kv;
	txn->is_write = true;
	share(&txn->version, &kv->committed);
	kv->writer = txn;
	*out = txn;
	return 0;
}

int kv_begin_nested(struct kv_txn *parent, struct kv_txn **out)
{
	struct kv_txn *txn = mem_new(sizeof *txn);
	txn->kv = parent->kv;
	txn->is_write = true;
	txn->parent = parent;
	share(&txn->version, &parent->version);
	*out = txn;
	return 0;
}

static void end(struct kv_txn *txn)
{
	if (txn->cursors)
		sim_fault(NULL, "a transaction ends with an open cursor");
	if (txn->kv->writer == txn)
		txn->kv->writer = NULL;
	free(txn);
}

int kv_commit(struct kv_txn *txn)
{
	int rc = 0;
	if (txn->parent) {
		txn->parent->version = txn->version;
	} else {
		task_may_yield();
		rc = SIM.is_dying ? -EIO : SIM.is_disk_full ? -ENOSPC : 0;
		if (rc == 0)
			txn->kv->committed = txn->version;
		sim_trace("agent: commit %d", rc);
	}
	end(txn);
	task_may_yield();
	return rc;
}

void kv_abort(struct kv_txn *txn)
{
	if (txn)
		end(txn);
}

/* --- records ---------------------------------------------------------------------------------- */

/* The first that is not below the key. */
static size_t place_of(const struct table *table, struct slice key)
{
	size_t from = 0, to = table->count;
	while (from < to) {
		size_t middle = (from + to) / 2;
		if (slice_compare(table->pair[middle]->key, key) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool is_at(const struct table *table, size_t at, struct slice key)
{
	return at < table->count && slice_equal(table->pair[at]->key, key);
}

static void make_own(struct table *table, size_t room)
{
	if (table->is_own && room <= table->room)
		return;
	struct pair **old = table->pair;
	table->room = room > table->room ? room * 2 + 16 : table->room;
	table->pair = sim_alloc(table->room * sizeof(struct pair *));
	if (table->count > 0)
		memcpy(table->pair, old, table->count * sizeof(struct pair *));
	table->is_own = true;
}

static struct slice copy(struct slice bytes)
{
	uint8_t *to = sim_alloc(bytes.len + 1);
	if (bytes.len)
		memcpy(to, bytes.ptr, bytes.len);
	return slice_of(to, bytes.len);
}

int kv_get(struct kv_txn *txn, unsigned table, struct slice key, struct slice *out)
{
	const struct table *in = &txn->version.table[table];
	size_t at = place_of(in, key);
	if (!is_at(in, at, key))
		return ERR_MISSING;
	*out = in->pair[at]->value;
	return 0;
}

int kv_put(struct kv_txn *txn, unsigned table, struct slice key, struct slice value)
{
	struct table *in = &txn->version.table[table];
	size_t at = place_of(in, key);
	struct kv_cursor *cursor;
	struct pair *pair = sim_alloc(sizeof *pair);
	if (key.len == 0 || key.len > KV_KEY_MAX)
		return ERR_LIMIT;
	pair->key = copy(key);
	pair->value = copy(value);
	bool is_new = !is_at(in, at, key);
	make_own(in, in->count + is_new);
	if (is_new) {
		memmove(in->pair + at + 1, in->pair + at, (in->count - at) * sizeof *in->pair);
		in->count++;
		DL_FOREACH(txn->cursors, cursor)
		cursor->at += cursor->table == table && cursor->at >= at;
	}
	in->pair[at] = pair;
	return 0;
}

int kv_append(struct kv_txn *txn, unsigned table, struct slice key, struct slice value)
{
	const struct table *in = &txn->version.table[table];
	if (in->count > 0 && slice_compare(in->pair[in->count - 1]->key, key) >= 0)
		return -EEXIST;
	return kv_put(txn, table, key, value);
}

static void delete_at(struct kv_txn *txn, unsigned table, size_t at)
{
	struct table *in = &txn->version.table[table];
	struct kv_cursor *cursor;
	make_own(in, in->count);
	memmove(in->pair + at, in->pair + at + 1, (in->count - at - 1) * sizeof *in->pair);
	in->count--;
	DL_FOREACH(txn->cursors, cursor)
	{
		if (cursor->table != table)
			continue;
		cursor->is_deleted |= cursor->at == at;
		cursor->at -= cursor->at > at;
	}
}

int kv_delete(struct kv_txn *txn, unsigned table, struct slice key)
{
	const struct table *in = &txn->version.table[table];
	size_t at = place_of(in, key);
	if (!is_at(in, at, key))
		return ERR_MISSING;
	delete_at(txn, table, at);
	return 0;
}

uint64_t kv_count(struct kv_txn *txn, unsigned table)
{
	return txn->version.table[table].count;
}

/* --- cursors ---------------------------------------------------------------------------------- */

int kv_cursor_open(struct kv_txn *txn, unsigned table, struct kv_cursor **out)
{
	struct kv_cursor *cursor = mem_new(sizeof *cursor);
	cursor->txn = txn;
	cursor->table = table;
	cursor->is_off = true;
	DL_APPEND(txn->cursors, cursor);
	*out = cursor;
	return 0;
}

void kv_cursor_close(struct kv_cursor *cursor)
{
	if (!cursor)
		return;
	DL_DELETE(cursor->txn->cursors, cursor);
	free(cursor);
}

static int give(struct kv_cursor *cursor, size_t at, struct slice *out_key, struct slice *out_value)
{
	const struct table *in = &cursor->txn->version.table[cursor->table];
	if (at >= in->count)
		return ERR_MISSING;
	cursor->at = at;
	cursor->is_off = cursor->is_deleted = false;
	*out_key = in->pair[at]->key;
	*out_value = in->pair[at]->value;
	return 0;
}

int kv_seek(
        struct kv_cursor *cursor, struct slice key, struct slice *out_key, struct slice *out_value)
{
	const struct table *in = &cursor->txn->version.table[cursor->table];
	return give(cursor, place_of(in, key), out_key, out_value);
}

int kv_first(struct kv_cursor *cursor, struct slice *out_key, struct slice *out_value)
{
	return give(cursor, 0, out_key, out_value);
}

int kv_last(struct kv_cursor *cursor, struct slice *out_key, struct slice *out_value)
{
	size_t count = cursor->txn->version.table[cursor->table].count;
	return count ? give(cursor, count - 1, out_key, out_value) : ERR_MISSING;
}

int kv_next(struct kv_cursor *cursor, struct slice *out_key, struct slice *out_value)
{
	if (cursor->is_off)
		return kv_first(cursor, out_key, out_value);
	return give(cursor, cursor->at + !cursor->is_deleted, out_key, out_value);
}

int kv_prev(struct kv_cursor *cursor, struct slice *out_key, struct slice *out_value)
{
	if (cursor->is_off)
		return kv_last(cursor, out_key, out_value);
	return cursor->at > 0 ? give(cursor, cursor->at - 1, out_key, out_value) : ERR_MISSING;
}

int kv_delete_here(struct kv_cursor *cursor)
{
	if (cursor->is_off || cursor->is_deleted)
		return -EINVAL;
	delete_at(cursor->txn, cursor->table, cursor->at);
	return 0;
}
