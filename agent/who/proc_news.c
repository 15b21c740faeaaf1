#include "agent/who/proc_news.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>

#include "common/base/buf.h"
#include "common/base/err.h"

/* Up to the details of each kind. */
#define EVENT_HEAD_BYTES offsetof(struct proc_event, event_data)

/* Copies what is there of a struct that older kernels may have shorter. */
static bool take_struct(struct slice *in, void *out, size_t size)
{
	struct slice bytes;
	if (!slice_take(in, size, &bytes))
		return false;
	memcpy(out, bytes.ptr, size);
	return true;
}

/* 0 when it is about a thread that is not its process's first. */
static uint32_t first_thread(__kernel_pid_t thread, __kernel_pid_t process)
{
	return thread == process && process > 0 ? (uint32_t)process : 0;
}

static int read_event(const struct proc_event *event, struct proc_news *out)
{
	switch ((unsigned)event->what) {
	case PROC_EVENT_NONE:
		out->kind = NEWS_ANSWER;
		out->id = event->event_data.ack.err;
		return 1;
	case PROC_EVENT_FORK:
		out->kind = NEWS_FORKED;
		out->pid = first_thread(
		        event->event_data.fork.child_pid, event->event_data.fork.child_tgid);
		out->parent = (uint32_t)event->event_data.fork.parent_tgid;
		break;
	case PROC_EVENT_EXEC:
		out->kind = NEWS_EXECED;
		out->pid = (uint32_t)event->event_data.exec.process_tgid;
		break;
	case PROC_EVENT_UID:
	case PROC_EVENT_GID:
		out->kind = (unsigned)event->what == PROC_EVENT_UID ? NEWS_SET_UID : NEWS_SET_GID;
		out->pid = first_thread(
		        event->event_data.id.process_pid, event->event_data.id.process_tgid);
		out->id = event->event_data.id.e.euid; /* egid stands in the same place */
		break;
	case PROC_EVENT_EXIT:
		out->kind = NEWS_ENDED;
		out->pid = first_thread(
		        event->event_data.exit.process_pid, event->event_data.exit.process_tgid);
		break;
	default:
		return 0;
	}
	return out->pid > 0 && out->pid <= INT32_MAX ? 1 : 0;
}

int proc_news_parse(struct slice datagram, struct proc_news *out)
{
	struct nlmsghdr head;
	struct cn_msg message;
	struct proc_event event = {0};
	struct proc_news news = {0};
	if (!take_struct(&datagram, &head, sizeof(head)) ||
	        !take_struct(&datagram, &message, sizeof(message)))
		return ERR_FORMAT;
	if (message.id.idx != CN_IDX_PROC || message.id.val != CN_VAL_PROC)
		return ERR_FORMAT;
	if (datagram.len > message.len)
		datagram.len = message.len;
	if (datagram.len < EVENT_HEAD_BYTES + sizeof(event.event_data.ack))
		return ERR_FORMAT;
	memcpy(&event, datagram.ptr, datagram.len < sizeof(event) ? datagram.len : sizeof(event));
	news.at_ns = event.timestamp_ns;
	news.pid = message.ack;
	int rc = read_event(&event, &news);
	if (rc > 0)
		*out = news;
	return rc;
}
