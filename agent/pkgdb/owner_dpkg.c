/*
 * info/PACKAGE[:ARCH].list has a line for each path; `diversions` three lines for each path that is
 * another package's in spite of that: the path, where the file of everybody else lies, and the
 * package whose own file lies there (":" is the administrator's: nobody's). See dpkg-divert(1).
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/source/folder.h"
#include "agent/pkgdb/owner_table.h"
#include "agent/source/root.h"
#include "agent/pkgdb/sources.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define STATUS_BYTES_MAX (64u << 20)
#define LIST_BYTES_MAX   (64u << 20)
#define ARENA_BYTES      (128u << 20)

struct lists {
	struct owners *owners;
	struct fact_list facts; /* the packages */
	struct fact *const *by_name;
	/* Of the list that is being read. */
	struct slice name;
	struct slice arch; /* absent: the list is named without one */
	const struct fact *package;
};

/* --- the packages ----------------------------------------------------------------------------- */

static int order_by_name(const void *a, const void *b)
{
	const struct fact *const *one = a, *const *other = b;
	return slice_compare((*one)->field[PACKAGE_NAME], (*other)->field[PACKAGE_NAME]);
}

static int read_packages(const char *root, struct lists *lists, struct reason *out_why)
{
	struct buf text = BUF_INIT;
	int rc = root_read(root, "/var/lib/dpkg/status", STATUS_BYTES_MAX, &text, out_why);
	if (rc == 0)
		rc = src_dpkg_parse(buf_slice(&text), &lists->facts, out_why);
	buf_fini(&text);
	if (rc < 0)
		return rc == -ENOENT ? ERR_MISSING : rc;
	struct fact **by_name = mem_new_array(lists->facts.count, sizeof(*by_name));
	for (size_t i = 0; i < lists->facts.count; i++)
		by_name[i] = &lists->facts.fact[i];
	qsort(by_name, lists->facts.count, sizeof(struct fact *), order_by_name);
	lists->by_name = by_name;
	return 0;
}

/* A list of what is removed but for its configuration has that alone, and owns nothing. */
static bool is_of_list(const struct lists *lists, const struct fact *package)
{
	return (!lists->arch.ptr || slice_equal(package->field[PACKAGE_ARCH], lists->arch)) &&
	       !slice_is(package->field[PACKAGE_STATUS], "config-files");
}

static const struct fact *find_package(const struct lists *lists)
{
	size_t low = 0, high = lists->facts.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (slice_compare(lists->by_name[middle]->field[PACKAGE_NAME], lists->name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < lists->facts.count; low++) {
		const struct fact *package = lists->by_name[low];
		if (!slice_equal(package->field[PACKAGE_NAME], lists->name))
			return NULL;
		if (is_of_list(lists, package))
			return package;
	}
	return NULL;
}

/* --- diversions ------------------------------------------------------------------------------- */

static int take_diversion(
        struct owners *owners, struct slice from, struct slice to, struct slice package)
{
	struct owner_entry *entry = owner_find(owners, from), *diverted = owner_find(owners, to);
	if (!entry && !diverted)
		return 0;
	if (!entry)
		entry = owner_place(owners, from);
	if (!entry)
		return ERR_LIMIT;
	entry->diverter = package;
	entry->diverted = diverted;
	return 0;
}

static int read_diversions(struct owners *owners, struct slice text)
{
	struct slice from, to, package;
	int rc = 0;
	while (rc == 0 && text_take_line(&text, &from) && text_take_line(&text, &to) &&
	        text_take_line(&text, &package))
		rc = take_diversion(owners, from, to, package);
	return rc;
}

/* The slices are the text's, which does not live on. */
static void forget_diversions(struct owners *owners, struct slice text)
{
	struct slice line;
	while (text_take_line(&text, &line)) {
		struct owner_entry *entry = owner_find(owners, line);
		if (entry) {
			entry->diverter = (struct slice){0};
			entry->diverted = NULL;
		}
	}
}

/* --- lists ------------------------------------------------------------------------------------ */

static int take_path(struct lists *lists, struct owner_entry *entry)
{
	if (entry->diverter.ptr && !slice_equal(entry->diverter, lists->name))
		entry = entry->diverted;
	if (!entry)
		return 0;
	if (!lists->package)
		lists->package = find_package(lists);
	if (!lists->package)
		return 0;
	return owner_take(
	        lists->owners, entry, "dpkg", lists->name, lists->package->field[PACKAGE_VERSION]);
}

static int take_list(struct lists *lists, const char *file, struct slice text)
{
	struct slice stem, line;
	int rc = 0;
	if (!folder_stem(file, ".list", &stem))
		return 0;
	lists->name = stem;
	lists->arch = (struct slice){0};
	lists->package = NULL;
	text_split(stem, ':', &lists->name, &lists->arch);
	while (rc == 0 && text_take_line(&text, &line)) {
		struct owner_entry *entry = owner_find(lists->owners, line);
		if (entry)
			rc = take_path(lists, entry);
	}
	return rc;
}

/* What dpkg removes meanwhile is not there. */
static int read_lists(const char *root, struct lists *lists, struct reason *out_why)
{
	struct folder folder;
	struct buf text = BUF_INIT;
	const char *name = NULL;
	struct slice stem;
	int rc = folder_open(root, "/var/lib/dpkg/info", &folder, out_why), more = 0;
	while (rc == 0 && (more = folder_next(&folder, &name, out_why)) > 0) {
		if (!folder_stem(name, ".list", &stem))
			continue;
		rc = folder_read(&folder, name, LIST_BYTES_MAX, &text, out_why);
		if (rc == 0)
			rc = take_list(lists, name, buf_slice(&text));
		else if (rc == ERR_MISSING)
			rc = 0;
	}
	folder_close(&folder);
	buf_fini(&text);
	return rc == 0 ? more : rc;
}

int owner_dpkg_read(struct owners *owners, const char *root, struct reason *out_why)
{
	struct lists lists = {.owners = owners, .facts = {.arena = arena_new(ARENA_BYTES)}};
	struct buf diversions = BUF_INIT;
	int rc = read_packages(root, &lists, out_why);
	if (rc == 0)
		rc = root_read(
		        root, "/var/lib/dpkg/diversions", LIST_BYTES_MAX, &diversions, out_why);
	if (rc == 0)
		rc = read_diversions(owners, buf_slice(&diversions));
	if (rc == 0 || rc == -ENOENT)
		rc = lists.by_name ? read_lists(root, &lists, out_why) : ERR_MISSING;
	forget_diversions(owners, buf_slice(&diversions));
	buf_fini(&diversions);
	free((void *)lists.by_name);
	arena_free(lists.facts.arena);
	return rc;
}
