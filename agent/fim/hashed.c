#include "agent/fim/hashed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agent/fim/statted.h"
#include "common/base/mem.h"

#define WAYS 4
#define SETS (HASHED_SLOTS / WAYS)

struct slot {
	uint64_t device;
	uint64_t inode; /* 0: the slot is empty */
	uint64_t size;
	int64_t mtime_ns;
	int64_t ctime_ns;
	uint8_t sha256[SHA256_BYTES];
};

struct hashed {
	pthread_mutex_t mutex;
	struct slot *slot; /* WAYS for each set; NULL until the first is put */
	unsigned turn;     /* which way gives way next */
};

struct hashed *hashed_new(void)
{
	struct hashed *hashed = mem_new(sizeof(*hashed));
	pthread_mutex_init(&hashed->mutex, NULL);
	return hashed;
}

void hashed_free(struct hashed *hashed)
{
	if (!hashed)
		return;
	pthread_mutex_destroy(&hashed->mutex);
	free(hashed->slot);
	free(hashed);
}

static struct slot slot_of(const struct stat *seen)
{
	return (struct slot){
	        .device = seen->st_dev,
	        .inode = seen->st_ino,
	        .size = (uint64_t)seen->st_size,
	        .mtime_ns = statted_ns(seen->st_mtim),
	        .ctime_ns = statted_ns(seen->st_ctim),
	};
}

/* Of any of its states. */
static struct slot *find_file(struct hashed *hashed, const struct slot *wanted)
{
	uint64_t set = (wanted->inode * 0x9e3779b97f4a7c15u ^ wanted->device) % SETS;
	for (size_t i = 0; hashed->slot && i < WAYS; i++) {
		struct slot *slot = &hashed->slot[set * WAYS + i];
		if (slot->inode == wanted->inode && slot->device == wanted->device)
			return slot;
	}
	return NULL;
}

static struct slot *claim(struct hashed *hashed, const struct slot *wanted)
{
	uint64_t set = (wanted->inode * 0x9e3779b97f4a7c15u ^ wanted->device) % SETS;
	struct slot *found = find_file(hashed, wanted);
	for (size_t i = 0; !found && i < WAYS; i++) {
		struct slot *slot = &hashed->slot[set * WAYS + i];
		found = slot->inode == 0 ? slot : NULL;
	}
	return found ? found : &hashed->slot[set * WAYS + hashed->turn++ % WAYS];
}

bool hashed_find(struct hashed *hashed, const struct stat *seen, uint8_t sha256[SHA256_BYTES])
{
	struct slot wanted = slot_of(seen);
	pthread_mutex_lock(&hashed->mutex);
	const struct slot *slot = find_file(hashed, &wanted);
	bool is_known = slot && slot->size == wanted.size && slot->mtime_ns == wanted.mtime_ns &&
	                slot->ctime_ns == wanted.ctime_ns;
	if (is_known)
		memcpy(sha256, slot->sha256, SHA256_BYTES);
	pthread_mutex_unlock(&hashed->mutex);
	return is_known;
}

void hashed_put(struct hashed *hashed, const struct stat *seen, const uint8_t sha256[SHA256_BYTES])
{
	struct slot slot = slot_of(seen);
	memcpy(slot.sha256, sha256, SHA256_BYTES);
	pthread_mutex_lock(&hashed->mutex);
	if (!hashed->slot)
		hashed->slot = mem_new_array(HASHED_SLOTS, sizeof(*hashed->slot));
	*claim(hashed, &slot) = slot;
	pthread_mutex_unlock(&hashed->mutex);
}

void hashed_rest(struct hashed *hashed)
{
	pthread_mutex_lock(&hashed->mutex);
	free(hashed->slot);
	hashed->slot = NULL;
	pthread_mutex_unlock(&hashed->mutex);
}
