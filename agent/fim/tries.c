#include "agent/fim/tries.h"

#include <stdlib.h>

#include <uthash.h>

#include "common/base/mem.h"

struct tries {
	UT_hash_handle hh;
	struct tried tried;
	size_t path_len;
	uint8_t path[];
};

static struct tries *find(struct tries *table, struct slice path)
{
	struct tries *found = NULL;
	if (table)
		HASH_FIND(hh, table, path.ptr, path.len, found);
	return found;
}

struct tried tries_add(struct tries **tries, struct slice path, uint64_t now_ms)
{
	struct tries *table = *tries;
	struct tries *entry = find(table, path);
	if (!entry) {
		entry = mem_new(sizeof(*entry) + path.len);
		memcpy(entry->path, path.ptr, path.len);
		entry->path_len = path.len;
		entry->tried.since_ms = now_ms;
		HASH_ADD_KEYPTR(hh, table, entry->path, entry->path_len, entry);
		*tries = table;
	}
	entry->tried.count++;
	return entry->tried;
}

void tries_forget(struct tries **tries, struct slice path)
{
	struct tries *table = *tries;
	struct tries *entry = find(table, path);
	if (!entry)
		return;
	HASH_DELETE(hh, table, entry);
	*tries = table;
	free(entry);
}

void tries_free(struct tries **tries)
{
	struct tries *entry = *tries, *next;
	HASH_CLEAR(hh, *tries);
	for (; entry; entry = next) {
		next = entry->hh.next;
		free(entry);
	}
}
