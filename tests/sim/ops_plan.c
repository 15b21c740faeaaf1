#include "tests/sim/ops.h"

#include <stdio.h>

#include "common/base/clock.h"

#define NAME_MANY 6
#define QUEUES    4 /* processes */

/* --- making a plan ---------------------------------------------------------------------------- */

struct maker {
	struct plan *plan;
	struct sim_random random;
	unsigned folders, leaves, depth;
	unsigned pace; /* 0: in bursts only … 3: with pauses */
	bool has_corner;
	/* Each process has its own list; they are mixed into one. */
	struct op *queue[QUEUES];
	size_t queued[QUEUES];
	unsigned process;
};

static size_t below(struct maker *maker, size_t limit)
{
	return sim_below(&maker->random, limit);
}

static bool chance(struct maker *maker, unsigned percent)
{
	return sim_chance(&maker->random, percent);
}

static struct op *add(struct maker *maker, enum op_kind kind, const char *path)
{
	static struct op spill;
	size_t *count = &maker->queued[maker->process];
	struct op *op = *count < OPS_MAX ? &maker->queue[maker->process][(*count)++] : &spill;
	*op = (struct op){.kind = kind, .handle = maker->process * 2};
	snprintf(op->path, sizeof op->path, "%s", path);
	op->number = sim_random(&maker->random);
	return op;
}

static void add_two(struct maker *maker, enum op_kind kind, const char *path, const char *other)
{
	struct op *op = add(maker, kind, path);
	snprintf(op->other, sizeof op->other, "%s", other);
}

static void folder_at(struct maker *maker, unsigned depth, char out[OP_PATH])
{
	int len = snprintf(out, OP_PATH, "/m");
	for (unsigned i = 0; i < depth; i++)
		len += snprintf(out + len, OP_PATH - (size_t)len, "/%c",
		        (char)('a' + below(maker, maker->folders)));
}

static void folder(struct maker *maker, char out[OP_PATH])
{
	folder_at(maker, 1 + (unsigned)below(maker, maker->depth), out);
}

static void leaf(struct maker *maker, char out[OP_PATH])
{
	folder_at(maker, (unsigned)below(maker, maker->depth), out);
	size_t len = strlen(out);
	snprintf(out + len, OP_PATH - len, "/%c", (char)('x' + below(maker, maker->leaves) % 3));
	if (maker->leaves > 3 && chance(maker, 50))
		snprintf(out + len, OP_PATH - len, "/%c",
		        (char)('t' + below(maker, maker->leaves - 3)));
}

static void any(struct maker *maker, char out[OP_PATH])
{
	if (chance(maker, 60))
		leaf(maker, out);
	else
		folder(maker, out);
}

static void away(struct maker *maker, char out[OP_PATH])
{
	snprintf(out, OP_PATH, "/away/%c", (char)('a' + below(maker, 4)));
}

static void add_write(struct maker *maker, const char *path, bool creates, bool keeps_open)
{
	add(maker, creates ? OP_MAKE_FILE : OP_OPEN, path);
	if (chance(maker, 30))
		add(maker, OP_TRUNCATE, path)->number = 0;
	for (size_t i = below(maker, 3); i > 0; i--) {
		add(maker, OP_WRITE_BEGIN, path);
		struct op *op = add(maker, OP_WRITE_END, path);
		op->number = below(maker, 10) ? op->number % 40 : op->number % 40000;
	}
	if (!keeps_open)
		add(maker, OP_CLOSE, path);
}

static void add_tree(struct maker *maker, const char *top)
{
	char path[OP_PATH];
	add(maker, OP_MKDIR, top);
	for (unsigned i = 0; i < maker->folders; i++) {
		snprintf(path, sizeof path, "%.100s/%c", top, (char)('a' + i));
		add(maker, OP_MKDIR, path);
		size_t len = strlen(path);
		snprintf(path + len, sizeof path - len, "/%c", (char)('x' + below(maker, 3)));
		add_write(maker, path, true, false);
	}
}

static void add_removal(struct maker *maker, const char *top)
{
	char path[OP_PATH];
	for (unsigned i = 0; i < maker->folders; i++) {
		for (unsigned j = 0; j < 3; j++) {
			snprintf(path, sizeof path, "%.100s/%c/%c", top, (char)('a' + i),
			        (char)('x' + j));
			add(maker, OP_UNLINK, path);
		}
		snprintf(path, sizeof path, "%.100s/%c", top, (char)('a' + i));
		add(maker, OP_RMDIR, path);
	}
	for (unsigned j = 0; j < 3; j++) {
		snprintf(path, sizeof path, "%.100s/%c", top, (char)('x' + j));
		add(maker, OP_UNLINK, path);
	}
	add(maker, OP_RMDIR, top);
}

