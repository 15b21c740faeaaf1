/*
 * proc_news - what the kernel's proc connector tells of processes.
 *
 * Format   a netlink datagram in host byte order: struct nlmsghdr, struct cn_msg (connector.h of
 *          the kernel, CN_IDX_PROC), struct proc_event (cn_proc.h). Newer kernels may tell more and
 *          longer: what is not listed here is passed over.
 * Units    at_ns is CLOCK_MONOTONIC.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_WHO_PROC_NEWS_H
#define TSUJIBAN_AGENT_WHO_PROC_NEWS_H

#include "common/base/slice.h"

enum proc_news_kind {
	NEWS_ANSWER = 1, /* to a request, `pid` is its number and one; `id` is 0 or an errno */
	NEWS_FORKED,     /* `parent` made `pid` */
	NEWS_EXECED,     /* `pid` runs another program now */
	NEWS_SET_UID,    /* its effective user is `id` */
	NEWS_SET_GID,
	NEWS_ENDED,
};

struct proc_news {
	enum proc_news_kind kind;
	uint32_t pid; /* of a process, never a mere thread's */
	uint32_t parent;
	uint32_t id;
	uint64_t at_ns;
};

/* 1: here it is; 0: nothing of these; ERR_FORMAT: no datagram of the connector. */
int proc_news_parse(struct slice datagram, struct proc_news *out);

#endif
