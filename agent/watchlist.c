#include "agent/watchlist.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/mem.h"

static struct watch_entry entry_of(
        const struct agent_config *config, const struct watch_config *item, const char *path)
{
	return (struct watch_entry){
	        .path = path,
	        .recursive = item->recursive,
	        .exclude_count = item->exclude.count,
	        .exclude = item->exclude.item,
	        .diff_bytes = item->diff ? config->limits.diff_kb << 10 : 0,
	        .nodiff_count = item->nodiff.count,
	        .nodiff = item->nodiff.item,
	};
}

/* Whether the path leads elsewhere; `out_target` has room for PATH_MAX. A link that leads nowhere
 * is one like any other file. */
static bool is_detour(const char *path, char *out_target, bool *out_is_link)
{
	struct stat info;
	*out_is_link = lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
	return realpath(path, out_target) && strcmp(path, out_target) != 0;
}

static bool covers(const struct filter *filter, const char *target)
{
	struct stat info;
	bool is_directory = stat(target, &info) == 0 && S_ISDIR(info.st_mode);
	return is_directory ? filter_descends(filter, slice_text(target))
	                    : filter_covers(filter, slice_text(target), false);
}

static bool is_listed(const struct agent_config *config, const char *path)
{
	const struct watch_config *item = config->watch.item;
	for (size_t i = 0; i < config->watch.count; i++)
		if (strcmp(item[i].path, path) == 0)
			return true;
	return false;
}

static void take_link(struct watchlist *list, const char *path, const char *target, bool is_link)
{
	list->link[list->link_count++] = (struct watchlist_link){
	        .path = path, .target = mem_copy(target, strlen(target) + 1), .is_link = is_link};
}

static bool has_entry(const struct watchlist *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->entry[i].path, path) == 0)
			return true;
	return false;
}

static void take_item(
        struct watchlist *list, const struct watch_config *item, const struct filter *configured)
{
	char target[PATH_MAX];
	bool is_link;
	if (!is_detour(item->path, target, &is_link)) {
		list->entry[list->count++] = entry_of(list->config, item, item->path);
		return;
	}
	take_link(list, item->path, target, is_link);
	bool is_covered = covers(configured, target);
	if (is_link || !is_covered)
		list->entry[list->count++] = entry_of(list->config, item, item->path);
	if (is_link && !is_covered && !has_entry(list, target))
		list->entry[list->count++] = entry_of(
		        list->config, item, list->link[list->link_count - 1].target);
}

/* What the configuration names, then what of the agent's own it leaves out. */
static void find_items(struct watchlist *list, const struct filter *configured)
{
	const struct agent_config *config = list->config;
	const struct watch_config *item = config->watch.item;
	list->item = mem_new_array(config->watch.count + config->own.count, sizeof(*list->item));
	for (size_t i = 0; i < config->watch.count; i++)
		list->item[list->item_count++] = &item[i];
	for (size_t i = 0; i < config->own.count; i++) {
		const struct watch_config *own = &config->own.item[i];
		if (own->exclude.count > 0 ? !is_listed(config, own->path)
		                           : !covers(configured, own->path))
			list->item[list->item_count++] = own;
	}
}

static int make_configured(
        const struct agent_config *config, struct filter **out, struct reason *out_why)
{
	const struct watch_config *item = config->watch.item;
	size_t count = config->watch.count;
	struct watch_entry *entries = mem_new_array(count + 1, sizeof(*entries));
	for (size_t i = 0; i < count; i++)
		entries[i] = entry_of(config, &item[i], item[i].path);
	int rc = filter_new(entries, count, out, out_why);
	free(entries);
	return rc;
}

int watchlist_new(const struct agent_config *config, struct watchlist **out, struct reason *out_why)
{
	struct filter *configured;
	int rc = make_configured(config, &configured, out_why);
	if (rc < 0)
		return rc;
	struct watchlist *list = mem_new(sizeof(*list));
	list->config = config;
	find_items(list, configured);
	list->entry = mem_new_array(2 * list->item_count + 1, sizeof(*list->entry));
	list->link = mem_new_array(list->item_count + 1, sizeof(*list->link));
	for (size_t i = 0; i < list->item_count; i++)
		take_item(list, list->item[i], configured);
	filter_free(configured);
	*out = list;
	return 0;
}

void watchlist_free(struct watchlist *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->link_count; i++)
		free(list->link[i].target);
	free(list->link);
	free(list->entry);
	free(list->item);
	free(list);
}

bool watchlist_is_current(const struct watchlist *list)
{
	size_t at = 0;
	for (size_t i = 0; i < list->item_count; i++) {
		const char *path = list->item[i]->path;
		char target[PATH_MAX];
		bool is_link;
		bool was_detour = at < list->link_count && list->link[at].path == path;
		const struct watchlist_link *link = was_detour ? &list->link[at++] : NULL;
		if (is_detour(path, target, &is_link) != was_detour)
			return false;
		if (link && (link->is_link != is_link || strcmp(link->target, target) != 0))
			return false;
	}
	return true;
}
