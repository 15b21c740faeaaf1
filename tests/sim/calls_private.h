/*
 * calls_private - open files of the fake machine, between the files that have its calls:
 * opening and looking (calls.c), reading (calls_read.c), the rest of a machine (calls_host.c).
 */
#ifndef TSUJIBAN_TESTS_SIM_CALLS_PRIVATE_H
#define TSUJIBAN_TESTS_SIM_CALLS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/calls.h"
#include "tests/sim/disk.h"

/* Nobody includes a header that declares them. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

struct open_file {
	bool is_open;
	bool is_notify;
	struct inode *inode;
	uint64_t at;    /* files */
	uint32_t place; /* directories: behind this place, once has_begun */
	bool has_begun;
};

/* Every call begins with it: 0, or what it fails with. */
int calls_enter(void);
/* A new descriptor, or -EMFILE. */
int calls_new_fd(void);
/* NULL: not open. */
struct open_file *calls_file(int fd);
/* As libc answers: -1 and errno for a negative one. */
int calls_answer(int rc);
/* The inode of a path, from the directory `at` on. */
int calls_look(int at, const char *path, bool follows, struct inode **out);

#endif
