#include "collector/query/render.h"

#include <stdio.h>

#include "collector/query/json_text.h"
#include "collector/query/render_parts.h"

/* --- facts --------------------------------------------------------------------------------- */

static void put_fields(struct buf *out, const struct fact *fact)
{
	unsigned count = fact_field_count(fact->kind);
	for (unsigned i = 0; i < count; i++) {
		bool is_rare = fact->kind == FACT_PACKAGE &&
		               (i == PACKAGE_INSTANCE || i >= PACKAGE_ORIGIN);
		if (!is_rare || fact->field[i].len > 0)
			json_put_text(out, fact_field_name(fact->kind, i), fact->field[i]);
	}
}

static void put_fact(struct buf *out, const char *name, const struct fact *fact)
{
	json_put_name(out, name);
	if (!fact) {
		json_put(out, "null");
		return;
	}
	buf_append_byte(out, '{');
	put_fields(out, fact);
	buf_append_byte(out, '}');
}

void render_fact(struct buf *out, const struct fact *fact, const char *extra)
{
	buf_append_byte(out, '{');
	put_fields(out, fact);
	if (extra)
		json_put(out, extra);
	json_put(out, "}\n");
}

void render_any_fact(struct buf *out, const struct fact *fact)
{
	buf_append_byte(out, '{');
	json_put_word(out, "kind", fact_kind_name(fact->kind));
	put_fields(out, fact);
	json_put(out, "}\n");
}

/* --- events -------------------------------------------------------------------------------- */

static void put_changed(struct buf *out, unsigned changed)
{
	json_put(out, ",\"changed\":[");
	bool has_one = false;
	for (unsigned bit = 0; bit < CHANGED_COUNT; bit++) {
		if (!(changed >> bit & 1))
			continue;
		json_put(out, has_one ? ",\"" : "\"");
		json_put(out, file_change_name(bit));
		buf_append_byte(out, '"');
		has_one = true;
	}
	buf_append_byte(out, ']');
}

static void put_diff(struct buf *out, const struct event *event)
{
	json_put_text_or_null(out, "diff", event->diff);
	if (event->diff_gap != DIFF_NOT_ASKED)
		json_put_word(out, "diff_omitted", diff_gap_reason(event->diff_gap));
}

static void put_id_or_null(struct buf *out, const char *name, uint32_t id)
{
	if (id == ACTOR_NO_ID)
		json_put_word(out, name, NULL);
	else
		json_put_count(out, name, id);
}

static void put_parents(struct buf *out, const struct actor *actor)
{
	json_put(out, ",\"parents\":[");
	for (unsigned i = 0; i < actor->parent_count; i++) {
		if (i > 0)
			buf_append_byte(out, ',');
		render_text(out, actor->parent[i]);
	}
	buf_append_byte(out, ']');
}

/* What nobody knows of a process stands as null: of one that had ended before it could be asked
 * that may be everything but its pid, or its program alone. */
static void put_actor(struct buf *out, const struct actor *actor, enum actor_gap gap)
{
	json_put_name(out, "actor");
	if (actor) {
		buf_append_byte(out, '{');
		json_put_count(out, "pid", actor->pid);
		if (actor->started_ns)
			json_put_time(out, "started", actor->started_ns);
		else
			json_put_word(out, "started", NULL);
		json_put_text_or_null(out, "exe", actor->exe);
		json_put_text_or_null(out, "cmdline", actor->cmdline);
		put_id_or_null(out, "uid", actor->uid);
		put_id_or_null(out, "gid", actor->gid);
		json_put_text_or_null(out, "user", actor->user);
		put_id_or_null(out, "login_uid", actor->login_uid);
		json_put_text_or_null(out, "login_user", actor->login_user);
		put_id_or_null(out, "session", actor->session);
		json_put_text_or_null(out, "container", actor->container);
		put_parents(out, actor);
		buf_append_byte(out, '}');
	} else {
		json_put(out, "null");
	}
	if (gap != ACTOR_KNOWN)
		json_put_word(out, "actor_unknown", actor_gap_reason(gap));
}

