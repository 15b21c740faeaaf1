#include "common/base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"

/* _exit: no handler may touch state that the refused step left half done. */
static void *there_or_exit(void *ptr, size_t size)
{
	if (!ptr) {
		log_error("out of memory wanted=%zu", size);
		_exit(EXIT_FAILURE);
	}
	return ptr;
}

void *mem_new(size_t size)
{
	return there_or_exit(calloc(1, size ? size : 1), size);
}

void *mem_new_array(size_t count, size_t size)
{
	/* calloc checks the product; neither may be 0, or NULL would be a success. */
	return there_or_exit(calloc(count ? count : 1, size ? size : 1), count);
}

void *mem_resize(void *ptr, size_t size)
{
	return there_or_exit(realloc(ptr, size ? size : 1), size);
}

void *mem_copy(const void *ptr, size_t size)
{
	void *copy = there_or_exit(malloc(size ? size : 1), size);
	if (size)
		memcpy(copy, ptr, size);
	return copy;
}

char *mem_copy_text(const void *ptr, size_t len)
{
	char *copy = there_or_exit(len < SIZE_MAX ? malloc(len + 1) : NULL, len);
	if (len)
		memcpy(copy, ptr, len);
	copy[len] = '\0';
	return copy;
}
