/*
 * socket_owners - which program holds a socket, by one walk over /proc/PID/fd.
 *
 * Several processes may hold one socket. The one with the lowest number counts: a server hands its
 * sockets down to workers and to what it starts. PID 1 counts only when there is nobody else, since
 * it keeps the sockets of the services that it starts on demand.
 *
 * Life     socket_owners_read -> socket_owners_of*.
 * Owner    the arena.
 * Errors   ERR_LIMIT when the arena is full. Processes that end meanwhile are passed over.
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_HOST_SOCKET_OWNERS_H
#define TSUJIBAN_AGENT_HOST_SOCKET_OWNERS_H

#include "common/base/arena.h"
#include "common/base/err.h"

struct socket_owner {
	uint64_t inode;
	uint32_t pid, parent; /* 0: not known */
	struct slice program; /* its executable's path, as the process sees it */
	bool is_of_host;      /* the path is the host's too: it is in no container */
};

struct socket_owners {
	struct socket_owner *owner; /* by inode, each once */
	size_t count, room;
	bool is_complete; /* every process could be looked into */
};

/* Of the sockets whose `inodes` (in order) are asked for. */
int socket_owners_read(const char *root, const uint64_t *inodes, size_t count, struct arena *arena,
        struct socket_owners *out);
/* NULL: nobody. */
const struct socket_owner *socket_owners_of(const struct socket_owners *owners, uint64_t inode);

/* "socket:[4711]", as the link of a descriptor says it. */
bool socket_inode_parse(struct slice link, uint64_t *out);

#endif
