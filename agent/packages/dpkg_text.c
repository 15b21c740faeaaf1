#include "agent/packages/dpkg_text.h"

#include <strings.h>

#include "common/base/buf.h"
#include "common/base/text.h"

#define ALTERNATIVES_DIR "/etc/alternatives/"
#define SLAVES_MAX       256

/* --- status ---------------------------------------------------------------------------------- */

static bool is_field(struct slice name, const char *field)
{
	return name.len == strlen(field) &&
	       strncasecmp((const char *)name.ptr, field, name.len) == 0;
}

static void take_state(struct slice value, struct slice *out)
{
	struct slice want, flag;
	if (text_split(value, ' ', &want, &value) && text_split(value, ' ', &flag, &value))
		*out = value;
}

static void take_field(struct dpkg_stanza *stanza, struct slice name, struct slice value)
{
	if (is_field(name, "Package"))
		stanza->name = value;
	else if (is_field(name, "Architecture"))
		stanza->arch = value;
	else if (is_field(name, "Version"))
		stanza->version = value;
	else if (is_field(name, "Status"))
		take_state(value, &stanza->state);
	else if (is_field(name, "Multi-Arch"))
		stanza->is_same = slice_is(value, "same");
}

/* From the first continuation line of the field to the end of the last. */
static void grow(struct slice *field, struct slice line)
{
	if (!field->ptr)
		*field = line;
	field->len = (size_t)(line.ptr + line.len - field->ptr);
}

int dpkg_each_stanza(
        struct slice status, int (*each)(void *ctx, const struct dpkg_stanza *stanza), void *ctx)
{
	struct dpkg_stanza stanza = {0};
	struct slice line, name, value;
	bool is_conffiles = false;
	int rc = 0;
	while (rc == 0 && text_take_line(&status, &line)) {
		if (line.len == 0) {
			rc = stanza.name.len > 0 ? each(ctx, &stanza) : 0;
			stanza = (struct dpkg_stanza){0};
			is_conffiles = false;
		} else if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
			if (is_conffiles)
				grow(&stanza.conffiles, line);
		} else if (text_split(line, ':', &name, &value)) {
			is_conffiles = is_field(name, "Conffiles") && !stanza.conffiles.ptr;
			take_field(&stanza, name, text_trim(value));
		}
	}
	return rc == 0 && stanza.name.len > 0 ? each(ctx, &stanza) : rc;
}

/* --- info ------------------------------------------------------------------------------------ */

static bool is_path(struct slice path)
{
	return path.len > 0 && path.ptr[0] == '/' && !memchr(path.ptr, '\0', path.len);
}

int dpkg_each_listed(struct slice list, int (*each)(void *ctx, struct slice path), void *ctx)
{
	struct slice line;
	int rc = 0;
	while (rc == 0 && text_take_line(&list, &line)) {
		if (slice_is(line, "/."))
			line.len = 1;
		if (is_path(line))
			rc = each(ctx, line);
	}
	return rc;
}

static bool take_md5sum(struct slice line, struct slice *path, uint8_t md5[MD5_BYTES])
{
	const size_t HEX = (size_t)2 * MD5_BYTES;
	if (line.len < HEX + 3 || line.ptr[HEX] != ' ')
		return false;
	*path = slice_of(line.ptr + HEX + 2, line.len - HEX - 2);
	return text_parse_hex(slice_of(line.ptr, HEX), md5, MD5_BYTES);
}

/* " /etc/x MD5", " /etc/x MD5 obsolete": the name may have spaces, the MD5 has 32 digits. */
static bool take_conffile(struct slice line, struct slice *path, uint8_t md5[MD5_BYTES])
{
	static const char *const MARKS[] = {" remove-on-upgrade", " obsolete"};
	const size_t HEX = (size_t)2 * MD5_BYTES;
	for (size_t i = 0; i < sizeof(MARKS) / sizeof(MARKS[0]); i++) {
		size_t len = strlen(MARKS[i]);
		if (line.len > len && memcmp(line.ptr + line.len - len, MARKS[i], len) == 0)
			line.len -= len;
	}
	if (line.len < HEX + 3 || line.ptr[line.len - HEX - 1] != ' ')
		return false;
	*path = slice_of(line.ptr + 1, line.len - HEX - 2);
	return text_parse_hex(slice_of(line.ptr + line.len - HEX, HEX), md5, MD5_BYTES);
}

