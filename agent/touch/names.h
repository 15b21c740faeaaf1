/*
 * names - user and group names by number, read from passwd(5) and group(5) files.
 *
 * Read directly: the name service switch would load foreign code into the agent and may ask the
 * network. The first line with a number counts, as with getpwuid(3). A file that cannot be read
 * knows no names.
 *
 * Life     names_new -> (refresh | user | group)* -> names_free.
 * Owner    slices that come out are valid until the next refresh.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_AGENT_TOUCH_NAMES_H
#define TSUJIBAN_AGENT_TOUCH_NAMES_H

#include "common/base/slice.h"

#define NAMES_FILE_MAX (16u << 20)

struct names;

struct names *names_new(const char *passwd_path, const char *group_path);
void names_free(struct names *names);

/* Reads a file again when its inode, size or modification time is another. */
void names_refresh(struct names *names);

/* Absent when there is no such number. */
struct slice names_user(struct names *names, uint32_t uid);
struct slice names_group(struct names *names, uint32_t gid);

#endif
