#include "agent/running/sources.h"
#include "agent/running/restart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "agent/running/restart_path.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define ID "3f1b0c9d8e7f3f1b0c9d8e7f3f1b0c9d8e7f3f1b0c9d8e7f3f1b0c9d8e7f3f1b"

/* --- names ------------------------------------------------------------------------------------ */

static void test_what_programs_delete_by_habit_is_ignored(void **state)
{
	(void)state;
	static const char *const IGNORED[] = {"", "[heap]", "/SYSV00000000 (deleted)",
	        "/dev/zero (deleted)", "/memfd:jit (deleted)", "/[aio] (deleted)",
	        "/drm mm object (deleted)", "/tmp/x.so (deleted)", "/var/tmp/x.so", "/run/x.so",
	        "/var/run/x.so (deleted)", "/home/u/#12345 (deleted)", "/#9",
	        "/home/u/jna8417.tmp (deleted)", "/root/.cache/JNA/temp/a.so",
	        "/home/u/orcexec.x1 (deleted)", "(unreachable)/usr/bin/x (deleted)"};
	static const char *const HEEDED[] = {"/usr/lib/libc.so.6 (deleted)", "/usr/bin/x",
	        "/home/u/#a1 (deleted)", "/home/u/a#12", "/home/tmp/x.so", "/usr/lib/jna/jna.jar"};
	for (size_t i = 0; i < sizeof(IGNORED) / sizeof(IGNORED[0]); i++)
		if (!restart_path_is_ignored(slice_text(IGNORED[i])))
			fail_msg("'%s'", IGNORED[i]);
	for (size_t i = 0; i < sizeof(HEEDED) / sizeof(HEEDED[0]); i++)
		if (restart_path_is_ignored(slice_text(HEEDED[i])))
			fail_msg("'%s'", HEEDED[i]);
}

static void assert_stripped(const char *text, const char *wanted)
{
	struct slice path = slice_text(text);
	restart_path_strip_deleted(&path);
	restart_path_strip_manager(&path);
	if (!slice_is(path, wanted))
		fail_msg("'%.*s'", SLICE_ARG(path));
}

static void test_what_kernel_and_managers_add_to_a_name_is_taken_away(void **state)
{
	(void)state;
	assert_stripped("/usr/lib/a.so (deleted)", "/usr/lib/a.so");
	assert_stripped("/usr/lib/a.so;65b2a1c3 (deleted)", "/usr/lib/a.so");
	assert_stripped("/usr/lib/a.so;65b2a1c (deleted)", "/usr/lib/a.so;65b2a1c");
	assert_stripped("/usr/lib/a.so.dpkg-new (deleted)", "/usr/lib/a.so");
	assert_stripped("/usr/lib/a.so.dpkg-tmp (deleted)", "/usr/lib/a.so");
	assert_stripped("/usr/lib/a.so.65b2a1c3", "/usr/lib/a.so.65b2a1c3");
	assert_stripped(";65b2a1c3", ";65b2a1c3");
	assert_stripped(" (deleted)", "");
}

static void test_code_lies_below_directories_of_code(void **state)
{
	(void)state;
	assert_true(restart_path_is_code(slice_text("/usr/lib/x86_64-linux-gnu/libc.so.6")));
	assert_true(restart_path_is_code(slice_text("/opt/app/bin/app")));
	assert_true(restart_path_is_code(slice_text("/srv/web/venv/lib64/python3/a.so")));
	assert_false(restart_path_is_code(slice_text("/home/u/libx.so")));
	assert_false(restart_path_is_code(slice_text("/home/u/bin")));
	assert_false(restart_path_is_code(slice_text("/library/x")));
}

/* --- a fake /proc ----------------------------------------------------------------------------- */

static void make_link(struct scratch *scratch, const char *path, const char *target)
{
	char full[256];
	snprintf(full, sizeof(full), "%s%s", scratch->root, path);
	unlink(full);
	assert_int_equal(symlink(target, full), 0);
}

static void make_process(struct scratch *scratch, unsigned pid, const char *exe, const char *cgroup,
        const char *maps)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	assert_true(scratch_write(scratch, path, maps));
	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	assert_true(scratch_write(scratch, path, cgroup));
	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	make_link(scratch, path, exe);
}

static int read_all(struct scratch *scratch)
{
	scratch_forget(scratch);
	return src_restart_read(scratch->root, &scratch->facts, &scratch->why);
}

static void assert_count(struct scratch *scratch, size_t count)
{
	assert_int_equal(read_all(scratch), 0);
	assert_int_equal(scratch->facts.count, count);
}

