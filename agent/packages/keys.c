#include "agent/packages/keys.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/digest.h"
#include "common/base/mem.h"

uint64_t key_of(struct slice bytes)
{
	uint8_t digest[SHA256_BYTES];
	uint64_t key;
	digest_of(bytes, digest);
	memcpy(&key, digest, sizeof(key));
	return key;
}

uint64_t key_of_pair(struct slice a, struct slice b)
{
	struct buf both = BUF_INIT;
	buf_append_slice(&both, a);
	buf_append_byte(&both, '\0');
	buf_append_slice(&both, b);
	uint64_t key = key_of(buf_slice(&both));
	buf_fini(&both);
	return key;
}

void key_set_add(struct key_set *set, uint64_t key)
{
	if (set->count == set->cap) {
		set->cap = set->cap ? set->cap * 2 : 256;
		set->key = mem_resize(set->key, set->cap * sizeof(*set->key));
	}
	set->key[set->count++] = key;
}

static int compare_keys(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return (left > right) - (left < right);
}

void key_set_seal(struct key_set *set)
{
	if (set->count > 0)
		qsort(set->key, set->count, sizeof(*set->key), compare_keys);
}

bool key_set_has(const struct key_set *set, uint64_t key)
{
	return set->count > 0 &&
	       bsearch(&key, set->key, set->count, sizeof(*set->key), compare_keys) != NULL;
}

void key_set_fini(struct key_set *set)
{
	free(set->key);
	*set = (struct key_set){0};
}
