#include "tests/sim/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include <utlist.h>

#include "common/base/clock.h"
#include "tests/sim/notify.h"
#include "tests/sim/sim.h"

#define LINKS_FOLLOWED 40

struct disk DISK;

/* --- inodes and dentries ---------------------------------------------------------------------- */

static struct inode *inode_new(mode_t mode)
{
	struct inode *inode = sim_alloc(sizeof *inode);
	inode->number = DISK.free_count > 0 ? DISK.free_number[--DISK.free_count]
	                                    : ++DISK.next_number;
	inode->mode = mode;
	inode->links = S_ISDIR(mode) ? 2 : 1;
	inode->mtime_ns = inode->ctime_ns = sim_stamp_ns();
	return inode;
}

static void changed(struct inode *inode)
{
	inode->ctime_ns = sim_stamp_ns();
}

static void entries_changed(struct inode *dir)
{
	dir->mtime_ns = dir->ctime_ns = sim_stamp_ns();
}

/* As ext4: the order of a directory follows from the names. */
static uint32_t place_of(const char *name)
{
	uint32_t place = 2166136261u;
	for (; *name; name++)
		place = (place ^ (uint8_t)*name) * 16777619u;
	return place;
}

static int by_place(const struct dentry *a, const struct dentry *b)
{
	return a->place != b->place ? (a->place < b->place ? -1 : 1) : strcmp(a->name, b->name);
}

static void put_in(struct dentry *dentry, struct inode *dir, const char *name)
{
	snprintf(dentry->name, sizeof dentry->name, "%s", name);
	dentry->place = place_of(name);
	dentry->parent = dir;
	DL_INSERT_INORDER(dir->entries, dentry, by_place);
	if (is_dir(dentry->inode)) {
		dentry->inode->parent = dir;
		dentry->inode->at = dentry;
	}
	entries_changed(dir);
}

static void take_out(struct dentry *dentry)
{
	DL_DELETE(dentry->parent->entries, dentry);
	entries_changed(dentry->parent);
}

static struct dentry *dentry_new(struct inode *dir, const char *name, struct inode *inode)
{
	struct dentry *dentry = sim_alloc(sizeof *dentry);
	dentry->inode = inode;
	put_in(dentry, dir, name);
	return dentry;
}

static struct dentry *entry_of(const struct inode *dir, const char *name)
{
	struct dentry *dentry;
	DL_FOREACH(dir->entries, dentry)
	{
		if (strcmp(dentry->name, name) == 0)
			return dentry;
	}
	return NULL;
}

static void end_if_unused(struct inode *inode)
{
	if (!inode->is_dead || inode->opens > 0 || inode->is_gone)
		return;
	inode->is_gone = true;
	notify_inode_gone(inode);
	if (DISK.free_count < sizeof DISK.free_number / sizeof DISK.free_number[0])
		DISK.free_number[DISK.free_count++] = inode->number;
}

static void lose_name(struct dentry *dentry)
{
	struct inode *inode = dentry->inode;
	dentry->is_unlinked = true;
	inode->links -= is_dir(inode) ? 2 : 1;
	changed(inode);
	if (inode->links == 0)
		inode->is_dead = true;
}

void disk_hold(struct inode *inode)
{
	inode->opens++;
}

void disk_let_go(struct inode *inode)
{
	inode->opens--;
	end_if_unused(inode);
}

void disk_begin(void)
{
	DISK = (struct disk){.next_number = 1};
	DISK.root = inode_new(S_IFDIR | 0755);
}

/* --- looking ---------------------------------------------------------------------------------- */

static int find(
        struct inode *from, const char *path, bool follows, unsigned depth, struct found *out);

static int follow(struct inode *dir, const struct inode *link, unsigned depth, struct found *out)
{
	return depth >= LINKS_FOLLOWED ? -ELOOP : find(dir, link->target, true, depth + 1, out);
}

static const char *take_component(const char *path, char name[256], bool *out_is_last)
{
	while (*path == '/')
		path++;
	size_t len = strcspn(path, "/");
	snprintf(name, 256, "%.*s", (int)len, path);
	path += len;
	const char *rest = path;
	while (*rest == '/')
		rest++;
	*out_is_last = *rest == '\0';
	return rest;
}

