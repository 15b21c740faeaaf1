#include "agent/packages/manifest.h"

#include <stdlib.h>

#include "common/base/mem.h"

struct diversion {
	struct slice from, to, except; /* in the run's arena */
	struct diversion *next;
};

struct manifest {
	struct run *run;
	const struct manager *manager;
	const char *root;
	struct merged merged;
	struct manifest_entry *entry; /* sorted once sealed */
	size_t count;
	size_t cap;
	size_t from; /* the first entry of the package that is being added */
	size_t sorted;
	struct key_set owned;
	struct key_set links;
	struct key_set overrides;
	struct diversion *diversions;
};

/* --- life ------------------------------------------------------------------------------------ */

struct manifest *manifest_new(struct run *run, const struct manager *manager, const char *root)
{
	struct manifest *manifest = mem_new(sizeof(*manifest));
	manifest->run = run;
	manifest->manager = manager;
	manifest->root = root;
	merged_find(&manifest->merged, root);
	return manifest;
}

void manifest_free(struct manifest *manifest)
{
	if (!manifest)
		return;
	run_free(manifest->run);
	free(manifest->entry);
	key_set_fini(&manifest->owned);
	key_set_fini(&manifest->links);
	key_set_fini(&manifest->overrides);
	free(manifest);
}

const struct run *manifest_run(const struct manifest *manifest)
{
	return manifest->run;
}

const struct manager *manifest_manager(const struct manifest *manifest)
{
	return manifest->manager;
}

const char *manifest_root(const struct manifest *manifest)
{
	return manifest->root;
}

/* --- what goes in ---------------------------------------------------------------------------- */

static struct manifest_entry *add_entry(
        struct manifest *manifest, const struct run_package *package, uint64_t key)
{
	if (manifest->count == manifest->cap) {
		manifest->cap = manifest->cap ? manifest->cap * 2 : 256;
		manifest->entry = mem_resize(
		        manifest->entry, manifest->cap * sizeof(*manifest->entry));
	}
	struct manifest_entry *entry = &manifest->entry[manifest->count++];
	*entry = (struct manifest_entry){.key = key, .package = package};
	return entry;
}

/* Of entries with one key, what says more comes first: a directory is listed by many packages. */
static int compare_entries(const void *a, const void *b)
{
	const struct manifest_entry *left = a, *right = b;
	if (left->key != right->key)
		return left->key > right->key ? 1 : -1;
	if (left->is_lost != right->is_lost)
		return left->is_lost ? 1 : -1;
	if (left->has_proof != right->has_proof)
		return left->has_proof ? -1 : 1;
	return slice_compare(left->package->id, right->package->id);
}

struct manifest_entry *manifest_list(
        struct manifest *manifest, const struct run_package *package, uint64_t key)
{
	if (manifest->count == 0 || manifest->entry[manifest->from].package != package) {
		manifest->from = manifest->count;
		manifest->sorted = 0;
	}
	return add_entry(manifest, package, key);
}