int dpkg_each_md5(struct slice text, bool is_conffiles,
        int (*each)(void *ctx, struct slice path, const uint8_t md5[MD5_BYTES]), void *ctx)
{
	struct slice line, path;
	uint8_t md5[MD5_BYTES];
	int rc = 0;
	while (rc == 0 && text_take_line(&text, &line)) {
		bool is_one = is_conffiles ? take_conffile(line, &path, md5)
		                           : take_md5sum(line, &path, md5);
		if (is_one)
			rc = each(ctx, path, md5);
	}
	return rc;
}

/* --- diversions, statoverride ---------------------------------------------------------------- */

int dpkg_each_diversion(struct slice text,
        int (*each)(void *ctx, struct slice from, struct slice to, struct slice package), void *ctx)
{
	struct slice from, to, package;
	int rc = 0;
	while (rc == 0 && text_take_line(&text, &from) && text_take_line(&text, &to) &&
	        text_take_line(&text, &package)) {
		if (is_path(from) && is_path(to))
			rc = each(ctx, from, to, package);
	}
	return rc;
}

static bool parse_octal(struct slice text, uint32_t *out)
{
	uint32_t value = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '7')
			return false;
		value = value * 8 + (text.ptr[i] - '0');
	}
	*out = value;
	return text.len > 0 && text.len <= 5 && value <= 07777;
}

int dpkg_each_override(
        struct slice text, int (*each)(void *ctx, struct slice path, uint32_t mode), void *ctx)
{
	struct slice line, user, group, mode_text;
	uint32_t mode;
	int rc = 0;
	while (rc == 0 && text_take_line(&text, &line)) {
		bool is_one = text_split(line, ' ', &user, &line) &&
		              text_split(line, ' ', &group, &line) &&
		              text_split(line, ' ', &mode_text, &line) &&
		              parse_octal(mode_text, &mode) && is_path(line);
		if (is_one)
			rc = each(ctx, line, mode);
	}
	return rc;
}

/* --- alternatives ---------------------------------------------------------------------------- */

struct alternatives {
	int (*each)(void *ctx, struct slice link, struct slice target);
	void *ctx;
	struct slice name[1 + SLAVES_MAX]; /* the master's first */
	size_t count;
};

/* The link itself, and that in /etc/alternatives, towards `target`. */
static int tell_pair(
        const struct alternatives *alternatives, size_t index, struct slice link, struct slice path)
{
	struct buf middle = BUF_INIT;
	buf_append_text(&middle, ALTERNATIVES_DIR);
	buf_append_slice(&middle, alternatives->name[index]);
	int rc = 0;
	if (is_path(link))
		rc = alternatives->each(alternatives->ctx, link, buf_slice(&middle));
	if (rc == 0 && is_path(path))
		rc = alternatives->each(alternatives->ctx, buf_slice(&middle), path);
	buf_fini(&middle);
	return rc;
}

/* "auto", the master's link, then a name and a link for each slave, up to an empty line. */
static int take_links(struct alternatives *alternatives, struct slice *text)
{
	struct slice line, none = {0};
	bool has_mode = text_take_line(text, &line);
	if (!has_mode || !text_take_line(text, &line))
		return 0;
	int rc = tell_pair(alternatives, 0, line, none);
	while (rc == 0 && text_take_line(text, &line) && line.len > 0) {
		if (alternatives->count > SLAVES_MAX)
			return 0;
		alternatives->name[alternatives->count] = line;
		if (text_take_line(text, &line))
			rc = tell_pair(alternatives, alternatives->count++, line, none);
	}
	return rc;
}

/* A path, its priority, and a path (or nothing) for each slave. */
static int take_choices(const struct alternatives *alternatives, struct slice text)
{
	struct slice line, priority, none = {0};
	int rc = 0;
	while (rc == 0 && text_take_line(&text, &line) && line.len > 0) {
		rc = tell_pair(alternatives, 0, none, line);
		if (!text_take_line(&text, &priority))
			return rc;
		for (size_t i = 1; rc == 0 && i < alternatives->count; i++) {
			if (text_take_line(&text, &line))
				rc = tell_pair(alternatives, i, none, line);
		}
	}
	return rc;
}

int dpkg_each_alternative(struct slice name, struct slice text,
        int (*each)(void *ctx, struct slice link, struct slice target), void *ctx)
{
	struct alternatives alternatives = {.each = each, .ctx = ctx, .name = {name}, .count = 1};
	int rc = take_links(&alternatives, &text);
	return rc == 0 ? take_choices(&alternatives, text) : rc;
}
