#include "agent/fim/filter.h"

#include <stdlib.h>

#include "common/base/glob.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define PATTERNS_MAX 4096

static const char *const SECRETS[] = {FILTER_SECRETS};
#define SECRET_COUNT (sizeof(SECRETS) / sizeof(SECRETS[0]))

enum anchor { ANCHOR_NAME, ANCHOR_ENTRY, ANCHOR_ROOT };

struct pattern {
	char *text; /* without '!', a leading and a trailing slash */
	size_t len;
	enum anchor anchor;
	bool takes_back;       /* began with '!' */
	bool directories_only; /* ended with '/' */
};

struct patterns {
	size_t count;
	struct pattern *item;
};

struct root {
	struct slice path; /* "/" has length 1, others end without a slash */
	bool recursive;
	struct patterns exclude;
	uint64_t diff_bytes;
	struct patterns nodiff;
};

struct filter {
	size_t count;
	bool has_diffs;
	struct root *root;
};

/* --- paths ------------------------------------------------------------------------------------ */

static bool is_slash(struct slice path)
{
	return path.len == 1;
}

/* "/m" is above "/m/a" and not above "/mm" or itself; "/" is above everything else. */
static bool is_above(struct slice dir, struct slice path)
{
	if (is_slash(dir))
		return path.len > 1;
	return path.len > dir.len && path.ptr[dir.len] == '/' && slice_starts_with(path, dir);
}

/* Where the part below `dir` begins in a path that lies below it. */
static size_t below_at(struct slice dir)
{
	return is_slash(dir) ? 1 : dir.len + 1;
}

static bool is_parent(struct slice dir, struct slice path)
{
	if (!is_above(dir, path))
		return false;
	size_t at = below_at(dir);
	return memchr(path.ptr + at, '/', path.len - at) == NULL;
}

static bool is_odd_component(struct slice name)
{
	return name.len == 0 || slice_is(name, ".") || slice_is(name, "..");
}

static bool is_plain_absolute(struct slice path)
{
	if (path.len == 0 || path.ptr[0] != '/')
		return false;
	if (is_slash(path))
		return true;
	struct slice rest = slice_of(path.ptr + 1, path.len - 1), name;
	while (text_split(rest, '/', &name, &rest))
		if (is_odd_component(name))
			return false;
	return !is_odd_component(rest);
}

/* --- making ----------------------------------------------------------------------------------- */

/* gitignore(5): "dir/" + "**" matches what is inside and not the directory, so that "!dir/keep"
 * can take something back. */
static bool ends_inside(struct slice text)
{
	return text.len >= 3 && memcmp(text.ptr + text.len - 3, "/**", 3) == 0;
}

static int pattern_init(struct pattern *pattern, const char *given, const char *what,
        const char *path, struct reason *out_why)
{
	struct slice text = slice_text(given);
	if (text.len > 0 && text.ptr[0] == '!') {
		pattern->takes_back = true;
		text = slice_of(text.ptr + 1, text.len - 1);
	}
	while (text.len > 0 && text.ptr[text.len - 1] == '/') {
		pattern->directories_only = true;
		text.len--;
	}
	if (text.len > 0 && text.ptr[0] == '/') {
		pattern->anchor = ANCHOR_ROOT;
		text = slice_of(text.ptr + 1, text.len - 1);
	} else if (memchr(text.ptr, '/', text.len)) {
		pattern->anchor = ANCHOR_ENTRY;
	}
	if (text.len == 0 || !glob_is_valid(text))
		return fail(out_why, ERR_CONFIG, "cannot use %s pattern '%s' of watch path '%s'",
		        what, given, path);
	struct buf full = BUF_INIT;
	buf_append_slice(&full, text);
	if (ends_inside(text))
		buf_append_text(&full, "/*");
	pattern->text = mem_copy_text(full.data, full.len);
	pattern->len = full.len;
	buf_fini(&full);
	return 0;
}

static int patterns_add(struct patterns *patterns, const char *const *given, size_t count,
        const char *what, const char *path, struct reason *out_why)
{
	int rc = 0;
	if (count > PATTERNS_MAX)
		return fail(out_why, ERR_CONFIG, "cannot watch '%s': more than %d %s patterns",
		        path, PATTERNS_MAX, what);
	size_t room = patterns->count + count + 1;
	patterns->item = mem_resize(patterns->item, room * sizeof(*patterns->item));
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct pattern *pattern = &patterns->item[patterns->count++];
		*pattern = (struct pattern){0};
		rc = pattern_init(pattern, given[i], what, path, out_why);
	}
	return rc;
}

static void patterns_fini(struct patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		free(patterns->item[i].text);
	free(patterns->item);
}

