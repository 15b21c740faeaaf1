#include "agent/who/roll_table.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "agent/who/roll.h"
#include "common/base/mem.h"

void table_fini(struct roll_table *table)
{
	while (table->living)
		table_forget(table, table->living);
	while (table->ended)
		table_forget(table, table->ended);
}

struct process *table_find(const struct roll_table *table, uint32_t pid)
{
	struct process *process;
	HASH_FIND(hh, table->by_pid, &pid, sizeof(pid), process);
	return process;
}

/* A witness that several hold is counted with each: the bound is one from above. */
static void count(struct roll_table *table, struct process *process)
{
	size_t bytes = sizeof(*process);
	bytes += process->self ? process->self->bytes : 0;
	bytes += process->parent ? process->parent->bytes : 0;
	table->bytes += bytes - process->bytes;
	process->bytes = bytes;
}

struct process *table_add(struct roll_table *table, uint32_t pid)
{
	struct process *process = mem_new(sizeof(*process));
	process->pid = pid;
	HASH_ADD(hh, table->by_pid, pid, sizeof(pid), process);
	DL_APPEND(table->living, process);
	table->count++;
	count(table, process);
	return process;
}

void table_forget(struct roll_table *table, struct process *process)
{
	assert(table->by_pid);
	HASH_DELETE(hh, table->by_pid, process);
	struct process **list = process->ended_ns ? &table->ended : &table->living;
	DL_DELETE(*list, process);
	assert(table->ended != process && table->living != process);
	table->count--;
	table->bytes -= process->bytes;
	witness_drop(process->self);
	witness_drop(process->parent);
#ifndef __clang_analyzer__ /* which cannot see that a list's head was moved on */
	free(process);
#endif
}

void table_use(struct roll_table *table, struct process *process)
{
	if (process->ended_ns || process->next == NULL)
		return;
	DL_DELETE(table->living, process);
	DL_APPEND(table->living, process);
}

void table_end(struct roll_table *table, struct process *process, uint64_t now_ns)
{
	if (process->ended_ns)
		return;
	DL_DELETE(table->living, process);
	DL_APPEND(table->ended, process);
	process->ended_ns = now_ns;
}

void table_sweep(struct roll_table *table, uint64_t before_ns)
{
	while (table->ended && table->ended->ended_ns < before_ns)
		table_forget(table, table->ended);
}

void table_set_self(struct roll_table *table, struct process *process, struct witness *self)
{
	witness_drop(process->self);
	process->self = self;
	count(table, process);
}

void table_set_parent(struct roll_table *table, struct process *process, struct witness *parent)
{
	witness_drop(process->parent);
	process->parent = parent;
	count(table, process);
}

static bool is_within(const struct roll_table *table)
{
	return table->count <= ROLL_PROCESSES && table->bytes <= ROLL_BYTES;
}

static struct process *first_but(struct process *list, const struct process *spared)
{
	return list && list == spared ? list->next : list;
}

void table_shrink(struct roll_table *table, const struct process *spared)
{
	while (!is_within(table)) {
		struct process *process = first_but(table->ended, spared);
		if (!process)
			process = first_but(table->living, spared);
		if (!process)
			return;
		table_forget(table, process);
	}
}
