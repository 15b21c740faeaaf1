/*
 * mem - heap memory that is there or the process is not.
 *
 * The programs keep what matters in stores that survive kill -9, so running out of memory ends the
 * process with a log line instead of leaving a half-done step behind. Sizes that a peer chooses
 * are capped before they come here.
 *
 * Thread   any.
 */
#ifndef TSUJIBAN_COMMON_BASE_MEM_H
#define TSUJIBAN_COMMON_BASE_MEM_H

#include <stddef.h>

/* Zeroed; never NULL. Free with free(3). */
void *mem_new(size_t size);
void *mem_new_array(size_t count, size_t size);
/* As realloc(3); new bytes are not zeroed. */
void *mem_resize(void *ptr, size_t size);
void *mem_copy(const void *ptr, size_t size);
/* Copies `len` bytes and ends them with a NUL byte. */
char *mem_copy_text(const void *ptr, size_t len);

#endif
