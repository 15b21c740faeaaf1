#include "agent/who/who.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/touch/names.h"
#include "agent/who/connector.h"
#include "agent/who/proc_read.h"
#include "agent/who/roll.h"
#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/mem.h"

/* What reading the programs of other people's processes may cost: one takes about 50 µs. */
#define EXECS_PER_S 500
#define EXECS_BURST 2000
#define REST_MS     1000
#define HEARD_KEPT  64 /* room for news that is kept from one reading to the next */

/* Of both sockets, until they stand in the order in which they happened. */
struct heard {
	struct proc_news *news;
	size_t count, room;
};

struct who {
	struct loop *loop;
	struct names *names;
	struct roll *roll;
	struct connector *lives;
	struct connector *execs;
	struct fd_watch *readable; /* of execs */
	struct timer *rest;        /* while readable is paused */
	bool is_started;
	uint64_t now_ns;
	struct heard heard;
	int64_t budget; /* programs that may still be read unasked */
	uint64_t budget_ns;
	struct witness *asked; /* the last answer; NULL: it is not to be given again */
	int asked_pid;
	char source[REASON_MAX + 16];
};

static uint64_t mono_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void on_news(void *ctx, const struct proc_news *news)
{
	struct heard *heard = ctx;
	if (heard->count == heard->room) {
		heard->room = heard->room ? heard->room * 2 : HEARD_KEPT;
		heard->news = mem_resize(heard->news, heard->room * sizeof(*heard->news));
	}
	heard->news[heard->count++] = *news;
}

/* Of one moment, births come before programs, and ends after them. */
static int by_time(const void *a, const void *b)
{
	const struct proc_news *left = a, *right = b;
	if (left->at_ns != right->at_ns)
		return left->at_ns < right->at_ns ? -1 : 1;
	return (left->kind > right->kind) - (left->kind < right->kind);
}

static void hear(struct who *who)
{
	struct heard *heard = &who->heard;
	if (heard->count > 1)
		qsort(heard->news, heard->count, sizeof(*heard->news), by_time);
	for (size_t i = 0; i < heard->count; i++)
		who->budget -= roll_hear(who->roll, &heard->news[i], who->now_ns);
	heard->count = 0;
	if (heard->room > HEARD_KEPT) {
		free(heard->news);
		*heard = (struct heard){0};
	}
}

/* Births first: what comes between the two readings is then at most a program of somebody whose
 * birth is not known yet, and he is asked himself. */
static void take_news(struct who *who)
{
	who->now_ns = mono_ns();
	if (!who->execs)
		return;
	bool is_complete = connector_drain(who->lives, on_news, &who->heard);
	is_complete &= connector_drain(who->execs, on_news, &who->heard);
	hear(who);
	if (!is_complete)
		roll_doubt(who->roll);
}

static void refill(struct who *who)
{
	uint64_t passed_ns = who->now_ns - who->budget_ns;
	who->budget += (int64_t)(passed_ns / (NS_PER_S / EXECS_PER_S));
	if (who->budget > EXECS_BURST)
		who->budget = EXECS_BURST;
	who->budget_ns = who->now_ns;
}

static void on_readable(void *ctx)
{
	struct who *who = ctx;
	take_news(who);
	refill(who);
	if (who->budget > 0)
		return;
	fd_watch_pause(who->readable);
	timer_start(who->rest, REST_MS, 0);
}

static void on_rested(void *ctx)
{
	struct who *who = ctx;
	fd_watch_resume(who->readable);
}

struct who *who_new(struct loop *loop)
{
	struct who *who = mem_new(sizeof(*who));
	who->loop = loop;
	who->names = names_new("/etc/passwd", "/etc/group");
	who->roll = roll_new("/proc", who->names);
	snprintf(who->source, sizeof(who->source), "proc only");
	return who;
}

void who_free(struct who *who)
{
	if (!who)
		return;
	timer_free(who->rest);
	fd_watch_free(who->readable);
	connector_close(who->execs);
	connector_close(who->lives);
	who_forget_asked(who);
	free(who->heard.news);
	roll_free(who->roll);
	names_free(who->names);
	free(who);
}

void who_start(struct who *who)
{
	struct reason why;
	if (who->is_started)
		return;
	who->is_started = true;
	int rc = connector_open(CONNECTOR_LIVES, &who->lives, &why);
	if (rc == 0)
		rc = connector_open(CONNECTOR_EXECS, &who->execs, &why);
	if (rc < 0) {
		connector_close(who->lives);
		who->lives = NULL;
		log_info("processes that end at once will be known by their number alone: %s",
		        why.text);
		snprintf(who->source, sizeof(who->source), "proc only: %s", why.text);
		return;
	}
	roll_set_told(who->roll);
	who->budget = EXECS_BURST;
	who->budget_ns = mono_ns();
	who->rest = timer_new(who->loop, on_rested, who);
	who->readable = fd_watch_new(who->loop, connector_fd(who->execs), on_readable, who);
	snprintf(who->source, sizeof(who->source), "proc connector");
}

/* The one that is meant has ended, and the number lives: somebody else has it by now. Its end is
 * told before its number is free. */
static bool is_strangers(struct who *who, uint32_t pid, int pidfd)
{
	if (!roll_has_alive(who->roll, pid) || !proc_is_gone(pidfd))
		return false;
	take_news(who);
	return roll_has_alive(who->roll, pid);
}

void who_forget_asked(struct who *who)
{
	witness_drop(who->asked);
	who->asked = NULL;
}

/* One who lives has his number since his birth: what happened before this moment under it was his,
 * or of one whose own descriptor would have said that he is gone. */
static void remember_asked(struct who *who, int pid, int pidfd, struct witness *witness)
{
	who_forget_asked(who);
	if (!witness || pidfd < 0 || proc_is_gone(pidfd))
		return;
	who->asked = witness_keep(witness);
	who->asked_pid = pid;
}

static struct witness *ask(struct who *who, int pid, int pidfd)
{
	who_start(who);
	take_news(who);
	if (who->execs && is_strangers(who, (uint32_t)pid, pidfd))
		return roll_nobody(who->roll, (uint32_t)pid);
	return roll_ask(who->roll, (uint32_t)pid, pidfd, who->now_ns);
}

struct witness *who_of(struct who *who, int pid, int pidfd)
{
	if (pid <= 0)
		return NULL;
	if (who->asked && who->asked_pid == pid)
		return who->asked;
	struct witness *witness = ask(who, pid, pidfd);
	remember_asked(who, pid, pidfd, witness);
	return witness;
}

struct witness *who_look(struct who *who, int pid)
{
	if (pid <= 0)
		return NULL;
	take_news(who);
	return roll_ask(who->roll, (uint32_t)pid, -1, who->now_ns);
}

const char *who_source_name(const struct who *who)
{
	return who->source;
}
