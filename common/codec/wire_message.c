#include "common/codec/wire.h"

#include "common/base/buf.h"
#include "common/codec/wire_enroll.h"
#include "common/codec/wire_protobuf.h"
#include "common/codec/wire_sync.h"
#include "proto/tsujiban.pb-c.h"

#define REFUSAL_MAX     255 /* codes to come are passed on */
#define EVENTS_PER_PACK 64

/* Of each message: what it may hold, checked before encoding and after decoding alike, and its two
 * forms. */

/* --- hello and welcome ------------------------------------------------------------------------ */

static int check_hello(const struct hello *hello, struct reason *out_why)
{
	static const uint8_t zero[WIRE_STREAM_ID_BYTES];
	if (memcmp(hello->stream_id, zero, sizeof(zero)) == 0)
		return fail(out_why, ERR_FORMAT, "field 'stream_id' is missing");
	if (hello->first_seq == 0 || hello->first_seq > hello->next_seq)
		return fail(out_why, ERR_FORMAT, "field 'first_seq' is not between 1 and next_seq");
	if (wire_check_root(hello->facts_root, out_why) != 0)
		return ERR_FORMAT;
	return wire_check_text("agent_version", hello->agent_version, WIRE_TEXT_MAX, out_why);
}

static int pack_hello(const struct hello *hello, struct buf *out)
{
	Tsujiban__V1__Hello packed = TSUJIBAN__V1__HELLO__INIT;
	packed.stream_id = wire_bytes(slice_of(hello->stream_id, WIRE_STREAM_ID_BYTES));
	packed.first_seq = hello->first_seq;
	packed.next_seq = hello->next_seq;
	packed.agent_version = wire_bytes(hello->agent_version);
	packed.facts_root = wire_bytes(hello->facts_root);
	return wire_pack(&packed.base, FRAME_PAYLOAD_MAX, out);
}

static int unpack_hello(
        struct slice payload, struct arena *arena, struct hello *out, struct reason *out_why)
{
	int rc;
	const Tsujiban__V1__Hello *packed = wire_unpack(
	        &tsujiban__v1__hello__descriptor, payload, arena, &rc, out_why);
	if (packed == NULL)
		return rc;
	if (packed->stream_id.len > 0) {
		if (packed->stream_id.len != WIRE_STREAM_ID_BYTES)
			return fail(out_why, ERR_FORMAT, "field 'stream_id' has the wrong length");
		memcpy(out->stream_id, packed->stream_id.data, WIRE_STREAM_ID_BYTES);
	}
	out->first_seq = packed->first_seq;
	out->next_seq = packed->next_seq;
	out->agent_version = wire_slice(packed->agent_version);
	out->facts_root = wire_slice(packed->facts_root);
	return 0;
}

static int pack_welcome(const struct welcome *welcome, struct buf *out)
{
	Tsujiban__V1__Welcome packed = TSUJIBAN__V1__WELCOME__INIT;
	packed.stored_seq = welcome->stored_seq;
	packed.host = wire_bytes(welcome->host);
	packed.heartbeat_s = welcome->heartbeat_s;
	packed.config_version = welcome->config_version;
	return wire_pack(&packed.base, FRAME_PAYLOAD_MAX, out);
}

static int unpack_welcome(
        struct slice payload, struct arena *arena, struct welcome *out, struct reason *out_why)
{
	int rc;
	const Tsujiban__V1__Welcome *packed = wire_unpack(
	        &tsujiban__v1__welcome__descriptor, payload, arena, &rc, out_why);
	if (packed == NULL)
		return rc;
	*out = (struct welcome){.stored_seq = packed->stored_seq,
	        .host = wire_slice(packed->host),
	        .heartbeat_s = packed->heartbeat_s,
	        .config_version = packed->config_version};
	return 0;
}

/* --- batch and ack ---------------------------------------------------------------------------- */

static int check_count(size_t count, struct reason *out_why)
{
	if (count == 0)
		return fail(out_why, ERR_FORMAT, "field 'events' is missing");
	if (count > WIRE_BATCH_EVENTS_MAX)
		return fail(out_why, ERR_LIMIT, "field 'events' has too many");
	return 0;
}

static int check_batch(const struct batch *batch, struct reason *out_why)
{
	int rc = check_count(batch->count, out_why);
	if (rc != 0)
		return rc;
	rc = wire_check_root(batch->facts_root, out_why);
	if (rc != 0)
		return rc;
	if (batch->first_seq == 0 || batch->first_seq > UINT64_MAX - WIRE_BATCH_EVENTS_MAX)
		return fail(out_why, ERR_FORMAT, "field 'first_seq' is out of range");
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->events[i].len == 0)
			return fail(out_why, ERR_FORMAT, "field 'events' has an empty one");
		if (batch->events[i].len > WIRE_EVENT_BYTES_MAX)
			return fail(out_why, ERR_LIMIT, "field 'events' has one that is too long");
	}
	return 0;
}

