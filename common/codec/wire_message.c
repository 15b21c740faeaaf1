#include "common/codec/wire.h"

#include "common/base/buf.h"
#include "common/codec/wire_proto.h"

#define BATCH_FIRST_SEQ 1
#define BATCH_EVENTS    2
#define REFUSAL_MAX     255 /* codes to come are passed on */

#define HELLO(field)   offsetof(struct hello, field)
#define WELCOME(field) offsetof(struct welcome, field)
#define REQUEST(field) offsetof(struct enroll_request, field)
#define REPLY(field)   offsetof(struct enroll_reply, field)

static const struct proto_row hello_rows[] = {
        {1, "stream_id", PROTO_FIXED, HELLO(stream_id), WIRE_STREAM_ID_BYTES, 0, NULL},
        {2, "first_seq", PROTO_U64, HELLO(first_seq), UINT64_MAX, 0, NULL},
        {3, "next_seq", PROTO_U64, HELLO(next_seq), UINT64_MAX, 0, NULL},
        {4, "agent_version", PROTO_TEXT, HELLO(agent_version), WIRE_TEXT_MAX, 0, NULL},
};

static const struct proto_row welcome_rows[] = {
        {1, "stored_seq", PROTO_U64, WELCOME(stored_seq), UINT64_MAX, 0, NULL},
        {2, "host", PROTO_TEXT, WELCOME(host), WIRE_TEXT_MAX, 0, NULL},
        {3, "heartbeat_s", PROTO_U32, WELCOME(heartbeat_s), UINT32_MAX, 0, NULL},
        {4, "config_version", PROTO_U64, WELCOME(config_version), UINT64_MAX, 0, NULL},
};

static const struct proto_row ack_rows[] = {
        {1, "stored_seq", PROTO_U64, offsetof(struct ack, stored_seq), UINT64_MAX, 0, NULL},
};

static const struct proto_row refused_rows[] = {
        {1, "code", PROTO_U32, offsetof(struct refused, code), REFUSAL_MAX, 0, NULL},
        {2, "text", PROTO_TEXT, offsetof(struct refused, text), WIRE_TEXT_MAX, 0, NULL},
};

static const struct proto_row request_rows[] = {
        {1, "token", PROTO_TEXT, REQUEST(token), WIRE_TEXT_MAX, 0, NULL},
        {2, "host", PROTO_TEXT, REQUEST(host), WIRE_TEXT_MAX, 0, NULL},
        {3, "csr_pem", PROTO_TEXT, REQUEST(csr_pem), WIRE_PEM_MAX, 0, NULL},
        {4, "agent_version", PROTO_TEXT, REQUEST(agent_version), WIRE_TEXT_MAX, 0, NULL},
};

static const struct proto_row reply_rows[] = {
        {1, "host", PROTO_TEXT, REPLY(host), WIRE_TEXT_MAX, 0, NULL},
        {2, "cert_pem", PROTO_TEXT, REPLY(cert_pem), WIRE_PEM_MAX, 0, NULL},
        {3, "ca_pem", PROTO_TEXT, REPLY(ca_pem), WIRE_PEM_MAX, 0, NULL},
};

static const struct proto_row renew_rows[] = {
        {1, "csr_pem", PROTO_TEXT, offsetof(struct renew_request, csr_pem), WIRE_PEM_MAX, 0, NULL},
};

#define TABLE(rows)                                    \
	{                                              \
		rows, sizeof(rows) / sizeof((rows)[0]) \
	}

/* A kind without a row here or below (FRAME_BATCH) is not spoken. Heartbeat has no fields. */
static const struct proto_table tables[FRAME_KIND_MAX + 1] = {
        [FRAME_HELLO] = TABLE(hello_rows),
        [FRAME_WELCOME] = TABLE(welcome_rows),
        [FRAME_ACK] = TABLE(ack_rows),
        [FRAME_REFUSED] = TABLE(refused_rows),
        [FRAME_ENROLL_REQUEST] = TABLE(request_rows),
        [FRAME_ENROLL_REPLY] = TABLE(reply_rows),
        [FRAME_RENEW_REQUEST] = TABLE(renew_rows),
        [FRAME_RENEW_REPLY] = TABLE(reply_rows),
};

_Static_assert(sizeof(enum refusal) == 4, "enums have 32 bits");

static bool is_spoken(enum frame_kind kind)
{
	return kind == FRAME_BATCH || kind == FRAME_HEARTBEAT ||
	       ((unsigned)kind <= FRAME_KIND_MAX && tables[kind].row != NULL);
}

/* All structs of the union begin where it begins. */
static void *body_of(struct message *message)
{
	return &message->hello;
}

/* --- what the tables cannot say --------------------------------------------------------------- */

static int check_hello(const struct hello *hello, struct reason *out_why)
{
	static const uint8_t zero[WIRE_STREAM_ID_BYTES];
	if (memcmp(hello->stream_id, zero, sizeof(zero)) == 0)
		return fail(out_why, ERR_FORMAT, "field 'stream_id' is missing");
	if (hello->first_seq == 0 || hello->first_seq > hello->next_seq)
		return fail(out_why, ERR_FORMAT, "field 'first_seq' is not between 1 and next_seq");
	return 0;
}

