#include "tests/unit/common-confine/confine_scene.h"

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

static int truncate_own(void)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/own", scratch);
	return error_of(open(path, O_RDONLY | O_TRUNC));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_what_the_table_lacks_ends_the_process_and_what_it_has_works),
	        cmocka_unit_test(test_nobody_is_traced_or_signalled),
	        cmocka_unit_test(test_threads_that_run_already_are_filtered_too),
	};
	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
