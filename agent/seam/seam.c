/*
 * Payloads, in the order of the structs' members: numbers are 8 bytes big endian, texts and bytes
 * have their length in front (4 bytes). Of EVENTS the events stand behind their number (4 bytes).
 */
#include "agent/seam/seam.h"

/* --- encoding --------------------------------------------------------------------------------- */

static void append_bytes(struct buf *out, struct slice bytes)
{
	buf_append_u32(out, (uint32_t)bytes.len);
	buf_append_slice(out, bytes);
}

static void encode_greeting(const struct seam_greeting *greeting, struct buf *out)
{
	buf_append(out, greeting->stream_id, sizeof greeting->stream_id);
	buf_append_u64(out, greeting->first_seq);
	buf_append_u64(out, greeting->next_seq);
	append_bytes(out, greeting->facts_root);
	append_bytes(out, greeting->key_pem);
	append_bytes(out, greeting->cert_pem);
	append_bytes(out, greeting->ca_pem);
}

static void encode_events(const struct seam_events *events, struct buf *out)
{
	buf_append_u64(out, events->batch.first_seq);
	append_bytes(out, events->batch.facts_root);
	buf_append_u64(out, events->changed_seq);
	buf_append_u32(out, (uint32_t)events->batch.count);
	for (size_t i = 0; i < events->batch.count; i++)
		append_bytes(out, events->batch.events[i]);
}

static void encode_status(const struct seam_status *status, struct buf *out)
{
	buf_append_byte(out, (uint8_t)status->link);
	buf_append_u64(out, status->connected_since_ns);
	append_bytes(out, status->host);
	append_bytes(out, status->why);
	append_bytes(out, status->confined);
	append_bytes(out, status->not_confined);
}

void seam_encode(const struct seam_message *message, struct buf *out)
{
	switch (message->kind) {
	case SEAM_SETTINGS:
	case SEAM_SORRY:
	case SEAM_INSTALLED:
		append_bytes(out, message->text);
		break;
	case SEAM_PULL:
	case SEAM_CONFIRMED:
		buf_append_u64(out, message->seq);
		break;
	case SEAM_GREETING:
		encode_greeting(&message->greeting, out);
		break;
	case SEAM_EVENTS:
		encode_events(&message->events, out);
		break;
	case SEAM_STATUS:
		encode_status(&message->status, out);
		break;
	case SEAM_WANT:
		append_bytes(out, message->want);
		break;
	case SEAM_ANSWER:
		buf_append_byte(out, (uint8_t)message->answer.kind);
		append_bytes(out, message->answer.payload);
		break;
	case SEAM_INSTALL:
		append_bytes(out, message->install.key_pem);
		append_bytes(out, message->install.cert_pem);
		break;
	case SEAM_ASK:
	case SEAM_ANEW:
	case SEAM_PING:
	case SEAM_PONG:
		break;
	}
}

/* --- decoding --------------------------------------------------------------------------------- */

static bool take_bytes(struct slice *in, size_t most, struct slice *out)
{
	uint32_t len;
	return slice_take_u32(in, &len) && len <= most && slice_take(in, len, out);
}

static bool take_root(struct slice *in, struct slice *out)
{
	return take_bytes(in, SECTION_ROOT_BYTES, out) &&
	       (out->len == 0 || out->len == SECTION_ROOT_BYTES);
}

static bool decode_greeting(struct slice *in, struct seam_greeting *out)
{
	struct slice stream_id;
	if (!slice_take(in, WIRE_STREAM_ID_BYTES, &stream_id))
		return false;
	memcpy(out->stream_id, stream_id.ptr, WIRE_STREAM_ID_BYTES);
	return slice_take_u64(in, &out->first_seq) && slice_take_u64(in, &out->next_seq) &&
	       out->first_seq > 0 && out->first_seq <= out->next_seq &&
	       take_root(in, &out->facts_root) && take_bytes(in, SEAM_PEM_MAX, &out->key_pem) &&
	       take_bytes(in, SEAM_PEM_MAX, &out->cert_pem) &&
	       take_bytes(in, SEAM_PEM_MAX, &out->ca_pem);
}

