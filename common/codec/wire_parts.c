#include "common/codec/wire_parts.h"

#include "common/model/xattrs.h"

/* --- checks: before packing and after unpacking alike ----------------------------------------- */

int wire_state_check(const struct filestate *state, const char *name, struct reason *out_why)
{
	static const uint8_t zero[SHA256_BYTES];
	if (state == NULL)
		return 0;
	if (state->hash == HASH_DONE && memcmp(state->sha256, zero, SHA256_BYTES) == 0)
		return fail(
		        out_why, ERR_FORMAT, "field '%s': hash status and sha256 disagree", name);
	int rc = wire_check_bytes("target", state->target, EVENT_PATH_BYTES, out_why);
	if (rc == 0)
		rc = wire_check_bytes("owner", state->owner, WIRE_TEXT_MAX, out_why);
	if (rc == 0)
		rc = wire_check_bytes("group", state->group, WIRE_TEXT_MAX, out_why);
	if (rc == 0)
		rc = wire_check_bytes("xattrs", state->xattrs, XATTRS_BYTES_MAX, out_why);
	if (rc == 0 && !xattrs_check(state->xattrs))
		return fail(out_why, ERR_FORMAT, "field '%s': xattrs are not well formed", name);
	if (rc == 0 && (state->flags & ~FILE_FLAGS_MASK))
		return fail(out_why, ERR_FORMAT, "field '%s': unknown flags", name);
	if (rc == 0 && !state->has_attributes && (state->flags || state->xattrs.len > 0))
		return fail(out_why, ERR_FORMAT, "field '%s': attributes that are not there", name);
	return rc;
}

int wire_fact_check(const struct fact *fact, const char *name, struct reason *out_why)
{
	if (fact == NULL)
		return 0;
	unsigned count = fact_field_count(fact->kind);
	if (count == 0)
		return fail(out_why, ERR_FORMAT, "field '%s' is a fact of no known kind", name);
	for (unsigned i = count; i < FACT_FIELDS_MAX; i++) {
		if (fact->field[i].len > 0)
			return fail(out_why, ERR_FORMAT, "field '%s' has too many fields", name);
	}
	return 0;
}

/* --- packing: parts on the stack, bytes borrowed ---------------------------------------------- */

Tsujiban__V1__FileState *wire_state_part(
        const struct filestate *state, Tsujiban__V1__FileState *room)
{
	if (state == NULL)
		return NULL;
	tsujiban__v1__file_state__init(room);
	room->type = state->type;
	room->hash = state->hash;
	room->mode = state->mode;
	room->uid = state->uid;
	room->gid = state->gid;
	room->size = state->size;
	room->mtime_ns = state->mtime_ns;
	room->ctime_ns = state->ctime_ns;
	room->inode = state->inode;
	room->device = state->device;
	/* What stands in sha256 otherwise has no meaning and is not to leave the host. */
	if (state->hash == HASH_DONE)
		room->sha256 = wire_bytes(slice_of(state->sha256, SHA256_BYTES));
	room->target = wire_bytes(state->target);
	room->owner = wire_bytes(state->owner);
	room->group = wire_bytes(state->group);
	room->has_attributes = state->has_attributes;
	room->flags = state->flags;
	room->xattrs = wire_bytes(state->xattrs);
	return room;
}

/* Trailing empty fields are left out; those before a full one hold its place. */
Tsujiban__V1__Fact *wire_fact_part(const struct fact *fact, struct fact_room *room)
{
	if (fact == NULL)
		return NULL;
	tsujiban__v1__fact__init(&room->fact);
	room->fact.kind = fact->kind;
	room->fact.field = room->field;
	for (size_t i = 0; i < FACT_FIELDS_MAX; i++) {
		room->field[i] = wire_bytes(fact->field[i]);
		if (fact->field[i].len > 0)
			room->fact.n_field = i + 1;
	}
	return &room->fact;
}

/* --- unpacking -------------------------------------------------------------------------------- */

static int no_room(const char *name, struct reason *out_why)
{
	return fail(
	        out_why, ERR_LIMIT, "event is too large for its memory limit at field '%s'", name);
}

static int take_sha256(const Tsujiban__V1__FileState *part, const char *name, struct filestate *out,
        struct reason *out_why)
{
	size_t len = part->sha256.len;
	if (len != 0 && len != SHA256_BYTES)
		return fail(out_why, ERR_FORMAT, "field 'sha256' has the wrong length");
	if ((len != 0) != (part->hash == HASH_DONE))
		return fail(
		        out_why, ERR_FORMAT, "field '%s': hash status and sha256 disagree", name);
	if (len != 0)
		memcpy(out->sha256, part->sha256.data, SHA256_BYTES);
	return 0;
}

int wire_state_take(const Tsujiban__V1__FileState *part, const char *name, struct arena *arena,
        const struct filestate **out, struct reason *out_why)
{
	if (part == NULL)
		return 0;
	struct filestate *state = arena_alloc(arena, sizeof(*state));
	if (state == NULL)
		return no_room(name, out_why);
	*state = (struct filestate){
	        .type = (enum file_type)part->type,
	        .hash = (enum hash_status)part->hash,
	        .mode = part->mode,
	        .uid = part->uid,
	        .gid = part->gid,
	        .size = part->size,
	        .mtime_ns = part->mtime_ns,
	        .ctime_ns = part->ctime_ns,
	        .inode = part->inode,
	        .device = part->device,
	        .target = wire_slice(part->target),
	        .owner = wire_slice(part->owner),
	        .group = wire_slice(part->group),
	        .has_attributes = part->has_attributes,
	        .flags = part->flags,
	        .xattrs = wire_slice(part->xattrs),
	};
	*out = state;
	return take_sha256(part, name, state, out_why);
}

int wire_fact_take(const Tsujiban__V1__Fact *part, const char *name, struct arena *arena,
        const struct fact **out, struct reason *out_why)
{
	if (part == NULL)
		return 0;
	if (part->n_field > FACT_FIELDS_MAX)
		return fail(out_why, ERR_FORMAT, "field '%s' has too many fields", name);
	struct fact *fact = arena_alloc_zeroed(arena, 1, sizeof(*fact));
	if (fact == NULL)
		return no_room(name, out_why);
	fact->kind = (enum fact_kind)part->kind;
	for (size_t i = 0; i < part->n_field; i++)
		fact->field[i] = wire_slice(part->field[i]);
	*out = fact;
	return 0;
}
