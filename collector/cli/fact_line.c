#include "collector/cli/fact_line.h"

#define MEMBERS_MAX 4

/* Members by name; "port" of a socket stands for its address too. */
struct form {
	const char *kind, *label;
	const char *began, *changed, *ended;
	const char *name[MEMBERS_MAX], *value[MEMBERS_MAX];
};

static const struct form FORMS[] = {
        {"package", "package", "installed", "upgraded", "removed", {"manager", "name"},
                {"version"}},
        {"kernel", "kernel", "added", "changed", "gone", {"state", "release"}, {"version"}},
        {"os", "os", "found", "changed", "gone", {"id"}, {"version_id"}},
        {"host", "host", "set", "changed", "gone", {"name"}, {"value"}},
        {"label", "label", "set", "changed", "gone", {"name"}, {"value"}},
        {"module", "module", "loaded", "changed", "unloaded", {"name"}, {"version", "taint"}},
        {"livepatch", "livepatch", "loaded", "changed", "unloaded", {"name"}, {"state", "objects"}},
        {"mitigation", "mitigation", "found", "changed", "gone", {"name"}, {"value"}},
        {"restart", "restart", "needed", "changed", "no longer needed",
                {"unit", "container", "exe", "file"}, {"what", "package", "runs", "installed"}},
        {"socket", "socket", "opened", "changed", "closed", {"protocol", "port", "program"},
                {"package", "user"}},
        {"address", "address", "added", "changed", "removed", {"interface", "address"}, {"mac"}},
        {"user", "account", "added", "changed", "removed", {"name"}, {"uid", "shell"}},
        {"group", "group", "added", "changed", "removed", {"name"}, {"members"}},
        {"unit", "unit", "added", "changed", "removed", {"name"}, {"state", "command"}},
        {"cron", "cron", "added", "changed", "removed", {"file", "schedule", "user", "command"},
                {NULL}},
        {"install", "install", "noted", "changed", "gone", {"manager", "name"}, {"time"}},
};

/* Of a kind that this program does not know yet. */
static const struct form OTHER = {
        NULL, NULL, "began", "changed", "ended", {"name"}, {"value", "state", "version"}};

static const struct form *form_of(const char *kind)
{
	for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++)
		if (strcmp(FORMS[i].kind, kind) == 0)
			return &FORMS[i];
	return &OTHER;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* "0.0.0.0:443", "[::]:443" */
static void append_endpoint(const json_t *fact, struct buf *out)
{
	const char *address = text_of(fact, "address");
	bool has_colon = strchr(address, ':') != NULL;

	buf_printf(out, "%s%s%s:%s", has_colon ? "[" : "", address, has_colon ? "]" : "",
	        text_of(fact, "port"));
}

static void append_members(const char *const keys[MEMBERS_MAX], const json_t *fact, struct buf *out)
{
	size_t start = out->len;

	for (size_t i = 0; i < MEMBERS_MAX && keys[i]; i++) {
		const char *text = text_of(fact, keys[i]);
		if (!*text)
			continue;
		if (out->len > start)
			buf_append_byte(out, ' ');
		if (strcmp(keys[i], "port") == 0)
			append_endpoint(fact, out);
		else
			buf_append_text(out, text);
	}
}

void fact_line_append_name(const char *kind, const json_t *fact, struct buf *out)
{
	append_members(form_of(kind)->name, fact, out);
}

void fact_line_append_value(const char *kind, const json_t *fact, struct buf *out)
{
	append_members(form_of(kind)->value, fact, out);
}

/* --- changes ------------------------------------------------------------------------------- */

static bool differs(const json_t *before, const json_t *after, const char *key)
{
	return strcmp(text_of(before, key), text_of(after, key)) != 0;
}

static void append_difference(const json_t *before, const json_t *after, const char *key,
        const char *label, struct buf *out)
{
	const char *old = text_of(before, key), *new = text_of(after, key);

	buf_printf(
	        out, "%s%s%s -> %s", label, *label ? " " : "", *old ? old : "-", *new ? new : "-");
}

/* The source's version goes with the package's, and bytes with the text that stands for them. */
static bool goes_without_saying(const json_t *before, const json_t *after, const char *key)
{
	size_t len = strlen(key);

	return (strcmp(key, "source_version") == 0 && differs(before, after, "version")) ||
	       (len > 4 && strcmp(key + len - 4, "_b64") == 0);
}

struct differences {
	const json_t *before, *after;
	const char *main; /* shown first, without its name; may be NULL */
	struct buf *out;
	bool has_one;
};

static void append_one(struct differences *all, const char *key, const char *label)
{
	buf_append_text(all->out, all->has_one ? ", " : " ");
	append_difference(all->before, all->after, key, label, all->out);
	all->has_one = true;
}

/* Members of `object` that are another in before and after. */
static void append_others(struct differences *all, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		/* What has gone is no member of `after`. */
		bool is_seen = object == all->before && json_object_get(all->after, key);
		bool is_main = all->main && strcmp(key, all->main) == 0;
		if (!is_seen && !is_main && differs(all->before, all->after, key) &&
		        !goes_without_saying(all->before, all->after, key))
			append_one(all, key, key);
	}
}

static void append_differences(
        const struct form *form, const json_t *before, const json_t *after, struct buf *out)
{
	struct differences all = {before, after, form->value[0], out, false};

	if (all.main && differs(before, after, all.main))
		append_one(&all, all.main, "");
	append_others(&all, after);
	append_others(&all, before);
}

static const char *verb_of(const struct form *form, const json_t *before, const json_t *after)
{
	if (!json_is_object(before))
		return form->began;
	if (!json_is_object(after))
		return form->ended;
	/* A package whose status alone is another is not upgraded. */
	return form->value[0] && differs(before, after, form->value[0]) ? form->changed : "changed";
}

void fact_line_append_change(
        const char *kind, const json_t *before, const json_t *after, bool is_news, struct buf *out)
{
	const struct form *form = form_of(kind);
	const json_t *fact = json_is_object(after) ? after : before;
	struct buf value = BUF_INIT;

	buf_printf(out, "%s ", form->label ? form->label : kind);
	fact_line_append_name(kind, fact, out);
	if (is_news)
		buf_printf(out, " %s", verb_of(form, before, after));
	if (json_is_object(before) && json_is_object(after)) {
		append_differences(form, before, after, out);
	} else {
		fact_line_append_value(kind, fact, &value);
		if (value.len > 0)
			buf_printf(out, " %s", buf_text(&value));
	}
	buf_fini(&value);
}
