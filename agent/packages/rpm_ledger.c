#include "agent/packages/rpm_ledger.h"

#define VERSION_1 1

void rpm_record_encode(const struct rpm_record *record, struct buf *out)
{
	buf_append_byte(out, VERSION_1);
	buf_append_u64(out, record->install_time);
	buf_append_u64(out, record->transaction);
	buf_append(out, record->digest, sizeof(record->digest));
	buf_append_slice(out, record->paths);
}

bool rpm_record_decode(struct slice bytes, struct rpm_record *out)
{
	uint8_t version;
	struct slice digest;
	if (!slice_take_byte(&bytes, &version) || version != VERSION_1 ||
	        !slice_take_u64(&bytes, &out->install_time) ||
	        !slice_take_u64(&bytes, &out->transaction) ||
	        !slice_take(&bytes, sizeof(out->digest), &digest))
		return false;
	memcpy(out->digest, digest.ptr, sizeof(out->digest));
	out->paths = bytes;
	return bytes.len % sizeof(uint64_t) == 0;
}

void rpm_mark_encode(int64_t time_ns, struct buf *out)
{
	buf_append_byte(out, VERSION_1);
	buf_append_u64(out, (uint64_t)time_ns);
}

bool rpm_mark_decode(struct slice bytes, int64_t *out_time_ns)
{
	uint8_t version;
	uint64_t time_ns;
	if (!slice_take_byte(&bytes, &version) || version != VERSION_1 ||
	        !slice_take_u64(&bytes, &time_ns) || bytes.len != 0)
		return false;
	*out_time_ns = (int64_t)time_ns;
	return true;
}
