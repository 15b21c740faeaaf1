#include "agent/pkgdb/holds.h"

#include <errno.h>

#include "agent/pkgdb/rpm_text.h"
#include "agent/source/root.h"
#include "agent/source/source.h"
#include "common/base/glob.h"
#include "common/base/text.h"

static void add(struct holds *holds, struct slice pattern)
{
	bool is_usable = pattern.len > 0 && !memchr(pattern.ptr, '\0', pattern.len) &&
	                 glob_is_valid(pattern);
	if (!is_usable || holds->count == HOLDS_MAX)
		return;
	buf_append_slice(&holds->patterns, pattern);
	buf_append_byte(&holds->patterns, '\0');
	holds->count++;
}

void holds_fini(struct holds *holds)
{
	buf_fini(&holds->patterns);
}

bool holds_has(const struct holds *holds, struct slice name, struct slice full)
{
	struct slice rest = buf_slice(&holds->patterns);
	for (size_t i = 0; i < holds->count; i++) {
		const uint8_t *end = memchr(rest.ptr, '\0', rest.len);
		struct slice pattern = slice_of(rest.ptr, (size_t)(end - rest.ptr));
		if (glob_matches(pattern, name) || (full.len > 0 && glob_matches(pattern, full)))
			return true;
		rest = slice_of(end + 1, rest.len - pattern.len - 1);
	}
	return false;
}

void holds_mark(const struct holds *holds, struct fact_list *facts, size_t first)
{
	for (size_t i = first; holds->count > 0 && i < facts->count; i++) {
		struct fact *fact = &facts->fact[i];
		if (fact->kind == FACT_PACKAGE &&
		        holds_has(holds, fact->field[PACKAGE_NAME], (struct slice){0}))
			fact->field[PACKAGE_HOLD] = slice_text("hold");
	}
}

/* --- rpm -------------------------------------------------------------------------------------- */

static bool take_prefix(struct slice *text, const char *prefix)
{
	size_t len = strlen(prefix);
	if (!slice_starts_with(*text, slice_text(prefix)))
		return false;
	*text = text_trim(slice_of(text->ptr + len, text->len - len));
	return true;
}

/* What `versionlock add --raw` writes may be a name with dashes: the line as it stands counts too.
 * A "!" in front leaves one version out, and the package free to have any other. */
void holds_take_versionlock(struct holds *holds, struct slice text)
{
	struct slice line;
	while (text_take_line(&text, &line)) {
		line = text_trim(line);
		if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == '!')
			continue;
		add(holds, line);
		if (rpm_cut_at_second_dash(&line))
			add(holds, line);
	}
}

/* Of dnf5: a table [[packages]] for each, with its name. */
void holds_take_toml(struct holds *holds, struct slice text)
{
	struct slice line;
	bool is_package = false;
	while (text_take_line(&text, &line)) {
		line = text_trim(line);
		if (line.len > 0 && line.ptr[0] == '[')
			is_package = slice_is(line, "[[packages]]");
		else if (is_package && take_prefix(&line, "name") && take_prefix(&line, "=") &&
		         line.len > 2 && line.ptr[0] == '"' && line.ptr[line.len - 1] == '"')
			add(holds, slice_of(line.ptr + 1, line.len - 2));
	}
}

void holds_take_zypp(struct holds *holds, struct slice text)
{
	struct slice line;
	while (text_take_line(&text, &line)) {
		line = text_trim(line);
		if (take_prefix(&line, "solvable_name:"))
			add(holds, line);
	}
}

/* --- files of the INI form -------------------------------------------------------------------- */

static bool is_separator(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == ',';
}

static void add_words(struct holds *holds, struct slice text)
{
	size_t at = 0;
	while (at < text.len) {
		size_t begin = at;
		while (at < text.len && !is_separator(text.ptr[at]))
			at++;
		add(holds, slice_of(text.ptr + begin, at - begin));
		at++;
	}
}

static bool is_one_of(struct slice word, const char *const *keys)
{
	for (; *keys; keys++)
		if (slice_is(word, *keys))
			return true;
	return false;
}

