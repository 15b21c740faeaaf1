/*
 * Ruby gems. What `gem install` leaves in specifications/ is a program in Ruby, but one that
 * RubyGems wrote (Gem::Specification#to_ruby), so name, version and platform stand there as plain
 * assignments of strings. Where a hand has put an expression instead, the file's own name tells:
 * NAME-VERSION[-PLATFORM].gemspec.
 *
 * NUL bytes are no sign of damage: the second line, "# stub:", has them between paths.
 */
#include "agent/apps/app_text.h"
#include "agent/apps/readers.h"
#include "common/base/text.h"

#define HEAD_BYTES (64u << 10) /* what is looked for comes first; lists of files may be long */

struct spec {
	struct slice name, version, platform;
	bool is_gem;              /* it speaks of Gem::Specification */
	bool has_hidden_platform; /* an expression */
};

bool app_ruby_matches(struct slice path, mode_t mode)
{
	struct slice name = app_path_name(path, 0), above = app_path_name(path, 1);
	if (!S_ISREG(mode) || name.len <= 8 || !app_ends_with(name, ".gemspec"))
		return false;
	return slice_is(above, "specifications") ||
	       (slice_is(above, "default") && slice_is(app_path_name(path, 2), "specifications"));
}

/* --- Ruby ------------------------------------------------------------------------------------- */

static bool take_text(struct slice *in, const char *text)
{
	if (!slice_starts_with(*in, slice_text(text)))
		return false;
	*in = app_after(*in, strlen(text));
	return true;
}

static bool is_identifier(struct slice text)
{
	return text.len > 0 && app_has_only(text, "_") &&
	       !(text.ptr[0] >= '0' && text.ptr[0] <= '9');
}

/* Takes "x", 'x', %q{x} or %q<x>. What Ruby would compute is not taken: with an escape or a "#{}"
 * the bytes that stand there are not those that are meant. */
static bool take_literal(struct slice *in, struct slice *out)
{
	char close;
	if (take_text(in, "%q{"))
		close = '}';
	else if (take_text(in, "%q<"))
		close = '>';
	else if (in->len > 0 && (in->ptr[0] == '"' || in->ptr[0] == '\''))
		close = (char)in->ptr[0], *in = app_after(*in, 1);
	else
		return false;
	struct slice tail;
	if (!text_split(*in, close, out, &tail) || memchr(out->ptr, '\\', out->len) ||
	        memmem(out->ptr, out->len, "#{", 2))
		return false;
	*in = tail;
	return true;
}

/* A literal, or one given to Gem::Version.new or Gem::Platform.new; nothing but a condition or a
 * comment may follow. */
static bool take_value(struct slice in, struct slice *out)
{
	static const char *const MAKERS[] = {"Gem::Version.new", "Gem::Version.create",
	        "Gem::Platform.new", "Gem::Platform::new"};
	struct slice value;
	bool has_parenthesis = false;
	for (size_t i = 0; i < sizeof(MAKERS) / sizeof(MAKERS[0]); i++) {
		if (!take_text(&in, MAKERS[i]))
			continue;
		in = app_skip_blanks(in);
		has_parenthesis = take_text(&in, "(");
		in = app_skip_blanks(in);
		break;
	}
	if (!take_literal(&in, &value))
		return false;
	take_text(&in, ".freeze");
	if (has_parenthesis && !take_text(&in, ")"))
		return false;
	in = text_trim(in);
	if (in.len > 0 && in.ptr[0] != '#' && in.ptr[0] != ';' && !take_text(&in, "if "))
		return false;
	*out = text_trim(value);
	return true;
}

/* "s.name = VALUE", whatever the block calls its argument; the first of each counts. */
static void take_line(struct spec *spec, struct slice line)
{
	struct slice left, right, object, attribute, value = {0};
	if (!text_split(line, '=', &left, &right))
		return;
	if (!text_split(text_trim(left), '.', &object, &attribute) || !is_identifier(object))
		return;
	right = app_skip_blanks(right);
	bool is_taken = take_value(right, &value);
	if (slice_is(attribute, "name") && is_taken && !spec->name.ptr)
		spec->name = value;
	else if (slice_is(attribute, "version") && is_taken && !spec->version.ptr)
		spec->version = value;
	else if (slice_is(attribute, "platform") && is_taken && !spec->platform.ptr)
		spec->platform = value;
	else if (slice_is(attribute, "platform") && !is_taken)
		spec->has_hidden_platform = !slice_starts_with(
		        right, slice_text("Gem::Platform::RUBY"));
}

