/*
 * disk - a file system in memory that keeps the rules of Linux's where a watcher can tell:
 * inode numbers are used again at once, times move in ticks of the clock, a rename keeps the
 * dentry, a file lives on while it is open, directories are listed in an order of their own.
 *
 * Content is a number; the bytes follow from it.
 *
 * Every change tells notify.h what the kernel tells.
 *
 *   disk.c          inodes, names, attributes
 *   disk_content.c  what files say: opened, written, closed
 *
 * Errors   0 or negative errno, as the system calls have them.
 */
#ifndef TSUJIBAN_TESTS_SIM_DISK_H
#define TSUJIBAN_TESTS_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define DISK_XATTR "user.note"

struct mark;
struct inode;

struct dentry {
	struct inode *parent;
	struct inode *inode;
	struct dentry *prev, *next; /* in the parent, by place */
	uint32_t place;             /* in listings */
	bool is_unlinked;
	char name[256];
};

struct inode {
	uint64_t number;
	mode_t mode; /* with the type */
	uid_t uid;
	gid_t gid;
	uint64_t content;
	uint64_t size;
	unsigned links;
	unsigned opens;
	int64_t mtime_ns;
	int64_t ctime_ns;
	char *target;
	uint64_t xattr; /* the value of DISK_XATTR; 0: there is none */
	struct dentry *entries;
	struct inode *parent; /* directories */
	struct dentry *at;    /* directories */
	bool is_dead;         /* no name left */
	bool is_gone;         /* and nobody has it open: its number is free */
	struct mark *mark;    /* the one watch of the one inotify instance */
};

struct disk {
	struct inode *root;
	uint64_t next_number;
	uint64_t free_number[4096];
	size_t free_count;
	uint64_t contents; /* given out */
};
extern struct disk DISK;

void disk_begin(void);

/* --- looking -------------------------------------------------------------------------------- */

struct found {
	struct inode *parent;  /* of the last component */
	char name[256];        /* of the last component */
	struct dentry *dentry; /* NULL: the last component is not there, or is the root */
	struct inode *inode;
};
/* `from` NULL: the root. 0 when the parent is there, even if the last component is not. */
int disk_find(struct inode *from, const char *path, bool follows, struct found *out);
int disk_inode(struct inode *from, const char *path, bool follows, struct inode **out);
void disk_stat(const struct inode *inode, struct stat *out);
/* Appends the path of a directory; false: it is in no directory any more. */
bool disk_path(const struct inode *dir, char *out, size_t room);
uint8_t disk_byte(const struct inode *inode, uint64_t at);

static inline bool is_dir(const struct inode *inode)
{
	return S_ISDIR(inode->mode);
}

/* --- doing ---------------------------------------------------------------------------------- */

int disk_make(const char *path, mode_t mode, const char *target);
int disk_link(const char *from, const char *to);
int disk_unlink(const char *path);
int disk_rmdir(const char *path);
int disk_rename(const char *from, const char *to, bool exchange);
int disk_chmod(const char *path, mode_t mode);
int disk_chown(const char *path, uid_t uid, gid_t gid);
int disk_set_xattr(const char *path, uint64_t value);
int disk_set_mtime(const char *path, int64_t mtime_ns);

/* An open file of those who change the disk. */
struct handle {
	struct inode *inode; /* NULL: closed */
	struct dentry *dentry;
	int64_t stamped_ns; /* when the write that is under way began */
};
int disk_open(const char *path, bool creates, struct handle *out);
void disk_close(struct handle *handle);
/* The kernel stamps a file before it copies the bytes: two steps. */
void disk_write_begin(struct handle *handle);
void disk_write_end(struct handle *handle, uint64_t content, uint64_t size);
void disk_truncate(struct handle *handle, uint64_t size);

/* The agent's. */
void disk_hold(struct inode *inode);
void disk_let_go(struct inode *inode);

#endif
