#include "collector/cli/event_line.h"

#include "collector/cli/fact_line.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Whether the event's list of changes names it. */
static bool has_changed(const json_t *event, const char *name)
{
	const json_t *changed = json_object_get(event, "changed");

	for (size_t i = 0; i < json_array_size(changed); i++) {
		const char *text = json_string_value(json_array_get(changed, i));
		if (text && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

static void append_value(const json_t *state, const char *key, struct buf *out)
{
	const json_t *value = json_object_get(state, key);

	if (json_is_integer(value))
		buf_printf(out, "%lld", (long long)json_integer_value(value));
	else
		buf_append_text(out, json_string_length(value) ? json_string_value(value) : "-");
}

/* --- files --------------------------------------------------------------------------------- */

struct part {
	const char *change; /* as in "changed" */
	const char *label;
	const char *key; /* of before and after; NULL: too long to be shown */
};

static const struct part PARTS[] = {
        {"type", "type", "type"},
        {"mode", "mode", "mode"},
        {"uid", "owner", "owner"},
        {"gid", "group", "group"},
        {"size", "size", "size"},
        {"sha256", "content", NULL},
        {"target", "target", "target"},
        {"mtime", "mtime", "mtime"},
        {"inode", "inode", NULL},
        {"hash_status", "hash", NULL},
        {"flags", "flags", "flags"},
        {"acl", "acl", NULL},
        {"capabilities", "capabilities", "capabilities"},
        {"selinux", "selinux", "selinux"},
        {"xattrs", "xattrs", NULL},
};

static void append_part(const json_t *event, const struct part *part, struct buf *out)
{
	const json_t *before = json_object_get(event, "before");
	const json_t *after = json_object_get(event, "after");

	buf_append_text(out, part->label);
	if (!part->key)
		return;
	buf_append_byte(out, ' ');
	/* Where the host knows no name the number has to do. */
	bool has_names = json_is_string(json_object_get(before, part->key)) &&
	                 json_is_string(json_object_get(after, part->key));
	bool is_named = strcmp(part->key, "owner") == 0 || strcmp(part->key, "group") == 0;
	const char *key = is_named && !has_names ? part->change : part->key;
	append_value(before, key, out);
	buf_append_text(out, "->");
	append_value(after, key, out);
}

static void append_changes(const json_t *event, struct buf *out)
{
	/* A new time alone is worth a word; beside other changes it goes without saying. */
	bool only_time = json_array_size(json_object_get(event, "changed")) == 1;
	bool is_first = true;

	for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
		if (!has_changed(event, PARTS[i].change))
			continue;
		if (strcmp(PARTS[i].change, "mtime") == 0 && !only_time)
			continue;
		buf_append_text(out, is_first ? "  " : ", ");
		append_part(event, &PARTS[i], out);
		is_first = false;
	}
}

/* "by vim (aiko as root)": the program's name, who logged in, and who that became. */
static void append_actor(const json_t *event, struct buf *out)
{
	const json_t *actor = json_object_get(event, "actor");
	const char *exe = text_of(actor, "exe"), *user = text_of(actor, "user");
	const char *login = text_of(actor, "login_user"), *slash = strrchr(exe, '/');

	if (!*exe)
		return;
	buf_printf(out, "  by %s", slash && slash[1] ? slash + 1 : exe);
	if (*login && *user && strcmp(login, user) != 0)
		buf_printf(out, " (%s as %s)", login, user);
	else if (*user)
		buf_printf(out, " (%s)", user);
}

static void append_explanation(const json_t *event, struct buf *out)
{
	const json_t *explained = json_object_get(event, "explained");
	const char *package = text_of(explained, "package");

	if (strcmp(text_of(explained, "by"), "package") != 0)
		return;
	buf_printf(out, "  [%s%s%s%s%s]", package, *package ? " " : "",
	        text_of(explained, "version"), *text_of(explained, "version") ? " " : "",
	        text_of(explained, "state"));
}

static void append_file(const json_t *event, struct buf *out)
{
	const char *old_path = text_of(event, "old_path"), *detail = text_of(event, "detail");

	if (*old_path)
		buf_printf(out, "%s -> ", old_path);
	buf_append_text(out, text_of(event, "path"));
	if (json_is_object(json_object_get(event, "before")) &&
	        json_is_object(json_object_get(event, "after")))
		append_changes(event, out);
	if (strcmp(text_of(event, "kind"), "file") == 0 &&
	        json_is_integer(json_object_get(event, "count")))
		buf_printf(out, "  x%lld",
		        (long long)json_integer_value(json_object_get(event, "count")));
	append_explanation(event, out);
	append_actor(event, out);
	if (*detail)
		buf_printf(out, "%s%s", out->len > 0 ? "  " : "", detail);
}

/* ------------------------------------------------------------------------------------------- */

void event_line_append(const json_t *event, struct buf *out)
{
	const char *kind = text_of(event, "kind");

	if (strcmp(kind, "file") == 0 || strcmp(kind, "agent") == 0 ||
	        strcmp(kind, "transaction") == 0)
		append_file(event, out);
	else
		fact_line_append_change(kind, json_object_get(event, "before"),
		        json_object_get(event, "after"),
		        strcmp(text_of(event, "cause"), "baseline") != 0, out);
}

const char *event_line_color(const json_t *event)
{
	static const struct {
		const char *action, *color;
	} colors[] = {{"created", "32"}, {"installed", "32"}, {"deleted", "31"}, {"removed", "31"},
	        {"modified", "33"}, {"upgraded", "33"}, {"attributes", "36"}, {"moved", "36"},
	        {"gap", "35"}, {"degraded", "35"}, {"silent", "31"}, {"returned", "32"}};
	const char *action = text_of(event, "action");

	for (size_t i = 0; i < sizeof(colors) / sizeof(colors[0]); i++)
		if (strcmp(colors[i].action, action) == 0)
			return colors[i].color;
	return NULL;
}