static void take_lines(struct spec *spec, struct slice text)
{
	struct slice line;
	while (text_take_line(&text, &line)) {
		line = text_trim(line);
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (memmem(line.ptr, line.len, "Gem::Specification", 18))
			spec->is_gem = true;
		take_line(spec, line);
	}
}

/* --- the file's name -------------------------------------------------------------------------- */

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* Gem::Version's pattern, without the blanks that it allows around. */
static bool is_version(struct slice text)
{
	return text.ptr && app_is_word(text) && is_digit(text.ptr[0]) && app_has_only(text, ".-");
}

static bool is_name(struct slice text)
{
	return app_is_word(text) && app_has_only(text, "._-");
}

/* Splits at a dash that a digit follows. Names and platforms have such dashes too, so the first
 * whose digits belong to something with a dot is preferred. */
static bool split_file_name(struct slice stem, size_t *out_at)
{
	size_t found = 0;
	for (size_t i = 1; i + 1 < stem.len; i++) {
		if (stem.ptr[i] != '-' || !is_digit(stem.ptr[i + 1]))
			continue;
		struct slice rest = app_after(stem, i + 1), word = rest, behind;
		text_split(rest, '-', &word, &behind);
		bool has_dot = memchr(word.ptr, '.', word.len) != NULL;
		if (!found || has_dot)
			found = i;
		if (has_dot)
			break;
	}
	*out_at = found;
	return found > 0;
}

/* Fills in what the text has not told. */
static bool take_file_name(struct spec *spec, struct slice file_name)
{
	struct slice stem = slice_of(file_name.ptr, file_name.len - strlen(".gemspec"));
	size_t at = spec->name.len;
	bool has_name = at > 0 && at < stem.len && stem.ptr[at] == '-' &&
	                slice_starts_with(stem, spec->name);
	if (!has_name && !split_file_name(stem, &at))
		return false;
	struct slice rest = app_after(stem, at + 1), version = rest, platform = {0};
	text_split(rest, '-', &version, &platform);
	if (spec->name.len == 0)
		spec->name = slice_of(stem.ptr, at);
	if (spec->version.len == 0)
		spec->version = version;
	if (spec->platform.len == 0)
		spec->platform = platform;
	return true;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int take_gem(const struct app_file *file, struct slice head, struct fact_list *out,
        struct reason *out_why)
{
	struct spec spec = {0};
	take_lines(&spec, head);
	if (!spec.is_gem)
		return ERR_MISSING;
	if (!is_name(spec.name))
		spec.name = (struct slice){0};
	if (!is_version(spec.version))
		spec.version = (struct slice){0};
	bool is_told = spec.name.len > 0 && spec.version.len > 0 && !spec.has_hidden_platform;
	if (!is_told && !take_file_name(&spec, app_path_name(file->path, 0)) &&
	        (spec.name.len == 0 || spec.version.len == 0))
		return fail(out_why, ERR_FORMAT, "no name and version of a gem");
	if (slice_is(spec.platform, "ruby"))
		spec.platform.len = 0;
	if (!is_name(spec.name) || !is_version(spec.version) ||
	        (spec.platform.len > 0 && !app_is_word(spec.platform)))
		return fail(out_why, ERR_FORMAT, "no name and version of a gem");
	return app_add_built(
	        out, "gem", spec.name, spec.platform, spec.version, file->path, out_why);
}

int app_ruby_read(const struct app_file *file, struct fact_list *out, struct reason *out_why)
{
	struct buf head = BUF_INIT;
	int rc = app_read_head(file, HEAD_BYTES, &head, out_why);
	if (rc == 0)
		rc = take_gem(file, buf_slice(&head), out, out_why);
	buf_fini(&head);
	return rc;
}