static int root_init(struct root *root, const struct watch_entry *entry, struct reason *out_why)
{
	struct slice path = slice_text(entry->path);
	if (!is_plain_absolute(path))
		return fail(out_why, ERR_CONFIG, "cannot watch '%s': not an absolute, plain path",
		        entry->path ? entry->path : "");
	root->path = slice_of(mem_copy_text(path.ptr, path.len), path.len);
	root->recursive = entry->recursive;
	root->diff_bytes = entry->diff_bytes;
	int rc = patterns_add(&root->exclude, entry->exclude, entry->exclude_count, "exclude",
	        entry->path, out_why);
	if (rc == 0 && entry->diff_bytes > 0)
		rc = patterns_add(
		        &root->nodiff, SECRETS, SECRET_COUNT, "nodiff", entry->path, out_why);
	if (rc == 0 && entry->diff_bytes > 0)
		rc = patterns_add(&root->nodiff, entry->nodiff, entry->nodiff_count, "nodiff",
		        entry->path, out_why);
	return rc;
}

static bool has_root(const struct filter *filter, struct slice path)
{
	for (size_t i = 0; i < filter->count; i++)
		if (slice_equal(filter->root[i].path, path))
			return true;
	return false;
}

int filter_new(const struct watch_entry *entries, size_t count, struct filter **out,
        struct reason *out_why)
{
	if (count == 0)
		return fail(out_why, ERR_CONFIG, "cannot watch: the list of paths is empty");
	struct filter *filter = mem_new(sizeof(*filter));
	filter->root = mem_new_array(count, sizeof(*filter->root));
	for (size_t i = 0; i < count; i++) {
		int rc = 0;
		filter->has_diffs |= entries[i].diff_bytes > 0;
		if (entries[i].path && has_root(filter, slice_text(entries[i].path)))
			rc = fail(out_why, ERR_CONFIG, "cannot watch '%s': it is listed twice",
			        entries[i].path);
		else
			rc = root_init(&filter->root[filter->count++], &entries[i], out_why);
		if (rc < 0) {
			filter_free(filter);
			return rc;
		}
	}
	*out = filter;
	return 0;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->count; i++) {
		struct root *root = &filter->root[i];
		patterns_fini(&root->exclude);
		patterns_fini(&root->nodiff);
		free((void *)root->path.ptr);
	}
	free(filter->root);
	free(filter);
}

/* --- questions -------------------------------------------------------------------------------- */

static bool pattern_matches(
        const struct pattern *pattern, struct slice path, size_t rel_at, size_t name_at)
{
	struct slice text = slice_of(pattern->text, pattern->len);
	switch (pattern->anchor) {
	case ANCHOR_NAME:
		return glob_matches(text, slice_of(path.ptr + name_at, path.len - name_at));
	case ANCHOR_ENTRY:
		return glob_matches_path(text, slice_of(path.ptr + rel_at, path.len - rel_at));
	case ANCHOR_ROOT:
		return glob_matches_path(text, slice_of(path.ptr + 1, path.len - 1));
	}
	return false;
}

/* What the patterns say of this path alone, its directories aside: the last one that matches. */
static bool is_matched(const struct patterns *patterns, struct slice path, size_t rel_at,
        size_t name_at, bool is_directory)
{
	for (size_t i = patterns->count; i > 0; i--) {
		const struct pattern *pattern = &patterns->item[i - 1];
		if (pattern->directories_only && !is_directory)
			continue;
		if (pattern_matches(pattern, path, rel_at, name_at))
			return !pattern->takes_back;
	}
	return false;
}

/* Whether the root covers a path below it: neither the path nor a directory in between is excluded.
 */
static bool covers_below(const struct root *root, struct slice path, bool is_directory)
{
	size_t rel_at = below_at(root->path);
	for (size_t name_at = rel_at;;) {
		const uint8_t *slash = memchr(path.ptr + name_at, '/', path.len - name_at);
		struct slice upto = slash ? slice_of(path.ptr, (size_t)(slash - path.ptr)) : path;
		if (is_matched(&root->exclude, upto, rel_at, name_at, slash ? true : is_directory))
			return false;
		if (!slash)
			return true;
		if (!root->recursive)
			return false;
		name_at = upto.len + 1;
	}
}

int filter_entry_of(const struct filter *filter, struct slice path)
{
	int best = -1;
	for (size_t i = 0; i < filter->count; i++) {
		struct slice root = filter->root[i].path;
		if (!slice_equal(root, path) && !is_above(root, path))
			continue;
		if (best < 0 || root.len > filter->root[best].path.len)
			best = (int)i;
	}
	return best;
}

