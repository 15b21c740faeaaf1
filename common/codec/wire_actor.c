/*
 * The parts of an event that say why it happened: who acted, and which package transaction accounts
 * for it.
 */
#include "common/codec/wire_parts.h"

/* --- checks ----------------------------------------------------------------------------------- */

int wire_actor_check(const struct actor *actor, struct reason *out_why)
{
	if (actor == NULL)
		return 0;
	if (actor->pid == 0)
		return fail(out_why, ERR_FORMAT, "field 'actor' has no pid");
	if (actor->parent_count > ACTOR_PARENTS_MAX)
		return fail(out_why, ERR_FORMAT, "field 'actor' has too many parents");
	int rc = wire_check_bytes("exe", actor->exe, ACTOR_EXE_BYTES, out_why);
	if (rc == 0)
		rc = wire_check_bytes("cmdline", actor->cmdline, ACTOR_CMDLINE_BYTES, out_why);
	if (rc == 0)
		rc = wire_check_bytes("user", actor->user, ACTOR_NAME_BYTES, out_why);
	if (rc == 0)
		rc = wire_check_bytes("login_user", actor->login_user, ACTOR_NAME_BYTES, out_why);
	if (rc == 0)
		rc = wire_check_bytes("container", actor->container, ACTOR_NAME_BYTES, out_why);
	for (unsigned i = 0; rc == 0 && i < actor->parent_count; i++)
		rc = wire_check_bytes("parent", actor->parent[i], ACTOR_PARENT_BYTES, out_why);
	return rc;
}

int wire_explained_check(const struct explained *explained, struct reason *out_why)
{
	if (explained == NULL)
		return 0;
	unsigned state = explained->state;
	if (state == EXPLAINED_NONE || state > EXPLAINED_MAX)
		return fail(out_why, ERR_FORMAT, "field 'explained': unknown state %u", state);
	int rc = wire_check_bytes("manager", explained->manager, WIRE_TEXT_MAX, out_why);
	if (rc == 0)
		rc = wire_check_bytes("package", explained->package, WIRE_TEXT_MAX, out_why);
	if (rc == 0)
		rc = wire_check_bytes("version", explained->version, WIRE_TEXT_MAX, out_why);
	return rc;
}

int wire_transaction_check(const struct transaction *transaction, struct reason *out_why)
{
	if (transaction == NULL)
		return 0;
	if (transaction->id == 0)
		return fail(out_why, ERR_FORMAT, "field 'transaction' has no id");
	return wire_check_bytes("manager", transaction->manager, WIRE_TEXT_MAX, out_why);
}

/* --- packing ---------------------------------------------------------------------------------- */

/* The kernel's "none" is the largest number: the wire says 0 for it, which costs nothing. */
static uint32_t id_on_wire(uint32_t id)
{
	return id == ACTOR_NO_ID ? 0 : id + 1;
}

static uint32_t id_from_wire(uint32_t id)
{
	return id == 0 ? ACTOR_NO_ID : id - 1;
}

Tsujiban__V1__Actor *wire_actor_part(const struct actor *actor, struct actor_room *room)
{
	if (actor == NULL)
		return NULL;
	tsujiban__v1__actor__init(&room->actor);
	room->actor.pid = actor->pid;
	room->actor.started_ns = actor->started_ns;
	room->actor.exe = wire_bytes(actor->exe);
	room->actor.cmdline = wire_bytes(actor->cmdline);
	room->actor.uid = actor->uid;
	room->actor.gid = actor->gid;
	room->actor.login_uid = id_on_wire(actor->login_uid);
	room->actor.session = id_on_wire(actor->session);
	room->actor.user = wire_bytes(actor->user);
	room->actor.login_user = wire_bytes(actor->login_user);
	room->actor.container = wire_bytes(actor->container);
	room->actor.parent = room->parent;
	room->actor.n_parent = actor->parent_count;
	for (unsigned i = 0; i < actor->parent_count; i++)
		room->parent[i] = wire_bytes(actor->parent[i]);
	return &room->actor;
}

