#include "agent/fim/hashed.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#define SETS 2048
#define WAYS 8

struct entry {
	struct hashed_file file;
	struct hashed_content content;
	uint64_t turn; /* of its reading; 0: the place is free */
	uint32_t left; /* names that have not been asked for */
	bool is_old;
};

struct reader {
	struct hashed_file file;
	uint64_t turn; /* 0: the place is free */
	bool is_old;
	bool has_md5;
};

struct hashed {
	pthread_mutex_t mutex;
	pthread_cond_t has_ended;
	struct entry *entry; /* SETS times WAYS; NULL: nothing is kept */
	struct reader reader[HASHED_READERS_MAX];
	uint64_t turn;
};

struct hashed *hashed_new(void)
{
	struct hashed *hashed = mem_new(sizeof(*hashed));
	pthread_mutex_init(&hashed->mutex, NULL);
	pthread_cond_init(&hashed->has_ended, NULL);
	return hashed;
}

void hashed_free(struct hashed *hashed)
{
	if (!hashed)
		return;
	pthread_cond_destroy(&hashed->has_ended);
	pthread_mutex_destroy(&hashed->mutex);
	free(hashed->entry);
	free(hashed);
}

void hashed_rest(struct hashed *hashed)
{
	free(hashed->entry);
	hashed->entry = NULL;
}

/* --- the table ------------------------------------------------------------------------------- */

static bool is_same_file(const struct hashed_file *a, const struct hashed_file *b)
{
	return a->inode == b->inode && a->device == b->device;
}

static bool is_unchanged(const struct hashed_file *a, const struct hashed_file *b)
{
	return is_same_file(a, b) && a->size == b->size && a->mtime_ns == b->mtime_ns &&
	       a->ctime_ns == b->ctime_ns;
}

/* Inodes count up, so their high bits are mixed in (Fibonacci hashing). */
static struct entry *set_of(const struct hashed *hashed, const struct hashed_file *file)
{
	uint64_t mixed = (file->inode ^ file->device << 32) * UINT64_C(0x9e3779b97f4a7c15);
	return hashed->entry + (size_t)(mixed >> 32) % SETS * WAYS;
}

static struct entry *find(const struct hashed *hashed, const struct hashed_file *file)
{
	if (!hashed->entry)
		return NULL;
	struct entry *set = set_of(hashed, file);
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].turn > 0 && is_same_file(&set[i].file, file))
			return &set[i];
	return NULL;
}

static uint64_t worth(const struct entry *entry)
{
	if (entry->turn == 0)
		return 0;
	return entry->left == 0 ? 1 : entry->file.size + 2;
}

static struct entry *find_room(struct hashed *hashed, const struct hashed_file *file)
{
	if (!hashed->entry)
		hashed->entry = mem_new_array((size_t)SETS * WAYS, sizeof(*hashed->entry));
	struct entry *set = set_of(hashed, file), *least = set;
	for (size_t i = 1; i < WAYS; i++)
		if (worth(&set[i]) < worth(least))
			least = &set[i];
	return least;
}

/* --- readers --------------------------------------------------------------------------------- */

static struct reader *find_reader(struct hashed *hashed, uint64_t turn)
{
	for (size_t i = 0; i < HASHED_READERS_MAX; i++)
		if (hashed->reader[i].turn == turn)
			return &hashed->reader[i];
	return NULL;
}

/* Whether somebody is reading what will do. */
static bool is_awaited(const struct hashed *hashed, const struct hashed_file *file,
        enum hashed_use use, bool wants_md5)
{
	for (size_t i = 0; i < HASHED_READERS_MAX; i++) {
		const struct reader *reader = &hashed->reader[i];
		if (reader->turn > 0 && is_unchanged(&reader->file, file) &&
		        (reader->is_old || use == HASHED_ANY) && (reader->has_md5 || !wants_md5))
			return true;
	}
	return false;
}

static struct entry *find_usable(const struct hashed *hashed, const struct hashed_file *file,
        enum hashed_use use, bool wants_md5)
{
	struct entry *entry = find(hashed, file);
	bool is_usable = entry && is_unchanged(&entry->file, file) &&
	                 (entry->is_old || use == HASHED_ANY) &&
	                 (entry->content.has_md5 || !wants_md5);
	return is_usable ? entry : NULL;
}

static bool is_old(const struct hashed_file *file, int64_t now_ns)
{
	return file->ctime_ns < now_ns - HASHED_OLD_NS;
}

static uint64_t begin_reading(
        struct hashed *hashed, const struct hashed_file *file, bool wants_md5, int64_t now_ns)
{
	struct reader *reader = find_reader(hashed, 0);
	assert(reader);
	*reader = (struct reader){*file, ++hashed->turn, is_old(file, now_ns), wants_md5};
	return reader->turn;
}

bool hashed_begin(struct hashed *hashed, const struct hashed_file *file, enum hashed_use use,
        bool wants_md5, int64_t now_ns, uint64_t *out_turn, struct hashed_content *out)
{
	struct entry *entry = NULL;
	pthread_mutex_lock(&hashed->mutex);
	if (use != HASHED_NEVER) {
		while (is_awaited(hashed, file, use, wants_md5))
			pthread_cond_wait(&hashed->has_ended, &hashed->mutex);
		entry = find_usable(hashed, file, use, wants_md5);
	}
	if (entry) {
		*out = entry->content;
		entry->left -= entry->left > 0;
	} else {
		*out_turn = begin_reading(hashed, file, wants_md5, now_ns);
	}
	pthread_mutex_unlock(&hashed->mutex);
	return entry != NULL;
}

void hashed_end(struct hashed *hashed, const struct hashed_file *file, uint64_t turn,
        const struct hashed_content *content)
{
	pthread_mutex_lock(&hashed->mutex);
	struct reader *reader = find_reader(hashed, turn);
	assert(reader);
	struct entry *entry = find(hashed, file);
	if (entry && entry->turn < turn && !content)
		*entry = (struct entry){0};
	else if (content && (!entry || entry->turn < turn))
		*(entry ? entry : find_room(hashed, file)) = (struct entry){
		        .file = *file,
		        .content = *content,
		        .turn = turn,
		        .left = file->links - 1,
		        .is_old = reader->is_old,
		};
	*reader = (struct reader){0};
	pthread_cond_broadcast(&hashed->has_ended);
	pthread_mutex_unlock(&hashed->mutex);
}
