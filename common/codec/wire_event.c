#include "common/codec/wire.h"

#include "common/codec/wire_parts.h"

/* --- checks: before packing and after unpacking alike ----------------------------------------- */

static int check(const struct event *event, struct reason *out_why)
{
	int rc = wire_check_bytes("path", event->path, EVENT_PATH_BYTES, out_why);
	if (rc == 0)
		rc = wire_check_bytes("old_path", event->old_path, EVENT_PATH_BYTES, out_why);
	if (rc == 0)
		rc = wire_check_bytes("detail", event->detail, WIRE_TEXT_MAX, out_why);
	if (rc == 0)
		rc = wire_state_check(event->before, "before", out_why);
	if (rc == 0)
		rc = wire_state_check(event->after, "after", out_why);
	if (rc == 0)
		rc = wire_fact_check(event->fact_before, "fact_before", out_why);
	if (rc == 0)
		rc = wire_fact_check(event->fact_after, "fact_after", out_why);
	if (rc == 0)
		rc = wire_actor_check(event->actor, out_why);
	if (rc == 0)
		rc = wire_explained_check(event->explained, out_why);
	if (rc == 0)
		rc = wire_check_bytes("diff", event->diff, EVENT_DIFF_BYTES, out_why);
	if (rc == 0)
		rc = wire_transaction_check(event->transaction, out_why);
	if (rc == 0)
		rc = event_check(event, out_why);
	return rc;
}

int wire_event_encode(const struct event *event, struct buf *out)
{
	Tsujiban__V1__FileState before, after;
	struct fact_room fact_before, fact_after;
	struct actor_room actor;
	Tsujiban__V1__Explained explained;
	struct transaction_room transaction;
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
	packed.before = wire_state_part(event->before, &before);
	packed.after = wire_state_part(event->after, &after);
	packed.fact_before = wire_fact_part(event->fact_before, &fact_before);
	packed.fact_after = wire_fact_part(event->fact_after, &fact_after);
	packed.detail = wire_bytes(event->detail);
	packed.actor = wire_actor_part(event->actor, &actor);
	packed.actor_gap = event->actor_gap;
	packed.explained = wire_explained_part(event->explained, &explained);
	packed.diff = wire_bytes(event->diff);
	packed.diff_gap = event->diff_gap;
	packed.transaction = wire_transaction_part(event->transaction, &transaction);
	return wire_pack(&packed.base, WIRE_EVENT_BYTES_MAX, out);
}

/* --- unpacking -------------------------------------------------------------------------------- */

static int take_parts(const Tsujiban__V1__Event *packed, struct arena *arena, struct event *out,
        struct reason *out_why)
{
	int rc = wire_state_take(packed->before, "before", arena, &out->before, out_why);
	if (rc == 0)
		rc = wire_state_take(packed->after, "after", arena, &out->after, out_why);
	if (rc == 0)
		rc = wire_fact_take(
		        packed->fact_before, "fact_before", arena, &out->fact_before, out_why);
	if (rc == 0)
		rc = wire_fact_take(
		        packed->fact_after, "fact_after", arena, &out->fact_after, out_why);
	if (rc == 0)
		rc = wire_actor_take(packed->actor, arena, &out->actor, out_why);
	if (rc == 0)
		rc = wire_explained_take(packed->explained, arena, &out->explained, out_why);
	if (rc == 0)
		rc = wire_transaction_take(packed->transaction, arena, &out->transaction, out_why);
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
	        .actor_gap = (enum actor_gap)packed->actor_gap,
	        .diff = wire_slice(packed->diff),
	        .diff_gap = (enum diff_gap)packed->diff_gap,
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