/* A line that begins with a blank goes on with the value before it. */
void holds_take_ini(
        struct holds *holds, struct slice text, const char *section, const char *const *keys)
{
	struct slice line, key, value;
	bool is_section = false, is_wanted = false;
	while (text_take_line(&text, &line)) {
		bool goes_on = line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t');
		line = text_trim(line);
		if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
			continue;
		if (line.ptr[0] == '[') {
			size_t len = strlen(section);
			is_section = line.len == len + 2 && line.ptr[len + 1] == ']' &&
			             memcmp(line.ptr + 1, section, len) == 0;
			is_wanted = false;
		} else if (goes_on && is_wanted) {
			add_words(holds, line);
		} else {
			is_wanted = is_section && text_split(line, '=', &key, &value) &&
			            is_one_of(text_trim(key), keys);
			if (is_wanted)
				add_words(holds, text_trim(value));
		}
	}
}

/* --- apk -------------------------------------------------------------------------------------- */

/* "name@repository" says where it comes from and leaves the version free; "!name" keeps it out. */
void holds_take_world(struct holds *holds, struct slice text)
{
	struct slice line;
	while (text_take_line(&text, &line)) {
		line = text_trim(line);
		size_t len = 0;
		while (len < line.len && !memchr("=<>~@", line.ptr[len], 5))
			len++;
		if (len < line.len && line.ptr[len] != '@' && line.ptr[0] != '!')
			add(holds, slice_of(line.ptr, len));
	}
}

/* --- where they lie --------------------------------------------------------------------------- */

typedef void take_fn(struct holds *holds, struct slice text);

static int read_file(const char *root, const char *path, take_fn *take, struct holds *out,
        struct reason *out_why)
{
	struct buf text = BUF_INIT;
	int rc = root_read(root, path, HOLDS_BYTES_MAX, &text, NULL);
	if (rc == 0)
		take(out, buf_slice(&text));
	buf_fini(&text);
	if (rc == 0 || rc == -ENOENT || rc == -ENOTDIR)
		return 0;
	return fail(
	        out_why, SOURCE_PARTIAL, "cannot see what is held in '%s': %s", path, err_text(rc));
}

static void take_dnf(struct holds *holds, struct slice text)
{
	static const char *const KEYS[] = {"exclude", "excludepkgs", NULL};
	holds_take_ini(holds, text, "main", KEYS);
}

static void take_pacman(struct holds *holds, struct slice text)
{
	static const char *const KEYS[] = {"IgnorePkg", NULL};
	holds_take_ini(holds, text, "options", KEYS);
}

static void take_pacman_groups(struct holds *holds, struct slice text)
{
	static const char *const KEYS[] = {"IgnoreGroup", NULL};
	holds_take_ini(holds, text, "options", KEYS);
}

int holds_read_rpm(const char *root, struct holds *out, struct reason *out_why)
{
	static const struct {
		const char *path;
		take_fn *take;
	} FILES[] = {
	        {"/etc/dnf/plugins/versionlock.list", holds_take_versionlock},
	        {"/etc/yum/pluginconf.d/versionlock.list", holds_take_versionlock},
	        {"/etc/dnf/versionlock.toml", holds_take_toml},
	        {"/etc/dnf/dnf.conf", take_dnf},
	        {"/etc/yum.conf", take_dnf},
	        {"/etc/zypp/locks", holds_take_zypp},
	};
	int rc = 0;
	for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++)
		if (read_file(root, FILES[i].path, FILES[i].take, out, out_why) != 0)
			rc = SOURCE_PARTIAL;
	return rc;
}

int holds_read_apk(const char *root, struct holds *out, struct reason *out_why)
{
	return read_file(root, "/etc/apk/world", holds_take_world, out, out_why);
}

int holds_read_pacman(
        const char *root, struct holds *out, struct holds *out_groups, struct reason *out_why)
{
	static const char PATH[] = "/etc/pacman.conf";
	int rc = read_file(root, PATH, take_pacman, out, out_why);
	return rc == 0 ? read_file(root, PATH, take_pacman_groups, out_groups, out_why) : rc;
}