static void corner(struct maker *maker, char out[OP_PATH])
{
	size_t name = below(maker, 3);
	snprintf(out, OP_PATH, "/m/corner/%zu/l%zu-%zu", name % 2, below(maker, 2), name);
}

static void add_file_step(struct maker *maker, char path[OP_PATH], char other[OP_PATH])
{
	leaf(maker, path);
	leaf(maker, other);
	switch (below(maker, 12)) {
	case 0:
	case 1:
	case 2:
		add_write(maker, path, true, false);
		break;
	case 3:
		add_write(maker, path, false, chance(maker, 20));
		break;
	case 4:
		add(maker, OP_UNLINK, path);
		break;
	case 5:
	case 6:
		add_two(maker, OP_RENAME, path, other);
		break;
	case 7: /* as an editor saves */
		snprintf(other, OP_PATH, "%.100s.%u", path, maker->process);
		add_write(maker, other, true, false);
		add_two(maker, OP_RENAME, other, path);
		break;
	case 8: /* gone at once */
		add(maker, OP_MAKE_FILE, path);
		add(maker, OP_CLOSE, path);
		add(maker, OP_UNLINK, path);
		break;
	case 9:
		add(maker, chance(maker, 50) ? OP_CHMOD : OP_XATTR, path)->number %= 0777;
		break;
	case 10:
		add_two(maker, OP_LINK, path, other);
		break;
	default:
		add(maker, chance(maker, 50) ? OP_CHOWN : OP_MTIME, path)->number %= 1000;
	}
}

static const char *const TARGETS[] = {"x", "/m", "/away", "../a", "/m/b"};

static void add_name_step(struct maker *maker, char path[OP_PATH], char other[OP_PATH])
{
	any(maker, path);
	any(maker, other);
	switch (below(maker, 6)) {
	case 0:
	case 1:
		add_two(maker, OP_EXCHANGE, path, other);
		break;
	case 2:
		add_two(maker, OP_SYMLINK, path, TARGETS[below(maker, 5)]);
		break;
	case 3:
		add(maker, OP_FIFO, path);
		break;
	default:
		add_two(maker, OP_RENAME, path, other);
	}
}

static void add_folder_step(struct maker *maker, char path[OP_PATH], char other[OP_PATH])
{
	folder(maker, path);
	folder(maker, other);
	switch (below(maker, 10)) {
	case 0:
	case 1:
	case 2:
		add(maker, OP_MKDIR, path);
		break;
	case 3:
		add_tree(maker, path);
		break;
	case 4:
		add(maker, OP_RMDIR, path);
		break;
	case 5:
		add_removal(maker, path);
		break;
	case 6:
		add(maker, OP_CHMOD, path)->number %= 0777;
		break;
	default:
		add_two(maker, OP_RENAME, path, other);
	}
}

static void add_border_step(struct maker *maker, char path[OP_PATH], char other[OP_PATH])
{
	any(maker, path);
	away(maker, other);
	switch (below(maker, 3)) {
	case 0:
		add_two(maker, OP_RENAME, path, other);
		break;
	case 1:
		add_two(maker, OP_RENAME, other, path);
		break;
	default: /* out and back */
		snprintf(other, OP_PATH, "/away/own%u", maker->process);
		add_two(maker, OP_RENAME, path, other);
		if (chance(maker, 50)) {
			char inside[OP_PATH];
			snprintf(inside, sizeof inside, "%.100s/x", other);
			add_write(maker, inside, true, false);
		}
		add_two(maker, OP_RENAME, other, path);
	}
}

static void add_corner_step(struct maker *maker, char path[OP_PATH], char other[OP_PATH])
{
	corner(maker, path);
	switch (below(maker, 4)) {
	case 0:
		snprintf(other, OP_PATH, "%.100s-", path);
		if (chance(maker, 50))
			add_two(maker, OP_RENAME, path, other);
		else
			add_two(maker, OP_RENAME, other, path);
		break;
	case 1:
		add(maker, OP_CHMOD, path)->number %= 0777;
		break;
	default:
		add_write(maker, path, false, false);
	}
}

static void add_step(struct maker *maker)
{
	char path[OP_PATH], other[OP_PATH];
	maker->process = (unsigned)below(maker, QUEUES);
	size_t kind = below(maker, 20);
	if (kind < 9)
		add_file_step(maker, path, other);
	else if (kind < 11)
		add_name_step(maker, path, other);
	else if (kind < 16)
		add_folder_step(maker, path, other);
	else if (kind < 18 || !maker->has_corner)
		add_border_step(maker, path, other);
	else
		add_corner_step(maker, path, other);
}