static int find(
        struct inode *from, const char *path, bool follows, unsigned depth, struct found *out)
{
	struct inode *dir = *path == '/' || !from ? DISK.root : from;
	*out = (struct found){.inode = dir, .parent = dir};
	bool is_last = *path == '\0';
	while (!is_last) {
		char name[256];
		path = take_component(path, name, &is_last);
		if (!is_dir(dir))
			return -ENOTDIR;
		if (name[0] == '\0' || strcmp(name, ".") == 0) {
			*out = (struct found){.inode = dir, .parent = dir};
			continue;
		}
		if (strcmp(name, "..") == 0) {
			dir = dir->parent ? dir->parent : dir;
			*out = (struct found){.inode = dir, .parent = dir};
			continue;
		}
		struct dentry *dentry = entry_of(dir, name);
		*out = (struct found){.parent = dir, .dentry = dentry};
		snprintf(out->name, sizeof out->name, "%s", name);
		if (!dentry)
			return is_last ? 0 : -ENOENT;
		out->inode = dentry->inode;
		if (S_ISLNK(dentry->inode->mode) && (!is_last || follows)) {
			int rc = follow(dir, dentry->inode, depth, out);
			if (rc < 0 || (!is_last && !out->inode))
				return rc < 0 ? rc : -ENOENT;
		}
		dir = out->inode;
	}
	return 0;
}

int disk_find(struct inode *from, const char *path, bool follows, struct found *out)
{
	return find(from, path, follows, 0, out);
}

int disk_inode(struct inode *from, const char *path, bool follows, struct inode **out)
{
	struct found found;
	int rc = disk_find(from, path, follows, &found);
	if (rc == 0 && !found.inode)
		rc = -ENOENT;
	if (rc == 0)
		*out = found.inode;
	return rc;
}

void disk_stat(const struct inode *inode, struct stat *out)
{
	*out = (struct stat){
	        .st_dev = 0x801,
	        .st_ino = inode->number,
	        .st_mode = inode->mode,
	        .st_nlink = inode->links,
	        .st_uid = inode->uid,
	        .st_gid = inode->gid,
	        .st_size = (off_t)inode->size,
	        .st_mtim = {.tv_sec = inode->mtime_ns / NS_PER_S,
	                .tv_nsec = inode->mtime_ns % NS_PER_S},
	        .st_ctim = {.tv_sec = inode->ctime_ns / NS_PER_S,
	                .tv_nsec = inode->ctime_ns % NS_PER_S},
	};
}

bool disk_path(const struct inode *dir, char *out, size_t room)
{
	if (dir == DISK.root) {
		snprintf(out, room, "/");
		return true;
	}
	char above[4096];
	if (dir->is_dead || !disk_path(dir->parent, above, sizeof above))
		return false;
	int len = snprintf(out, room, "%s/%s", strcmp(above, "/") == 0 ? "" : above, dir->at->name);
	return len > 0 && (size_t)len < room;
}

/* --- names ------------------------------------------------------------------------------------ */

static int find_free(const char *path, struct found *out)
{
	int rc = disk_find(NULL, path, false, out);
	if (rc == 0 && out->inode)
		rc = -EEXIST;
	return rc;
}

static int find_there(const char *path, struct found *out)
{
	int rc = disk_find(NULL, path, false, out);
	if (rc == 0 && !out->dentry)
		rc = -ENOENT;
	return rc;
}

int disk_make(const char *path, mode_t mode, const char *target)
{
	struct found found;
	int rc = find_free(path, &found);
	if (rc < 0)
		return rc;
	struct inode *inode = inode_new(mode);
	if (target) {
		inode->target = sim_text(target);
		inode->size = strlen(target);
	}
	dentry_new(found.parent, found.name, inode);
	notify_entry(found.parent, found.name, inode, IN_CREATE, 0);
	return 0;
}

int disk_link(const char *from, const char *to)
{
	struct found source, target;
	int rc = find_there(from, &source);
	if (rc == 0)
		rc = find_free(to, &target);
	if (rc == 0 && is_dir(source.inode))
		rc = -EPERM;
	if (rc < 0)
		return rc;
	source.inode->links++;
	changed(source.inode);
	dentry_new(target.parent, target.name, source.inode);
	notify_self(source.inode, IN_ATTRIB);
	notify_entry(target.parent, target.name, source.inode, IN_CREATE, 0);
	return 0;
}

int disk_unlink(const char *path)
{
	struct found found;
	int rc = find_there(path, &found);
	if (rc == 0 && is_dir(found.inode))
		rc = -EISDIR;
	if (rc < 0)
		return rc;
	take_out(found.dentry);
	lose_name(found.dentry);
	notify_entry(found.parent, found.name, found.inode, IN_DELETE, 0);
	end_if_unused(found.inode);
	return 0;
}

