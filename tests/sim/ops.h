/*
 * ops - what happens to the machine in one run: file operations by several processes, and faults.
 *
 * All of it is made from the seed before the run, as one list in the order in which it happens; so
 * a part of the list is a run as well (operations that meet nothing do nothing), and a list that
 * fails can be made shorter.
 */
#ifndef TSUJIBAN_TESTS_SIM_OPS_H
#define TSUJIBAN_TESTS_SIM_OPS_H

#include "tests/sim/sim.h"

#define OPS_MAX 400
#define HANDLES 12
#define OP_PATH 120

enum op_kind {
	OP_MAKE_FILE, /* by open(O_CREAT) into `handle` */
	OP_OPEN,
	OP_WRITE_BEGIN,
	OP_WRITE_END,
	OP_TRUNCATE,
	OP_CLOSE,
	OP_MKDIR,
	OP_RMDIR,
	OP_UNLINK,
	OP_RENAME,
	OP_EXCHANGE,
	OP_LINK,
	OP_SYMLINK,
	OP_FIFO,
	OP_CHMOD,
	OP_CHOWN,
	OP_MTIME,
	OP_XATTR,
	OP_KILL, /* the agent, at once */
	OP_STOP, /* the agent, in order */
	OP_LINK_DOWN,
	OP_LINK_UP,
	OP_DISK_FULL,
	OP_DISK_FREE,
	OP_CLOCK, /* jumps */
};

struct op {
	enum op_kind kind;
	uint64_t after_ns; /* since the one before */
	unsigned handle;
	uint64_t number; /* size, mode, id */
	char path[OP_PATH];
	char other[OP_PATH]; /* new path, link target */
};

struct plan {
	struct sim_settings settings;
	size_t count;
	struct op op[OPS_MAX];
	size_t prepared; /* how many of them happen before the agent starts */
};

void plan_make(struct plan *plan, uint64_t seed);
void ops_begin(void);
/* Closes what is still open. */
void ops_end(void);
/* File operations only; what they did shows in the trace. */
void op_do(const struct op *op);
bool op_is_fault(const struct op *op);
void op_print(const struct op *op, struct buf *out);

#endif
