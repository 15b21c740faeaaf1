/*
 * proc_status - effective user and group from /proc/PID/status.
 *
 * Format   proc_pid_status(5): lines "Key:\tvalue"; "Uid:" and "Gid:" have four numbers: real,
 *          effective, saved, of the file system.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_WHO_PROC_STATUS_H
#define TSUJIBAN_AGENT_WHO_PROC_STATUS_H

#include "common/base/slice.h"

#define PROC_STATUS_BYTES 1024 /* both lines stand among the first ten */

/* False when one of the two lines is not there or is none. */
bool proc_status_parse(struct slice text, uint32_t *out_uid, uint32_t *out_gid);
/* /proc/PID/loginuid and sessionid: one number; 4294967295 stands for "none" in both. False when it
 * is no such number. */
bool proc_id_parse(struct slice text, uint32_t *out_id);

#endif
