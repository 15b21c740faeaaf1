/*
 * profile_parts - groups of rows that more than one table has.
 */
#ifndef TSUJIBAN_COMMON_CONFINE_PROFILE_PARTS_H
#define TSUJIBAN_COMMON_CONFINE_PROFILE_PARTS_H

#include <fcntl.h>

#include "common/confine/profile.h"

/* A store and small files of one's own: made, written, synced, renamed, removed. Where, the rights
 * to the directories say, and Landlock. */
#define OWN_FILES                                                                             \
	ALLOW("open"), ALLOW("openat"), ALLOW("mkdir"), ALLOW("mkdirat"), ALLOW("rename"),    \
	        ALLOW("renameat"), ALLOW("renameat2"), ALLOW("unlink"), ALLOW("unlinkat"),    \
	        ALLOW("rmdir"), ALLOW("ftruncate"), ALLOW("fallocate"), ALLOW("fsync"),       \
	        ALLOW("fdatasync"), ALLOW("sync_file_range"), ALLOW("msync"), ALLOW("chmod"), \
	        ALLOW("fchmod"), ALLOW("fchmodat"), ALLOW("umask")

/* Every way of opening that could change something is refused: a library that tries goes on
 * without. */
#define OPEN_IF_READING(call, flags)                                          \
	ALLOW_IF(call, BITS(flags, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)), \
	        REFUSE_IF(call, EACCES, BITS(flags, O_WRONLY, O_WRONLY)),     \
	        REFUSE_IF(call, EACCES, BITS(flags, O_RDWR, O_RDWR)),         \
	        REFUSE_IF(call, EACCES, BITS(flags, O_CREAT, O_CREAT)),       \
	        REFUSE_IF(call, EACCES, BITS(flags, O_TRUNC, O_TRUNC))
#define OPEN_FOR_READING OPEN_IF_READING("open", 2), OPEN_IF_READING("openat", 3)

/* A socket that is there. */
#define USE_SOCKETS                                                                                \
	ALLOW("sendto"), ALLOW("sendmsg"), ALLOW("sendmmsg"), ALLOW("recvfrom"), ALLOW("recvmsg"), \
	        ALLOW("recvmmsg"), ALLOW("shutdown"), ALLOW("getsockname"), ALLOW("getpeername"),  \
	        ALLOW("getsockopt")

/* TLS to the collector, and what getaddrinfo(3) asks: DNS, the kernel's addresses, and daemons
 * beside it (nscd, systemd-resolved, sssd). */
#define DIAL                                                                                   \
	USE_SOCKETS, ALLOW_IF("socket", IS(1, AF_INET)), ALLOW_IF("socket", IS(1, AF_INET6)),  \
	        ALLOW_IF("socket", IS(1, AF_UNIX)),                                            \
	        ALLOW_IF("socket", IS(1, AF_NETLINK), IS(3, NETLINK_ROUTE)), ALLOW("connect"), \
	        ALLOW("bind"), ALLOW("setsockopt")

#endif