static int check_batch(const struct batch *batch, struct reason *out_why)
{
	if (batch->first_seq == 0 || batch->first_seq > UINT64_MAX - WIRE_BATCH_EVENTS_MAX)
		return fail(out_why, ERR_FORMAT, "field 'first_seq' is out of range");
	if (batch->count == 0)
		return fail(out_why, ERR_FORMAT, "field 'events' is missing");
	return 0;
}

static int check(const struct message *message, struct reason *out_why)
{
	if (message->kind == FRAME_HELLO)
		return check_hello(&message->hello, out_why);
	if (message->kind == FRAME_BATCH)
		return check_batch(&message->batch, out_why);
	if (message->kind == FRAME_REFUSED && message->refused.code == 0)
		return fail(out_why, ERR_FORMAT, "field 'code' is missing");
	return 0;
}

/* --- batches: thousands of events, borrowed one by one ------------------------------------------
 */

static int encode_batch(const struct batch *batch, struct buf *out)
{
	if (batch->count > WIRE_BATCH_EVENTS_MAX)
		return ERR_LIMIT;
	size_t start = out->len;
	proto_append_number(out, BATCH_FIRST_SEQ, batch->first_seq);
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->events[i].len == 0)
			return ERR_FORMAT;
		if (batch->events[i].len > WIRE_EVENT_BYTES_MAX)
			return ERR_LIMIT;
		proto_append_bytes(out, BATCH_EVENTS, batch->events[i]);
		if (out->len - start > FRAME_PAYLOAD_MAX)
			return ERR_LIMIT;
	}
	return 0;
}

/* Counts the events and checks all that can be wrong, so that the second walk cannot fail. */
static int survey_batch(struct slice payload, size_t *out_count, struct reason *out_why)
{
	struct proto_field field;
	size_t count = 0;
	bool seen_seq = false;
	int rc;
	while ((rc = proto_next(&payload, &field)) > 0) {
		if (field.number == BATCH_FIRST_SEQ) {
			if (!field.is_varint || seen_seq)
				return fail(out_why, ERR_FORMAT,
				        "field 'first_seq' has the wrong wire type or stands "
				        "twice");
			seen_seq = true;
		} else if (field.number == BATCH_EVENTS) {
			if (!field.is_bytes || field.bytes.len == 0 ||
			        field.bytes.len > WIRE_EVENT_BYTES_MAX)
				return fail(out_why, ERR_FORMAT,
				        "field 'events' has one that is empty or too long");
			if (++count > WIRE_BATCH_EVENTS_MAX)
				return fail(out_why, ERR_FORMAT, "field 'events' has too many");
		}
	}
	if (rc < 0)
		return fail(out_why, rc, "message is cut or no protobuf");
	if (count == 0)
		return fail(out_why, ERR_FORMAT, "field 'events' is missing");
	*out_count = count;
	return 0;
}

static int decode_batch(
        struct slice payload, struct arena *arena, struct batch *out, struct reason *out_why)
{
	struct proto_field field;
	size_t count = 0;
	int rc = survey_batch(payload, &count, out_why);
	if (rc != 0)
		return rc;
	out->events = arena_alloc(arena, count * sizeof(*out->events));
	if (out->events == NULL)
		return fail(out_why, ERR_LIMIT, "batch of %zu events is too large", count);
	while (proto_next(&payload, &field) > 0) {
		if (field.number == BATCH_FIRST_SEQ)
			out->first_seq = field.value;
		else if (field.number == BATCH_EVENTS)
			out->events[out->count++] = field.bytes;
	}
	return 0;
}

/* --- public ----------------------------------------------------------------------------------- */

int wire_encode(const struct message *message, struct buf *out)
{
	if (!is_spoken(message->kind))
		return ERR_FORMAT;
	int rc = check(message, NULL);
	if (rc != 0)
		return rc;
	size_t start = out->len;
	if (message->kind == FRAME_BATCH)
		rc = encode_batch(&message->batch, out);
	else
		rc = proto_encode(&tables[message->kind], &message->hello, out);
	if (rc != 0)
		out->len = start;
	return rc;
}

int wire_decode(enum frame_kind kind, struct slice payload, struct arena *arena,
        struct message *out, struct reason *out_why)
{
	struct message message = {.kind = kind};
	struct reason why = {""};
	if (!is_spoken(kind))
		return fail(out_why, ERR_FORMAT, "%s messages are not spoken by this program",
		        frame_kind_name(kind));
	int rc;
	if (kind == FRAME_BATCH)
		rc = decode_batch(payload, arena, &message.batch, &why);
	else
		rc = proto_decode(&tables[kind], payload, arena, body_of(&message), &why);
	if (rc == 0)
		rc = check(&message, &why);
	if (rc != 0)
		return fail(
		        out_why, rc, "cannot read %s message: %s", frame_kind_name(kind), why.text);
	*out = message;
	return 0;
}

int wire_append_frame(const struct message *message, struct buf *scratch, struct buf *out)
{
	buf_reset(scratch);
	int rc = wire_encode(message, scratch);
	if (rc != 0)
		return rc;
	return frame_append(out, message->kind, buf_slice(scratch));
}
