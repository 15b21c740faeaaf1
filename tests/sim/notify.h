/*
 * notify - inotify on the fake disk, one instance: which records the kernel queues, in which
 * order, what it merges, and what it drops when the queue is full (fs/notify/ of Linux 6).
 */
#ifndef TSUJIBAN_TESTS_SIM_NOTIFY_H
#define TSUJIBAN_TESTS_SIM_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct inode;

void notify_begin(void);

/* Something about the entry `name` of `dir`, which is or was `inode`. */
void notify_entry(struct inode *dir, const char *name, const struct inode *inode, uint32_t mask,
        uint32_t cookie);
/* Something about the inode itself. */
void notify_self(struct inode *inode, uint32_t mask);
void notify_inode_gone(struct inode *inode);
uint32_t notify_cookie(void);

/* The system calls; negative errno. */
int notify_open(int fd);
void notify_close(int fd);
int notify_add(int fd, struct inode *inode, uint32_t mask);
int notify_remove(int fd, int wd);
ssize_t notify_read(int fd, void *out, size_t room);
size_t notify_bytes(int fd);

bool sim_notify_is_readable(int fd);
size_t notify_count(void);  /* of watches */
uint64_t notify_lost(void); /* times that the queue was full, in this run */
bool notify_is_marked(const struct inode *inode);

#endif
