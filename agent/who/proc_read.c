#include "agent/who/proc_read.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/who/arguments.h"
#include "agent/who/proc_status.h"

int proc_open(const char *root, uint32_t pid)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%u", root, pid);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool proc_is_gone(int pidfd)
{
	/* EPERM means that it is there. */
	return pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0 &&
	       errno == ESRCH;
}

/* At most `size` bytes from the start; absent when it cannot be read. */
static struct slice read_text(int dir, const char *name, char *text, size_t size)
{
	size_t len = 0;
	ssize_t got = 0;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return (struct slice){0};
	while (len < size) {
		got = read(fd, text + len, size - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	close(fd);
	if (got < 0)
		return (struct slice){0};
	return slice_of(text, len);
}

bool proc_read_stat(int dir, char text[PROC_STAT_BYTES], struct proc_stat *out)
{
	return proc_stat_parse(read_text(dir, "stat", text, PROC_STAT_BYTES), out);
}

static void read_exe(int dir, struct proc_facts *out)
{
	ssize_t len = readlinkat(dir, "exe", out->exe_text, sizeof(out->exe_text));
	out->is_exe_secret = len < 0 && (errno == EACCES || errno == EPERM);
	out->exe = len > 0 ? slice_of(out->exe_text, (size_t)len) : (struct slice){0};
}

/* Arguments end with a NUL byte each; a process may have written anything in their place. */
static void read_cmdline(int dir, struct arguments *arguments, struct proc_facts *out)
{
	struct slice text = arguments_read(arguments, dir);
	char *cmdline = out->cmdline_text;
	while (text.len > 0 && text.ptr[text.len - 1] == '\0')
		text.len--;
	for (size_t i = 0; i < text.len; i++)
		cmdline[i] = text.ptr[i] ? (char)text.ptr[i] : ' ';
	out->cmdline = text.len > 0 ? slice_of(cmdline, text.len) : (struct slice){0};
}

static uint32_t read_id(int dir, const char *name)
{
	char text[32];
	uint32_t id;
	return proc_id_parse(read_text(dir, name, text, sizeof(text)), &id) ? id : ACTOR_NO_ID;
}

bool proc_read(int dir, struct arguments *arguments, struct proc_facts *out)
{
	char status[PROC_STATUS_BYTES];
	/* First what is lost first when the process ends. */
	read_exe(dir, out);
	read_cmdline(dir, arguments, out);
	if (!proc_read_stat(dir, out->stat_text, &out->stat))
		return false;
	out->has_ids = proc_status_parse(
	        read_text(dir, "status", status, sizeof(status)), &out->uid, &out->gid);
	out->login_uid = read_id(dir, "loginuid");
	out->session = read_id(dir, "sessionid");
	out->container = proc_cgroup_container(
	        read_text(dir, "cgroup", out->cgroup_text, sizeof(out->cgroup_text)));
	return true;
}
