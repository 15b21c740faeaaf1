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

static struct outcome wait_for(pid_t pid)
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
static struct outcome try(const struct confine_rights *rights, int profile, act_fn *act)
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

static int error_of(long rc)
{
	return rc < 0 ? errno : 0;
}

static int inet_socket(void)
{
	return error_of(socket(AF_INET, SOCK_STREAM, 0));
}

static int unix_socket(void)
{
	return error_of(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int packet_socket(void)
{
	return error_of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int connector_socket(void)
{
	return error_of(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_CONNECTOR));
}

static int firewall_socket(void)
{
	return error_of(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER));
}

static int connect_it(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	return error_of(connect(0, (struct sockaddr *)&to, sizeof(to)));
}

static int listen_to_all(void)
{
	return error_of(listen(0, 1));
}

static int execute(void)
{
	char *none[] = {NULL};
	return error_of(execve("/bin/true", none, none));
}

static int fork_it(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return error_of(pid);
}

static int trace(void)
{
	return error_of(ptrace(PTRACE_SEIZE, getppid(), 0, 0));
}

static int kill_parent(void)
{
	return error_of(kill(getppid(), 0));
}

static int set_flags(void)
{
	int flags = 0;
	return error_of(ioctl(0, FS_IOC_SETFLAGS, &flags));
}

static int get_flags(void)
{
	int flags = 0, fd = open(scratch, O_RDONLY | O_DIRECTORY);
	int code = error_of(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	return fd >= 0 && (code == ENOTTY || code == EOPNOTSUPP) ? 0 : code;
}

static int write_file(void)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/own", scratch);
	return error_of(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int write_elsewhere(void)
{
	return error_of(open("/tmp/tsujiban-confine-elsewhere", O_WRONLY | O_CREAT, 0600));
}

static int truncate_own(void)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/own", scratch);
	return error_of(open(path, O_RDONLY | O_TRUNC));
}

static int read_shadow(void)
{
	return error_of(open("/etc/shadow", O_RDONLY));
}

static int read_passwd(void)
{
	return error_of(open("/etc/passwd", O_RDONLY));
}

static int read_hosts(void)
{
	return error_of(open("/etc/hosts", O_RDONLY));
}

static int resolve(void)
{
	struct addrinfo *found = NULL;
	int code = getaddrinfo("localhost", "7443", NULL, &found);
	return code == 0 ? 0 : 100;
}

static int write_and_run_memory(void)
{
	void *map = mmap(
	        NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return map == MAP_FAILED ? errno : 0;
}

static int make_memory_run(void)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return error_of(mprotect(map, 4096, PROT_READ | PROT_EXEC));
}

static void *nothing(void *ctx)
{
	return ctx;
}

static int make_thread(void)
{
	pthread_t thread;
	int code = pthread_create(&thread, NULL, nothing, NULL);
	return code ? code : pthread_join(thread, NULL);
}

static int unshare_users(void)
{
	return error_of(unshare(CLONE_NEWUSER));
}

static int become_dumpable(void)
{
	return error_of(prctl(PR_SET_DUMPABLE, 1));
}

static int mount_something(void)
{
	return error_of(mount_setattr(-1, "", 0, NULL, 0));
}

static int bind_port(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return error_of(bind(fd, (struct sockaddr *)&at, sizeof(at)));
}

static int bind_any_port(void)
{
	return bind_port(0);
}

static int connect_port(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return error_of(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int connect_to_1(void)
{
	return connect_port(1);
}

static int connect_to_2(void)
{
	return connect_port(2);
}

/* --- system calls ----------------------------------------------------------------------------- */

struct claim {
	enum confine_profile profile;
	const char *text;
	act_fn *act;
	struct outcome expected;
};

static const struct claim CALLS[] = {
        {CONFINE_READER, "no internet socket", inet_socket, {DIES, 0}},
        {CONFINE_READER, "no unix socket", unix_socket, {DIES, 0}},
        {CONFINE_READER, "no firewall", firewall_socket, {DIES, 0}},
        {CONFINE_READER, "no connection", connect_it, {DIES, 0}},
        {CONFINE_READER, "no listening", listen_to_all, {DIES, 0}},
        {CONFINE_READER, "no program", execute, {DIES, 0}},
        {CONFINE_READER, "no process", fork_it, {DIES, 0}},
        {CONFINE_READER, "no flags set", set_flags, {DIES, 0}},
        {CONFINE_READER, "no mounts", mount_something, {DIES, 0}},
        {CONFINE_READER, "no namespaces", unshare_users, {DIES, 0}},
        {CONFINE_READER, "proc connector", connector_socket, {LIVES, 0}},
        {CONFINE_READER, "flags read", get_flags, {LIVES, 0}},
        {CONFINE_READER, "files made", write_file, {LIVES, 0}},
        {CONFINE_READER, "files read", read_passwd, {LIVES, 0}},
        {CONFINE_READER, "threads", make_thread, {LIVES, 0}},
        {CONFINE_READER, "no written code", write_and_run_memory, {LIVES, EACCES}},
        {CONFINE_READER, "no code from data", make_memory_run, {LIVES, EACCES}},
        {CONFINE_SENDER, "internet socket", inet_socket, {LIVES, 0}},
        {CONFINE_SENDER, "names resolved", resolve, {LIVES, 0}},
        {CONFINE_SENDER, "no raw packets", packet_socket, {DIES, 0}},
        {CONFINE_SENDER, "no file made", write_file, {LIVES, EACCES}},
        {CONFINE_SENDER, "no file emptied", truncate_own, {LIVES, EACCES}},
        {CONFINE_SENDER, "no listening", listen_to_all, {DIES, 0}},
        {CONFINE_SENDER, "no program", execute, {DIES, 0}},
        {CONFINE_SENDER, "no process", fork_it, {DIES, 0}},
        {CONFINE_SENDER, "threads", make_thread, {LIVES, 0}},
        {CONFINE_STARTER, "program", execute, {LIVES, 0}},
        {CONFINE_STARTER, "process", fork_it, {LIVES, 0}},
        {CONFINE_STARTER, "no file made", write_file, {LIVES, EACCES}},
        {CONFINE_STARTER, "no listening", listen_to_all, {DIES, 0}},
        {CONFINE_COLLECTOR, "no socket", inet_socket, {DIES, 0}},
        {CONFINE_COLLECTOR, "no connection", connect_it, {DIES, 0}},
        {CONFINE_COLLECTOR, "no program", execute, {DIES, 0}},
        {CONFINE_COLLECTOR, "no process", fork_it, {DIES, 0}},
        {CONFINE_COLLECTOR, "files made", write_file, {LIVES, 0}},
        {CONFINE_COLLECTOR, "threads", make_thread, {LIVES, 0}},
};

/* The search for leaks of the sanitizers needs these. */
static const struct claim PLAIN_CALLS[] = {
        {CONFINE_READER, "no tracing", trace, {DIES, 0}},
        {CONFINE_READER, "no signals", kill_parent, {DIES, 0}},
        {CONFINE_READER, "no core dumps again", become_dumpable, {DIES, 0}},
        {CONFINE_SENDER, "no tracing", trace, {DIES, 0}},
        {CONFINE_SENDER, "no signals", kill_parent, {DIES, 0}},
        {CONFINE_COLLECTOR, "no tracing", trace, {DIES, 0}},
};

static void expect_claims(const struct claim *claim, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct outcome seen = try(NULL, (int)claim[i].profile, claim[i].act);
		bool is_as_said = seen.ending == claim[i].expected.ending &&
		                  seen.code == claim[i].expected.code;
		if (!is_as_said)
			print_error("profile %d, '%s': %s with %d\n", (int)claim[i].profile,
			        claim[i].text, seen.ending == DIES ? "dies" : "lives", seen.code);
		assert_true(is_as_said);
	}
}

static void test_what_the_table_lacks_ends_the_process_and_what_it_has_works(void **state)
{
	(void)state;
	expect_claims(CALLS, sizeof(CALLS) / sizeof(CALLS[0]));
}

static void test_nobody_is_traced_or_signalled(void **state)
{
	(void)state;
	if (IS_SANITIZED)
		skip();
	expect_claims(PLAIN_CALLS, sizeof(PLAIN_CALLS) / sizeof(PLAIN_CALLS[0]));
}

static int socket_in_a_thread(void)
{
	return error_of(socket(AF_INET, SOCK_STREAM, 0));
}

static pthread_barrier_t confined;

static void *wait_and_try(void *ctx)
{
	(void)ctx;
	pthread_barrier_wait(&confined);
	socket_in_a_thread();
	return NULL;
}

static int start_thread_then_confine(void)
{
	struct confine_notes notes = {0};
	struct reason why;
	pthread_t thread;
	pthread_barrier_init(&confined, NULL, 2);
	pthread_create(&thread, NULL, wait_and_try, NULL);
	if (confine_calls(CONFINE_READER, &notes, &why) < 0)
		return 255;
	pthread_barrier_wait(&confined);
	pthread_join(thread, NULL);
	return 1;
}

static void test_threads_that_run_already_are_filtered_too(void **state)
{
	(void)state;
	assert_int_equal(try(NULL, -1, start_thread_then_confine).ending, DIES);
}

/* --- rights ----------------------------------------------------------------------------------- */

static bool has_landlock(int abi)
{
	struct confine_rights rights = {0};
	struct confine_notes notes;
	struct reason why;
	int status, seen[2];
	char text[sizeof(notes.on)] = "";
	confine_add_path(&rights, "/", CONFINE_READ);
	assert_int_equal(pipe(seen), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (confine_rights(&rights, &notes, &why) == 0)
			(void)!write(seen[1], notes.on, strlen(notes.on));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	close(seen[1]);
	ssize_t len = read(seen[0], text, sizeof(text) - 1);
	close(seen[0]);
	assert_true(len >= 0);
	const char *found = strstr(text, "landlock ");
	return found && strtol(found + strlen("landlock "), NULL, 10) >= abi;
}

static void expect_with(const struct confine_rights *rights, act_fn *act, int code)
{
	struct outcome seen = try(rights, -1, act);
	assert_int_equal(seen.ending, LIVES);
	assert_int_equal(seen.code, code);
}

static void test_only_granted_paths_are_open(void **state)
{
	(void)state;
	struct confine_rights rights = {0};
	if (!has_landlock(1))
		skip();
	confine_add_path(&rights, scratch, CONFINE_WRITE);
	confine_add_path(&rights, "/etc/hosts", CONFINE_READ);
	confine_add_path(&rights, "/no/such/file", CONFINE_READ);
	expect_with(&rights, write_file, 0);
	expect_with(&rights, read_hosts, 0);
	expect_with(&rights, read_passwd, EACCES);
	expect_with(&rights, read_shadow, EACCES);
	expect_with(&rights, write_elsewhere, EACCES);
	expect_with(&rights, execute, EACCES);
}

static void test_names_are_resolved_with_the_system_files_alone(void **state)
{
	(void)state;
	struct confine_rights rights = {0};
	if (!has_landlock(1))
		skip();
	confine_add_system_files(&rights);
	expect_with(&rights, resolve, 0);
	expect_with(&rights, read_shadow, EACCES);
}

static void test_only_granted_ports_are_bound_and_dialed(void **state)
{
	(void)state;
	struct confine_rights rights = {0};
	if (!has_landlock(4))
		skip();
	confine_add_path(&rights, "/", CONFINE_READ);
	confine_add_connect(&rights, 1);
	expect_with(&rights, connect_to_1, ECONNREFUSED);
	expect_with(&rights, connect_to_2, EACCES);
	expect_with(&rights, bind_any_port, EACCES);
	confine_add_bind(&rights, 0);
	expect_with(&rights, bind_any_port, 0);
}

static int has_no_new_privileges(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1;
}

static int is_not_dumpable(void)
{
	return prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1;
}

static int reads_own_proc(void)
{
	return error_of(open("/proc/self/maps", O_RDONLY));
}

/* /proc/self/status has them in hexadecimal. */
static uint64_t capabilities_of(const char *set)
{
	char line[256];
	uint64_t bits = ~UINT64_C(0);
	FILE *status = fopen("/proc/self/status", "r");
	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, set, strlen(set)) == 0)
			bits = strtoull(line + strlen(set) + 1, NULL, 16);
	if (status)
		fclose(status);
	return bits;
}

static int has_one_capability(void)
{
	static const char *const KEPT[] = {"CapEff", "CapPrm", "CapBnd"};
	static const char *const EMPTY[] = {"CapInh", "CapAmb"};
	for (size_t i = 0; i < 3; i++)
		if (capabilities_of(KEPT[i]) != UINT64_C(1) << CAP_DAC_READ_SEARCH)
			return (int)i + 1;
	for (size_t i = 0; i < 2; i++)
		if (capabilities_of(EMPTY[i]) != 0)
			return (int)i + 11;
	return 0;
}

static int has_no_capability(void)
{
	return capabilities_of("CapEff") == 0 && capabilities_of("CapPrm") == 0 &&
	                       capabilities_of("CapAmb") == 0
	               ? 0
	               : 1;
}

static void test_nothing_is_gained_and_nobody_looks_in(void **state)
{
	(void)state;
	struct confine_rights rights = {0};
	expect_with(&rights, has_no_new_privileges, 0);
	expect_with(&rights, is_not_dumpable, 0);
	expect_with(&rights, reads_own_proc, 0);
}

static void test_of_the_capabilities_only_the_named_stay(void **state)
{
	(void)state;
	struct confine_rights rights = {0};
	expect_with(&rights, has_no_capability, 0);
	if (geteuid() != 0)
		skip();
	rights.capabilities = CONFINE_READ_ALL;
	expect_with(&rights, has_one_capability, 0);
}

static int confine_after_a_thread(void)
{
	struct confine_rights rights = {0};
	struct confine_notes notes;
	struct reason why;
	pthread_t thread;
	pthread_barrier_init(&confined, NULL, 2);
	pthread_create(&thread, NULL, wait_and_try, NULL);
	return confine_rights(&rights, &notes, &why) == ERR_BUSY ? 0 : 1;
}

static void test_rights_are_not_given_up_beside_other_threads(void **state)
{
	(void)state;
	if (IS_SANITIZED) /* whose run time has a thread of its own */
		skip();
	assert_int_equal(try(NULL, -1, confine_after_a_thread).code, 0);
}

static int notices_a_replaced_file(void)
{
	char path[64], other[64];
	snprintf(path, sizeof(path), "%s/own", scratch);
	snprintf(other, sizeof(other), "%s/other", scratch);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	struct confine_rights rights = {0};
	struct confine_notes notes;
	struct reason why;
	confine_add_path(&rights, scratch, CONFINE_WRITE);
	confine_add_path(&rights, path, CONFINE_READ);
	if (confine_rights(&rights, &notes, &why) < 0)
		return 255;
	close(open(other, O_WRONLY | O_CREAT, 0600));
	if (confine_is_outdated())
		return 1;
	if (rename(other, path) < 0)
		return 2;
	return confine_is_outdated() ? 0 : 3;
}

static void test_a_replaced_file_makes_the_rules_outdated(void **state)
{
	(void)state;
	assert_int_equal(try(NULL, -1, notices_a_replaced_file).code, 0);
}

static void test_every_profile_counts_its_calls(void **state)
{
	(void)state;
	assert_true(confine_count_calls(CONFINE_SENDER) > 50);
	assert_true(confine_count_calls(CONFINE_STARTER) > confine_count_calls(CONFINE_SENDER));
}

static void test_the_notes_say_what_is_off(void **state)
{
	(void)state;
	struct confine_notes notes;
	confine_note_off(&notes);
	assert_string_equal(notes.on, "");
	assert_string_equal(notes.missing, "everything: the configuration says 'confine: off'");
}

static int make_scratch(void **state)
{
	(void)state;
	return mkdtemp(scratch) ? 0 : -1;
}

static int remove_scratch(void **state)
{
	(void)state;
	char path[64];
	snprintf(path, sizeof(path), "%s/own", scratch);
	unlink(path);
	return rmdir(scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_what_the_table_lacks_ends_the_process_and_what_it_has_works),
	        cmocka_unit_test(test_nobody_is_traced_or_signalled),
	        cmocka_unit_test(test_threads_that_run_already_are_filtered_too),
	        cmocka_unit_test(test_only_granted_paths_are_open),
	        cmocka_unit_test(test_names_are_resolved_with_the_system_files_alone),
	        cmocka_unit_test(test_only_granted_ports_are_bound_and_dialed),
	        cmocka_unit_test(test_nothing_is_gained_and_nobody_looks_in),
	        cmocka_unit_test(test_of_the_capabilities_only_the_named_stay),
	        cmocka_unit_test(test_rights_are_not_given_up_beside_other_threads),
	        cmocka_unit_test(test_a_replaced_file_makes_the_rules_outdated),
	        cmocka_unit_test(test_every_profile_counts_its_calls),
	        cmocka_unit_test(test_the_notes_say_what_is_off),
	};
	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
