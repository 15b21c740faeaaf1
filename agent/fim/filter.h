/*
 * filter - which paths are watched, by the configuration's `watch` entries.
 *
 * The deepest entry whose path is the path itself or an ancestor decides alone. Its exclude
 * patterns are gitignore(5)'s: one without a slash is matched against the name of the path and of
 * each directory between it and the entry; one with a slash is anchored: from "/" when it begins
 * with a slash, otherwise from the entry's path; "**" crosses directories; a trailing slash means
 * directories only; "!" takes an earlier match back, but nothing below an excluded directory comes
 * back. A non-recursive entry covers its direct entries.
 *
 * Its nodiff patterns are the same for what may be diffed, with FILTER_SECRETS in front of them.
 *
 * Life     filter_new -> questions -> filter_free. Immutable in between.
 * Owner    copies what it needs of the entries.
 * Errors   ERR_CONFIG with a sentence: a relative path, the same path twice, a bad pattern, an
 *          empty list.
 * Thread   questions: any.
 */
#ifndef TSUJIBAN_AGENT_FIM_FILTER_H
#define TSUJIBAN_AGENT_FIM_FILTER_H

#include "common/base/digest.h"
#include "common/base/err.h"
#include "common/base/slice.h"

struct watch_entry {
	const char *path; /* as configured; absolute */
	bool recursive;
	size_t exclude_count;
	const char *const *exclude;
	uint64_t diff_bytes; /* text diffs of files up to this size; 0: none */
	size_t nodiff_count;
	const char *const *nodiff;
};

/* What nobody wants to see in a diff, also under the names that it has while it is replaced. */
#define FILTER_SECRETS                                                                      \
	"/etc/shadow*", "/etc/gshadow*", "/etc/nshadow", "/etc/security/*opasswd", "*.key", \
	        "*.pem", "ssh_host_*_key"

struct filter;

int filter_new(const struct watch_entry *entries, size_t count, struct filter **out,
        struct reason *out_why);
void filter_free(struct filter *filter);

/* Whether events of this path are reported and its state kept. */
bool filter_covers(const struct filter *filter, struct slice path, bool is_directory);
/* Whether this directory's entries are to be listed and watched: because entries of it are covered.
 */
bool filter_descends(const struct filter *filter, struct slice dir);
/* The same question for the entries of one directory, each path being `dir`/NAME: what holds for
 * the directory is worked out once. A plain value; borrows from the filter. */
struct filter_dir {
	const struct filter *filter;
	int entry;      /* that decides for the directory; -1: none */
	size_t rel_at;  /* where, in a path of this directory, the part below the entry begins */
	bool is_open;   /* its entries are covered unless a pattern takes one out */
	bool has_roots; /* the path of another entry is among its entries */
};
struct filter_dir filter_in(const struct filter *filter, struct slice dir);
bool filter_dir_covers(const struct filter_dir *in, struct slice path, bool is_directory);

/* Whether the directory is an ancestor of an entry's path, so that the entry may appear below it.
 */
bool filter_leads_to_entry(const struct filter *filter, struct slice dir);

size_t filter_count(const struct filter *filter);
bool filter_is_recursive(const struct filter *filter, size_t index);
/* The path of entry `index`, as configured. */
struct slice filter_path(const struct filter *filter, size_t index);
/* Whether changes of this path's text are to be shown; `*out_most_bytes` (may be NULL) is then how
 * large the file may be. */
enum filter_diff { FILTER_DIFF_NO, FILTER_DIFF_YES, FILTER_DIFF_SECRET };
enum filter_diff filter_diff_of(
        const struct filter *filter, struct slice path, uint64_t *out_most_bytes);
/* False: there are no diffs at all. */
bool filter_has_diffs(const struct filter *filter);
/* Equal for two filters that give every path the same answer to filter_diff_of. */
void filter_digest_diffs(const struct filter *filter, uint8_t out[SHA256_BYTES]);
/* The entry that decides for this path; -1: none. */
int filter_entry_of(const struct filter *filter, struct slice path);

#endif
