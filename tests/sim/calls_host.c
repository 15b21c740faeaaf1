#include "tests/sim/calls_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

#include "common/base/clock.h"
#include "common/base/err.h"
#include "tests/sim/notify.h"
#include "tests/sim/sim.h"
#include "tests/sim/task.h"

/* --- inotify ---------------------------------------------------------------------------------- */

int __wrap_inotify_init1(int flags)
{
	(void)flags;
	int fd = calls_new_fd();
	if (fd < 0)
		return calls_answer(fd);
	calls_file(fd)->is_notify = true;
	int rc = notify_open(fd);
	if (rc < 0)
		calls_file(fd)->is_open = false;
	return calls_answer(rc);
}

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	struct inode *inode;
	int rc = calls_look(AT_FDCWD, path, !(mask & IN_DONT_FOLLOW), &inode);
	if (rc == 0 && mask & IN_ONLYDIR && !is_dir(inode))
		rc = -ENOTDIR;
	if (rc == 0)
		rc = notify_add(fd, inode, mask);
	sim_trace("agent: watch %s: %d", path, rc);
	return calls_answer(rc);
}

int __wrap_inotify_rm_watch(int fd, int wd)
{
	int rc = calls_enter();
	if (rc == 0)
		rc = notify_remove(fd, wd);
	return calls_answer(rc);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	const struct open_file *open_file = calls_file(fd);
	va_list args;
	int rc = calls_enter();
	if (rc == 0 && (!open_file || !open_file->is_notify || request != FIONREAD))
		rc = -ENOTTY;
	if (rc < 0)
		return calls_answer(rc);
	va_start(args, request);
	*va_arg(args, int *) = (int)notify_bytes(fd);
	va_end(args);
	return 0;
}

/* --- what this machine does not have ---------------------------------------------------------- */

static int lacks(int code)
{
	return calls_answer(-code);
}

int __wrap_fanotify_init(unsigned flags, unsigned event_flags)
{
	(void)flags, (void)event_flags;
	return lacks(ENOSYS);
}

int __wrap_socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	return lacks(EACCES);
}

DIR *__wrap_opendir(const char *path)
{
	(void)path;
	errno = ENOENT;
	return NULL;
}

int __wrap_access(const char *path, int mode)
{
	struct inode *inode;
	(void)mode;
	return calls_answer(calls_look(AT_FDCWD, path, true, &inode));
}

/* --- time, memory, threads -------------------------------------------------------------------- */

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	int64_t ns = clock == CLOCK_REALTIME          ? sim_wall_ns()
	             : clock == CLOCK_REALTIME_COARSE ? sim_stamp_ns()
	                                              : SIM.now_ns;
	*out = (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
	return 0;
}

int __wrap_malloc_trim(size_t pad)
{
	(void)pad;
	return 0;
}

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);

/* The holder may be a task that waits for its turn. */
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	int rc;
	while ((rc = pthread_mutex_trylock(mutex)) == EBUSY && task_now())
		task_yield();
	return rc;
}

int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	(void)cond;
	pthread_mutex_unlock(mutex);
	task_yield();
	return __wrap_pthread_mutex_lock(mutex);
}

/* --- the state's directory: its store is in memory -------------------------------------------- */

int __wrap_file_make_dir(const char *dir, mode_t mode, struct reason *out_why)
{
	(void)dir, (void)mode, (void)out_why;
	return 0;
}

int __wrap_file_lock(const char *path, int *out_fd, struct reason *out_why)
{
	(void)path, (void)out_why;
	*out_fd = -1;
	return 0;
}

void __wrap_random_bytes(void *out, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)out)[i] = (uint8_t)sim_random(&SIM.choices);
}
