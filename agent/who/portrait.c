#include "agent/who/portrait.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "agent/touch/names.h"
#include "common/base/clock.h"

/* Ticks since boot as wall clock; the two clocks are read now, so that a clock that was set since
 * boot tells what it would have told then. */
static int64_t wall_of_ticks(uint64_t ticks)
{
	struct timespec boot;
	long per_second = sysconf(_SC_CLK_TCK);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	if (per_second <= 0 || ticks > (uint64_t)INT64_MAX / (uint64_t)NS_PER_S)
		return 0;
	int64_t since_boot_ns = (int64_t)boot.tv_sec * NS_PER_S + boot.tv_nsec;
	int64_t started_ns = (int64_t)(ticks / (uint64_t)per_second) * NS_PER_S +
	                     (int64_t)(ticks % (uint64_t)per_second) * (NS_PER_S / per_second);
	return clock_wall_ns() - since_boot_ns + started_ns;
}

/* A kernel thread has no path: its name in brackets stands for it. */
static struct slice program_of(const struct actor *actor)
{
	return actor->exe.ptr ? actor->exe : actor->cmdline;
}

static void put_parents(struct actor *actor, const struct witness *parent)
{
	actor->parent_count = 0;
	if (!parent)
		return;
	struct slice program = program_of(&parent->actor);
	if (program.ptr)
		actor->parent[actor->parent_count++] = program;
	for (unsigned i = 0; i < parent->actor.parent_count; i++) {
		if (actor->parent_count < ACTOR_PARENTS_MAX)
			actor->parent[actor->parent_count++] = parent->actor.parent[i];
	}
}

static void put_names(struct actor *actor, struct names *names)
{
	names_refresh(names);
	actor->user = names_user(names, actor->uid);
	if (actor->login_uid != ACTOR_NO_ID)
		actor->login_user = names_user(names, actor->login_uid);
}

struct witness *portrait_of_facts(const struct proc_facts *facts, const struct witness *parent,
        int64_t born_ns, struct names *names)
{
	char short_name[24];
	/* What is ending gives its program back some time before its state says so. */
	bool is_lost = !facts->exe.ptr && !facts->stat.is_kernels && !facts->is_exe_secret;
	struct actor actor = {
	        .pid = facts->stat.pid,
	        .started_ns = born_ns ? born_ns : wall_of_ticks(facts->stat.started),
	        .exe = facts->exe,
	        .cmdline = facts->cmdline,
	        .uid = facts->has_ids ? facts->uid : ACTOR_NO_ID,
	        .gid = facts->has_ids ? facts->gid : ACTOR_NO_ID,
	        .login_uid = facts->login_uid,
	        .session = facts->session,
	        .container = facts->container,
	};
	if (!actor.cmdline.ptr) { /* as ps(1) shows it */
		snprintf(short_name, sizeof(short_name), "[%.*s]", SLICE_ARG(facts->stat.comm));
		actor.cmdline = slice_text(short_name);
	}
	put_parents(&actor, parent);
	put_names(&actor, names);
	return witness_new(&actor, is_lost ? ACTOR_ENDED : ACTOR_KNOWN);
}

struct witness *portrait_of_child(uint32_t pid, int64_t born_ns, const struct witness *parent)
{
	struct actor actor = parent->actor;
	actor.pid = pid;
	actor.started_ns = born_ns;
	put_parents(&actor, parent);
	return witness_new(&actor, parent->gap);
}

struct witness *portrait_of_lost(const struct witness *before)
{
	struct actor actor = before->actor;
	actor.exe = actor.cmdline = (struct slice){0};
	return witness_new(&actor, ACTOR_ENDED);
}

struct witness *portrait_with_user(
        const struct witness *before, uint32_t uid, uint32_t gid, struct names *names)
{
	struct actor actor = before->actor;
	actor.uid = uid;
	actor.gid = gid;
	names_refresh(names);
	actor.user = names_user(names, uid);
	return witness_new(&actor, before->gap);
}
