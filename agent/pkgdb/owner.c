#include "agent/pkgdb/owner_table.h"

#include <stdlib.h>

#include "agent/pkgdb/merged_paths.h"
#include "common/base/digest.h"
#include "common/base/mem.h"

#define BUCKETS_FIRST 64

struct wanted {
	struct wanted *next;
	struct slice path;
};

struct owners {
	struct arena *arena;
	struct wanted *wanted; /* since the last resolving */
	struct merged_paths merged;
	struct owner_entry **bucket;
	size_t bucket_count; /* a power of two */
	size_t count;
	uint64_t seed;
	struct buf room;
};

/* --- the table -------------------------------------------------------------------------------- */

/* Anybody may choose paths that are asked for, so buckets depend on a number that nobody knows. */
static uint64_t hash_of(const struct owners *owners, struct slice path)
{
	uint64_t hash = owners->seed ^ path.len, word;
	while (path.len >= sizeof(word)) {
		memcpy(&word, path.ptr, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
		path = slice_of(path.ptr + sizeof(word), path.len - sizeof(word));
	}
	word = 0;
	if (path.len > 0)
		memcpy(&word, path.ptr, path.len);
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

static struct owner_entry *look(const struct owners *owners, struct slice path, uint64_t hash)
{
	struct owner_entry *entry = NULL;
	if (owners->bucket_count > 0)
		entry = owners->bucket[hash & (owners->bucket_count - 1)];
	while (entry && (entry->hash != hash || !slice_equal(entry->path, path)))
		entry = entry->next;
	return entry;
}

static int grow(struct owners *owners)
{
	size_t fresh_count = owners->bucket_count ? owners->bucket_count * 4 : BUCKETS_FIRST;
	struct owner_entry **fresh = arena_alloc_zeroed(
	        owners->arena, fresh_count, sizeof(struct owner_entry *));
	if (!fresh)
		return ERR_LIMIT;
	for (size_t i = 0; i < owners->bucket_count; i++) {
		struct owner_entry *entry = owners->bucket[i];
		while (entry) {
			struct owner_entry *next = entry->next;
			struct owner_entry **to = &fresh[entry->hash & (fresh_count - 1)];
			entry->next = *to;
			*to = entry;
			entry = next;
		}
	}
	owners->bucket = fresh;
	owners->bucket_count = fresh_count;
	return 0;
}

struct owner_entry *owner_find(struct owners *owners, struct slice path)
{
	struct slice one = merged_paths_one(&owners->merged, path, &owners->room);
	return look(owners, one, hash_of(owners, one));
}

struct owner_entry *owner_place(struct owners *owners, struct slice path)
{
	struct slice one = merged_paths_one(&owners->merged, path, &owners->room);
	uint64_t hash = hash_of(owners, one);
	struct owner_entry *entry = look(owners, one, hash);
	if (entry)
		return entry;
	if (owners->count == owners->bucket_count / 2 && grow(owners) < 0)
		return NULL;
	entry = arena_alloc_zeroed(owners->arena, 1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->path = arena_copy(owners->arena, one);
	if (!entry->path.ptr)
		return NULL;
	entry->hash = hash;
	struct owner_entry **to = &owners->bucket[hash & (owners->bucket_count - 1)];
	entry->next = *to;
	*to = entry;
	owners->count++;
	return entry;
}

int owner_take(struct owners *owners, struct owner_entry *entry, const char *manager,
        struct slice name, struct slice version)
{
	struct buf text = BUF_INIT;
	buf_printf(&text, "%s:", manager);
	buf_append_slice(&text, name);
	struct owner owner = {0};
	bool is_first = !entry->owner.package.ptr ||
	                slice_compare(buf_slice(&text), entry->owner.package) < 0;
	if (is_first) {
		owner.package = arena_copy(owners->arena, buf_slice(&text));
		owner.version = arena_copy(owners->arena, version);
	}
	buf_fini(&text);
	if (!is_first)
		return 0;
	if (!owner.package.ptr || !owner.version.ptr)
		return ERR_LIMIT;
	entry->owner = owner;
	return 0;
}

/* --- life ------------------------------------------------------------------------------------- */

struct owners *owners_new(struct arena *arena)
{
	struct owners *owners = mem_new(sizeof(*owners));
	owners->arena = arena;
	random_bytes(&owners->seed, sizeof(owners->seed));
	return owners;
}

void owners_free(struct owners *owners)
{
	if (!owners)
		return;
	buf_fini(&owners->room);
	free(owners);
}

int owners_want(struct owners *owners, struct slice path)
{
	struct wanted *wanted = arena_alloc(owners->arena, sizeof(*wanted));
	struct slice copy = arena_copy(owners->arena, path);
	if (!wanted || !copy.ptr)
		return ERR_LIMIT;
	*wanted = (struct wanted){.next = owners->wanted, .path = copy};
	owners->wanted = wanted;
	return 0;
}

static int place_wanted(struct owners *owners)
{
	for (; owners->wanted; owners->wanted = owners->wanted->next)
		if (!owner_place(owners, owners->wanted->path))
			return ERR_LIMIT;
	return 0;
}

int owners_resolve(struct owners *owners, const char *root, struct reason *out_why)
{
	static int (*const READ[])(struct owners *, const char *, struct reason *) = {
	        owner_dpkg_read, owner_rpm_read, owner_apk_read, owner_pacman_read};
	struct reason why = {""};
	merged_paths_find(&owners->merged, root);
	int rc = place_wanted(owners);
	if (rc < 0)
		return fail(out_why, rc, "cannot look up the owners of so many paths");
	if (owners->count == 0)
		return 0;
	for (size_t i = 0; i < sizeof(READ) / sizeof(READ[0]); i++) {
		int one = READ[i](owners, root, &why);
		if (one < 0 && one != ERR_MISSING && rc == 0)
			rc = fail(out_why, one, "%s", why.text[0] ? why.text : err_text(one));
		why.text[0] = '\0';
	}
	return rc;
}

struct owner owners_of(const struct owners *owners, struct slice path)
{
	struct buf room = BUF_INIT;
	struct slice one = merged_paths_one(&owners->merged, path, &room);
	const struct owner_entry *entry = look(owners, one, hash_of(owners, one));
	buf_fini(&room);
	return entry ? entry->owner : (struct owner){0};
}
