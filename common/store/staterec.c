#include "common/store/staterec.h"

#include "common/model/xattrs.h"
#include "common/store/pathkey.h"

#define VERSION 2

static uint64_t zigzag(int64_t value)
{
	return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t value)
{
	return (int64_t)((value >> 1) ^ ((value & 1) ? UINT64_MAX : 0));
}

static void append_text(struct buf *out, struct slice text)
{
	buf_append_varint(out, text.len);
	buf_append_slice(out, text);
}

void staterec_append(struct buf *out, struct slice path, const struct filestate *state)
{
	buf_append_byte(out, VERSION);
	buf_append_byte(out, (uint8_t)((unsigned)state->type | (unsigned)state->hash << 4));
	buf_append_varint(out, state->mode);
	buf_append_varint(out, state->uid);
	buf_append_varint(out, state->gid);
	buf_append_varint(out, state->size);
	buf_append_varint(out, zigzag(state->mtime_ns));
	buf_append_varint(out, zigzag(state->ctime_ns));
	buf_append_varint(out, state->inode);
	buf_append_varint(out, state->device);
	if (state->hash == HASH_DONE)
		buf_append(out, state->sha256, SHA256_BYTES);
	append_text(out, state->target);
	append_text(out, state->owner);
	append_text(out, state->group);
	append_text(out, pathkey_is_short(path) ? path : slice_of(NULL, 0));
	if (!state->has_attributes)
		return;
	buf_append_varint(out, state->flags);
	buf_append_slice(out, state->xattrs);
}

static bool take_u32(struct slice *in, uint32_t *out)
{
	uint64_t value;
	if (!slice_take_varint(in, &value) || value > UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool take_time(struct slice *in, int64_t *out)
{
	uint64_t value;
	if (!slice_take_varint(in, &value))
		return false;
	*out = unzigzag(value);
	return true;
}

static bool take_text(struct slice *in, struct slice *out)
{
	uint64_t len;
	if (!slice_take_varint(in, &len) || len > in->len || !slice_take(in, (size_t)len, out))
		return false;
	if (len == 0)
		*out = slice_of(NULL, 0);
	return true;
}

static bool take_kinds(struct slice *in, struct filestate *out)
{
	uint8_t kinds;
	if (!slice_take_byte(in, &kinds))
		return false;
	unsigned type = kinds & 0x0f;
	unsigned hash = kinds >> 4;
	if (type > FILE_BLOCK || hash > HASH_UNSTABLE)
		return false;
	out->type = (enum file_type)type;
	out->hash = (enum hash_status)hash;
	return true;
}

static bool take_hash(struct slice *in, struct filestate *out)
{
	struct slice sha256;
	if (out->hash != HASH_DONE)
		return true;
	if (!slice_take(in, SHA256_BYTES, &sha256))
		return false;
	memcpy(out->sha256, sha256.ptr, SHA256_BYTES);
	return true;
}

/* All that is left of the record. */
static bool take_attributes(struct slice *in, uint8_t version, struct filestate *out)
{
	if (in->len == 0)
		return true;
	if (version < 2 || !take_u32(in, &out->flags) || (out->flags & ~FILE_FLAGS_MASK) ||
	        !xattrs_check(*in))
		return false;
	out->has_attributes = true;
	out->xattrs = in->len > 0 ? *in : slice_of(NULL, 0);
	in->len = 0;
	return true;
}

int staterec_read(struct slice record, struct filestate *out, struct slice *out_path)
{
	uint8_t version;
	struct filestate state = {0};
	struct slice path;
	if (!slice_take_byte(&record, &version) || version == 0)
		return ERR_FORMAT;
	if (version > VERSION)
		return ERR_VERSION;
	bool is_whole = take_kinds(&record, &state) && take_u32(&record, &state.mode) &&
	                take_u32(&record, &state.uid) && take_u32(&record, &state.gid) &&
	                slice_take_varint(&record, &state.size) &&
	                take_time(&record, &state.mtime_ns) &&
	                take_time(&record, &state.ctime_ns) &&
	                slice_take_varint(&record, &state.inode) &&
	                slice_take_varint(&record, &state.device) && take_hash(&record, &state) &&
	                take_text(&record, &state.target) && take_text(&record, &state.owner) &&
	                take_text(&record, &state.group) && take_text(&record, &path) &&
	                take_attributes(&record, version, &state);
	if (!is_whole || record.len != 0)
		return ERR_FORMAT;
	*out = state;
	if (out_path != NULL)
		*out_path = path;
	return 0;
}
