#include "common/io/service.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/mem.h"

struct service {
	int fd;
};

/* A path, or with "@" in front a name that stands in no file system. */
static socklen_t address_of(const char *name, struct sockaddr_un *out)
{
	size_t len = strlen(name);
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(out->sun_path))
		return 0;
	memcpy(out->sun_path, name, len);
	if (name[0] == '@')
		out->sun_path[0] = '\0';
	/* The NUL belongs to a path, and would to such a name. */
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
}

struct service *service_open(void)
{
	struct sockaddr_un address;
	const char *name = getenv("NOTIFY_SOCKET");
	if (!name)
		return NULL;
	socklen_t len = address_of(name, &address);
	int fd = len > 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, len) < 0) {
		log_warn("cannot tell the service manager anything: NOTIFY_SOCKET '%s' cannot be "
		         "used",
		        name);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct service *service = mem_new(sizeof(*service));
	service->fd = fd;
	return service;
}

void service_tell(struct service *service, const char *format, ...)
{
	char words[SERVICE_WORDS_MAX + 1];
	va_list args;
	if (!service)
		return;
	va_start(args, format);
	int len = vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	if (len > 0 && (size_t)len < sizeof(words) && write(service->fd, words, (size_t)len) < 0)
		log_debug("the service manager does not take a word");
}

void service_close(struct service *service)
{
	if (!service)
		return;
	close(service->fd);
	free(service);
}
