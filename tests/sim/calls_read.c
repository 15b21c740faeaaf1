#include "tests/sim/calls_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include <utlist.h>

#include "tests/sim/notify.h"
#include "tests/sim/sim.h"

/* --- reading ---------------------------------------------------------------------------------- */

static ssize_t read_content(struct open_file *open_file, uint8_t *out, size_t room)
{
	const struct inode *inode = open_file->inode;
	if (is_dir(inode))
		return calls_answer(-EISDIR);
	uint64_t left = inode->size > open_file->at ? inode->size - open_file->at : 0;
	size_t len = left < room ? (size_t)left : room;
	if (len > 1 && sim_chance(&SIM.choices, SIM.settings.short_read_percent))
		len = 1 + sim_below(&SIM.choices, len - 1);
	for (size_t i = 0; i < len; i++)
		out[i] = disk_byte(inode, open_file->at + i);
	open_file->at += len;
	return (ssize_t)len;
}

ssize_t __wrap_read(int fd, void *out, size_t room)
{
	struct open_file *open_file = calls_file(fd);
	int rc = calls_enter();
	if (rc == 0 && !open_file)
		rc = -EBADF;
	if (rc < 0)
		return calls_answer(rc);
	if (!open_file->is_notify)
		return read_content(open_file, out, room);
	ssize_t len = notify_read(fd, out, room);
	return len < 0 ? calls_answer((int)len) : len;
}

ssize_t __wrap___read_chk(int fd, void *out, size_t room, size_t size)
{
	(void)size;
	return __wrap_read(fd, out, room);
}

static uint8_t type_of(const struct inode *inode)
{
	return (uint8_t)IFTODT(inode->mode);
}

static size_t put_record(const struct dentry *dentry, uint8_t *out)
{
	struct dirent64 *record = (struct dirent64 *)(void *)out;
	size_t len = strlen(dentry->name);
	size_t size = (offsetof(struct dirent64, d_name) + len + 1 + 7) / 8 * 8;
	record->d_ino = dentry->inode->number;
	record->d_off = dentry->place;
	record->d_reclen = (unsigned short)size;
	record->d_type = type_of(dentry->inode);
	memcpy(record->d_name, dentry->name, len + 1);
	return size;
}

ssize_t __wrap_getdents64(int fd, void *out, size_t room)
{
	struct open_file *open_file = calls_file(fd);
	struct dentry *dentry;
	size_t used = 0, count = 0;
	int rc = calls_enter();
	if (rc == 0 && (!open_file || !open_file->inode || !is_dir(open_file->inode)))
		rc = -ENOTDIR;
	if (rc == 0 && open_file->inode->is_dead)
		rc = -ENOENT;
	if (rc < 0)
		return calls_answer(rc);
	DL_FOREACH(open_file->inode->entries, dentry)
	{
		if (open_file->has_begun && dentry->place <= open_file->place)
			continue;
		if (count++ == SIM.settings.listing_chunk || used + 300 > room)
			break;
		used += put_record(dentry, (uint8_t *)out + used);
		open_file->has_begun = true;
		open_file->place = dentry->place;
	}
	return (ssize_t)used;
}

/* --- extended attributes: a file has one or none ---------------------------------------------- */

static ssize_t give(const void *bytes, size_t len, void *out, size_t room)
{
	if (room == 0)
		return (ssize_t)len;
	if (len > room)
		return calls_answer(-ERANGE);
	memcpy(out, bytes, len);
	return (ssize_t)len;
}

static ssize_t list_attributes(int rc, const struct inode *inode, char *out, size_t room)
{
	if (rc < 0)
		return calls_answer(rc);
	return inode->xattr ? give(DISK_XATTR, sizeof DISK_XATTR, out, room) : 0;
}

static ssize_t get_attribute(
        int rc, const struct inode *inode, const char *name, void *out, size_t room)
{
	if (rc == 0 && (!inode->xattr || strcmp(name, DISK_XATTR) != 0))
		rc = -ENODATA;
	return rc < 0 ? calls_answer(rc) : give(&inode->xattr, sizeof inode->xattr, out, room);
}

static int inode_of(int fd, struct inode **out)
{
	const struct open_file *open_file = calls_file(fd);
	int rc = calls_enter();
	if (rc == 0 && (!open_file || !open_file->inode))
		rc = -EBADF;
	if (rc == 0)
		*out = open_file->inode;
	return rc;
}

ssize_t __wrap_llistxattr(const char *path, char *out, size_t room)
{
	struct inode *inode = NULL;
	int rc = calls_look(AT_FDCWD, path, false, &inode);
	return list_attributes(rc, inode, out, room);
}

ssize_t __wrap_flistxattr(int fd, char *out, size_t room)
{
	struct inode *inode = NULL;
	int rc = inode_of(fd, &inode);
	return list_attributes(rc, inode, out, room);
}

ssize_t __wrap_lgetxattr(const char *path, const char *name, void *out, size_t room)
{
	struct inode *inode = NULL;
	int rc = calls_look(AT_FDCWD, path, false, &inode);
	return get_attribute(rc, inode, name, out, room);
}

ssize_t __wrap_fgetxattr(int fd, const char *name, void *out, size_t room)
{
	struct inode *inode = NULL;
	int rc = inode_of(fd, &inode);
	return get_attribute(rc, inode, name, out, room);
}