static uint64_t pause_ns(struct maker *maker)
{
	switch (maker->pace) {
	case 0:
		return chance(maker, 3) ? below(maker, 1000) * NS_PER_MS : 0;
	case 1:
		return chance(maker, 30) ? below(maker, 20) * NS_PER_MS : 0;
	case 2:
		return chance(maker, 20) ? below(maker, 700) * NS_PER_MS
		                         : below(maker, 2000) * 1000;
	default:
		return below(maker, 100) * NS_PER_MS;
	}
}

static void append(struct plan *plan, struct op op)
{
	if (plan->count < OPS_MAX)
		plan->op[plan->count++] = op;
}

static struct op fault_op(enum op_kind kind, uint64_t number)
{
	return (struct op){.kind = kind, .number = number};
}

/* Each list keeps its order. */
static void mix(struct maker *maker, unsigned fault_percent)
{
	size_t taken[QUEUES] = {0};
	size_t left = 0;
	for (unsigned i = 0; i < QUEUES; i++)
		left += maker->queued[i];
	while (left-- > 0) {
		unsigned from = (unsigned)below(maker, QUEUES);
		while (taken[from] == maker->queued[from])
			from = (from + 1) % QUEUES;
		struct op op = maker->queue[from][taken[from]++];
		op.after_ns = pause_ns(maker);
		append(maker->plan, op);
		if (!chance(maker, fault_percent))
			continue;
		static const enum op_kind FAULTS[] = {OP_KILL, OP_KILL, OP_KILL, OP_STOP,
		        OP_LINK_DOWN, OP_LINK_UP, OP_DISK_FULL, OP_DISK_FREE, OP_CLOCK};
		struct op fault = fault_op(
		        FAULTS[below(maker, sizeof FAULTS / sizeof *FAULTS)], below(maker, 7200));
		fault.after_ns = pause_ns(maker);
		append(maker->plan, fault);
	}
}

static void add_corner(struct maker *maker)
{
	char first[OP_PATH], path[OP_PATH];
	add(maker, OP_MKDIR, "/m/corner");
	add(maker, OP_MKDIR, "/m/corner/0");
	add(maker, OP_MKDIR, "/m/corner/1");
	for (size_t group = 0; group < 2; group++) {
		snprintf(first, sizeof first, "/m/corner/0/l%zu-0", group);
		add_write(maker, first, true, false);
		for (size_t name = 1; name < 3; name++) {
			snprintf(
			        path, sizeof path, "/m/corner/%zu/l%zu-%zu", name % 2, group, name);
			add_two(maker, OP_LINK, first, path);
		}
	}
}

static void make_settings(struct maker *maker, struct sim_settings *out)
{
	static const unsigned YIELDS[] = {5, 20, 50, 90};
	*out = (struct sim_settings){
	        .yield_percent = YIELDS[below(maker, 4)],
	        .workers = 1 + (unsigned)below(maker, 4),
	        .queue_limit = chance(maker, 25) ? 5 + below(maker, 30) : 16384,
	        .watch_limit = chance(maker, 5) ? 5 + below(maker, 5) : 100000,
	        .spool_bytes = chance(maker, 20) ? 500 + below(maker, 5000) : 1u << 30,
	        .listing_chunk = chance(maker, 30) ? 1 + below(maker, 4) : 1000,
	        .short_read_percent = chance(maker, 20) ? 50 : 0,
	};
}

void plan_make(struct plan *plan, uint64_t seed)
{
	struct maker maker = {.plan = plan, .random = {.state = seed * 0x9e3779b97f4a7c15u}};
	*plan = (struct plan){0};
	for (unsigned i = 0; i < QUEUES; i++)
		maker.queue[i] = sim_alloc(OPS_MAX * sizeof(struct op));
	make_settings(&maker, &plan->settings);
	plan->settings.busy_per_min = (uint64_t[]){0, 1, 3, 15}[seed % 4];
	maker.folders = 1 + (unsigned)below(&maker, 3);
	maker.leaves = 1 + (unsigned)below(&maker, 5);
	maker.depth = 1 + (unsigned)below(&maker, 4);
	maker.has_corner = chance(&maker, 30);
	if (maker.has_corner)
		add_corner(&maker);
	for (size_t i = below(&maker, 8); i > 0; i--) {
		char path[OP_PATH];
		folder(&maker, path);
		add_tree(&maker, path);
	}
	for (size_t i = 0; i < maker.queued[0]; i++)
		append(plan, maker.queue[0][i]);
	maker.queued[0] = 0;
	plan->prepared = plan->count;
	maker.pace = (unsigned)below(&maker, 4);
	static const size_t SIZES[] = {3, 10, 30, 90};
	for (size_t i = 1 + below(&maker, SIZES[below(&maker, 4)]); i > 0; i--)
		add_step(&maker);
	mix(&maker, chance(&maker, 50) ? 0 : 1 + (unsigned)below(&maker, 12));
}
