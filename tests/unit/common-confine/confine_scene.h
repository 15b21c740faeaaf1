/*
 * confine_scene - a process that gives up its rights and tries what it should not: for the tests of
 * confine.
 */
#ifndef TSUJIBAN_TESTS_UNIT_COMMON_CONFINE_CONFINE_SCENE_H
#define TSUJIBAN_TESTS_UNIT_COMMON_CONFINE_CONFINE_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/confine/confine.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

/* Each case has a process of its own: what was put on stays on. An act gives 0, or a positive errno
 * that it was refused with. */
typedef int act_fn(void);

static char scratch[] = "/tmp/tsujiban-confine-XXXXXX";

enum ending { LIVES, DIES };

struct outcome {
	enum ending ending;
	int code; /* what the act gave */
};

static inline struct outcome wait_for(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return (struct outcome){.ending = DIES};
	}
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return (struct outcome){.ending = LIVES, .code = WEXITSTATUS(status)};
}

/* 255: it could not even be confined. */
static inline struct outcome try(const struct confine_rights *rights, int profile, act_fn *act)
{
	struct confine_notes notes = {0};
	struct reason why;
	struct rlimit no_core = {0};
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return wait_for(pid);
	setrlimit(RLIMIT_CORE, &no_core);
	if ((rights && confine_rights(rights, &notes, &why) < 0) ||
	        (profile >= 0 && confine_calls((enum confine_profile)profile, &notes, &why) < 0)) {
		fprintf(stderr, "%s\n", why.text);
		_exit(255);
	}
	_exit(act());
}

/* --- acts ------------------------------------------------------------------------------------- */

static inline int error_of(long rc)
{
	return rc < 0 ? errno : 0;
}

static inline int execute(void)
{
	char *none[] = {NULL};
	return error_of(execve("/bin/true", none, none));
}

static inline int write_file(void)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/own", scratch);
	return error_of(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static inline int read_passwd(void)
{
	return error_of(open("/etc/passwd", O_RDONLY));
}

static inline int resolve(void)
{
	struct addrinfo *found = NULL;
	int code = getaddrinfo("localhost", "7443", NULL, &found);
	return code == 0 ? 0 : 100;
}

static inline int socket_in_a_thread(void)
{
	return error_of(socket(AF_INET, SOCK_STREAM, 0));
}

static pthread_barrier_t confined;

static inline void *wait_and_try(void *ctx)
{
	(void)ctx;
	pthread_barrier_wait(&confined);
	socket_in_a_thread();
	return NULL;
}

static inline int make_scratch(void **state)
{
	(void)state;
	return mkdtemp(scratch) ? 0 : -1;
}

static inline int remove_scratch(void **state)
{
	(void)state;
	char path[64];
	snprintf(path, sizeof(path), "%s/own", scratch);
	unlink(path);
	return rmdir(scratch);
}

#endif
