/*
 * holder - who holds an fcntl(2) lock.
 *
 * Thread   any.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_HOLDER_H
#define TSUJIBAN_AGENT_PACKAGES_HOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* Of a lock on the open file, for writing alone or for reading too; 0: nobody. */
pid_t holder_of(int fd, bool is_for_writing);
/* The last component of the program's path; "" when it cannot be told. */
void holder_name(pid_t pid, char out[PATH_MAX]);

#endif
