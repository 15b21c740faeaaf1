#include "agent/who/roll.h"

#include <stdlib.h>
#include <unistd.h>

#include "agent/who/arguments.h"
#include "agent/who/portrait.h"
#include "agent/who/roll_table.h"
#include "common/base/clock.h"
#include "common/base/mem.h"

/* Without the connector: how long what was read of a process stands, and how long ago one that is
 * gone may have been looked at for its number not to have been used again. */
#define STANDS_NS (1 * NS_PER_MS)
#define RECENT_NS (2 * NS_PER_S)

struct roll {
	char *proc;
	struct names *names;
	struct arguments *arguments;
	struct roll_table table;
	bool is_told;
	unsigned doubts;
	struct witness *nobody; /* given out last */
	struct proc_facts facts;
};

struct roll *roll_new(const char *proc, struct names *names)
{
	struct roll *roll = mem_new(sizeof(*roll));
	roll->proc = mem_copy_text(proc, strlen(proc));
	roll->names = names;
	roll->arguments = arguments_new();
	return roll;
}

void roll_free(struct roll *roll)
{
	if (!roll)
		return;
	table_fini(&roll->table);
	witness_drop(roll->nobody);
	arguments_free(roll->arguments);
	free(roll->proc);
	free(roll);
}

void roll_set_told(struct roll *roll)
{
	roll->is_told = true;
	roll->doubts++;
}

void roll_doubt(struct roll *roll)
{
	roll->doubts++;
}

size_t roll_count(const struct roll *roll)
{
	return roll->table.count;
}

bool roll_has_alive(const struct roll *roll, uint32_t pid)
{
	const struct process *process = table_find(&roll->table, pid);
	return process && !process->ended_ns;
}

/* What it is now; NULL: it was born before our eyes to somebody who is not known. */
static struct witness *self_of(struct roll *roll, struct process *process)
{
	if (!process->self && process->parent)
		table_set_self(&roll->table, process,
		        portrait_of_child(process->pid, process->born_ns, process->parent));
	return process->self;
}

static void set_known(struct roll *roll, struct process *process, uint64_t now_ns)
{
	process->known_ns = process->checked_ns = now_ns;
	process->doubts = roll->doubts;
}

/* --- reading /proc ---------------------------------------------------------------------------- */

/* Reads a process in full. If `pidfd` stands for it after its directory was opened, what is read
 * there is of no other. NULL: it is gone. */
static struct process *read_process(
        struct roll *roll, uint32_t pid, int pidfd, const struct witness *parent, uint64_t now_ns)
{
	int dir = proc_open(roll->proc, pid);
	if (dir < 0)
		return NULL;
	bool is_read = !proc_is_gone(pidfd) && proc_read(dir, roll->arguments, &roll->facts) &&
	               roll->facts.stat.pid == pid;
	close(dir);
	if (!is_read)
		return NULL;
	struct process *process = table_find(&roll->table, pid);
	if (!process)
		process = table_add(&roll->table, pid);
	table_set_self(&roll->table, process,
	        portrait_of_facts(&roll->facts, process->parent ? process->parent : parent,
	                process->born_ns, roll->names));
	process->started = roll->facts.stat.started;
	process->stack = roll->facts.stat.stack;
	set_known(roll, process, now_ns);
	if (proc_stat_has_ended(&roll->facts.stat))
		table_end(&roll->table, process, now_ns);
	table_shrink(&roll->table, process);
	return process;
}

static bool read_stat(const struct roll *roll, uint32_t pid, struct proc_stat *out)
{
	char text[PROC_STAT_BYTES];
	int dir = proc_open(roll->proc, pid);
	if (dir < 0)
		return false;
	bool is_read = proc_read_stat(dir, text, out) && out->pid == pid;
	close(dir);
	out->comm = (struct slice){0};
	return is_read;
}

/* Compares what is known with /proc; NULL: it is not this process any more, and forgotten. */
static struct process *look_again(struct roll *roll, struct process *process, uint64_t now_ns)
{
	struct proc_stat stat;
	bool is_there = read_stat(roll, process->pid, &stat);
	if (!is_there && process->started && now_ns - process->checked_ns < RECENT_NS) {
		table_end(&roll->table, process, now_ns);
		return process;
	}
	if (!is_there || stat.started != process->started) {
		table_forget(&roll->table, process);
		return NULL;
	}
	bool runs_another = stat.stack != 0 && stat.stack != process->stack;
	if (runs_another)
		return read_process(roll, process->pid, -1, process->parent, now_ns);
	process->checked_ns = now_ns;
	process->doubts = roll->doubts;
	return process;
}

static bool is_certain(const struct roll *roll, const struct process *process, uint64_t now_ns)
{
	if (process->ended_ns)
		return true;
	if (roll->is_told)
		return process->doubts == roll->doubts;
	return now_ns - process->checked_ns < STANDS_NS;
}

