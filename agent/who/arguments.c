#include "agent/who/arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define STACK_BYTES  (64u << 10)
#define TURN_WAIT_MS 1000

/* What the thread holds; it goes with whoever leaves last. */
struct desk {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int fd;         /* to read from; -1: nothing to do */
	bool is_begun;  /* the thread has its turn: from now on who is slow is the process */
	bool is_done;   /* and has read */
	bool is_closed; /* nobody asks any more */
	size_t len;
	char text[ACTOR_CMDLINE_BYTES];
};

struct arguments {
	struct desk *desk; /* NULL: there is no thread yet */
	char text[ACTOR_CMDLINE_BYTES];
	bool has_warned;
};

static void free_desk(struct desk *desk)
{
	pthread_cond_destroy(&desk->changed);
	pthread_mutex_destroy(&desk->mutex);
	free(desk);
}

static size_t read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t got = 1;
	while (len < size && got > 0) {
		got = read(fd, text + len, size - len);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			len += (size_t)got;
	}
	return len;
}

static void *serve(void *ctx)
{
	struct desk *desk = ctx;
	pthread_mutex_lock(&desk->mutex);
	for (;;) {
		while (desk->fd < 0 && !desk->is_closed)
			pthread_cond_wait(&desk->changed, &desk->mutex);
		if (desk->fd < 0)
			break;
		int fd = desk->fd;
		desk->is_begun = true;
		pthread_cond_broadcast(&desk->changed);
		pthread_mutex_unlock(&desk->mutex);
		size_t len = read_all(fd, desk->text, sizeof(desk->text)); /* nobody else looks */
		close(fd);
		pthread_mutex_lock(&desk->mutex);
		desk->len = len;
		desk->fd = -1;
		desk->is_done = true;
		pthread_cond_broadcast(&desk->changed);
	}
	pthread_mutex_unlock(&desk->mutex);
	free_desk(desk);
	return NULL;
}

static struct desk *open_desk(void)
{
	struct desk *desk = mem_new(sizeof(*desk));
	pthread_condattr_t monotonic;
	pthread_attr_t small;
	pthread_t thread;
	desk->fd = -1;
	pthread_mutex_init(&desk->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&desk->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK_BYTES);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	int rc = pthread_create(&thread, &small, serve, desk);
	pthread_attr_destroy(&small);
	if (rc == 0)
		return desk;
	free_desk(desk);
	return NULL;
}

struct arguments *arguments_new(void)
{
	return mem_new(sizeof(struct arguments));
}

void arguments_free(struct arguments *arguments)
{
	if (!arguments)
		return;
	struct desk *desk = arguments->desk;
	if (desk) {
		pthread_mutex_lock(&desk->mutex);
		desk->is_closed = true;
		pthread_cond_broadcast(&desk->changed);
		pthread_mutex_unlock(&desk->mutex);
	}
	free(arguments);
}

static struct timespec deadline(int64_t wait_ms)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += wait_ms % 1000 * NS_PER_MS;
	at.tv_sec += wait_ms / 1000;
	at.tv_sec += at.tv_nsec / NS_PER_S;
	at.tv_nsec %= NS_PER_S;
	return at;
}

/* With the mutex held. */
static void wait_until(struct desk *desk, const bool *is_so, int64_t wait_ms)
{
	struct timespec at = deadline(wait_ms);
	while (!*is_so && pthread_cond_timedwait(&desk->changed, &desk->mutex, &at) != ETIMEDOUT)
		;
}

/* With the mutex held. False: the thread is stuck. On a machine that is overloaded it gets its turn
 * late, and that is nobody's malice. */
static bool ask(struct desk *desk, int fd)
{
	desk->fd = fd;
	desk->is_begun = desk->is_done = false;
	pthread_cond_broadcast(&desk->changed);
	wait_until(desk, &desk->is_begun, TURN_WAIT_MS);
	wait_until(desk, &desk->is_done, ARGUMENTS_WAIT_MS);
	return desk->is_done;
}

struct slice arguments_read(struct arguments *arguments, int dir)
{
	size_t len = 0;
	bool is_stuck = false;
	if (!arguments->desk)
		arguments->desk = open_desk();
	struct desk *desk = arguments->desk;
	if (!desk)
		return (struct slice){0};
	pthread_mutex_lock(&desk->mutex);
	int fd = desk->fd < 0 ? openat(dir, "cmdline", O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0 && ask(desk, fd)) {
		len = desk->len;
		memcpy(arguments->text, desk->text, len);
	} else if (fd >= 0) {
		is_stuck = true;
	}
	pthread_mutex_unlock(&desk->mutex);
	if (is_stuck && !arguments->has_warned)
		log_warn("the arguments of a process cannot be read: until they can, nobody's are");
	arguments->has_warned |= is_stuck;
	return len > 0 ? slice_of(arguments->text, len) : (struct slice){0};
}
