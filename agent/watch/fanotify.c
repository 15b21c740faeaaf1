#include "agent/watch/fanotify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/watch/fanotify_private.h"
#include "common/base/log.h"
#include "common/base/mem.h"

/* Linux 5.17; not in the headers of every distribution. */
#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x00001000
#endif

#define STEP_BYTES (512u << 10) /* read in one step of the loop */
#define REST_MS    2            /* who acted may be gone soon */

#define GROUP_FLAGS                                                                           \
	(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE |                 \
	        FAN_UNLIMITED_MARKS | FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | \
	        FAN_REPORT_TARGET_FID)

/* --- records ---------------------------------------------------------------------------------- */

static struct slice handle_bytes(const struct file_handle *handle)
{
	return slice_of(handle, sizeof *handle + handle->handle_bytes);
}

/* The name stands behind the handle, ended with a NUL byte. */
static struct fanotify_name name_in(const struct fanotify_event_info_fid *info)
{
	const struct file_handle *handle = (const void *)info->handle;
	size_t name_at = offsetof(struct fanotify_event_info_fid, handle) + sizeof *handle +
	                 handle->handle_bytes;
	const char *name = (const char *)info + name_at;
	size_t room = info->hdr.len > name_at ? info->hdr.len - name_at : 0;
	return (struct fanotify_name){
	        .fsid = (const uint8_t *)&info->fsid,
	        .handle = handle_bytes(handle),
	        .name = slice_of(name, strnlen(name, room)),
	};
}

static void take_info(
        const struct fanotify_event_info_header *header, struct fanotify_record *record)
{
	const struct fanotify_event_info_fid *fid = (const void *)header;
	switch (header->info_type) {
	case FAN_EVENT_INFO_TYPE_DFID_NAME:
	case FAN_EVENT_INFO_TYPE_DFID:
	case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
		record->at = name_in(fid);
		break;
	case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
		record->from = name_in(fid);
		break;
	case FAN_EVENT_INFO_TYPE_FID:
		record->target = handle_bytes((const void *)fid->handle);
		break;
	case FAN_EVENT_INFO_TYPE_PIDFD:
		record->pidfd = ((const struct fanotify_event_info_pidfd *)header)->pidfd;
		break;
	default:
		break;
	}
}

static void take_record(struct fanotify *fanotify, const struct fanotify_event_metadata *metadata,
        const uint8_t *bytes)
{
	struct fanotify_record record = {.mask = metadata->mask, .pid = metadata->pid, .pidfd = -1};
	for (size_t at = metadata->metadata_len;
	        at + sizeof(struct fanotify_event_info_header) <= metadata->event_len;) {
		const struct fanotify_event_info_header *header = (const void *)(bytes + at);
		if (header->len == 0 || at + header->len > metadata->event_len)
			break;
		take_info(header, &record);
		at += header->len;
	}
	if (metadata->mask & FAN_Q_OVERFLOW)
		fanotify->events.overflowed(fanotify->ctx);
	else if (record.at.fsid && record.pid != fanotify->own_pid)
		fanotify_tell(fanotify, &record);
	if (record.pidfd >= 0)
		close(record.pidfd);
	if (metadata->fd >= 0)
		close(metadata->fd);
}

/* Nothing will be heard any more. The walk that `overflowed` brings about is all that is left. */
static void broke(struct fanotify *fanotify, int code)
{
	log_error("cannot read changes from fanotify: %s", err_text(code));
	fd_watch_pause(fanotify->readable);
	fanotify->events.degraded(
	        fanotify->ctx, slice_text("/"), "changes cannot be read from fanotify");
	fanotify->events.overflowed(fanotify->ctx);
}

/* Records follow each other at multiples of four bytes: their heads are copied to be read. */
static void take_records(struct fanotify *fanotify, size_t len)
{
	const size_t HEAD = sizeof(struct fanotify_event_metadata);
	for (size_t at = 0; at + HEAD <= len;) {
		struct fanotify_event_metadata metadata;
		memcpy(&metadata, fanotify->records + at, HEAD);
		if (metadata.event_len < HEAD || at + metadata.event_len > len)
			return;
		if (metadata.vers == FANOTIFY_METADATA_VERSION)
			take_record(fanotify, &metadata, fanotify->records + at);
		at += metadata.event_len;
	}
}

static void on_readable(void *ctx)
{
	struct fanotify *fanotify = ctx;
	size_t taken = 0;
	while (taken < STEP_BYTES) {
		ssize_t len = read(fanotify->fd, fanotify->records, sizeof fanotify->records);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			break;
		if (len <= 0) {
			broke(fanotify, len < 0 ? -errno : -EIO);
			return;
		}
		taken += (size_t)len;
		if (fanotify->events.reading)
			fanotify->events.reading(fanotify->ctx);
		take_records(fanotify, (size_t)len);
	}
	fanotify_close_mounts(fanotify);
	lull_drained(fanotify->lull, taken);
}

/* --- life ------------------------------------------------------------------------------------- */

/* With descriptors of the processes where the kernel takes both. */
static int open_group(void)
{
	int fd = fanotify_init(GROUP_FLAGS | FAN_REPORT_PIDFD, O_RDONLY | O_LARGEFILE);
	if (fd < 0 && errno == EINVAL)
		fd = fanotify_init(GROUP_FLAGS, O_RDONLY | O_LARGEFILE);
	return fd < 0 ? -errno : fd;
}

bool fanotify_is_possible(void)
{
	int fd = open_group();
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int fanotify_new(struct loop *loop, const struct watch_events *events, void *ctx,
        struct fanotify **out, struct reason *out_why)
{
	int fd = open_group();
	if (fd == -EINVAL)
		return fail(out_why, fd,
		        "fanotify cannot be used: this kernel does not report names and renames");
	if (fd < 0)
		return fail(out_why, fd, "fanotify cannot be used: %s", err_text(fd));
	struct fanotify *fanotify = mem_new(sizeof *fanotify);
	fanotify->loop = loop;
	fanotify->events = *events;
	fanotify->ctx = ctx;
	fanotify->fd = fd;
	fanotify->own_pid = (int)getpid();
	fanotify->readable = fd_watch_new(loop, fd, on_readable, fanotify);
	fanotify->lull = lull_new(loop, fanotify->readable, REST_MS);
	*out = fanotify;
	return 0;
}

void fanotify_free(struct fanotify *fanotify)
{
	if (!fanotify)
		return;
	lull_free(fanotify->lull);
	fd_watch_free(fanotify->readable);
	close(fanotify->fd);
	fanotify_close_mounts(fanotify);
	for (size_t i = 0; i < fanotify->marked_count; i++)
		free(fanotify->marked[i].point);
	paths_fini(&fanotify->paths);
	buf_fini(&fanotify->path);
	buf_fini(&fanotify->old_path);
	free(fanotify);
}
