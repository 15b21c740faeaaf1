/*
 * A record of STATE_FORMER, by the package's name: for each version, the oldest first,
 *
 *   8   until when, seconds since 1970, big endian
 *   2   length of the version, big endian
 *   …   the version
 */
#include "agent/state/former.h"

#include "agent/state/state_private.h"

#define VERSION_BYTES_MAX 256

struct entry {
	uint64_t until_s;
	struct slice version;
};

static bool take_entry(struct slice *record, struct entry *out)
{
	uint16_t len;
	return slice_take_u64(record, &out->until_s) && slice_take_u16(record, &len) &&
	       slice_take(record, len, &out->version);
}

/* How many there are, and the last of them. */
static unsigned count_entries(struct slice record, struct entry *out_last)
{
	unsigned count = 0;
	while (take_entry(&record, out_last))
		count++;
	return count;
}

int former_add(struct state_txn *txn, struct slice package, struct slice version, uint64_t until_s)
{
	struct buf record = BUF_INIT;
	struct slice stored = {0};
	struct entry oldest, last;
	if (package.len == 0 || package.len > KV_KEY_MAX || version.len > VERSION_BYTES_MAX)
		return 0;
	int rc = kv_get(txn->kv, STATE_FORMER, package, &stored);
	if (rc < 0 && rc != ERR_MISSING)
		return rc;
	unsigned count = count_entries(stored, &last);
	if (count > 0 && slice_equal(last.version, version))
		return 0; /* of another architecture */
	for (; count >= FORMER_MOST; count--)
		take_entry(&stored, &oldest);
	buf_append_slice(&record, stored);
	buf_append_u64(&record, until_s);
	buf_append_u16(&record, (uint16_t)version.len);
	buf_append_slice(&record, version);
	rc = kv_put(txn->kv, STATE_FORMER, package, buf_slice(&record));
	buf_fini(&record);
	return rc;
}

int former_at(struct kv_txn *txn, struct slice package, uint64_t at_s, struct slice *out)
{
	struct slice record;
	struct entry entry;
	if (package.len == 0 || package.len > KV_KEY_MAX)
		return ERR_MISSING;
	int rc = kv_get(txn, STATE_FORMER, package, &record);
	while (rc == 0 && take_entry(&record, &entry)) {
		if (at_s >= entry.until_s)
			continue;
		*out = entry.version;
		return 0;
	}
	return rc < 0 ? rc : ERR_MISSING;
}