static bool decode_events(struct slice *in, struct arena *arena, struct seam_events *out)
{
	uint32_t count;
	struct batch *batch = &out->batch;
	if (!slice_take_u64(in, &batch->first_seq) || !take_root(in, &batch->facts_root) ||
	        !slice_take_u64(in, &out->changed_seq) || !slice_take_u32(in, &count))
		return false;
	if (count == 0 || count > SEAM_BATCH_EVENTS || batch->first_seq == 0 ||
	        batch->first_seq + count < batch->first_seq)
		return false;
	batch->count = count;
	batch->events = arena_alloc_zeroed(arena, count, sizeof *batch->events);
	for (size_t i = 0; batch->events && i < count; i++)
		if (!take_bytes(in, WIRE_EVENT_BYTES_MAX, &batch->events[i]))
			return false;
	return batch->events != NULL;
}

static bool decode_status(struct slice *in, struct seam_status *out)
{
	uint8_t link;
	if (!slice_take_byte(in, &link) || link > SEAM_LINK_MAX)
		return false;
	out->link = (enum seam_link)link;
	return slice_take_u64(in, &out->connected_since_ns) &&
	       take_bytes(in, SEAM_HOST_NAME_MAX, &out->host) &&
	       take_bytes(in, SEAM_TEXT_MAX, &out->why) &&
	       take_bytes(in, SEAM_TEXT_MAX, &out->confined) &&
	       take_bytes(in, SEAM_TEXT_MAX, &out->not_confined);
}

static bool decode_answer(struct slice *in, struct seam_message *out)
{
	uint8_t kind;
	if (!slice_take_byte(in, &kind) || (kind != FRAME_OFFER && kind != FRAME_BUCKET))
		return false;
	out->answer.kind = (enum frame_kind)kind;
	return take_bytes(in, SEAM_ANSWER_MAX, &out->answer.payload);
}

static bool decode(struct slice *in, struct arena *arena, struct seam_message *out)
{
	switch (out->kind) {
	case SEAM_SETTINGS:
	case SEAM_SORRY:
	case SEAM_INSTALLED:
		return take_bytes(in, SEAM_TEXT_MAX, &out->text);
	case SEAM_PULL:
	case SEAM_CONFIRMED:
		return slice_take_u64(in, &out->seq);
	case SEAM_GREETING:
		return decode_greeting(in, &out->greeting);
	case SEAM_EVENTS:
		return decode_events(in, arena, &out->events);
	case SEAM_STATUS:
		return decode_status(in, &out->status);
	case SEAM_WANT:
		return take_bytes(in, SEAM_MESSAGE_MAX, &out->want);
	case SEAM_ANSWER:
		return decode_answer(in, out);
	case SEAM_INSTALL:
		return take_bytes(in, SEAM_PEM_MAX, &out->install.key_pem) &&
		       take_bytes(in, SEAM_PEM_MAX, &out->install.cert_pem);
	case SEAM_ASK:
	case SEAM_ANEW:
	case SEAM_PING:
	case SEAM_PONG:
		return true;
	}
	return false;
}

int seam_decode(uint8_t kind, struct slice payload, struct arena *arena, struct seam_message *out,
        struct reason *out_why)
{
	if (kind == 0 || kind > SEAM_KIND_MAX)
		return fail(out_why, ERR_FORMAT, "the other half sent a message of kind %u", kind);
	*out = (struct seam_message){.kind = (enum seam_kind)kind};
	if (!decode(&payload, arena, out) || payload.len != 0)
		return fail(out_why, ERR_FORMAT, "the other half sent a broken message of kind %u",
		        kind);
	return 0;
}
