#include "agent/state/appbook.h"

#include "agent/state/state_private.h"
#include "common/store/pathkey.h"

#define VERSION    1
#define IS_DAMAGED 1

/* --- one record ------------------------------------------------------------------------------- */

bool app_stamp_equal(const struct app_stamp *a, const struct app_stamp *b)
{
	return a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
	       a->inode == b->inode && a->device == b->device;
}

static bool take_stamp(struct slice *bytes, struct app_stamp *out)
{
	uint64_t mtime, ctime;
	bool is_whole = slice_take_u64(bytes, &out->size) && slice_take_u64(bytes, &mtime) &&
	                slice_take_u64(bytes, &ctime) && slice_take_u64(bytes, &out->inode) &&
	                slice_take_u64(bytes, &out->device);
	if (!is_whole)
		return false;
	out->mtime_ns = (int64_t)mtime;
	out->ctime_ns = (int64_t)ctime;
	return true;
}

static void append_stamp(struct buf *out, const struct app_stamp *stamp)
{
	buf_append_u64(out, stamp->size);
	buf_append_u64(out, (uint64_t)stamp->mtime_ns);
	buf_append_u64(out, (uint64_t)stamp->ctime_ns);
	buf_append_u64(out, stamp->inode);
	buf_append_u64(out, stamp->device);
}

static int read_record(struct slice bytes, struct app_record *out, struct slice *out_path)
{
	struct app_record record = {0};
	uint8_t version, flags;
	uint16_t path_len;
	if (!slice_take_byte(&bytes, &version) || version == 0)
		return ERR_FORMAT;
	if (version > VERSION)
		return ERR_VERSION;
	if (!slice_take_byte(&bytes, &flags) || flags > IS_DAMAGED ||
	        !slice_take_u32(&bytes, &record.reader) || !take_stamp(&bytes, &record.stamp) ||
	        !slice_take_u16(&bytes, &path_len) || !slice_take(&bytes, path_len, out_path) ||
	        !slice_take_u32(&bytes, &record.count))
		return ERR_FORMAT;
	record.is_damaged = flags == IS_DAMAGED;
	record.facts = bytes;
	*out = record;
	return 0;
}

int appbook_get(struct kv_txn *txn, struct slice path, struct app_record *out)
{
	struct pathkey key;
	struct slice bytes = {0}, kept_path;
	int rc = pathkey_of(path, &key);
	if (rc == 0)
		rc = kv_get(txn, STATE_APPS, slice_of(key.bytes, key.len), &bytes);
	if (rc == 0)
		rc = read_record(bytes, out, &kept_path);
	return rc;
}

int appbook_put(struct state_txn *txn, struct slice path, const struct app_record *record)
{
	struct pathkey key;
	struct buf *value = &txn->value;
	int rc = pathkey_of(path, &key);
	if (rc != 0)
		return rc;
	struct slice kept_path = pathkey_is_short(path) ? path : (struct slice){0};
	buf_reset(value);
	buf_append_byte(value, VERSION);
	buf_append_byte(value, record->is_damaged ? IS_DAMAGED : 0);
	buf_append_u32(value, record->reader);
	append_stamp(value, &record->stamp);
	buf_append_u16(value, (uint16_t)kept_path.len);
	buf_append_slice(value, kept_path);
	buf_append_u32(value, record->count);
	buf_append_slice(value, record->facts);
	return kv_put(txn->kv, STATE_APPS, slice_of(key.bytes, key.len), buf_slice(value));
}

int appbook_remove(struct state_txn *txn, struct slice path)
{
	struct pathkey key;
	int rc = pathkey_of(path, &key);
	if (rc == 0)
		rc = kv_delete(txn->kv, STATE_APPS, slice_of(key.bytes, key.len));
	return rc == ERR_MISSING ? 0 : rc;
}

uint64_t appbook_count(struct kv_txn *txn)
{
	return kv_count(txn, STATE_APPS);
}

/* --- many ------------------------------------------------------------------------------------- */

static bool is_below(struct slice path, struct slice dir)
{
	return path.len > dir.len && path.ptr[dir.len] == '/' && slice_starts_with(path, dir);
}

/* Keys with one prefix may be of other directories where paths were shortened: each path is looked
 * at. An absent `dir` has everything below it. */
static int each_in_range(struct kv_txn *txn, struct slice prefix, struct slice dir,
        int (*each)(void *ctx, struct slice path, const struct app_record *record), void *ctx)
{
	struct kv_cursor *cursor;
	struct slice key, bytes, kept_path = {0};
	struct app_record record;
	struct buf path = BUF_INIT;
	int rc = kv_cursor_open(txn, STATE_APPS, &cursor);
	if (rc < 0)
		return rc;
	rc = kv_seek(cursor, prefix, &key, &bytes);
	while (rc == 0 && slice_starts_with(key, prefix)) {
		rc = read_record(bytes, &record, &kept_path);
		buf_reset(&path);
		if (rc == 0 && kept_path.len > 0)
			buf_append_slice(&path, kept_path);
		else if (rc == 0)
			rc = pathkey_path(key, &path);
		if (rc == 0 && (!dir.ptr || is_below(buf_slice(&path), dir)))
			rc = each(ctx, buf_slice(&path), &record);
		if (rc < 0)
			break;
		rc = kv_next(cursor, &key, &bytes);
		if (rc == ERR_MISSING) {
			rc = 0;
			break;
		}
	}
	kv_cursor_close(cursor);
	buf_fini(&path);
	return rc == ERR_MISSING ? 0 : rc;
}

static int each_itself(struct kv_txn *txn, struct slice path,
        int (*each)(void *ctx, struct slice path, const struct app_record *record), void *ctx)
{
	struct app_record record;
	int rc = appbook_get(txn, path, &record);
	if (rc == ERR_MISSING)
		return 0;
	return rc < 0 ? rc : each(ctx, path, &record);
}

int appbook_each(struct kv_txn *txn, struct slice path,
        int (*each)(void *ctx, struct slice path, const struct app_record *record), void *ctx)
{
	if (!path.ptr || path.len == 1)
		return each_in_range(txn, (struct slice){0}, (struct slice){0}, each, ctx);
	struct buf prefix = BUF_INIT;
	int rc = each_itself(txn, path, each, ctx);
	if (rc == 0)
		rc = pathkey_append_entries(&prefix, path);
	/* What is deeper than such a path has keys among which its entries' are. */
	if (rc == 0 && path.len <= PATHKEY_DIR_MAX)
		rc = each_in_range(txn, buf_slice(&prefix), path, each, ctx);
	buf_reset(&prefix);
	if (rc == 0)
		rc = pathkey_append_deeper(&prefix, path);
	if (rc >= 0)
		rc = each_in_range(txn, buf_slice(&prefix), path, each, ctx);
	buf_fini(&prefix);
	return rc;
}

/* --- facts ------------------------------------------------------------------------------------ */

void appbook_append_fact(struct buf *facts, const struct fact *fact)
{
	struct buf encoded = BUF_INIT;
	fact_encode(fact, &encoded);
	buf_append_varint(facts, encoded.len);
	buf_append_slice(facts, buf_slice(&encoded));
	buf_fini(&encoded);
}

int appbook_take_fact(struct slice *facts, struct fact *out)
{
	uint64_t len;
	struct slice encoded;
	if (facts->len == 0)
		return ERR_MISSING;
	if (!slice_take_varint(facts, &len) || len > facts->len ||
	        !slice_take(facts, len, &encoded))
		return ERR_FORMAT;
	return fact_decode(encoded, out);
}
