/*
 * The half of the agent that reads the host. It opens every file, but speaks to nobody: of sockets
 * it has those of the kernel's own news (proc connector) and of the list of addresses
 * (getifaddrs(3)), and it cannot connect. It starts no program.
 */
#include <errno.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>

#include "common/confine/profile_parts.h"

#define IOPRIO_WHO_PROCESS 1

static const struct profile_row ROWS[] = {
        OWN_FILES,
        /* everything that a file is */
        ALLOW("getxattr"),
        ALLOW("lgetxattr"),
        ALLOW("fgetxattr"),
        ALLOW("listxattr"),
        ALLOW("llistxattr"),
        ALLOW("flistxattr"),
        ALLOW_IF("ioctl", IS(2, FS_IOC_GETFLAGS)),
        /* what happens to files */
        ALLOW("inotify_init1"),
        ALLOW("inotify_add_watch"),
        ALLOW("inotify_rm_watch"),
        ALLOW("fanotify_init"),
        ALLOW("fanotify_mark"),
        ALLOW("name_to_handle_at"),
        ALLOW("open_by_handle_at"),
        /* who it was: signal 0 asks whether a process is still there */
        ALLOW_IF("pidfd_send_signal", IS(2, 0)),
        ALLOW_IF("socket", IS(1, AF_NETLINK), IS(3, NETLINK_CONNECTOR)),
        ALLOW_IF("socket", IS(1, AF_NETLINK), IS(3, NETLINK_ROUTE)),
        ALLOW("bind"),
        ALLOW_IF("setsockopt", IS(2, SOL_SOCKET)),
        USE_SOCKETS,
        /* the half that sends: a channel to it, its end when it hangs, the launcher's end */
        ALLOW_IF("socketpair", IS(1, AF_UNIX)),
        ALLOW_IF("kill", IS(2, SIGKILL)),
        ALLOW("wait4"),
        /* scans stand behind everybody else's reading */
        ALLOW_IF("ioprio_set", IS(1, IOPRIO_WHO_PROCESS), IS(2, 0)),
        {0},
};

static const struct profile_row *const TABLES[] = {ROWS, PROFILE_COMMON, PROFILE_SANITIZERS, NULL};

const struct profile PROFILE_READER = {.name = "reader", .tables = TABLES};
