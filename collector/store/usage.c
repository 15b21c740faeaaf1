/*
 * The table `usage`: key is the host id (4, big endian); value, integers big endian:
 *
 *   1   version (1)
 *   8   log_bytes
 *   8   bucket_bytes
 *   4   stream_day
 *   4   streams
 *   4   held_day
 *   1   held
 */
#include "collector/store/usage.h"

#include "collector/store/eventlog.h"
#include "collector/store/hostkey.h"

#define RECORD_VERSION 1
#define DAY_NS         (86400 * INT64_C(1000000000))

uint32_t usage_day(int64_t now_ns)
{
	return now_ns > 0 ? (uint32_t)(now_ns / DAY_NS) : 0;
}

int usage_get(struct kv_txn *txn, uint32_t host, struct usage *out)
{
	uint8_t key[STORE_HOST_ID_BYTES], version;
	struct slice value;
	int rc;

	*out = (struct usage){0};
	hostkey_put_u32(key, host);
	rc = kv_get(txn, STORE_USAGE, slice_of(key, sizeof(key)), &value);
	if (rc < 0)
		return rc == ERR_MISSING ? 0 : rc;
	if (!slice_take_byte(&value, &version))
		return ERR_FORMAT;
	if (version > RECORD_VERSION)
		return ERR_VERSION;
	if (!slice_take_u64(&value, &out->log_bytes) ||
	        !slice_take_u64(&value, &out->bucket_bytes) ||
	        !slice_take_u32(&value, &out->stream_day) ||
	        !slice_take_u32(&value, &out->streams) || !slice_take_u32(&value, &out->held_day) ||
	        !slice_take_byte(&value, &out->held))
		return ERR_FORMAT;
	return 0;
}

int usage_put(struct kv_txn *txn, uint32_t host, const struct usage *usage)
{
	uint8_t key[STORE_HOST_ID_BYTES];
	struct buf value = BUF_INIT;
	int rc;

	hostkey_put_u32(key, host);
	buf_append_byte(&value, RECORD_VERSION);
	buf_append_u64(&value, usage->log_bytes);
	buf_append_u64(&value, usage->bucket_bytes);
	buf_append_u32(&value, usage->stream_day);
	buf_append_u32(&value, usage->streams);
	buf_append_u32(&value, usage->held_day);
	buf_append_byte(&value, usage->held);
	rc = kv_put(txn, STORE_USAGE, slice_of(key, sizeof(key)), buf_slice(&value));
	buf_fini(&value);
	return rc;
}

/* --- held back -------------------------------------------------------------------------------- */

const char *hold_name(enum hold hold)
{
	static const char *const names[] = {
	        [HOLD_PACE] = "pace",
	        [HOLD_LOG] = "log",
	        [HOLD_FACTS] = "facts",
	        [HOLD_BUCKETS] = "buckets",
	        [HOLD_STREAMS] = "streams",
	};

	return names[hold];
}

unsigned usage_held(const struct usage *usage, int64_t now_ns)
{
	return usage->held_day == usage_day(now_ns) ? usage->held : 0;
}

int usage_hold(struct kv_txn *txn, uint32_t host, struct usage *usage, enum hold hold,
        int64_t now_ns, struct slice detail, struct event *out, bool *out_is_new)
{
	unsigned held = usage_held(usage, now_ns);
	int rc;

	*out_is_new = !(held & 1u << hold);
	if (!*out_is_new)
		return 0;
	usage->held = (uint8_t)(held | 1u << hold);
	usage->held_day = usage_day(now_ns);
	*out = (struct event){.time_ns = now_ns,
	        .kind = EVENT_AGENT,
	        .action = ACTION_DEGRADED,
	        .cause = CAUSE_LIVE,
	        .detail = detail};
	rc = usage_put(txn, host, usage);
	return rc == 0 ? eventlog_note(txn, host, out) : rc;
}

/* --- streams ---------------------------------------------------------------------------------- */

bool usage_may_begin_stream(const struct usage *usage, uint64_t limit, int64_t now_ns)
{
	return limit == 0 || usage->stream_day != usage_day(now_ns) || usage->streams < limit;
}

void usage_count_stream(struct usage *usage, int64_t now_ns)
{
	if (usage->stream_day != usage_day(now_ns))
		usage->streams = 0;
	usage->stream_day = usage_day(now_ns);
	usage->streams++;
}