/* NULL: it is not known, or not any more. */
static struct process *find(struct roll *roll, uint32_t pid, uint64_t now_ns)
{
	struct process *process = table_find(&roll->table, pid);
	if (process && !is_certain(roll, process, now_ns))
		process = look_again(roll, process, now_ns);
	return process;
}

/* Reads it, and those of its line of parents that are not known, from the top. */
static struct process *load(struct roll *roll, uint32_t pid, int pidfd, uint64_t now_ns)
{
	uint32_t line[ACTOR_PARENTS_MAX + 1];
	unsigned count = 0;
	struct process *process = NULL;
	struct proc_stat stat;
	line[count++] = pid;
	while (count <= ACTOR_PARENTS_MAX && read_stat(roll, line[count - 1], &stat) &&
	        stat.ppid > 0) {
		process = find(roll, stat.ppid, now_ns);
		if (process)
			break;
		line[count++] = stat.ppid;
	}
	while (count-- > 0) {
		const struct witness *parent = process ? self_of(roll, process) : NULL;
		process = read_process(roll, line[count], count == 0 ? pidfd : -1, parent, now_ns);
	}
	return process;
}

/* --- hearing ---------------------------------------------------------------------------------- */

static bool hear_forked(struct roll *roll, const struct proc_news *news, uint64_t now_ns)
{
	struct process *process = table_find(&roll->table, news->pid);
	if (process && process->known_ns > news->at_ns)
		return false;
	if (process)
		table_forget(&roll->table, process);
	struct process *parent = find(roll, news->parent, now_ns);
	bool is_read = !parent;
	if (!parent)
		parent = load(roll, news->parent, -1, now_ns);
	struct witness *witness = parent ? witness_keep(self_of(roll, parent)) : NULL;
	process = table_add(&roll->table, news->pid);
	set_known(roll, process, news->at_ns);
	process->born_ns = clock_wall_ns() - (int64_t)(now_ns - news->at_ns);
	table_set_parent(&roll->table, process, witness);
	table_shrink(&roll->table, process);
	return is_read;
}

static bool hear_execed(struct roll *roll, const struct proc_news *news, uint64_t now_ns)
{
	struct process *process = table_find(&roll->table, news->pid);
	if (process && process->known_ns > news->at_ns)
		return false;
	bool has_line = process && process->parent;
	bool is_read = has_line ? read_process(roll, news->pid, -1, NULL, now_ns) != NULL
	                        : load(roll, news->pid, -1, now_ns) != NULL;
	if (is_read)
		return true;
	process = table_find(&roll->table, news->pid);
	if (process && self_of(roll, process)) {
		table_set_self(&roll->table, process, portrait_of_lost(process->self));
		set_known(roll, process, news->at_ns);
	}
	return true;
}

static void hear_user(struct roll *roll, const struct proc_news *news)
{
	struct process *process = table_find(&roll->table, news->pid);
	if (!process || process->known_ns > news->at_ns || !self_of(roll, process))
		return;
	const struct actor *actor = &process->self->actor;
	bool is_uid = news->kind == NEWS_SET_UID;
	table_set_self(&roll->table, process,
	        portrait_with_user(process->self, is_uid ? news->id : actor->uid,
	                is_uid ? actor->gid : news->id, roll->names));
	process->known_ns = news->at_ns;
}

static void hear_ended(struct roll *roll, const struct proc_news *news, uint64_t now_ns)
{
	struct process *process = table_find(&roll->table, news->pid);
	if (process && process->known_ns <= news->at_ns)
		table_end(&roll->table, process, now_ns);
}

bool roll_hear(struct roll *roll, const struct proc_news *news, uint64_t now_ns)
{
	if (now_ns > ROLL_ENDED_NS)
		table_sweep(&roll->table, now_ns - ROLL_ENDED_NS);
	switch (news->kind) {
	case NEWS_FORKED:
		return hear_forked(roll, news, now_ns);
	case NEWS_EXECED:
		return hear_execed(roll, news, now_ns);
	case NEWS_SET_UID:
	case NEWS_SET_GID:
		hear_user(roll, news);
		return false;
	case NEWS_ENDED:
		hear_ended(roll, news, now_ns);
		return false;
	case NEWS_ANSWER:
		break;
	}
	return false;
}

/* --- asking ----------------------------------------------------------------------------------- */

struct witness *roll_nobody(struct roll *roll, uint32_t pid)
{
	struct actor actor = {
	        .pid = pid,
	        .uid = ACTOR_NO_ID,
	        .gid = ACTOR_NO_ID,
	        .login_uid = ACTOR_NO_ID,
	        .session = ACTOR_NO_ID,
	};
	witness_drop(roll->nobody);
	roll->nobody = witness_new(&actor, ACTOR_ENDED);
	return roll->nobody;
}

struct witness *roll_ask(struct roll *roll, uint32_t pid, int pidfd, uint64_t now_ns)
{
	struct process *process = find(roll, pid, now_ns);
	if (!process || !self_of(roll, process))
		process = load(roll, pid, pidfd, now_ns);
	if (!process)
		return roll_nobody(roll, pid);
	table_use(&roll->table, process);
	return process->self;
}