/* A number that JSON's readers may not hold exactly. */
static void put_transaction_id(struct buf *out, const char *name, uint64_t id)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)id);
	json_put_word(out, name, text);
}

static void put_explained(struct buf *out, const struct explained *explained)
{
	json_put(out, ",\"explained\":{");
	if (!explained) {
		json_put(out, "\"by\":\"none\"}");
		return;
	}
	json_put_word(out, "by", "package");
	json_put_text(out, "manager", explained->manager);
	json_put_text_or_null(out, "package", explained->package);
	json_put_text_or_null(out, "version", explained->version);
	json_put_word(out, "state", explained_state_name(explained->state));
	put_transaction_id(out, "transaction", explained->transaction);
	buf_append_byte(out, '}');
}

static void put_transaction(struct buf *out, const struct transaction *transaction)
{
	json_put_name(out, "transaction");
	if (!transaction) {
		json_put(out, "null");
		return;
	}
	buf_append_byte(out, '{');
	put_transaction_id(out, "id", transaction->id);
	json_put_text(out, "manager", transaction->manager);
	json_put_count(out, "packages", transaction->packages);
	for (unsigned state = 0; state <= EXPLAINED_MAX; state++)
		json_put_count(out, explained_state_name((enum explained_state)state),
		        transaction->events[state]);
	buf_append_byte(out, '}');
}

static void put_file_event(struct buf *out, const struct event *event)
{
	json_put_text_or_null(out, "path", event->path);
	json_put_text_or_null(out, "old_path", event->old_path);
	put_changed(out, event->changed);
	if (event->action == ACTION_TRANSIENT || event->count > 0)
		json_put_count(out, "count", event->count);
	render_state(out, "before", event->before);
	render_state(out, "after", event->after);
	put_diff(out, event);
	json_put_word(out, "cause", event_cause_name(event->cause));
	put_actor(out, event->actor, event->actor_gap);
	put_explained(out, event->explained);
	if (event->detail.len > 0)
		json_put_text(out, "detail", event->detail);
}

static void put_fact_event(struct buf *out, const struct event *event)
{
	put_fact(out, "before", event->fact_before);
	put_fact(out, "after", event->fact_after);
	json_put_word(out, "cause", event_cause_name(event->cause));
}

static void put_notice(struct buf *out, const struct event *event)
{
	json_put_text_or_null(out, "path", event->path);
	if (event->count > 0)
		json_put_count(out, "count", event->count);
	json_put_text_or_null(out, "detail", event->detail);
	if (event->kind == EVENT_TRANSACTION)
		put_transaction(out, event->transaction);
	json_put_word(out, "cause", event_cause_name(event->cause));
	if (event->action == ACTION_STOPPED)
		put_actor(out, event->actor, event->actor_gap);
}

static bool is_notice(const struct event *event)
{
	return event->kind == EVENT_AGENT || event->kind == EVENT_TRANSACTION ||
	       event->action == ACTION_GAP || event->action == ACTION_DEGRADED ||
	       event->action == ACTION_RESTORED || event->action == ACTION_BASELINED ||
	       event->action == ACTION_STARTED;
}

void render_event(struct buf *out, struct slice host, struct event_id id, const struct event *event)
{
	char id_text[EVENT_ID_TEXT];
	event_id_text(id, id_text);
	buf_append_byte(out, '{');
	json_put_word(out, "id", id_text);
	json_put_text(out, "host", host);
	json_put_count(out, "seq", event->seq);
	json_put_time(out, "time", event->time_ns);
	json_put_word(out, "kind", event_kind_name(event));
	json_put_word(out, "action", event_action_name(event->action));
	if (is_notice(event))
		put_notice(out, event);
	else if (event->kind == EVENT_FACT)
		put_fact_event(out, event);
	else
		put_file_event(out, event);
	json_put(out, "}\n");
}
