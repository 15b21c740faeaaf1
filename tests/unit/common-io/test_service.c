#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/io/service.h"

#include <cmocka.h>

/* A service manager. `name` as in NOTIFY_SOCKET. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	size_t len = strlen(name);
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
	                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
	        0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void assert_hears(int fd, const char *words)
{
	char heard[2 * SERVICE_WORDS_MAX] = "";
	ssize_t len = read(fd, heard, sizeof(heard) - 1);
	assert_int_equal(len, strlen(words));
	assert_string_equal(heard, words);
}

static void tell_at(const char *name)
{
	int fd = listen_at(name);
	struct service *service = service_open();
	assert_non_null(service);
	service_tell(service, "READY=1\nSTATUS=%u hosts", 7U);
	assert_hears(fd, "READY=1\nSTATUS=7 hosts");
	service_tell(service, "STOPPING=1");
	assert_hears(fd, "STOPPING=1");
	service_close(service);
	close(fd);
}

static void test_each_word_arrives(void **state)
{
	char path[64], name[64];
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_service.%ld", (long)getpid());
	snprintf(name, sizeof(name), "@test_service.%ld", (long)getpid());
	tell_at(path);
	unlink(path);
	tell_at(name);
}

static void test_nobody_asks(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_null(service_open());
	service_tell(NULL, "READY=1");
	service_close(NULL);
}

static void test_a_socket_that_cannot_be_used_is_none(void **state)
{
	static const char *const WRONG[] = {"", "@", "relative", "/nowhere/at/all", "vsock:2:1"};
	char long_one[256];
	(void)state;
	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
		setenv("NOTIFY_SOCKET", WRONG[i], 1);
		assert_null(service_open());
	}
	memset(long_one, 'x', sizeof(long_one) - 1);
	long_one[0] = '/';
	long_one[sizeof(long_one) - 1] = '\0';
	setenv("NOTIFY_SOCKET", long_one, 1);
	assert_null(service_open());
}

/* A manager that has gone, or does not read: the program does not wait for it. */
static void test_a_manager_that_does_not_listen(void **state)
{
	char name[64];
	(void)state;
	snprintf(name, sizeof(name), "@test_service.deaf.%ld", (long)getpid());
	int fd = listen_at(name);
	struct service *service = service_open();
	for (unsigned i = 0; i < 10000; i++)
		service_tell(service, "STATUS=%u", i);
	assert_hears(fd, "STATUS=0");
	close(fd);
	service_tell(service, "STATUS=gone");
	service_close(service);
}

static void test_too_long_a_word_is_not_said(void **state)
{
	char name[64], words[] = {[0 ... SERVICE_WORDS_MAX] = 'w', '\0'};
	(void)state;
	snprintf(name, sizeof(name), "@test_service.long.%ld", (long)getpid());
	int fd = listen_at(name);
	struct service *service = service_open();
	service_tell(service, "%s", words);
	words[SERVICE_WORDS_MAX] = '\0';
	service_tell(service, "%s", words);
	assert_hears(fd, words);
	service_close(service);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest TESTS[] = {
	        cmocka_unit_test(test_each_word_arrives),
	        cmocka_unit_test(test_nobody_asks),
	        cmocka_unit_test(test_a_socket_that_cannot_be_used_is_none),
	        cmocka_unit_test(test_a_manager_that_does_not_listen),
	        cmocka_unit_test(test_too_long_a_word_is_not_said),
	};
	return cmocka_run_group_tests(TESTS, NULL, NULL);
}
