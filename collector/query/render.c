#include "collector/query/render.h"

#include "common/base/clock.h"
#include "common/base/text.h"

/* --- pieces -------------------------------------------------------------------------------- */

static void put(struct buf *out, const char *text)
{
	buf_append(out, text, strlen(text));
}

static void put_number(struct buf *out, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	buf_append(out, digits + at, sizeof(digits) - at);
}

/* Plain in JSON: no control character, quote or backslash (RFC 8259 section 7). */
static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static void put_escaped(struct buf *out, struct slice text)
{
	static const char hex[] = "0123456789abcdef";
	size_t from = 0;
	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && is_plain(text.ptr[i]))
			continue;
		if (i > from)
			buf_append(out, text.ptr + from, i - from);
		from = i + 1;
		if (i == text.len)
			break;
		uint8_t c = text.ptr[i];
		switch (c) {
		case '"':
			put(out, "\\\"");
			break;
		case '\\':
			put(out, "\\\\");
			break;
		case '\n':
			put(out, "\\n");
			break;
		case '\t':
			put(out, "\\t");
			break;
		default:
			put(out, "\\u00");
			buf_append_byte(out, (uint8_t)hex[c >> 4]);
			buf_append_byte(out, (uint8_t)hex[c & 15]);
		}
	}
}

static bool is_ascii(struct slice text)
{
	uint8_t all = 0;
	for (size_t i = 0; i < text.len; i++)
		all |= text.ptr[i];
	return all < 0x80;
}

static bool is_utf8(struct slice text)
{
	return is_ascii(text) || text_is_utf8(text);
}

void render_text(struct buf *out, struct slice text)
{
	buf_append_byte(out, '"');
	if (is_utf8(text)) {
		put_escaped(out, text);
	} else {
		struct buf shown = BUF_INIT;
		text_append_display(&shown, text);
		put_escaped(out, buf_slice(&shown));
		buf_fini(&shown);
	}
	buf_append_byte(out, '"');
}

/* ,"name": or, as an object's first member, without the comma. */
static void put_name(struct buf *out, const char *name)
{
	if (out->len > 0 && out->data[out->len - 1] != '{')
		buf_append_byte(out, ',');
	buf_append_byte(out, '"');
	put(out, name);
	put(out, "\":");
}

/* Also `<name>_b64` when it is not UTF-8. */
static void put_text(struct buf *out, const char *name, struct slice text)
{
	put_name(out, name);
	render_text(out, text);
	if (is_utf8(text))
		return;
	buf_append_byte(out, ',');
	buf_append_byte(out, '"');
	put(out, name);
	put(out, "_b64\":\"");
	text_append_base64(out, text);
	buf_append_byte(out, '"');
}

static void put_text_or_null(struct buf *out, const char *name, struct slice text)
{
	if (text.len > 0) {
		put_text(out, name, text);
		return;
	}
	put_name(out, name);
	put(out, "null");
}

static void put_word(struct buf *out, const char *name, const char *word)
{
	put_name(out, name);
	if (!word) {
		put(out, "null");
		return;
	}
	buf_append_byte(out, '"');
	put(out, word);
	buf_append_byte(out, '"');
}

static void put_count(struct buf *out, const char *name, uint64_t count)
{
	put_name(out, name);
	put_number(out, count);
}

static void put_time(struct buf *out, const char *name, int64_t wall_ns)
{
	char text[CLOCK_TEXT_MAX];
	put_word(out, name, clock_format(wall_ns, text));
}

/* --- files --------------------------------------------------------------------------------- */

static void put_mode(struct buf *out, uint32_t mode)
{
	char octal[] = {(char)('0' + (mode >> 9 & 7)), (char)('0' + (mode >> 6 & 7)),
	        (char)('0' + (mode >> 3 & 7)), (char)('0' + (mode & 7)), 0};
	put_word(out, "mode", octal);
}

static void put_sha256(struct buf *out, const struct filestate *state)
{
	put_name(out, "sha256");
	if (state->hash != HASH_DONE) {
		put(out, "null");
		return;
	}
	buf_append_byte(out, '"');
	text_append_hex(out, slice_of(state->sha256, sizeof(state->sha256)));
	buf_append_byte(out, '"');
}

/* The public interface says "file" within events, and "regular" in listings of files. */
static const char *state_type_name(enum file_type type)
{
	return type == FILE_REGULAR ? "file" : file_type_name(type);
}

