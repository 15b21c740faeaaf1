/*
 * proc_read - what /proc tells of one process.
 *
 * All is read through the directory of the process, opened once: after the process has ended it
 * answers nothing, whoever has its number by then.
 *
 * Owner    the texts are the caller's memory, in the struct.
 * Errors   proc_open: -errno, -ENOENT when there is no such process.
 * Thread   any.
 */
#ifndef TSUJIBAN_AGENT_WHO_PROC_READ_H
#define TSUJIBAN_AGENT_WHO_PROC_READ_H

#include "common/model/actor.h"
#include "common/model/proc_cgroup.h"
#include "common/model/proc_stat.h"

struct arguments;

struct proc_facts {
	struct proc_stat stat; /* comm points into stat_text */
	char stat_text[PROC_STAT_BYTES];
	bool has_ids;
	uint32_t uid, gid;
	uint32_t login_uid, session; /* ACTOR_NO_ID: none, or no audit in this kernel */
	struct slice exe;            /* absent: a kernel thread, or it is ending */
	bool is_exe_secret;          /* or we may not ask */
	struct slice cmdline;        /* absent: the same */
	struct slice container;
	char exe_text[ACTOR_EXE_BYTES];
	char cmdline_text[ACTOR_CMDLINE_BYTES];
	char cgroup_text[PROC_CGROUP_BYTES];
};

/* A descriptor of ROOT/PID to read through; `root` is "/proc". */
int proc_open(const char *root, uint32_t pid);
/* Whether the process that `pidfd` stands for has ended and nobody has to be told of that any more,
 * so that its number is free. False for -1. */
bool proc_is_gone(int pidfd);
/* Reads stat alone; false when the process is gone. */
bool proc_read_stat(int dir, char text[PROC_STAT_BYTES], struct proc_stat *out);
/* Reads everything; false when the process is gone. What else could not be read is absent. */
bool proc_read(int dir, struct arguments *arguments, struct proc_facts *out);

#endif