/* Packed messages one behind the other are one message, its repeated fields joined: so an array of
 * a few events on the stack is enough. The bytes are those of the whole packed at once.
 * https://protobuf.dev/programming-guides/encoding/#last-one-wins */
static int pack_batch(const struct batch *batch, struct buf *out)
{
	ProtobufCBinaryData events[EVENTS_PER_PACK];
	Tsujiban__V1__Batch packed = TSUJIBAN__V1__BATCH__INIT;
	size_t start = out->len;
	packed.first_seq = batch->first_seq;
	packed.events = events;
	for (size_t i = 0; i < batch->count; i += packed.n_events) {
		size_t left = batch->count - i;
		packed.n_events = left < EVENTS_PER_PACK ? left : EVENTS_PER_PACK;
		if (left == packed.n_events)
			packed.facts_root = wire_bytes(batch->facts_root);
		for (size_t k = 0; k < packed.n_events; k++)
			events[k] = wire_bytes(batch->events[i + k]);
		int rc = wire_pack(&packed.base, FRAME_PAYLOAD_MAX - (out->len - start), out);
		if (rc != 0) {
			out->len = start;
			return rc;
		}
		packed.first_seq = 0; /* stands already */
	}
	return 0;
}

static int unpack_batch(
        struct slice payload, struct arena *arena, struct batch *out, struct reason *out_why)
{
	int rc;
	const Tsujiban__V1__Batch *packed = wire_unpack(
	        &tsujiban__v1__batch__descriptor, payload, arena, &rc, out_why);
	if (packed == NULL)
		return rc;
	if (check_count(packed->n_events, out_why) != 0)
		return ERR_FORMAT;
	out->first_seq = packed->first_seq;
	out->facts_root = wire_slice(packed->facts_root);
	out->count = packed->n_events;
	out->events = arena_alloc_zeroed(arena, packed->n_events, sizeof(*out->events));
	if (out->events == NULL)
		return fail(out_why, ERR_LIMIT, "batch of %zu events is too large", out->count);
	for (size_t i = 0; i < out->count; i++)
		out->events[i] = wire_slice(packed->events[i]);
	return 0;
}

static int pack_ack(const struct ack *ack, struct buf *out)
{
	Tsujiban__V1__Ack packed = TSUJIBAN__V1__ACK__INIT;
	packed.stored_seq = ack->stored_seq;
	return wire_pack(&packed.base, FRAME_PAYLOAD_MAX, out);
}

static int unpack_ack(
        struct slice payload, struct arena *arena, struct ack *out, struct reason *out_why)
{
	int rc;
	const Tsujiban__V1__Ack *packed = wire_unpack(
	        &tsujiban__v1__ack__descriptor, payload, arena, &rc, out_why);
	if (packed == NULL)
		return rc;
	out->stored_seq = packed->stored_seq;
	return 0;
}

/* --- heartbeat and refused -------------------------------------------------------------------- */

static int unpack_heartbeat(struct slice payload, struct arena *arena, struct reason *out_why)
{
	int rc = 0;
	wire_unpack(&tsujiban__v1__heartbeat__descriptor, payload, arena, &rc, out_why);
	return rc;
}

static int check_refused(const struct refused *refused, struct reason *out_why)
{
	unsigned code = refused->code;
	if (code == 0)
		return fail(out_why, ERR_FORMAT, "field 'code' is missing");
	if (code > REFUSAL_MAX)
		return fail(out_why, ERR_LIMIT, "field 'code' is out of range");
	return wire_check_text("text", refused->text, WIRE_TEXT_MAX, out_why);
}

static int pack_refused(const struct refused *refused, struct buf *out)
{
	Tsujiban__V1__Refused packed = TSUJIBAN__V1__REFUSED__INIT;
	packed.code = refused->code;
	packed.text = wire_bytes(refused->text);
	return wire_pack(&packed.base, FRAME_PAYLOAD_MAX, out);
}

static int unpack_refused(
        struct slice payload, struct arena *arena, struct refused *out, struct reason *out_why)
{
	int rc;
	const Tsujiban__V1__Refused *packed = wire_unpack(
	        &tsujiban__v1__refused__descriptor, payload, arena, &rc, out_why);
	if (packed == NULL)
		return rc;
	*out = (struct refused){
	        .code = (enum refusal)packed->code, .text = wire_slice(packed->text)};
	return 0;
}

/* --- public ----------------------------------------------------------------------------------- */

static bool is_spoken(enum frame_kind kind)
{
	switch (kind) {
	case FRAME_HELLO:
	case FRAME_WELCOME:
	case FRAME_BATCH:
	case FRAME_ACK:
	case FRAME_HEARTBEAT:
	case FRAME_REFUSED:
	case FRAME_ENROLL_REQUEST:
	case FRAME_ENROLL_REPLY:
	case FRAME_RENEW_REQUEST:
	case FRAME_RENEW_REPLY:
	case FRAME_OFFER:
	case FRAME_WANT:
	case FRAME_BUCKET:
		return true;
	default:
		return false;
	}
}

