/*
 * rpm_lock - who holds the lock that rpm takes for a run: fcntl(2), for writing, on .rpm.lock
 * beside the database. dnf, zypper and their like run rpm within themselves, so the holder has
 * their name.
 *
 * Thread   any; two or three short system calls.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_RPM_LOCK_H
#define TSUJIBAN_AGENT_PACKAGES_RPM_LOCK_H

#include "agent/packages/manager.h"

/* Where the database is, and the lock. */
#define RPM_DIR          "/var/lib/rpm"
#define RPM_SYSIMAGE_DIR "/usr/lib/sysimage/rpm"
#define RPM_OSTREE_DIR   "/usr/share/rpm"
#define RPM_LOCK         ".rpm.lock"

/* The lock stays open in `kept`: opening it is what a run begins with, so to open it for every
 * question would be a sign that leads to the next question. */
enum manager_holder rpm_holder(const char *root, int *kept, pid_t *out_pid);
/* Judges a program by the name of its file. */
bool rpm_is_manager(const char *exe);

#endif
