#include "agent/apps/java_names.h"

#include "agent/apps/app_text.h"
#include "common/base/text.h"

/* What Maven allows in coordinates ("[A-Za-z0-9_\-.]+" of DefaultModelValidator), which also tells
 * names from titles for people and from "${project.name}". */
static bool is_name(struct slice text)
{
	return app_is_word(text) && app_has_only(text, "._-");
}

static bool has_digit(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] >= '0' && text.ptr[i] <= '9')
			return true;
	return false;
}

static bool is_version(struct slice text)
{
	return app_is_word(text) && app_has_only(text, "._-+~") && has_digit(text);
}

/* --- pom.properties --------------------------------------------------------------------------- */

static bool take_property(struct slice line, struct slice *key, struct slice *value)
{
	line = text_trim(line);
	if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == '!')
		return false;
	if (!text_split(line, '=', key, value) && !text_split(line, ':', key, value))
		return false;
	*key = text_trim(*key);
	*value = text_trim(*value);
	return true;
}

bool java_take_properties(struct slice text, struct java_artifact *out)
{
	struct java_artifact found = {0};
	struct slice line, key, value;
	while (text_take_line(&text, &line)) {
		if (!take_property(line, &key, &value))
			continue;
		if (slice_is(key, "groupId"))
			found.group = value;
		else if (slice_is(key, "artifactId"))
			found.name = value;
		else if (slice_is(key, "version"))
			found.version = value;
	}
	if (!is_name(found.group) || !is_name(found.name) || !is_version(found.version))
		return false;
	*out = found;
	return true;
}

/* --- the file's name -------------------------------------------------------------------------- */

static struct slice without_suffix(struct slice file)
{
	const uint8_t *dot = file.len > 0 ? memrchr(file.ptr, '.', file.len) : NULL;
	return dot ? slice_of(file.ptr, (size_t)(dot - file.ptr)) : file;
}

static bool begins_with_digit(struct slice text)
{
	return text.len > 0 && text.ptr[0] >= '0' && text.ptr[0] <= '9';
}

/* Words that stand before a number within a version. */
static bool is_qualifier(struct slice word)
{
	static const char *const WORDS[] = {"alpha", "beta", "rc", "cr", "m", "b", "sp", "pre",
	        "ea", "build", "rev", "ga", "final", "release", "snapshot", "dev"};
	for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++)
		if (app_is_nocase(word, WORDS[i]))
			return true;
	return false;
}

/* A version may go on with words and with numbers, but a number behind a word that belongs to no
 * version begins another: of "1.2-api-2.17.1" only the end is one. */
static bool is_version_to_its_end(struct slice text)
{
	struct slice word, rest = text;
	bool may_be_name = false;
	while (text_split(rest, '-', &word, &rest)) {
		if (begins_with_digit(word) ? may_be_name : false)
			return false;
		may_be_name = !begins_with_digit(word) && !is_qualifier(word);
	}
	return !(may_be_name && begins_with_digit(rest)) && is_version(text);
}

bool java_take_file_name(struct slice file, struct java_artifact *out)
{
	struct slice stem = without_suffix(file);
	for (size_t at = 1; at + 1 < stem.len; at++) {
		struct slice name = slice_of(stem.ptr, at);
		struct slice version = slice_of(stem.ptr + at + 1, stem.len - at - 1);
		bool is_border = stem.ptr[at] == '-' && begins_with_digit(version);
		if (!is_border || !is_version_to_its_end(version) || !is_name(name))
			continue;
		*out = (struct java_artifact){.name = name, .version = version};
		return true;
	}
	return false;
}

/* --- the manifest ----------------------------------------------------------------------------- */

enum header {
	HEADER_TITLE,
	HEADER_VERSION,
	HEADER_VENDOR_ID,
	HEADER_BUNDLE_NAME,
	HEADER_BUNDLE_VERSION,
	HEADER_COUNT,
};

static const char *const HEADERS[HEADER_COUNT] = {"Implementation-Title", "Implementation-Version",
        "Implementation-Vendor-Id", "Bundle-SymbolicName", "Bundle-Version"};

/* The main section with each header on one line: a line that begins with a blank goes on with the
 * one before, even within a word (JAR File Specification, "Notes on Manifest and Signature
 * Files"). */
static void unfold(struct slice text, struct buf *out)
{
	struct slice line;
	buf_reset(out);
	while (text_take_line(&text, &line)) {
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (line.len == 0 && out->len > 0)
			return;
		bool goes_on = line.len > 0 && line.ptr[0] == ' ';
		if (!goes_on && out->len > 0)
			buf_append_byte(out, '\n');
		buf_append_slice(out, goes_on ? app_after(line, 1) : line);
	}
}

static void take_headers(struct slice text, struct slice value[HEADER_COUNT])
{
	struct slice line, name, rest;
	while (text_take_line(&text, &line)) {
		if (!text_split(line, ':', &name, &rest))
			continue;
		for (size_t i = 0; i < HEADER_COUNT; i++)
			if (app_is_nocase(name, HEADERS[i]))
				value[i] = text_trim(rest);
	}
	/* "org.example.a;singleton:=true" */
	struct slice head, tail;
	if (text_split(value[HEADER_BUNDLE_NAME], ';', &head, &tail))
		value[HEADER_BUNDLE_NAME] = text_trim(head);
}

/* Without its version, where it has one. */
static struct slice name_of_file(struct slice file)
{
	struct java_artifact artifact;
	return java_take_file_name(file, &artifact) ? artifact.name : without_suffix(file);
}

bool java_take_manifest(
        struct slice text, struct slice file, struct buf *unfolded, struct java_artifact *out)
{
	struct slice value[HEADER_COUNT] = {{0}};
	struct java_artifact found = {0};
	unfold(text, unfolded);
	take_headers(buf_slice(unfolded), value);
	bool has_version = is_version(value[HEADER_VERSION]);
	if (is_name(value[HEADER_TITLE]) && has_version) {
		found.name = value[HEADER_TITLE];
		found.version = value[HEADER_VERSION];
		if (is_name(value[HEADER_VENDOR_ID]))
			found.group = value[HEADER_VENDOR_ID];
	} else if (is_name(value[HEADER_BUNDLE_NAME]) && is_version(value[HEADER_BUNDLE_VERSION])) {
		found.name = value[HEADER_BUNDLE_NAME];
		found.version = value[HEADER_BUNDLE_VERSION];
	} else if (has_version && is_name(name_of_file(file))) {
		found.name = name_of_file(file);
		found.version = value[HEADER_VERSION];
	} else {
		return false;
	}
	*out = found;
	return true;
}