static int check(const struct message *message, struct reason *out_why)
{
	switch (message->kind) {
	case FRAME_HELLO:
		return check_hello(&message->hello, out_why);
	case FRAME_WELCOME:
		return wire_check_text("host", message->welcome.host, WIRE_TEXT_MAX, out_why);
	case FRAME_BATCH:
		return check_batch(&message->batch, out_why);
	case FRAME_REFUSED:
		return check_refused(&message->refused, out_why);
	case FRAME_ENROLL_REQUEST:
		return wire_check_enroll_request(&message->enroll_request, out_why);
	case FRAME_ENROLL_REPLY:
	case FRAME_RENEW_REPLY:
		return wire_check_enroll_reply(&message->enroll_reply, out_why);
	case FRAME_RENEW_REQUEST:
		return wire_check_renew_request(&message->renew_request, out_why);
	case FRAME_OFFER:
		return wire_check_offer(&message->offer, out_why);
	case FRAME_WANT:
		return wire_check_want(&message->want, out_why);
	case FRAME_BUCKET:
		return wire_check_bucket(&message->bucket, out_why);
	default:
		return 0;
	}
}

static int pack(const struct message *message, struct buf *out)
{
	switch (message->kind) {
	case FRAME_HELLO:
		return pack_hello(&message->hello, out);
	case FRAME_WELCOME:
		return pack_welcome(&message->welcome, out);
	case FRAME_BATCH:
		return pack_batch(&message->batch, out);
	case FRAME_ACK:
		return pack_ack(&message->ack, out);
	case FRAME_REFUSED:
		return pack_refused(&message->refused, out);
	case FRAME_ENROLL_REQUEST:
		return wire_pack_enroll_request(&message->enroll_request, out);
	case FRAME_ENROLL_REPLY:
	case FRAME_RENEW_REPLY:
		return wire_pack_enroll_reply(&message->enroll_reply, out);
	case FRAME_RENEW_REQUEST:
		return wire_pack_renew_request(&message->renew_request, out);
	case FRAME_OFFER:
		return wire_pack_offer(&message->offer, out);
	case FRAME_WANT:
		return wire_pack_want(&message->want, out);
	case FRAME_BUCKET:
		return wire_pack_bucket(&message->bucket, out);
	default:
		return 0;
	}
}

static int unpack(
        struct slice payload, struct arena *arena, struct message *out, struct reason *out_why)
{
	switch (out->kind) {
	case FRAME_HELLO:
		return unpack_hello(payload, arena, &out->hello, out_why);
	case FRAME_WELCOME:
		return unpack_welcome(payload, arena, &out->welcome, out_why);
	case FRAME_BATCH:
		return unpack_batch(payload, arena, &out->batch, out_why);
	case FRAME_ACK:
		return unpack_ack(payload, arena, &out->ack, out_why);
	case FRAME_REFUSED:
		return unpack_refused(payload, arena, &out->refused, out_why);
	case FRAME_ENROLL_REQUEST:
		return wire_unpack_enroll_request(payload, arena, &out->enroll_request, out_why);
	case FRAME_ENROLL_REPLY:
	case FRAME_RENEW_REPLY:
		return wire_unpack_enroll_reply(payload, arena, &out->enroll_reply, out_why);
	case FRAME_RENEW_REQUEST:
		return wire_unpack_renew_request(payload, arena, &out->renew_request, out_why);
	case FRAME_OFFER:
		return wire_unpack_offer(payload, arena, &out->offer, out_why);
	case FRAME_WANT:
		return wire_unpack_want(payload, arena, &out->want, out_why);
	case FRAME_BUCKET:
		return wire_unpack_bucket(payload, arena, &out->bucket, out_why);
	default:
		return unpack_heartbeat(payload, arena, out_why);
	}
}

int wire_encode(const struct message *message, struct buf *out)
{
	if (!is_spoken(message->kind))
		return ERR_FORMAT;
	int rc = check(message, NULL);
	return rc == 0 ? pack(message, out) : rc;
}

int wire_decode(enum frame_kind kind, struct slice payload, struct arena *arena,
        struct message *out, struct reason *out_why)
{
	struct message message = {.kind = kind};
	struct reason why = {""};
	if (!is_spoken(kind))
		return fail(out_why, ERR_FORMAT, "%s messages are not spoken by this program",
		        frame_kind_name(kind));
	int rc = unpack(payload, arena, &message, &why);
	/* Only a full arena is a limit here; above a cap is another wrong field. */
	if (rc == 0 && check(&message, &why) != 0)
		rc = ERR_FORMAT;
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
