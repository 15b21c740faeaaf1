#include "agent/touch/names.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/file.h"

#define NAME_BYTES_MAX 256 /* LOGIN_NAME_MAX */

struct entry {
	uint32_t id;
	uint32_t offset; /* of the name in the text; also the order in the file */
	uint32_t len;
};

/* One of the two files. */
struct table {
	char *path;
	struct stat seen;
	struct buf text;
	struct entry *entry; /* by id, then by order in the file */
	size_t count;
	struct entry *last; /* most files have the owner of the one before */
};

struct names {
	struct table users;
	struct table groups;
};

static int by_id(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return (left->offset > right->offset) - (left->offset < right->offset);
}

/* NAME:PASSWORD:NUMBER:… in both files. Lines of the compatibility mode ("+", "-") and comments
 * have no number or no name. */
static bool parse_line(struct slice line, struct slice *out_name, uint32_t *out_id)
{
	struct slice name, password, number, rest;
	uint64_t id;
	if (!text_split(line, ':', &name, &rest) || !text_split(rest, ':', &password, &rest) ||
	        !text_split(rest, ':', &number, &rest))
		return false;
	if (name.len == 0 || name.len > NAME_BYTES_MAX || name.ptr[0] == '#' ||
	        name.ptr[0] == '+' || name.ptr[0] == '-' ||
	        !text_parse_u64(number, UINT32_MAX, &id))
		return false;
	*out_name = name;
	*out_id = (uint32_t)id;
	return true;
}

static void parse(struct table *table)
{
	struct slice text = buf_slice(&table->text);
	struct slice line, name;
	size_t cap = 0;
	uint32_t id;
	while (text_take_line(&text, &line)) {
		if (!parse_line(line, &name, &id))
			continue;
		if (table->count == cap) {
			cap = cap ? cap * 2 : 64;
			table->entry = mem_resize(table->entry, cap * sizeof(*table->entry));
		}
		table->entry[table->count++] = (struct entry){
		        .id = id,
		        .offset = (uint32_t)(name.ptr - table->text.data),
		        .len = (uint32_t)name.len,
		};
	}
	if (table->count > 0)
		qsort(table->entry, table->count, sizeof(*table->entry), by_id);
}

static void forget(struct table *table)
{
	free(table->entry);
	table->entry = NULL;
	table->last = NULL;
	table->count = 0;
	buf_fini(&table->text);
	buf_init(&table->text);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void refresh(struct table *table)
{
	struct stat now;
	if (stat(table->path, &now) != 0)
		memset(&now, 0, sizeof(now));
	if (is_same(&now, &table->seen))
		return;
	table->seen = now;
	forget(table);
	if (now.st_ino != 0 && file_read(table->path, NAMES_FILE_MAX, &table->text, NULL) == 0)
		parse(table);
}

static struct slice look_up(struct table *table, uint32_t id)
{
	size_t low = 0, high = table->count;
	if (!table->last || table->last->id != id) {
		while (low < high) {
			size_t middle = (low + high) / 2;
			if (table->entry[middle].id < id)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == table->count || table->entry[low].id != id)
			return (struct slice){0};
		table->last = &table->entry[low];
	}
	return slice_of(table->text.data + table->last->offset, table->last->len);
}

struct names *names_new(const char *passwd_path, const char *group_path)
{
	struct names *names = mem_new(sizeof(*names));
	names->users.path = mem_copy_text(passwd_path, strlen(passwd_path));
	names->groups.path = mem_copy_text(group_path, strlen(group_path));
	names_refresh(names);
	return names;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	forget(&names->users);
	forget(&names->groups);
	free(names->users.path);
	free(names->groups.path);
	free(names);
}

void names_refresh(struct names *names)
{
	refresh(&names->users);
	refresh(&names->groups);
}

struct slice names_user(struct names *names, uint32_t uid)
{
	return look_up(&names->users, uid);
}

struct slice names_group(struct names *names, uint32_t gid)
{
	return look_up(&names->groups, gid);
}
