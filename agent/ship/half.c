#include "agent/ship/half.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "agent/ship/ship.h"
#include "common/confine/confine.h"

static void on_over(void *ctx)
{
	loop_stop(ctx);
}

static bool is_channel(int fd)
{
	int domain;
	socklen_t len = sizeof domain;
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

int half_run(int fd, const struct confine_notes *confined, struct reason *out_why)
{
	if (!is_channel(fd))
		return fail(out_why, ERR_CONFIG, "this command is for the agent itself: see run");
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	struct loop *loop = loop_new();
	struct ship *ship = ship_new(loop, fd, 0, on_over, loop);
	ship_set_confined(ship, confined);
	loop_run(loop);
	ship_free(ship);
	loop_free(loop);
	return confine_is_outdated() ? 1 : 0;
}
