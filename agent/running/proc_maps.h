/*
 * proc_maps - what a process has mapped into its memory, from /proc/PID/maps.
 *
 * Format   proc_pid_maps(5): lines "START-END rwxp OFFSET MAJOR:MINOR INODE   PATH", numbers in hex
 *          but for the inode. PATH is absent for memory of no file; a newline in it is written as
 *          "\012", and " (deleted)" stands behind the path of a file that has lost its name.
 * Thread   any; proc_maps_each blocks.
 */
#ifndef TSUJIBAN_AGENT_RUNNING_PROC_MAPS_H
#define TSUJIBAN_AGENT_RUNNING_PROC_MAPS_H

#include "common/base/buf.h"

struct proc_map {
	bool is_executable;
	uint32_t major, minor;
	uint64_t inode;
	struct slice path; /* as written; borrowed */
};

/* False when it is no such line. */
bool proc_maps_parse(struct slice line, struct proc_map *out);
/* Writes the path with its newlines over `out`. */
void proc_maps_unescape(struct slice path, struct buf *out);

/* Reads the file in pieces and calls `each` for every line of it; a negative answer stops it.
 * Lines that are none, or too long to be one, are passed over. 0, what `each` said, or -errno. */
int proc_maps_each(int fd, int (*each)(void *ctx, const struct proc_map *map), void *ctx);

#endif