Tsujiban__V1__Explained *wire_explained_part(
        const struct explained *explained, Tsujiban__V1__Explained *room)
{
	if (explained == NULL)
		return NULL;
	tsujiban__v1__explained__init(room);
	room->state = explained->state;
	room->manager = wire_bytes(explained->manager);
	room->package = wire_bytes(explained->package);
	room->version = wire_bytes(explained->version);
	room->transaction = explained->transaction;
	return room;
}

Tsujiban__V1__Transaction *wire_transaction_part(
        const struct transaction *transaction, struct transaction_room *room)
{
	if (transaction == NULL)
		return NULL;
	tsujiban__v1__transaction__init(&room->transaction);
	room->transaction.id = transaction->id;
	room->transaction.manager = wire_bytes(transaction->manager);
	room->transaction.packages = transaction->packages;
	memcpy(room->events, transaction->events, sizeof room->events);
	room->transaction.events = room->events;
	room->transaction.n_events = EXPLAINED_MAX + 1;
	return &room->transaction;
}

/* --- unpacking -------------------------------------------------------------------------------- */

static void *room_for(
        struct arena *arena, size_t bytes, const char *name, int *out_rc, struct reason *out_why)
{
	void *room = arena_alloc_zeroed(arena, 1, bytes);
	*out_rc = room ? 0
	               : fail(out_why, ERR_LIMIT,
	                         "event is too large for its memory limit at field '%s'", name);
	return room;
}

int wire_actor_take(const Tsujiban__V1__Actor *part, struct arena *arena, const struct actor **out,
        struct reason *out_why)
{
	int rc = 0;
	if (part == NULL)
		return 0;
	if (part->n_parent > ACTOR_PARENTS_MAX)
		return fail(out_why, ERR_FORMAT, "field 'actor' has too many parents");
	struct actor *actor = room_for(arena, sizeof *actor, "actor", &rc, out_why);
	if (actor == NULL)
		return rc;
	*actor = (struct actor){
	        .pid = part->pid,
	        .started_ns = part->started_ns,
	        .exe = wire_slice(part->exe),
	        .cmdline = wire_slice(part->cmdline),
	        .uid = part->uid,
	        .gid = part->gid,
	        .login_uid = id_from_wire(part->login_uid),
	        .session = id_from_wire(part->session),
	        .user = wire_slice(part->user),
	        .login_user = wire_slice(part->login_user),
	        .container = wire_slice(part->container),
	        .parent_count = (unsigned)part->n_parent,
	};
	for (size_t i = 0; i < part->n_parent; i++)
		actor->parent[i] = wire_slice(part->parent[i]);
	*out = actor;
	return 0;
}

int wire_explained_take(const Tsujiban__V1__Explained *part, struct arena *arena,
        const struct explained **out, struct reason *out_why)
{
	int rc = 0;
	if (part == NULL)
		return 0;
	struct explained *explained = room_for(arena, sizeof *explained, "explained", &rc, out_why);
	if (explained == NULL)
		return rc;
	*explained = (struct explained){
	        .state = (enum explained_state)part->state,
	        .manager = wire_slice(part->manager),
	        .package = wire_slice(part->package),
	        .version = wire_slice(part->version),
	        .transaction = part->transaction,
	};
	*out = explained;
	return 0;
}

int wire_transaction_take(const Tsujiban__V1__Transaction *part, struct arena *arena,
        const struct transaction **out, struct reason *out_why)
{
	int rc = 0;
	if (part == NULL)
		return 0;
	if (part->n_events > EXPLAINED_MAX + 1)
		return fail(out_why, ERR_FORMAT, "field 'transaction' has too many counts");
	struct transaction *transaction = room_for(
	        arena, sizeof *transaction, "transaction", &rc, out_why);
	if (transaction == NULL)
		return rc;
	transaction->id = part->id;
	transaction->manager = wire_slice(part->manager);
	transaction->packages = part->packages;
	for (size_t i = 0; i < part->n_events; i++)
		transaction->events[i] = part->events[i];
	*out = transaction;
	return 0;
}
