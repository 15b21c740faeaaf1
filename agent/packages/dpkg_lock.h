/*
 * dpkg_lock - who holds the locks of dpkg's database: fcntl(2) locks on "lock" (who works on the
 * database) and "lock-frontend" (who calls dpkg several times, such as apt).
 *
 * Thread   any; two short system calls a lock.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_DPKG_LOCK_H
#define TSUJIBAN_AGENT_PACKAGES_DPKG_LOCK_H

#include "agent/packages/manager.h"

#define DPKG_DIR "/var/lib/dpkg"

enum manager_holder dpkg_holder(const char *root, pid_t *out_pid);
/* Judges a program by the name of its file. */
bool dpkg_is_front_end(const char *exe);

#endif
