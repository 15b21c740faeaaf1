#include "agent/who/connector.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/mem.h"

#define ROOM_BYTES     (1 << 20) /* the kernel counts about 800 bytes a message */
#define MESSAGES       32        /* read in one call */
#define MESSAGE_BYTES  256       /* they have 76 today */
#define TURNS_MAX      256       /* more than there is room for */
#define ANSWERS_TO_ASK 64        /* other people's answers and news may come first */

struct connector {
	int fd;
	uint8_t bytes[MESSAGES][MESSAGE_BYTES];
	struct sockaddr_nl from[MESSAGES];
	struct iovec part[MESSAGES];
	struct mmsghdr message[MESSAGES];
};

/* --- the filter ------------------------------------------------------------------------------- */

/* Where things lie in a datagram. */
#define AT_EVENT       (sizeof(struct nlmsghdr) + sizeof(struct cn_msg))
#define AT_WHAT        (AT_EVENT + offsetof(struct proc_event, what))
#define AT_CHILD       (AT_EVENT + offsetof(struct proc_event, event_data.fork.child_pid))
#define AT_CHILD_GROUP (AT_EVENT + offsetof(struct proc_event, event_data.fork.child_tgid))
/* The same for all other events. */
#define AT_PID   (AT_EVENT + offsetof(struct proc_event, event_data.exit.process_pid))
#define AT_GROUP (AT_EVENT + offsetof(struct proc_event, event_data.exit.process_tgid))

#define LOAD(at)               BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(at))
#define TO_X                   BPF_STMT(BPF_MISC | BPF_TAX, 0)
#define IF(value, then, other) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, other)
#define IF_X(then, other)      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, then, other)
#define SKIP(count)            BPF_STMT(BPF_JMP | BPF_JA, count)
#define TAKE                   BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)
#define DROP                   BPF_STMT(BPF_RET | BPF_K, 0)

static int attach(int fd, struct sock_filter *code, size_t count)
{
	struct sock_fprog program = {.len = (unsigned short)count, .filter = code};
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
	                                                                                   : 0;
}

/* The machine of the filter loads numbers as the network has them, the kernel writes them as the
 * host has them. */
static int attach_execs(int fd)
{
	struct sock_filter code[] = {
	        LOAD(AT_WHAT),
	        IF(htonl(PROC_EVENT_EXEC), 2, 0),
	        IF(htonl(PROC_EVENT_NONE), 1, 0),
	        DROP,
	        TAKE,
	};
	return attach(fd, code, sizeof(code) / sizeof(code[0]));
}

static int attach_lives(int fd)
{
	struct sock_filter code[] = {
	        /*  0 */ LOAD(AT_WHAT),
	        /*  1 */ IF(htonl(PROC_EVENT_NONE), 14, 0),
	        /*  2 */ IF(htonl(PROC_EVENT_FORK), 5, 0),
	        /*  3 */ IF(htonl((uint32_t)PROC_EVENT_EXIT), 8, 0),
	        /*  4 */ IF(htonl(PROC_EVENT_UID), 7, 0),
	        /*  5 */ IF(htonl(PROC_EVENT_GID), 6, 0),
	        /*  6 */ DROP,
	        /*  7 */ DROP,
	        /*  8 */ LOAD(AT_CHILD),
	        /*  9 */ TO_X,
	        /* 10 */ LOAD(AT_CHILD_GROUP),
	        /* 11 */ SKIP(3),
	        /* 12 */ LOAD(AT_PID),
	        /* 13 */ TO_X,
	        /* 14 */ LOAD(AT_GROUP),
	        /* 15 */ IF_X(0, 1),
	        /* 16 */ TAKE,
	        /* 17 */ DROP,
	};
	return attach(fd, code, sizeof(code) / sizeof(code[0]));
}

/* --- opening ---------------------------------------------------------------------------------- */

static int open_socket(enum connector_kind kind)
{
	const int ROOM = ROOM_BYTES;
	/* The group first speaks to us when the filter stands. */
	struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
	int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
	if (fd < 0)
		return -errno;
	int rc = kind == CONNECTOR_EXECS ? attach_execs(fd) : attach_lives(fd);
	if (rc < 0)
		goto close_fd;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &ROOM, sizeof(ROOM)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &ROOM, sizeof(ROOM));
	if (bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0)
		return fd;
	rc = -errno;
close_fd:
	close(fd);
	return rc;
}

