/*
 * nearby - keeps the directory of the last path open, so that its neighbours are reached by name
 * and the kernel need not walk the whole path for each of them.
 *
 * Whoever reads several paths of one directory in a row saves about a third of the system calls'
 * time; a single path costs nothing more.
 *
 * A directory that is kept open stays the one it was, whatever is renamed meanwhile, and its file
 * system cannot be unmounted. So a reader forgets it after each batch: what happens after its
 * beginning is told by a touch of its own, which comes after the batch.
 *
 * Life     NEARBY_INIT -> (nearby_forget, nearby_find*)* -> nearby_forget.
 * Thread   one.
 */
#ifndef TSUJIBAN_AGENT_FIM_NEARBY_H
#define TSUJIBAN_AGENT_FIM_NEARBY_H

#include <limits.h>
#include <stddef.h>

struct nearby {
	int fd;         /* of the directory; -1: not open */
	size_t dir_len; /* 0: nothing is remembered */
	char dir[PATH_MAX];
};

#define NEARBY_INIT ((struct nearby){.fd = -1})

struct place {
	int at; /* for openat(2) and the like */
	const char *name;
};

/* `path` is absolute, ends with a NUL byte, and has to outlive the place. */
struct place nearby_find(struct nearby *nearby, const char *path);
void nearby_forget(struct nearby *nearby);

#endif
