#include "tests/unit/common-confine/confine_scene.h"

static int write_elsewhere(void)
{
	return error_of(open("/tmp/tsujiban-confine-elsewhere", O_WRONLY | O_CREAT, 0600));
}

static int read_shadow(void)
{
	return error_of(open("/etc/shadow", O_RDONLY));
}

static int read_hosts(void)
{
	return error_of(open("/etc/hosts", O_RDONLY));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