static struct manifest_entry *find_among(struct manifest_entry *entry, size_t count, uint64_t key)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (entry[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && entry[low].key == key ? &entry[low] : NULL;
}

void manifest_md5(struct manifest *manifest, const struct run_package *package, uint64_t key,
        const uint8_t md5[MD5_BYTES], bool is_conffile)
{
	size_t count = manifest->count - manifest->from;
	if (count == 0 || manifest->entry[manifest->from].package != package)
		return;
	struct manifest_entry *first = &manifest->entry[manifest->from];
	if (manifest->sorted != manifest->count)
		qsort(first, count, sizeof(*first), compare_entries);
	manifest->sorted = manifest->count;
	struct manifest_entry *entry = find_among(first, count, key);
	if (!entry)
		return;
	memcpy(entry->proof, md5, MD5_BYTES);
	entry->has_proof = entry->needs_md5 = true;
	entry->is_conffile |= is_conffile;
}

void manifest_listed_before(
        struct manifest *manifest, const struct run_package *package, uint64_t key)
{
	add_entry(manifest, package, key)->is_lost = true;
}

void manifest_own(struct manifest *manifest, uint64_t key)
{
	key_set_add(&manifest->owned, key);
}

void manifest_divert(
        struct manifest *manifest, struct slice from, struct slice to, struct slice except)
{
	struct arena *arena = manifest->run->arena;
	struct diversion *diversion = arena_alloc(arena, sizeof(*diversion));
	if (!diversion)
		return;
	*diversion = (struct diversion){
	        .from = arena_copy(arena, from),
	        .to = arena_copy(arena, to),
	        .except = arena_copy(arena, except),
	        .next = manifest->diversions,
	};
	if (diversion->from.ptr && diversion->to.ptr && diversion->except.ptr)
		manifest->diversions = diversion;
}

struct slice manifest_diverted(
        const struct manifest *manifest, const struct run_package *package, struct slice path)
{
	for (const struct diversion *one = manifest->diversions; one; one = one->next)
		if (slice_equal(one->from, path) && !slice_equal(one->except, package->name))
			return one->to;
	return path;
}

static uint64_t key_of_mode(const struct manifest *manifest, struct slice path, uint32_t mode)
{
	uint8_t room[MERGED_PATH_MAX];
	return key_of_pair(
	        merged_canonical(&manifest->merged, path, room), slice_of(&mode, sizeof(mode)));
}

void manifest_override(struct manifest *manifest, struct slice path, uint32_t mode)
{
	key_set_add(&manifest->overrides, key_of_mode(manifest, path, mode));
}

static uint64_t key_of_link(const struct manifest *manifest, struct slice link, struct slice target)
{
	uint8_t room[MERGED_PATH_MAX];
	return key_of_pair(merged_canonical(&manifest->merged, link, room), target);
}

void manifest_link(struct manifest *manifest, struct slice link, struct slice target)
{
	key_set_add(&manifest->links, key_of_link(manifest, link, target));
}

/* What was listed before and is owned now is not lost. */
static void drop_owned(struct manifest *manifest)
{
	size_t kept = 0;
	for (size_t i = 0; i < manifest->count; i++) {
		const struct manifest_entry *entry = &manifest->entry[i];
		if (!entry->is_lost || !key_set_has(&manifest->owned, entry->key))
			manifest->entry[kept++] = *entry;
	}
	manifest->count = kept;
}

void manifest_seal(struct manifest *manifest)
{
	run_seal(manifest->run);
	key_set_seal(&manifest->owned);
	key_set_seal(&manifest->links);
	key_set_seal(&manifest->overrides);
	drop_owned(manifest);
	if (manifest->count > 0)
		qsort(manifest->entry, manifest->count, sizeof(*manifest->entry), compare_entries);
}

/* --- questions ------------------------------------------------------------------------------- */

const struct manifest_entry *manifest_find(const struct manifest *manifest, struct slice path)
{
	return find_among(manifest->entry, manifest->count, merged_key(&manifest->merged, path));
}

const struct manifest_entry *manifest_next(
        const struct manifest *manifest, const struct manifest_entry *entry)
{
	const struct manifest_entry *next = entry + 1;
	return next < manifest->entry + manifest->count && next->key == entry->key ? next : NULL;
}

bool manifest_is_owned(const struct manifest *manifest, struct slice path)
{
	return key_set_has(&manifest->owned, merged_key(&manifest->merged, path));
}

bool manifest_has_link(const struct manifest *manifest, struct slice link, struct slice target)
{
	return key_set_has(&manifest->links, key_of_link(manifest, link, target));
}

bool manifest_is_overridden(const struct manifest *manifest, struct slice path, uint32_t mode)
{
	return key_set_has(&manifest->overrides, key_of_mode(manifest, path, mode));
}