static void assert_field(const struct fact *fact, unsigned at, const char *wanted)
{
	assert_non_null(fact);
	if (!slice_is(fact->field[at], wanted))
		fail_msg("field %u: '%.*s'", at, SLICE_ARG(fact->field[at]));
}

#define MAP(mode, inode, path) \
	"7f0000000000-7f0000001000 " mode " 00000000 00:2a " inode "   " path "\n"
#define NGINX "/usr/sbin/nginx"
#define SSL   "/usr/lib/libssl.so.3"

static void test_deleted_library_and_executable_are_found(void **state)
{
	struct scratch *scratch = *state;
	make_process(scratch, 10, NGINX " (deleted)", "0::/system.slice/nginx.service\n",
	        MAP("r-xp", "7", NGINX " (deleted)") MAP("r-xp", "8", SSL ";65b2a1c3 (deleted)")
	                MAP("r-xp", "9", "/usr/lib/libc.so.6"));
	assert_count(scratch, 2);
	const struct fact *library = scratch_find(scratch, FACT_RESTART, RESTART_FILE, SSL);
	assert_field(library, RESTART_UNIT, "nginx.service");
	assert_field(library, RESTART_CONTAINER, "");
	assert_field(library, RESTART_EXE, NGINX);
	assert_field(library, RESTART_WHAT, "library");
	const struct fact *exe = scratch_find(scratch, FACT_RESTART, RESTART_FILE, NGINX);
	assert_field(exe, RESTART_WHAT, "executable");
	assert_field(exe, RESTART_EXE, NGINX);
}

static void test_package_that_owns_the_file_is_named(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/var/lib/dpkg/status",
	        "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\n"
	        "Version: 3.0.15-1\n\n");
	scratch_write(
	        scratch, "/var/lib/dpkg/info/libssl3:amd64.list", "/.\n" SSL "\n/opt/x/engine\n");
	make_process(scratch, 10, NGINX, "0::/\n",
	        MAP("r-xp", "8", SSL " (deleted)") MAP("r-xp", "9", "/opt/x/engine (deleted)")
	                MAP("r-xp", "10", "/opt/x/other (deleted)")
	                        MAP("r-xp", "11", "/opt/x/lib/other (deleted)"));
	assert_count(scratch, 3);
	const struct fact *library = scratch_find(scratch, FACT_RESTART, RESTART_FILE, SSL);
	assert_field(library, RESTART_PACKAGE, "dpkg:libssl3");
	assert_field(library, RESTART_INSTALLED, "3.0.15-1");
	assert_field(scratch_find(scratch, FACT_RESTART, RESTART_FILE, "/opt/x/engine"),
	        RESTART_PACKAGE, "dpkg:libssl3");
	assert_field(scratch_find(scratch, FACT_RESTART, RESTART_FILE, "/opt/x/lib/other"),
	        RESTART_PACKAGE, "");
}

static void test_damaged_package_list_is_an_error(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/var/lib/dpkg/status", "Package: libssl3\nStat");
	make_process(scratch, 10, NGINX, "0::/\n", MAP("r-xp", "9", SSL));
	assert_count(scratch, 0); /* nobody has to be asked */
	make_process(scratch, 10, NGINX, "0::/\n", MAP("r-xp", "8", SSL " (deleted)"));
	assert_true(read_all(scratch) < 0);
	assert_string_not_equal(scratch->why.text, "");
}

static void test_processes_of_one_unit_are_one_fact(void **state)
{
	struct scratch *scratch = *state;
	for (unsigned pid = 10; pid < 20; pid++)
		make_process(scratch, pid, NGINX, "0::/system.slice/nginx.service\n",
		        MAP("r-xp", "8", SSL " (deleted)") MAP("r-xp", "8", SSL " (deleted)"));
	assert_count(scratch, 1);
	make_process(scratch, 20, NGINX, "0::/system.slice/other.service\n",
	        MAP("r-xp", "8", SSL " (deleted)"));
	assert_count(scratch, 2);
}

static void test_memory_that_is_no_code_is_left_alone(void **state)
{
	struct scratch *scratch = *state;
	make_process(scratch, 10, NGINX, "0::/\n",
	        MAP("r--p", "8", SSL " (deleted)") MAP("r-xp", "0", SSL " (deleted)")
	                MAP("r-xp", "8", "/memfd:x (deleted)")
	                        MAP("r-xp", "8", "/home/u/plugin.so (deleted)") "nonsense\n");
	assert_count(scratch, 0);
}

