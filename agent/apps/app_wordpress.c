/*
 * WordPress: its core, plugins and themes. Plugins and themes say who they are in a comment within
 * the first 8 KiB of a file, which WordPress finds line by line (get_file_data() in
 * wp-includes/functions.php): blanks and comment signs, a key in any case, a colon, the value up to
 * the comment's or the line's end. The first line of a key counts.
 *
 * A plugin is known by its directory, or by its file where it is a single one: its slug, by which
 * the lists of vulnerabilities know it too. Without a version it is installed all the same.
 */
#include "agent/apps/app_text.h"
#include "agent/apps/readers.h"
#include "common/base/text.h"

#define HEADER_BYTES       8192u
#define VERSION_FILE_BYTES (64u << 10)

enum what { NOTHING, CORE, PLUGIN, THEME };

static bool is_plugin_dir(struct slice path, unsigned up)
{
	struct slice name = app_path_name(path, up);
	return (slice_is(name, "plugins") || slice_is(name, "mu-plugins")) &&
	       slice_is(app_path_name(path, up + 1), "wp-content");
}

/* What the path is part of, and by which slug. */
static enum what what_is(struct slice path, struct slice *out_slug)
{
	struct slice name = app_path_name(path, 0);
	*out_slug = app_path_name(path, 1);
	if (slice_is(name, "version.php") && slice_is(*out_slug, "wp-includes"))
		return CORE;
	if (slice_is(name, "style.css"))
		return slice_is(app_path_name(path, 2), "themes") &&
		                       slice_is(app_path_name(path, 3), "wp-content")
		               ? THEME
		               : NOTHING;
	if (name.len <= 4 || !app_ends_with(name, ".php"))
		return NOTHING;
	if (is_plugin_dir(path, 2))
		return PLUGIN;
	*out_slug = slice_of(name.ptr, name.len - 4);
	return is_plugin_dir(path, 1) ? PLUGIN : NOTHING;
}

bool app_wordpress_matches(struct slice path, mode_t mode)
{
	struct slice slug;
	return S_ISREG(mode) && what_is(path, &slug) != NOTHING;
}

/* --- plugins and themes ----------------------------------------------------------------------- */

static struct slice skip_comment_signs(struct slice line)
{
	struct slice inner = app_skip_blanks(line);
	if (app_starts_nocase(inner, "<?php"))
		line = app_after(inner, 5);
	while (line.len > 0 && line.ptr[0] != 0 && strchr(" \t/*#@", line.ptr[0]))
		line = app_after(line, 1);
	return line;
}

static struct slice before(struct slice text, const char *end)
{
	const uint8_t *at = text.len ? memmem(text.ptr, text.len, end, strlen(end)) : NULL;
	return at ? slice_of(text.ptr, (size_t)(at - text.ptr)) : text;
}

/* The value of "KEY:", absent where there is none. */
static struct slice header_of(struct slice text, const char *key)
{
	size_t len = strlen(key);
	struct slice line;
	while (text_take_line(&text, &line)) {
		line = skip_comment_signs(line);
		if (app_starts_nocase(line, key) && line.len > len && line.ptr[len] == ':')
			return text_trim(before(before(app_after(line, len + 1), "*/"), "?>"));
	}
	return (struct slice){0};
}

static int take_named(const struct app_file *file, const char *kind, struct slice slug,
        struct slice version, struct fact_list *out, struct reason *out_why)
{
	if (!app_is_word(slug) || (version.len > 0 && !app_is_word(version)))
		return fail(out_why, ERR_FORMAT, "no slug or version of a %s", kind);
	struct buf name = BUF_INIT;
	buf_printf(&name, "%s/", kind);
	buf_append_slice(&name, slug);
	int rc = app_add(out, "wordpress", buf_slice(&name), version, file->path, out_why);
	buf_fini(&name);
	return rc;
}

static int take_header(const struct app_file *file, enum what what, struct slice slug,
        struct buf *head, struct fact_list *out, struct reason *out_why)
{
	for (size_t i = 0; i < head->len; i++)
		if (head->data[i] == '\r')
			head->data[i] = '\n';
	struct slice text = buf_slice(head);
	if (header_of(text, what == PLUGIN ? "Plugin Name" : "Theme Name").len == 0)
		return ERR_MISSING;
	return take_named(file, what == PLUGIN ? "plugin" : "theme", slug,
	        header_of(text, "Version"), out, out_why);
}

/* --- the core --------------------------------------------------------------------------------- */

/* A line "$wp_version = '6.4.1';". */
static struct slice core_version_of(struct slice text)
{
	static const char VARIABLE[] = "$wp_version";
	struct slice line, quoted, rest;
	while (text_take_line(&text, &line)) {
		line = text_trim(line);
		if (!slice_starts_with(line, slice_text(VARIABLE)))
			continue;
		line = app_skip_blanks(app_after(line, sizeof(VARIABLE) - 1));
		if (line.len == 0 || line.ptr[0] != '=')
			continue;
		line = app_skip_blanks(app_after(line, 1));
		bool is_quote = line.len > 0 && (line.ptr[0] == '\'' || line.ptr[0] == '"');
		if (is_quote && text_split(app_after(line, 1), (char)line.ptr[0], &quoted, &rest))
			return quoted;
	}
	return (struct slice){0};
}

static int take_core(const struct app_file *file, struct slice text, struct fact_list *out,
        struct reason *out_why)
{
	struct slice version = core_version_of(text);
	if (!version.ptr)
		return ERR_MISSING;
	if (!app_is_word(version))
		return fail(out_why, ERR_FORMAT, "no version of WordPress");
	return app_add(out, "wordpress", slice_text("core"), version, file->path, out_why);
}

int app_wordpress_read(const struct app_file *file, struct fact_list *out, struct reason *out_why)
{
	struct slice slug;
	enum what what = what_is(file->path, &slug);
	if (what == NOTHING)
		return ERR_MISSING;
	struct buf head = BUF_INIT;
	int rc = app_read_head(
	        file, what == CORE ? VERSION_FILE_BYTES : HEADER_BYTES, &head, out_why);
	if (rc == 0 && what == CORE)
		rc = take_core(file, buf_slice(&head), out, out_why);
	else if (rc == 0)
		rc = take_header(file, what, slug, &head, out, out_why);
	buf_fini(&head);
	return rc;
}
