#include "agent/packages/ledger.h"

#define VERSION_1 1

void ledger_encode(const struct ledger_record *record, struct buf *out)
{
	buf_append_byte(out, VERSION_1);
	buf_append_byte(out, record->is_same);
	buf_append_u64(out, record->status_key);
	buf_append_u64(out, record->list_key);
	buf_append_u64(out, record->md5_key);
	buf_append_slice(out, record->paths);
}

bool ledger_decode(struct slice bytes, struct ledger_record *out)
{
	uint8_t version, is_same;
	if (!slice_take_byte(&bytes, &version) || version != VERSION_1 ||
	        !slice_take_byte(&bytes, &is_same) || !slice_take_u64(&bytes, &out->status_key) ||
	        !slice_take_u64(&bytes, &out->list_key) || !slice_take_u64(&bytes, &out->md5_key))
		return false;
	out->is_same = is_same == 1;
	out->paths = bytes;
	return bytes.len % sizeof(uint64_t) == 0;
}

bool ledger_take_path(struct slice *paths, uint64_t *out_key)
{
	return slice_take_u64(paths, out_key);
}

void mark_encode(const struct mark *mark, struct buf *out)
{
	buf_append_byte(out, VERSION_1);
	buf_append_u64(out, (uint64_t)mark->time_ns);
	buf_append_u64(out, mark->inode);
	buf_append_u64(out, mark->offset);
	buf_append(out, mark->tail, sizeof(mark->tail));
}

bool mark_decode(struct slice bytes, struct mark *out)
{
	uint8_t version;
	uint64_t time_ns;
	struct slice tail;
	if (!slice_take_byte(&bytes, &version) || version != VERSION_1 ||
	        !slice_take_u64(&bytes, &time_ns) || !slice_take_u64(&bytes, &out->inode) ||
	        !slice_take_u64(&bytes, &out->offset) ||
	        !slice_take(&bytes, sizeof(out->tail), &tail) || bytes.len != 0)
		return false;
	out->time_ns = (int64_t)time_ns;
	memcpy(out->tail, tail.ptr, sizeof(out->tail));
	return true;
}