static void put_state(struct buf *out, const char *name, const struct filestate *state)
{
	put_name(out, name);
	if (!state) {
		put(out, "null");
		return;
	}
	buf_append_byte(out, '{');
	put_word(out, "type", state_type_name(state->type));
	put_mode(out, state->mode);
	put_count(out, "uid", state->uid);
	put_count(out, "gid", state->gid);
	put_text_or_null(out, "owner", state->owner);
	put_text_or_null(out, "group", state->group);
	put_count(out, "size", state->size);
	put_time(out, "mtime", state->mtime_ns);
	put_time(out, "ctime", state->ctime_ns);
	put_count(out, "inode", state->inode);
	put_sha256(out, state);
	if (hash_status_reason(state->hash))
		put_word(out, "hash_reason", hash_status_reason(state->hash));
	if (state->type == FILE_SYMLINK)
		put_text(out, "target", state->target);
	buf_append_byte(out, '}');
}

void render_file(struct buf *out, struct slice path, const struct filestate *state)
{
	buf_append_byte(out, '{');
	put_text(out, "path", path);
	put_word(out, "type", file_type_name(state->type));
	put_mode(out, state->mode);
	put_count(out, "uid", state->uid);
	put_count(out, "gid", state->gid);
	put_count(out, "size", state->size);
	put_sha256(out, state);
	if (state->type == FILE_SYMLINK)
		put_text(out, "target", state->target);
	else
		put_word(out, "target", NULL);
	put_text_or_null(out, "owner", state->owner);
	put_text_or_null(out, "group", state->group);
	put_time(out, "mtime", state->mtime_ns);
	put(out, "}\n");
}

/* --- facts --------------------------------------------------------------------------------- */

static void put_fields(struct buf *out, const struct fact *fact)
{
	unsigned count = fact_field_count(fact->kind);
	for (unsigned i = 0; i < count; i++) {
		bool is_instance = fact->kind == FACT_PACKAGE && i == PACKAGE_INSTANCE;
		if (!is_instance || fact->field[i].len > 0)
			put_text(out, fact_field_name(fact->kind, i), fact->field[i]);
	}
}

static void put_fact(struct buf *out, const char *name, const struct fact *fact)
{
	put_name(out, name);
	if (!fact) {
		put(out, "null");
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
		put(out, extra);
	put(out, "}\n");
}

/* --- events -------------------------------------------------------------------------------- */

static void put_changed(struct buf *out, unsigned changed)
{
	put(out, ",\"changed\":[");
	bool has_one = false;
	for (unsigned bit = 0; bit < CHANGED_COUNT; bit++) {
		if (!(changed >> bit & 1))
			continue;
		put(out, has_one ? ",\"" : "\"");
		put(out, file_change_name(bit));
		buf_append_byte(out, '"');
		has_one = true;
	}
	buf_append_byte(out, ']');
}

static void put_file_event(struct buf *out, const struct event *event)
{
	put_text_or_null(out, "path", event->path);
	put_text_or_null(out, "old_path", event->old_path);
	put_changed(out, event->changed);
	if (event->action == ACTION_TRANSIENT)
		put_count(out, "count", event->count);
	put_state(out, "before", event->before);
	put_state(out, "after", event->after);
	put(out, ",\"diff\":null");
	put_word(out, "cause", event_cause_name(event->cause));
	put(out, ",\"actor\":null,\"explained\":{\"by\":\"none\"}");
}

static void put_fact_event(struct buf *out, const struct event *event)
{
	put_fact(out, "before", event->fact_before);
	put_fact(out, "after", event->fact_after);
	put_word(out, "cause", event_cause_name(event->cause));
}

static void put_notice(struct buf *out, const struct event *event)
{
	put_text_or_null(out, "path", event->path);
	if (event->count > 0)
		put_count(out, "count", event->count);
	put_text_or_null(out, "detail", event->detail);
	put_word(out, "cause", event_cause_name(event->cause));
}

static bool is_notice(const struct event *event)
{
	return event->kind == EVENT_AGENT || event->action == ACTION_GAP ||
	       event->action == ACTION_DEGRADED || event->action == ACTION_RESTORED ||
	       event->action == ACTION_BASELINED || event->action == ACTION_STARTED;
}

void render_event(struct buf *out, struct slice host, struct event_id id, const struct event *event)
{
	char id_text[EVENT_ID_TEXT];
	event_id_text(id, id_text);
	buf_append_byte(out, '{');
	put_word(out, "id", id_text);
	put_text(out, "host", host);
	put_count(out, "seq", event->seq);
	put_time(out, "time", event->time_ns);
	put_word(out, "kind", event_kind_name(event));
	put_word(out, "action", event_action_name(event->action));
	if (is_notice(event))
		put_notice(out, event);
	else if (event->kind == EVENT_FACT)
		put_fact_event(out, event);
	else
		put_file_event(out, event);
	put(out, "}\n");
}
