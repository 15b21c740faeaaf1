/* What files of the disk say: opened, written, closed. */
#include <errno.h>
#include <sys/inotify.h>

#include "common/base/clock.h"
#include "tests/sim/disk.h"
#include "tests/sim/notify.h"
#include "tests/sim/sim.h"

#define WRITE_MOST_NS (8 * NS_PER_MS)

uint8_t disk_byte(const struct inode *inode, uint64_t at)
{
	return (uint8_t)(inode->content >> 8 * (at % 8));
}

int disk_open(const char *path, bool creates, struct handle *out)
{
	struct found found;
	int rc = disk_find(NULL, path, false, &found);
	if (rc == 0 && !found.inode)
		rc = creates ? disk_make(path, S_IFREG | 0644, NULL) : -ENOENT;
	if (rc == 0)
		rc = disk_find(NULL, path, false, &found);
	if (rc == 0 && !S_ISREG(found.inode->mode))
		rc = -EINVAL;
	if (rc < 0)
		return rc;
	disk_hold(found.inode);
	*out = (struct handle){.inode = found.inode, .dentry = found.dentry};
	return 0;
}

static void tell_handle(const struct handle *handle, uint32_t mask)
{
	if (!handle->dentry->is_unlinked)
		notify_entry(handle->dentry->parent, handle->dentry->name, handle->inode, mask, 0);
}

void disk_close(struct handle *handle)
{
	if (!handle->inode)
		return;
	tell_handle(handle, IN_CLOSE_WRITE);
	disk_let_go(handle->inode);
	handle->inode = NULL;
}

void disk_write_begin(struct handle *handle)
{
	handle->inode->mtime_ns = handle->inode->ctime_ns = sim_stamp_ns();
	handle->stamped_ns = SIM.now_ns;
}

/* Known limit: a writer that the kernel keeps waiting for longer than the probe's FRESH_NS between
 * the stamp and the bytes. */
void disk_write_end(struct handle *handle, uint64_t content, uint64_t size)
{
	if (SIM.now_ns - handle->stamped_ns > WRITE_MOST_NS)
		disk_write_begin(handle);
	handle->inode->content = content;
	handle->inode->size = size;
	tell_handle(handle, IN_MODIFY);
}

void disk_truncate(struct handle *handle, uint64_t size)
{
	handle->inode->size = size;
	handle->inode->mtime_ns = handle->inode->ctime_ns = sim_stamp_ns();
	tell_handle(handle, IN_MODIFY);
}
