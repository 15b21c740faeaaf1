#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io/file.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

static char directory[] = "/tmp/test_file.XXXXXX";

static const char *in_directory(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static unsigned entries(void)
{
	unsigned count = 0;
	DIR *dir = opendir(directory);

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static int make_directory(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/test_file.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

static void write_text(const char *name, const char *text)
{
	struct reason why;

	assert_int_equal(file_write(in_directory(name), slice_text(text), 0600, &why), 0);
}

static void test_what_was_written_is_read_back(void **state)
{
	struct buf content = BUF_INIT;
	struct reason why;

	(void)state;
	write_text("a", "first");
	write_text("a", "second, longer");
	buf_append_text(&content, "> ");
	assert_int_equal(file_read(in_directory("a"), 100, &content, &why), 0);
	assert_true(slice_is(buf_slice(&content), "> second, longer"));
	assert_int_equal(entries(), 1);
	buf_fini(&content);
}

static void test_mode_is_exact_whatever_the_umask(void **state)
{
	struct stat status;
	struct reason why;
	mode_t before = umask(077);

	(void)state;
	assert_int_equal(file_write(in_directory("m"), slice_text("x"), 0644, &why), 0);
	assert_int_equal(file_make_dir(in_directory("p/q"), 0750, &why), 0);
	umask(before);
	assert_int_equal(stat(in_directory("m"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
	assert_int_equal(stat(in_directory("p/q"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0750);
}

static void test_file_at_the_limit_is_read_and_one_byte_more_is_refused(void **state)
{
	struct buf content = BUF_INIT;
	struct reason why;

	(void)state;
	write_text("a", "12345");
	assert_int_equal(file_read(in_directory("a"), 5, &content, &why), 0);
	assert_int_equal(content.len, 5);
	assert_int_equal(file_read(in_directory("a"), 4, &content, &why), ERR_LIMIT);
	assert_int_equal(content.len, 5);
	assert_non_null(strstr(why.text, "more than 4 bytes"));
	buf_fini(&content);
}

static void test_large_file_is_read_whole(void **state)
{
	struct buf content = BUF_INIT;
	struct buf back = BUF_INIT;
	struct reason why;

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		buf_append_u32(&content, i * 2654435761u);
	assert_int_equal(file_write(in_directory("b"), buf_slice(&content), 0600, &why), 0);
	assert_int_equal(file_read(in_directory("b"), 1u << 20, &back, &why), 0);
	assert_true(slice_equal(buf_slice(&content), buf_slice(&back)));
	buf_fini(&content);
	buf_fini(&back);
}

static void test_missing_file_is_named_in_the_sentence(void **state)
{
	struct buf content = BUF_INIT;
	struct reason why;

	(void)state;
	assert_int_equal(file_read(in_directory("no\nne"), 5, &content, &why), -ENOENT);
	assert_non_null(strstr(why.text, "no\\x0ane"));
	assert_int_equal(file_read(directory, 5, &content, &why), -EISDIR);
	buf_fini(&content);
}

static void test_failed_write_leaves_nothing_behind(void **state)
{
	struct reason why;

	(void)state;
	assert_int_equal(mkdir(in_directory("taken"), 0700), 0);
	assert_true(file_write(in_directory("taken"), slice_text("x"), 0600, &why) < 0);
	assert_int_equal(entries(), 1);
	assert_int_equal(
	        file_write(in_directory("no/where"), slice_text("x"), 0600, &why), -ENOENT);
}

static void test_directory_that_is_there_is_fine_and_a_file_in_the_way_is_not(void **state)
{
	struct reason why;

	(void)state;
	assert_int_equal(file_make_dir(in_directory("a/b/c/"), 0700, &why), 0);
	assert_int_equal(file_make_dir(in_directory("a/b/c"), 0700, &why), 0);
	write_text("f", "x");
	assert_int_equal(file_make_dir(in_directory("f"), 0700, &why), -ENOTDIR);
	assert_int_equal(file_make_dir(in_directory("f/g"), 0700, &why), -ENOTDIR);
}

static int lock_in_a_child(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct reason why;
		int fd;
		int code = file_lock(in_directory("lock"), &fd, &why);
		_exit(code == 0 ? 0 : code == ERR_BUSY ? 1 : 2);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WEXITSTATUS(status);
}

static void test_second_process_does_not_get_the_lock_until_the_first_lets_go(void **state)
{
	struct reason why;
	int fd;

	(void)state;
	assert_int_equal(file_lock(in_directory("lock"), &fd, &why), 0);
	assert_int_equal(lock_in_a_child(), 1);
	close(fd);
	assert_int_equal(lock_in_a_child(), 0);
}

static void test_who_asks_whether_a_lock_is_held_does_not_stand_in_its_way(void **state)
{
	const char *path = in_directory("lock");
	struct reason why;
	int fd, status;
	pid_t child;

	(void)state;
	assert_false(file_is_locked(path));
	assert_int_not_equal(access(path, F_OK), 0);
	child = fork();
	if (child == 0)
		for (;;)
			file_is_locked(path);
	assert_true(child > 0);
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(file_lock(path, &fd, &why), 0);
		close(fd);
	}
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(file_lock(path, &fd, &why), 0);
	assert_true(file_is_locked(path));
	close(fd);
	assert_false(file_is_locked(path));
}

#define TEST_IN_DIRECTORY(test) \
	cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST_IN_DIRECTORY(test_what_was_written_is_read_back),
	        TEST_IN_DIRECTORY(test_mode_is_exact_whatever_the_umask),
	        TEST_IN_DIRECTORY(test_file_at_the_limit_is_read_and_one_byte_more_is_refused),
	        TEST_IN_DIRECTORY(test_large_file_is_read_whole),
	        TEST_IN_DIRECTORY(test_missing_file_is_named_in_the_sentence),
	        TEST_IN_DIRECTORY(test_failed_write_leaves_nothing_behind),
	        TEST_IN_DIRECTORY(
	                test_directory_that_is_there_is_fine_and_a_file_in_the_way_is_not),
	        TEST_IN_DIRECTORY(
	                test_second_process_does_not_get_the_lock_until_the_first_lets_go),
	        TEST_IN_DIRECTORY(test_who_asks_whether_a_lock_is_held_does_not_stand_in_its_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
