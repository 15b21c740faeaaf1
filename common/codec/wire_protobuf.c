#include "common/codec/wire_protobuf.h"

#include "common/base/text.h"

struct unpacking {
	struct arena *arena;
	bool is_full;
};

static void *alloc_piece(void *data, size_t size)
{
	struct unpacking *unpacking = data;
	void *piece = arena_alloc(unpacking->arena, size);
	if (piece == NULL)
		unpacking->is_full = true;
	return piece;
}

/* protobuf-c frees on its way: its notes on the fields, what a later field replaces, and all after
 * an error. Kept until the arena ends, none of it can be used too late or freed twice. */
static void keep_piece(void *data, void *piece)
{
	(void)data;
	(void)piece;
}

void *wire_unpack(const ProtobufCMessageDescriptor *type, struct slice bytes, struct arena *arena,
        int *out_rc, struct reason *out_why)
{
	struct unpacking unpacking = {.arena = arena};
	ProtobufCAllocator allocator = {
	        .alloc = alloc_piece, .free = keep_piece, .allocator_data = &unpacking};
	void *message = protobuf_c_message_unpack(type, &allocator, bytes.len, bytes.ptr);
	if (message != NULL)
		return message;
	if (unpacking.is_full)
		*out_rc = fail(out_why, ERR_LIMIT, "'%s' is too large for its memory limit",
		        type->short_name);
	else
		*out_rc = fail(out_why, ERR_FORMAT, "bytes are cut or no protobuf of '%s'",
		        type->short_name);
	return NULL;
}

int wire_pack(const ProtobufCMessage *message, size_t limit_bytes, struct buf *out)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	if (len > limit_bytes)
		return ERR_LIMIT;
	out->len += protobuf_c_message_pack(message, buf_reserve(out, len));
	return 0;
}

int wire_check_bytes(const char *field, struct slice bytes, size_t max, struct reason *out_why)
{
	if (bytes.len > max)
		return fail(out_why, ERR_LIMIT, "field '%s' is too long", field);
	return 0;
}

int wire_check_text(const char *field, struct slice text, size_t max, struct reason *out_why)
{
	int rc = wire_check_bytes(field, text, max, out_why);
	if (rc != 0 || text.len == 0)
		return rc;
	if (memchr(text.ptr, '\0', text.len) != NULL || !text_is_utf8(text))
		return fail(out_why, ERR_FORMAT, "field '%s' is no text", field);
	return 0;
}