/* vfs_rmdir: with nobody else in it the directory dies before its parent is told. */
int disk_rmdir(const char *path)
{
	struct found found;
	int rc = find_there(path, &found);
	if (rc == 0 && !is_dir(found.inode))
		rc = -ENOTDIR;
	if (rc == 0 && found.inode->entries)
		rc = -ENOTEMPTY;
	if (rc < 0)
		return rc;
	take_out(found.dentry);
	lose_name(found.dentry);
	end_if_unused(found.inode);
	notify_entry(found.parent, found.name, found.inode, IN_DELETE, 0);
	return 0;
}

static bool is_within(const struct inode *inode, const struct inode *dir)
{
	for (; inode; inode = inode->parent)
		if (inode == dir)
			return true;
	return false;
}

static int check_replaced(const struct found *source, const struct found *target)
{
	if (!target->inode)
		return 0;
	if (is_dir(target->inode) && !is_dir(source->inode))
		return -EISDIR;
	if (!is_dir(target->inode) && is_dir(source->inode))
		return -ENOTDIR;
	return is_dir(target->inode) && target->inode->entries ? -ENOTEMPTY : 0;
}

static void tell_move(const struct found *from, const struct found *to, struct inode *inode)
{
	uint32_t cookie = notify_cookie();
	notify_entry(from->parent, from->name, inode, IN_MOVED_FROM, cookie);
	notify_entry(to->parent, to->name, inode, IN_MOVED_TO, cookie);
	notify_self(inode, IN_MOVE_SELF);
}

static void swap(const struct found *source, const struct found *target)
{
	take_out(source->dentry);
	take_out(target->dentry);
	put_in(source->dentry, target->parent, target->name);
	put_in(target->dentry, source->parent, source->name);
	changed(source->inode);
	changed(target->inode);
	tell_move(source, target, source->inode);
	tell_move(target, source, target->inode);
}

static void move_over(const struct found *source, const struct found *target)
{
	take_out(source->dentry);
	if (target->dentry) {
		take_out(target->dentry);
		lose_name(target->dentry);
	}
	put_in(source->dentry, target->parent, target->name);
	changed(source->inode);
	tell_move(source, target, source->inode);
	if (target->dentry)
		end_if_unused(target->inode);
}

int disk_rename(const char *from, const char *to, bool exchange)
{
	struct found source, target;
	int rc = find_there(from, &source);
	if (rc == 0)
		rc = disk_find(NULL, to, false, &target);
	if (rc == 0 && target.inode && !target.dentry)
		rc = -EBUSY; /* the root */
	if (rc == 0 && exchange && !target.dentry)
		rc = -ENOENT;
	if (rc < 0)
		return rc;
	if (is_dir(source.inode) && is_within(target.parent, source.inode))
		return -EINVAL;
	if (target.inode && is_dir(target.inode) && is_within(source.parent, target.inode))
		return exchange ? -EINVAL : -ENOTEMPTY;
	if (source.inode == target.inode)
		return 0; /* the same file: rename(2) does nothing */
	if (exchange) {
		swap(&source, &target);
		return 0;
	}
	rc = check_replaced(&source, &target);
	if (rc == 0)
		move_over(&source, &target);
	return rc;
}

/* --- attributes ------------------------------------------------------------------------------- */

static void tell_attributes(const struct found *found)
{
	notify_entry(found->parent, found->name, found->inode, IN_ATTRIB, 0);
	notify_self(found->inode, IN_ATTRIB);
}

int disk_chmod(const char *path, mode_t mode)
{
	struct found found;
	int rc = find_there(path, &found);
	if (rc < 0 || S_ISLNK(found.inode->mode))
		return rc < 0 ? rc : -EOPNOTSUPP;
	found.inode->mode = (found.inode->mode & S_IFMT) | (mode & 07777);
	changed(found.inode);
	tell_attributes(&found);
	return 0;
}

int disk_chown(const char *path, uid_t uid, gid_t gid)
{
	struct found found;
	int rc = find_there(path, &found);
	if (rc < 0)
		return rc;
	found.inode->uid = uid;
	found.inode->gid = gid;
	changed(found.inode);
	tell_attributes(&found);
	return 0;
}

int disk_set_xattr(const char *path, uint64_t value)
{
	struct found found;
	int rc = find_there(path, &found);
	bool may_have = rc == 0 && (S_ISREG(found.inode->mode) || is_dir(found.inode));
	if (!may_have)
		return rc < 0 ? rc : -EPERM;
	found.inode->xattr = value;
	changed(found.inode);
	tell_attributes(&found);
	return 0;
}

int disk_set_mtime(const char *path, int64_t mtime_ns)
{
	struct found found;
	int rc = find_there(path, &found);
	if (rc < 0)
		return rc;
	found.inode->mtime_ns = mtime_ns;
	changed(found.inode);
	tell_attributes(&found);
	return 0;
}
