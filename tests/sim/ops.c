#include "tests/sim/ops.h"

#include "common/base/clock.h"
#include "tests/sim/disk.h"

static const char *const KIND[] = {
        [OP_MAKE_FILE] = "create",
        [OP_OPEN] = "open",
        [OP_WRITE_BEGIN] = "write begins",
        [OP_WRITE_END] = "write",
        [OP_TRUNCATE] = "truncate",
        [OP_CLOSE] = "close",
        [OP_MKDIR] = "mkdir",
        [OP_RMDIR] = "rmdir",
        [OP_UNLINK] = "unlink",
        [OP_RENAME] = "rename",
        [OP_EXCHANGE] = "exchange",
        [OP_LINK] = "link",
        [OP_SYMLINK] = "symlink",
        [OP_FIFO] = "mkfifo",
        [OP_CHMOD] = "chmod",
        [OP_CHOWN] = "chown",
        [OP_MTIME] = "utime",
        [OP_XATTR] = "setxattr",
        [OP_KILL] = "KILL",
        [OP_STOP] = "STOP",
        [OP_LINK_DOWN] = "LINK DOWN",
        [OP_LINK_UP] = "LINK UP",
        [OP_DISK_FULL] = "DISK FULL",
        [OP_DISK_FREE] = "DISK FREE",
        [OP_CLOCK] = "CLOCK",
};

static struct handle handles[HANDLES];

/* --- doing it --------------------------------------------------------------------------------- */

void ops_begin(void)
{
	memset(handles, 0, sizeof handles);
	disk_make("/m", S_IFDIR | 0755, NULL);
	disk_make("/away", S_IFDIR | 0755, NULL);
}

void ops_end(void)
{
	for (size_t i = 0; i < HANDLES; i++)
		disk_close(&handles[i]);
}

bool op_is_fault(const struct op *op)
{
	return op->kind >= OP_KILL;
}

void op_print(const struct op *op, struct buf *out)
{
	buf_printf(out, "%s %s", KIND[op->kind], op->path);
	if (op->other[0])
		buf_printf(out, " -> %s", op->other);
}

/* Only the links in the corner keep their names: see storm_worker.py. */
static bool may_change(const char *path)
{
	struct inode *inode;
	return strncmp(path, "/m/corner/", 10) == 0 || disk_inode(NULL, path, false, &inode) < 0 ||
	       inode->links == 1 || is_dir(inode);
}

static bool may_write(const struct op *op, const struct handle *handle)
{
	bool is_alone = handle->inode && handle->inode->links == 1;
	bool is_corner = handle->inode && strncmp(op->path, "/m/corner/", 10) == 0;
	return is_corner || (is_alone && !handle->dentry->is_unlinked);
}

static int change_attribute(const struct op *op)
{
	if (!may_change(op->path))
		return -1;
	if (op->kind == OP_CHMOD)
		return disk_chmod(op->path, (mode_t)op->number);
	if (op->kind == OP_CHOWN)
		return disk_chown(op->path, (uid_t)op->number, (gid_t)op->number % 3);
	if (op->kind == OP_XATTR)
		return disk_set_xattr(op->path, op->number % 3);
	return disk_set_mtime(op->path, (int64_t)op->number * NS_PER_S);
}

static int do_handle(const struct op *op, struct handle *handle)
{
	switch (op->kind) {
	case OP_MAKE_FILE:
	case OP_OPEN:
		disk_close(handle);
		return disk_open(op->path, op->kind == OP_MAKE_FILE, handle);
	case OP_CLOSE:
		disk_close(handle);
		return 0;
	default:
		if (!may_write(op, handle))
			return -1;
	}
	if (op->kind == OP_WRITE_BEGIN)
		disk_write_begin(handle);
	else if (op->kind == OP_WRITE_END)
		disk_write_end(handle, ++DISK.contents * 0x9e3779b97f4a7c15u, op->number);
	else
		disk_truncate(handle, op->number);
	return 0;
}

static int do_name(const struct op *op)
{
	switch (op->kind) {
	case OP_MKDIR:
		return disk_make(op->path, S_IFDIR | 0755, NULL);
	case OP_RMDIR:
		return disk_rmdir(op->path);
	case OP_UNLINK:
		return disk_unlink(op->path);
	case OP_RENAME:
		return disk_rename(op->path, op->other, false);
	case OP_EXCHANGE:
		return disk_rename(op->path, op->other, true);
	case OP_LINK:
		return disk_link(op->path, op->other);
	case OP_SYMLINK:
		return disk_make(op->path, S_IFLNK | 0777, op->other);
	case OP_FIFO:
		return disk_make(op->path, S_IFIFO | 0644, NULL);
	default:
		return change_attribute(op);
	}
}

void op_do(const struct op *op)
{
	int rc = op->kind <= OP_CLOSE ? do_handle(op, &handles[op->handle]) : do_name(op);
	struct buf text = BUF_INIT;
	if (SIM.is_tracing) {
		op_print(op, &text);
		sim_trace("%sdo: %s", rc < 0 ? "  (failed) " : "", buf_text(&text));
	}
	buf_fini(&text);
}