bool filter_covers(const struct filter *filter, struct slice path, bool is_directory)
{
	int entry = filter_entry_of(filter, path);
	if (entry < 0)
		return false;
	const struct root *root = &filter->root[entry];
	return slice_equal(root->path, path) || covers_below(root, path, is_directory);
}

static bool holds_a_root(const struct filter *filter, struct slice dir)
{
	for (size_t i = 0; i < filter->count; i++)
		if (is_parent(dir, filter->root[i].path))
			return true;
	return false;
}

struct filter_dir filter_in(const struct filter *filter, struct slice dir)
{
	struct filter_dir in = {
	        .filter = filter,
	        .entry = filter_entry_of(filter, dir),
	        .has_roots = holds_a_root(filter, dir),
	};
	if (in.entry < 0)
		return in;
	const struct root *root = &filter->root[in.entry];
	in.rel_at = below_at(root->path);
	in.is_open = slice_equal(root->path, dir) ||
	             (root->recursive && covers_below(root, dir, true));
	return in;
}

bool filter_dir_covers(const struct filter_dir *in, struct slice path, bool is_directory)
{
	if (in->has_roots && has_root(in->filter, path))
		return true;
	if (!in->is_open)
		return false;
	const struct root *root = &in->filter->root[in->entry];
	if (root->exclude.count == 0)
		return true;
	const uint8_t *slash = memrchr(path.ptr, '/', path.len);
	return !is_matched(
	        &root->exclude, path, in->rel_at, (size_t)(slash - path.ptr) + 1, is_directory);
}

/* As for exclude patterns: what lies below a directory that matches matches too. */
static bool is_secret(const struct root *root, struct slice path)
{
	size_t rel_at = below_at(root->path);
	if (slice_equal(root->path, path)) {
		const uint8_t *slash = memrchr(path.ptr, '/', path.len);
		size_t name_at = (size_t)(slash - path.ptr) + 1;
		return is_matched(&root->nodiff, path, name_at, name_at, false);
	}
	for (size_t name_at = rel_at;;) {
		const uint8_t *slash = memchr(path.ptr + name_at, '/', path.len - name_at);
		struct slice upto = slash ? slice_of(path.ptr, (size_t)(slash - path.ptr)) : path;
		if (is_matched(&root->nodiff, upto, rel_at, name_at, slash != NULL))
			return true;
		if (!slash)
			return false;
		name_at = upto.len + 1;
	}
}

enum filter_diff filter_diff_of(
        const struct filter *filter, struct slice path, uint64_t *out_most_bytes)
{
	int entry = filter_has_diffs(filter) ? filter_entry_of(filter, path) : -1;
	if (entry < 0 || filter->root[entry].diff_bytes == 0)
		return FILTER_DIFF_NO;
	if (is_secret(&filter->root[entry], path))
		return FILTER_DIFF_SECRET;
	if (out_most_bytes)
		*out_most_bytes = filter->root[entry].diff_bytes;
	return FILTER_DIFF_YES;
}

bool filter_has_diffs(const struct filter *filter)
{
	return filter->has_diffs;
}

static void append_counted(struct buf *out, const void *bytes, size_t len)
{
	buf_append_u32(out, (uint32_t)len);
	buf_append(out, bytes, len);
}

void filter_digest_diffs(const struct filter *filter, uint8_t out[SHA256_BYTES])
{
	struct buf all = BUF_INIT;
	for (size_t i = 0; i < filter->count; i++) {
		const struct root *root = &filter->root[i];
		append_counted(&all, root->path.ptr, root->path.len);
		buf_append_u64(&all, root->diff_bytes);
		buf_append_u32(&all, (uint32_t)root->nodiff.count);
		for (size_t k = 0; k < root->nodiff.count; k++) {
			const struct pattern *pattern = &root->nodiff.item[k];
			append_counted(&all, pattern->text, pattern->len);
			buf_append_byte(&all, (uint8_t)pattern->anchor);
			buf_append_byte(&all, pattern->takes_back);
			buf_append_byte(&all, pattern->directories_only);
		}
	}
	digest_of(buf_slice(&all), out);
	buf_fini(&all);
}

bool filter_descends(const struct filter *filter, struct slice dir)
{
	struct filter_dir in = filter_in(filter, dir);
	return in.is_open || in.has_roots;
}

bool filter_leads_to_entry(const struct filter *filter, struct slice dir)
{
	for (size_t i = 0; i < filter->count; i++)
		if (is_above(dir, filter->root[i].path))
			return true;
	return false;
}

size_t filter_count(const struct filter *filter)
{
	return filter->count;
}

bool filter_is_recursive(const struct filter *filter, size_t index)
{
	return filter->root[index].recursive;
}

struct slice filter_path(const struct filter *filter, size_t index)
{
	return filter->root[index].path;
}
