#include "common/codec/wire.h"

#include "common/base/buf.h"
#include "common/codec/wire_proto.h"

#define MODE_MAX 07777

#define STATE(field) offsetof(struct filestate, field)
#define EVENT(field) offsetof(struct event, field)

static const struct proto_row state_rows[] = {
        {1, "type", PROTO_U32, STATE(type), FILE_BLOCK, 0, NULL},
        {2, "hash", PROTO_U32, STATE(hash), HASH_UNSTABLE, 0, NULL},
        {3, "mode", PROTO_U32, STATE(mode), MODE_MAX, 0, NULL},
        {4, "uid", PROTO_U32, STATE(uid), UINT32_MAX, 0, NULL},
        {5, "gid", PROTO_U32, STATE(gid), UINT32_MAX, 0, NULL},
        {6, "size", PROTO_U64, STATE(size), UINT64_MAX, 0, NULL},
        {7, "mtime_ns", PROTO_S64, STATE(mtime_ns), 0, 0, NULL},
        {8, "ctime_ns", PROTO_S64, STATE(ctime_ns), 0, 0, NULL},
        {9, "inode", PROTO_U64, STATE(inode), UINT64_MAX, 0, NULL},
        {10, "device", PROTO_U64, STATE(device), UINT64_MAX, 0, NULL},
        {11, "sha256", PROTO_FIXED, STATE(sha256), SHA256_BYTES, 0, NULL},
        {12, "target", PROTO_BYTES, STATE(target), EVENT_PATH_BYTES, 0, NULL},
        {13, "owner", PROTO_BYTES, STATE(owner), WIRE_TEXT_MAX, 0, NULL},
        {14, "group", PROTO_BYTES, STATE(group), WIRE_TEXT_MAX, 0, NULL},
};
static const struct proto_table state_table = {
        state_rows, sizeof(state_rows) / sizeof(state_rows[0])};

static const struct proto_row fact_rows[] = {
        {1, "kind", PROTO_U32, offsetof(struct fact, kind), FACT_KIND_MAX, 0, NULL},
        {2, "field", PROTO_ARRAY, offsetof(struct fact, field), FACT_FIELD_BYTES, FACT_FIELDS_MAX,
                NULL},
};
static const struct proto_table fact_table = {fact_rows, sizeof(fact_rows) / sizeof(fact_rows[0])};

static const struct proto_row event_rows[] = {
        {1, "time_ns", PROTO_S64, EVENT(time_ns), 0, 0, NULL},
        {2, "kind", PROTO_U32, EVENT(kind), EVENT_AGENT, 0, NULL},
        {3, "action", PROTO_U32, EVENT(action), ACTION_MAX, 0, NULL},
        {4, "cause", PROTO_U32, EVENT(cause), CAUSE_MAX, 0, NULL},
        {5, "count", PROTO_U32, EVENT(count), UINT32_MAX, 0, NULL},
        {6, "path", PROTO_BYTES, EVENT(path), EVENT_PATH_BYTES, 0, NULL},
        {7, "old_path", PROTO_BYTES, EVENT(old_path), EVENT_PATH_BYTES, 0, NULL},
        {8, "changed", PROTO_U32, EVENT(changed), UINT32_MAX, 0, NULL},
        {9, "before", PROTO_PART, EVENT(before), 0, sizeof(struct filestate), &state_table},
        {10, "after", PROTO_PART, EVENT(after), 0, sizeof(struct filestate), &state_table},
        {11, "fact_before", PROTO_PART, EVENT(fact_before), 0, sizeof(struct fact), &fact_table},
        {12, "fact_after", PROTO_PART, EVENT(fact_after), 0, sizeof(struct fact), &fact_table},
        {13, "detail", PROTO_BYTES, EVENT(detail), WIRE_TEXT_MAX, 0, NULL},
};
static const struct proto_table event_table = {
        event_rows, sizeof(event_rows) / sizeof(event_rows[0])};

/* The rows write numbers of 32 bits into enums. */
_Static_assert(sizeof(enum file_type) == 4 && sizeof(enum hash_status) == 4 &&
                       sizeof(enum fact_kind) == 4 && sizeof(enum event_kind) == 4 &&
                       sizeof(enum event_action) == 4 && sizeof(enum event_cause) == 4,
        "enums have 32 bits");

/* --- what the tables cannot say --------------------------------------------------------------- */

static int check_state(const struct filestate *state, const char *name, struct reason *out_why)
{
	static const uint8_t zero[SHA256_BYTES];
	if (state == NULL)
		return 0;
	bool has_hash = memcmp(state->sha256, zero, SHA256_BYTES) != 0;
	if (has_hash != (state->hash == HASH_DONE))
		return fail(
		        out_why, ERR_FORMAT, "field '%s': hash status and sha256 disagree", name);
	return 0;
}

static int check_fact(const struct fact *fact, const char *name, struct reason *out_why)
{
	if (fact == NULL)
		return 0;
	unsigned count = fact_field_count(fact->kind);
	if (count == 0)
		return fail(out_why, ERR_FORMAT, "field '%s' has no kind", name);
	for (unsigned i = count; i < FACT_FIELDS_MAX; i++) {
		if (fact->field[i].len > 0)
			return fail(out_why, ERR_FORMAT, "field '%s' has too many fields", name);
	}
	return 0;
}

static int check(const struct event *event, struct reason *out_why)
{
	int rc = check_state(event->before, "before", out_why);
	if (rc == 0)
		rc = check_state(event->after, "after", out_why);
	if (rc == 0)
		rc = check_fact(event->fact_before, "fact_before", out_why);
	if (rc == 0)
		rc = check_fact(event->fact_after, "fact_after", out_why);
	if (rc == 0)
		rc = event_check(event, out_why);
	return rc;
}

/* What stands in sha256 without HASH_DONE has no meaning and is not to leave the host. */
static const struct filestate *without_stale_hash(
        const struct filestate *state, struct filestate *copy)
{
	if (state == NULL || state->hash == HASH_DONE)
		return state;
	*copy = *state;
	memset(copy->sha256, 0, sizeof(copy->sha256));
	return copy;
}

/* --- public ----------------------------------------------------------------------------------- */

int wire_event_encode(const struct event *event, struct buf *out)
{
	struct filestate before, after;
	struct event clean = *event;
	clean.before = without_stale_hash(event->before, &before);
	clean.after = without_stale_hash(event->after, &after);
	int rc = check(&clean, NULL);
	if (rc != 0)
		return rc;
	size_t start = out->len;
	rc = proto_encode(&event_table, &clean, out);
	if (rc == 0 && out->len - start > WIRE_EVENT_BYTES_MAX)
		rc = ERR_LIMIT;
	if (rc != 0)
		out->len = start;
	return rc;
}

int wire_event_decode(
        struct slice bytes, struct arena *arena, struct event *out, struct reason *out_why)
{
	struct event event = {0};
	if (bytes.len > WIRE_EVENT_BYTES_MAX)
		return fail(out_why, ERR_FORMAT, "event of %zu bytes is too long", bytes.len);
	int rc = proto_decode(&event_table, bytes, arena, &event, out_why);
	if (rc == 0)
		rc = check(&event, out_why);
	if (rc == 0)
		*out = event;
	return rc;
}
