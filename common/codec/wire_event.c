#include "common/codec/wire.h"

#include "common/base/buf.h"
#include "common/codec/wire_protobuf.h"
#include "proto/tsujiban.pb-c.h"

/* --- checks: before packing and after unpacking alike ----------------------------------------- */

static int check_state(const struct filestate *state, const char *name, struct reason *out_why)
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
	return rc;
}

static int check_fact(const struct fact *fact, const char *name, struct reason *out_why)
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

static int check(const struct event *event, struct reason *out_why)
{
	int rc = wire_check_bytes("path", event->path, EVENT_PATH_BYTES, out_why);
	if (rc == 0)
		rc = wire_check_bytes("old_path", event->old_path, EVENT_PATH_BYTES, out_why);
	if (rc == 0)
		rc = wire_check_bytes("detail", event->detail, WIRE_TEXT_MAX, out_why);
	if (rc == 0)
		rc = check_state(event->before, "before", out_why);
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

/* --- packing: parts on the stack, bytes borrowed ---------------------------------------------- */

static Tsujiban__V1__FileState *state_part(
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
	return room;
}

struct fact_room {
	Tsujiban__V1__Fact fact;
	ProtobufCBinaryData field[FACT_FIELDS_MAX];
};

/* Trailing empty fields are left out; those before a full one hold its place. */
static Tsujiban__V1__Fact *fact_part(const struct fact *fact, struct fact_room *room)
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

int wire_event_encode(const struct event *event, struct buf *out)
{
	Tsujiban__V1__FileState before, after;
	struct fact_room fact_before, fact_after;
	Tsujiban__V1__Event packed = TSUJIBAN__V1__EVENT__INIT;
	int rc = check(event, NULL);
	if (rc != 0)
		return rc;
	packed.time_ns = event->time_ns;
	packed.kind = event->kind;
	packed.action = event->action;
	packed.cause = event->cause;
	packed.count = event->count;
	packed.path = wire_bytes(event->path);
	packed.old_path = wire_bytes(event->old_path);
	packed.changed = event->changed;
	packed.before = state_part(event->before, &before);
	packed.after = state_part(event->after, &after);
	packed.fact_before = fact_part(event->fact_before, &fact_before);
	packed.fact_after = fact_part(event->fact_after, &fact_after);
	packed.detail = wire_bytes(event->detail);
	return wire_pack(&packed.base, WIRE_EVENT_BYTES_MAX, out);
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

static int take_state(const Tsujiban__V1__FileState *part, const char *name, struct arena *arena,
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
	};
	*out = state;
	return take_sha256(part, name, state, out_why);
}

static int take_fact(const Tsujiban__V1__Fact *part, const char *name, struct arena *arena,
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

static int take_parts(const Tsujiban__V1__Event *packed, struct arena *arena, struct event *out,
        struct reason *out_why)
{
	int rc = take_state(packed->before, "before", arena, &out->before, out_why);
	if (rc == 0)
		rc = take_state(packed->after, "after", arena, &out->after, out_why);
	if (rc == 0)
		rc = take_fact(
		        packed->fact_before, "fact_before", arena, &out->fact_before, out_why);
	if (rc == 0)
		rc = take_fact(packed->fact_after, "fact_after", arena, &out->fact_after, out_why);
	return rc;
}

int wire_event_decode(
        struct slice bytes, struct arena *arena, struct event *out, struct reason *out_why)
{
	int rc;
	if (bytes.len > WIRE_EVENT_BYTES_MAX)
		return fail(out_why, ERR_FORMAT, "event of %zu bytes is too long", bytes.len);
	const Tsujiban__V1__Event *packed = wire_unpack(
	        &tsujiban__v1__event__descriptor, bytes, arena, &rc, out_why);
	if (packed == NULL)
		return rc;
	/* Of kinds and the like any number is taken here; check knows them. */
	struct event event = {
	        .time_ns = packed->time_ns,
	        .kind = (enum event_kind)packed->kind,
	        .action = (enum event_action)packed->action,
	        .cause = (enum event_cause)packed->cause,
	        .count = packed->count,
	        .path = wire_slice(packed->path),
	        .old_path = wire_slice(packed->old_path),
	        .changed = packed->changed,
	        .detail = wire_slice(packed->detail),
	};
	rc = take_parts(packed, arena, &event, out_why);
	if (rc != 0)
		return rc;
	/* Only a full arena is a limit here; above a cap is another wrong field. */
	if (check(&event, out_why) != 0)
		return ERR_FORMAT;
	*out = event;
	return 0;
}
