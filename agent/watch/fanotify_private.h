/*
 * fanotify_private - what the files of the fanotify source share.
 *
 *   fanotify.c        reads the kernel's records
 *   fanotify_marks.c  which file systems are marked, and through which mounts they are seen
 *   fanotify_touch.c  makes touches of records
 */
#ifndef TSUJIBAN_AGENT_WATCH_FANOTIFY_PRIVATE_H
#define TSUJIBAN_AGENT_WATCH_FANOTIFY_PRIVATE_H

#include <sys/fanotify.h>
#include <sys/stat.h>

#include "agent/watch/fanotify.h"
#include "agent/watch/fanotify_paths.h"
#include "agent/watch/lull.h"

#define MOUNTS_MAX 64
#define READ_BYTES (64u << 10)

/* One mount of which a directory was asked to be watched. */
struct marked {
	uint64_t mount_id;
	int code;        /* 0: it is marked; otherwise why it is not to be had */
	uint8_t fsid[8]; /* as records carry it */
	char *point;     /* where it is mounted */
	int fd;          /* of that, while records are read; -1: not open */
};

struct fanotify {
	struct loop *loop;
	struct watch_events events;
	void *ctx;
	int fd;
	struct fd_watch *readable;
	struct lull *lull;
	struct marked marked[MOUNTS_MAX];
	size_t marked_count;
	size_t last; /* the mount that was asked about last */
	struct paths paths;
	int own_pid;
	/* Of the record at hand. */
	struct buf path, old_path;
	_Alignas(struct fanotify_event_metadata) uint8_t records[READ_BYTES];
};

/* One side of a record: a name in a directory. */
struct fanotify_name {
	const uint8_t *fsid; /* NULL: this side is not there */
	struct slice handle; /* struct file_handle */
	struct slice name;
};

struct fanotify_record {
	uint64_t mask;
	int pid;
	int pidfd;                 /* -1: none */
	struct fanotify_name at;   /* where it happened, or where a rename went to */
	struct fanotify_name from; /* where a rename came from */
	struct slice target;       /* handle of what it happened to */
};

void fanotify_tell(struct fanotify *fanotify, const struct fanotify_record *record);
/* The mount's root, opened; -1: it is there no longer. Kept until fanotify_close_mounts: an open
 * descriptor would keep the file system from being unmounted. */
int fanotify_open_mount(struct marked *marked);
void fanotify_close_mounts(struct fanotify *fanotify);

#endif