/* `number` and one comes back with the answer; `seq` the kernel counts by itself. */
static int request(int fd, uint32_t what, uint32_t number)
{
	uint8_t bytes[AT_EVENT + sizeof(what)];
	struct nlmsghdr head = {.nlmsg_len = sizeof(bytes), .nlmsg_type = NLMSG_DONE};
	struct cn_msg message = {
	        .id = {.idx = CN_IDX_PROC, .val = CN_VAL_PROC},
	        .ack = number,
	        .len = sizeof(what),
	};
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), &message, sizeof(message));
	memcpy(bytes + AT_EVENT, &what, sizeof(what));
	return send(fd, bytes, sizeof(bytes), 0) < 0 ? -errno : 0;
}

/* The kernel answers before send(2) returns; where it may not speak to us it says nothing. */
static int await_answer(int fd, uint32_t number)
{
	for (unsigned i = 0; i < ANSWERS_TO_ASK; i++) {
		uint8_t bytes[MESSAGE_BYTES];
		struct proc_news news;
		ssize_t len = recv(fd, bytes, sizeof(bytes), 0);
		if (len < 0)
			return errno == EAGAIN ? ERR_REFUSED : -errno;
		if (proc_news_parse(slice_of(bytes, (size_t)len), &news) > 0 &&
		        news.kind == NEWS_ANSWER && news.pid == number + 1)
			return news.id == 0 ? 0 : -(int)news.id;
	}
	return ERR_REFUSED;
}

static void init_messages(struct connector *connector)
{
	for (unsigned i = 0; i < MESSAGES; i++) {
		connector->part[i] = (struct iovec){connector->bytes[i], MESSAGE_BYTES};
		connector->message[i].msg_hdr = (struct msghdr){
		        .msg_name = &connector->from[i],
		        .msg_iov = &connector->part[i],
		        .msg_iovlen = 1,
		};
	}
}

int connector_open(enum connector_kind kind, struct connector **out, struct reason *out_why)
{
	uint32_t number = (uint32_t)getpid() * 2 + (kind == CONNECTOR_EXECS);
	int fd = open_socket(kind);
	if (fd < 0)
		return fail(out_why, fd, "cannot open the proc connector: %s", err_text(fd));
	int rc = request(fd, PROC_CN_MCAST_LISTEN, number);
	if (rc == 0)
		rc = await_answer(fd, number);
	if (rc < 0) {
		close(fd);
		return fail(out_why, rc, "cannot listen to the proc connector: %s",
		        rc == ERR_REFUSED ? "it needs the host's own namespaces (and CAP_NET_ADMIN "
		                            "before Linux 6.6)"
		                          : err_text(rc));
	}
	struct connector *connector = mem_new(sizeof(*connector));
	connector->fd = fd;
	init_messages(connector);
	*out = connector;
	return 0;
}

void connector_close(struct connector *connector)
{
	if (!connector)
		return;
	request(connector->fd, PROC_CN_MCAST_IGNORE, 0); /* before Linux 6.6 it counts listeners */
	close(connector->fd);
	free(connector);
}

/* --- listening -------------------------------------------------------------------------------- */

int connector_fd(const struct connector *connector)
{
	return connector->fd;
}

/* Only the kernel has number 0; who else may send to the group pretends. */
static bool is_from_kernel(const struct connector *connector, int at)
{
	const struct msghdr *head = &connector->message[at].msg_hdr;
	return head->msg_namelen == sizeof(struct sockaddr_nl) && connector->from[at].nl_pid == 0 &&
	       !(head->msg_flags & MSG_TRUNC);
}

/* How many messages there were; fewer than MESSAGES: no more. */
static int receive(struct connector *connector, bool *is_complete)
{
	int count;
	for (unsigned i = 0; i < MESSAGES; i++)
		connector->message[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_nl);
	do {
		count = recvmmsg(connector->fd, connector->message, MESSAGES, MSG_DONTWAIT, NULL);
		if (count < 0 && errno == ENOBUFS)
			*is_complete = false; /* said once, then what there was room for comes */
	} while (count < 0 && (errno == ENOBUFS || errno == EINTR));
	return count;
}

bool connector_drain(struct connector *connector,
        void (*tell)(void *ctx, const struct proc_news *news), void *ctx)
{
	bool is_complete = true;
	int count = MESSAGES;
	for (unsigned turn = 0; turn < TURNS_MAX && count == MESSAGES; turn++) {
		count = receive(connector, &is_complete);
		for (int i = 0; i < count; i++) {
			struct proc_news news;
			struct slice bytes = slice_of(
			        connector->bytes[i], connector->message[i].msg_len);
			if (is_from_kernel(connector, i) && proc_news_parse(bytes, &news) > 0 &&
			        news.kind != NEWS_ANSWER)
				tell(ctx, &news);
		}
	}
	return is_complete;
}
