#include "agent/sender/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/resident.h"

#define PATIENCE_MS 500
#define STEP_MS     5

struct launcher {
	int fd;
	pid_t pid;
	pid_t running; /* the sending half, as far as was heard; 0: none */
};

/* --- the launcher's own process --------------------------------------------------------------- */

/* The descriptor that came with one byte; -1: nobody asks any more. */
static int await_request(int fd)
{
	char byte;
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec piece = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &piece,
	        .msg_iovlen = 1,
	        .msg_control = control.bytes,
	        .msg_controllen = sizeof control.bytes};
	ssize_t len;
	do
		len = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	struct cmsghdr *head = len > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!head || head->cmsg_type != SCM_RIGHTS)
		return -1;
	int passed;
	memcpy(&passed, CMSG_DATA(head), sizeof passed);
	return passed;
}

/* Signals that stop the agent reach its whole group: only the reading half listens to them, and the
 * others end when it is gone. */
static void ignore_signals(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

static void die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
}

static void become_sender(int seam, const char *word)
{
	char *const words[] = {"tsujiban-agent", LAUNCHER_COMMAND, (char *)word, NULL};
	if (dup2(seam, LAUNCHER_SEAM_FD) < 0)
		_exit(127);
	if (seam == LAUNCHER_SEAM_FD)
		fcntl(seam, F_SETFD, 0); /* dup2 has changed nothing */
	execv("/proc/self/exe", words);
	_exit(127);
}

static bool tell(int fd, const struct launcher_news *news)
{
	return send(fd, news, sizeof *news, MSG_NOSIGNAL) == sizeof *news;
}

static bool launch_one(int fd, int seam, const char *word)
{
	struct launcher_news news = {0};
	pid_t self = getpid();
	pid_t pid = fork();
	if (pid == 0) {
		die_with(self);
		become_sender(seam, word);
	}
	close(seam);
	news.pid = (int)pid;
	news.is_ended = pid < 0;
	if (!tell(fd, &news) || pid < 0)
		return pid < 0;
	resident_release();
	while (waitpid(pid, &news.status, 0) < 0 && errno == EINTR)
		;
	news.is_ended = true;
	return tell(fd, &news);
}

static void launch_on_request(int fd, const char *word, int (*confine)(struct reason *out_why))
{
	int seam;
	struct reason why;
	if (confine && confine(&why) < 0) {
		log_error("%s", why.text);
		_exit(1);
	}
	while ((seam = await_request(fd)) >= 0)
		if (!launch_one(fd, seam, word))
			break;
	_exit(0);
}

/* --- the reading half's side ------------------------------------------------------------------ */

int launcher_start(const char *word, int (*confine)(struct reason *out_why), struct launcher **out,
        struct reason *out_why)
{
	int ends[2];
	pid_t parent = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail(out_why, -errno, "cannot make a pair of sockets: %s", err_text(-errno));
	pid_t pid = fork();
	if (pid < 0) {
		int code = -errno;
		close(ends[0]);
		close(ends[1]);
		return fail(out_why, code, "cannot start a process: %s", err_text(code));
	}
	if (pid == 0) {
		close(ends[0]);
		die_with(parent);
		ignore_signals();
		launch_on_request(ends[1], word, confine);
	}
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	struct launcher *launcher = mem_new(sizeof *launcher);
	*launcher = (struct launcher){.fd = ends[0], .pid = pid};
	*out = launcher;
	return 0;
}

/* Of a sending half that does not end (somebody has stopped it) nothing is worth waiting for. */
void launcher_stop(struct launcher *launcher)
{
	if (!launcher)
		return;
	close(launcher->fd);
	bool is_over = false;
	for (int ms = 0; !is_over && ms < PATIENCE_MS; ms += STEP_MS) {
		is_over = waitpid(launcher->pid, NULL, WNOHANG) != 0;
		if (!is_over)
			poll(NULL, 0, STEP_MS);
	}
	if (!is_over) {
		kill(launcher->pid, SIGKILL);
		waitpid(launcher->pid, NULL, 0);
	}
	free(launcher);
}

void launcher_kill(struct launcher *launcher)
{
	if (launcher->running > 0)
		kill(launcher->running, SIGKILL);
}

int launcher_launch(struct launcher *launcher, int fd)
{
	char byte = 0;
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	launcher_kill(launcher);
	struct iovec piece = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &piece,
	        .msg_iovlen = 1,
	        .msg_control = control.bytes,
	        .msg_controllen = sizeof control.bytes};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(head), &fd, sizeof fd);
	int rc = sendmsg(launcher->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
	close(fd);
	return rc == -EPIPE || rc == -ECONNRESET ? ERR_CLOSED : rc;
}

int launcher_fd(const struct launcher *launcher)
{
	return launcher->fd;
}

int launcher_hear(struct launcher *launcher, struct launcher_news *out)
{
	ssize_t len = recv(launcher->fd, out, sizeof *out, 0);
	if (len == sizeof *out) {
		launcher->running = out->is_ended ? 0 : out->pid;
		return 1;
	}
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return len < 0 ? -errno : ERR_CLOSED;
}
