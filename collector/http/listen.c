#include "collector/http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/address.h"

#define BACKLOG 128
/* A storm of connections must not keep the loop from everything else. */
#define ACCEPTS_A_STEP 32
/* Out of descriptors: the socket stays readable, so that going on at once would spin. */
#define PAUSE_MS 1000

struct listen {
	int fd;
	unsigned port;
	struct fd_watch *watch;
	struct timer *pause;
	void (*accepted)(void *ctx, int fd);
	void *ctx;
};

/* --- address ------------------------------------------------------------------------------- */

static int bind_to(const struct addrinfo *info, unsigned *out_port)
{
	struct sockaddr_in6 bound = {0};
	socklen_t len = sizeof(bound);
	int one = 1;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 ||
	        getsockname(fd, (struct sockaddr *)&bound, &len) < 0) {
		int rc = -errno;
		close(fd);
		return rc;
	}
	/* sin_port stands at the same place. */
	*out_port = ntohs(bound.sin6_port);
	return fd;
}

static int open_socket(const char *address, unsigned *out_port, struct reason *out_why)
{
	const struct addrinfo hints = {
	        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found = NULL;
	struct address parts;
	char port[8];

	if (address_parse(address, &parts, NULL) < 0)
		return fail(out_why, ERR_CONFIG, "cannot listen on '%s': not ADDR:PORT", address);
	snprintf(port, sizeof(port), "%u", parts.port);
	int rc = getaddrinfo(parts.host, port, &hints, &found);
	if (rc != 0)
		return fail(out_why, ERR_CONFIG, "cannot listen on '%s': %s", address,
		        gai_strerror(rc));
	rc = bind_to(found, out_port);
	freeaddrinfo(found);
	return rc < 0 ? fail(out_why, rc, "cannot listen on '%s': %s", address, err_text(rc)) : rc;
}

/* --- accepting ----------------------------------------------------------------------------- */

static bool is_out_of_resources(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void accept_waiting(void *ctx)
{
	struct listen *self = ctx;

	for (int i = 0; i < ACCEPTS_A_STEP; i++) {
		int fd = accept4(self->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			/* A stream's small pieces are news: none of them waits for the ack of
			 * the one before it. */
			const int yes = 1;
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
			self->accepted(self->ctx, fd);
			continue;
		}
		if (is_out_of_resources(errno)) {
			log_warn("cannot accept a connection to the API: %s", err_text(-errno));
			fd_watch_pause(self->watch);
			timer_start(self->pause, PAUSE_MS, 0);
		}
		return;
	}
}

static void go_on(void *ctx)
{
	struct listen *self = ctx;

	fd_watch_resume(self->watch);
}

int listen_open(struct loop *loop, const char *address, void (*accepted)(void *ctx, int fd),
        void *ctx, struct listen **out, struct reason *out_why)
{
	unsigned port = 0;
	int fd = open_socket(address, &port, out_why);

	if (fd < 0)
		return fd;
	struct listen *self = mem_new(sizeof(*self));
	self->fd = fd;
	self->port = port;
	self->accepted = accepted;
	self->ctx = ctx;
	self->watch = fd_watch_new(loop, fd, accept_waiting, self);
	self->pause = timer_new(loop, go_on, self);
	*out = self;
	return 0;
}

void listen_close(struct listen *self)
{
	if (!self)
		return;
	timer_free(self->pause);
	fd_watch_free(self->watch);
	close(self->fd);
	free(self);
}

unsigned listen_port(const struct listen *self)
{
	return self->port;
}