static void test_replaced_file_is_found_by_its_inode(void **state)
{
	struct scratch *scratch = *state;
	char maps[256], full[256];
	struct stat info;
	scratch_write(scratch, SSL, "new");
	snprintf(full, sizeof(full), "%s%s", scratch->root, SSL);
	assert_int_equal(stat(full, &info), 0);
	snprintf(maps, sizeof(maps), MAP("r-xp", "%llu", SSL), (unsigned long long)info.st_ino);
	make_process(scratch, 10, NGINX, "0::/\n", maps);
	assert_count(scratch, 0);
	snprintf(maps, sizeof(maps), MAP("r-xp", "%llu", SSL), (unsigned long long)info.st_ino + 1);
	make_process(scratch, 10, NGINX, "0::/\n", maps);
	assert_count(scratch, 1);
	assert_field(
	        scratch_find(scratch, FACT_RESTART, RESTART_FILE, SSL), RESTART_WHAT, "library");
}

static void test_replaced_file_is_found_by_its_device(void **state)
{
	struct scratch *scratch = *state;
	char maps[256], full[256];
	struct stat info;
	scratch_write(scratch, SSL, "new");
	snprintf(full, sizeof(full), "%s%s", scratch->root, SSL);
	assert_int_equal(stat(full, &info), 0);
	if (major(info.st_dev) == 0)
		skip(); /* of such a file system the device does not count */
	for (unsigned other = 0; other < 2; other++) {
		snprintf(maps, sizeof(maps), "1000-2000 r-xp 00000000 %x:%x %llu " SSL "\n",
		        major(info.st_dev), minor(info.st_dev) + other,
		        (unsigned long long)info.st_ino);
		make_process(scratch, 10, NGINX, "0::/\n", maps);
		assert_count(scratch, other);
	}
}

static void test_file_whose_name_ends_like_a_deleted_one_is_there(void **state)
{
	struct scratch *scratch = *state;
	char maps[256], full[256];
	struct stat info;
	scratch_write(scratch, SSL " (deleted)", "x");
	snprintf(full, sizeof(full), "%s%s", scratch->root, SSL " (deleted)");
	assert_int_equal(stat(full, &info), 0);
	snprintf(maps, sizeof(maps), MAP("r-xp", "%llu", SSL " (deleted)"),
	        (unsigned long long)info.st_ino);
	make_process(scratch, 10, NGINX, "0::/\n", maps);
	assert_count(scratch, 0);
}

static void test_container_is_named_and_its_own_root_counts(void **state)
{
	struct scratch *scratch = *state;
	char maps[256], full[512], root[256];
	struct stat info;
	scratch_write(scratch, "/layer" SSL, "the container's");
	scratch_write(scratch, SSL, "the host's");
	snprintf(root, sizeof(root), "%s/layer", scratch->root);
	snprintf(full, sizeof(full), "%s%s", root, SSL);
	assert_int_equal(stat(full, &info), 0);
	snprintf(maps, sizeof(maps),
	        MAP("r-xp", "%llu", SSL) MAP("r-xp", "9", "/usr/lib/old.so (deleted)")
	                MAP("r-xp", "9", "/data/old.so (deleted)"),
	        (unsigned long long)info.st_ino);
	make_process(scratch, 10, NGINX, "0::/system.slice/docker-" ID ".scope\n", maps);
	scratch_write(scratch, "/proc/10/ns/net", "");
	scratch_write(scratch, "/proc/self/ns/net", "");
	make_link(scratch, "/proc/10/ns/mnt", "mnt:[2]");
	make_link(scratch, "/proc/self/ns/mnt", "mnt:[1]");
	make_link(scratch, "/proc/10/root", root);
	assert_count(scratch, 1);
	const struct fact *fact = scratch_find(
	        scratch, FACT_RESTART, RESTART_FILE, "/usr/lib/old.so");
	assert_field(fact, RESTART_CONTAINER, ID);
	assert_field(fact, RESTART_UNIT, "");
	/* The same in a sandbox that nobody calls a container. */
	make_process(scratch, 10, NGINX, "0::/system.slice/x.service\n", maps);
	assert_count(scratch, 0);
	/* A service with a view of its own of the host's files. */
	make_link(scratch, "/proc/10/root", scratch->root);
	assert_count(scratch, 2);
}

static void test_threads_of_the_kernel_and_ended_processes_are_passed_over(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/2/cgroup", "0::/\n");
	scratch_write(scratch, "/proc/3/stat", "");
	scratch_write(scratch, "/proc/uptime", "1 1\n");
	make_link(scratch, "/proc/3/exe", NGINX);
	assert_count(scratch, 0);
}

static void test_host_without_proc_has_nothing_of_it(void **state)
{
	assert_int_equal(read_all(*state), ERR_MISSING);
}

static void test_facts_are_capped_and_that_is_said(void **state)
{
	struct scratch *scratch = *state;
	struct buf maps = BUF_INIT;
	for (unsigned i = 0; i < 10001; i++)
		buf_printf(&maps, MAP("r-xp", "8", "/usr/lib/%u.so (deleted)"), i);
	make_process(scratch, 10, NGINX, "0::/\n", buf_text(&maps));
	assert_int_equal(read_all(scratch), SOURCE_PARTIAL);
	assert_int_equal(scratch->facts.count, 10000);
	assert_non_null(strstr(scratch->why.text, "more than 10000"));
	buf_fini(&maps);
}

/* --- a real process --------------------------------------------------------------------------- */

struct place {
	char dir[256], lib[264], path[300], fresh[300];
};

/* Beside this program: what lies below /tmp is ignored. */
static bool make_place(struct place *place)
{
	ssize_t len = readlink("/proc/self/exe", place->dir, 200);
	assert_true(len > 0 && len < 200);
	place->dir[len] = '\0';
	char *end = strrchr(place->dir, '/');
	snprintf(end, sizeof("/restart-XXXXXX"), "/restart-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->lib, sizeof(place->lib), "%s/lib", place->dir);
	snprintf(place->path, sizeof(place->path), "%s/libdemo.so", place->lib);
	snprintf(place->fresh, sizeof(place->fresh), "%s/libdemo.so-new", place->lib);
	assert_int_equal(mkdir(place->lib, 0755), 0);
	return !restart_path_is_ignored(slice_text(place->path));
}

static void remove_place(struct place *place)
{
	nftw(place->dir, scratch_remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* A library as good as any: what it is made of does not matter to who maps it. */
static void install(const struct place *place)
{
	char page[4096] = "a library";
	int fd = open(place->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_int_equal(write(fd, page, sizeof(page)), sizeof(page));
	close(fd);
	assert_int_equal(rename(place->fresh, place->path), 0);
}

static void run_child(const char *path, int ready)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (code != MAP_FAILED && write(ready, "x", 1) == 1)
		pause();
	_exit(1);
}

static pid_t start_child(const struct place *place)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0)
		run_child(place->path, ready[1]);
	assert_true(pid > 0);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static const struct fact *find_on_this_host(struct scratch *scratch, const char *file)
{
	scratch_forget(scratch);
	int rc = src_restart_read("/", &scratch->facts, &scratch->why);
	if (rc < 0)
		fail_msg("%s", scratch->why.text);
	return scratch_find(scratch, FACT_RESTART, RESTART_FILE, file);
}

static void test_library_replaced_under_a_process_shows_until_its_restart(void **state)
{
	struct scratch *scratch = *state;
	struct place place;
	if (!make_place(&place)) {
		remove_place(&place);
		skip();
	}
	install(&place);
	pid_t pid = start_child(&place);
	assert_null(find_on_this_host(scratch, place.path));
	install(&place);
	const struct fact *fact = find_on_this_host(scratch, place.path);
	assert_field(fact, RESTART_WHAT, "library");
	end_child(pid);
	pid = start_child(&place);
	assert_null(find_on_this_host(scratch, place.path));
	end_child(pid);
	remove_place(&place);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_what_programs_delete_by_habit_is_ignored),
	        TEST(test_what_kernel_and_managers_add_to_a_name_is_taken_away),
	        TEST(test_code_lies_below_directories_of_code),
	        TEST(test_deleted_library_and_executable_are_found),
	        TEST(test_package_that_owns_the_file_is_named),
	        TEST(test_damaged_package_list_is_an_error),
	        TEST(test_processes_of_one_unit_are_one_fact),
	        TEST(test_memory_that_is_no_code_is_left_alone),
	        TEST(test_replaced_file_is_found_by_its_inode),
	        TEST(test_replaced_file_is_found_by_its_device),
	        TEST(test_file_whose_name_ends_like_a_deleted_one_is_there),
	        TEST(test_container_is_named_and_its_own_root_counts),
	        TEST(test_threads_of_the_kernel_and_ended_processes_are_passed_over),
	        TEST(test_host_without_proc_has_nothing_of_it),
	        TEST(test_facts_are_capped_and_that_is_said),
	        TEST(test_library_replaced_under_a_process_shows_until_its_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
