#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/state/state.h"
#include "agent/status.h"
#include "common/io/file.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

static char dir[32];
static struct state *state_of_agent;
static struct buf out;
static struct reason why;

static int set_up(void **state)
{
	struct state_limits limits = {.spool_bytes = 1u << 20, .map_bytes = 64u << 20};
	(void)state;
	strcpy(dir, "/tmp/tsujiban-status-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(state_open(dir, &limits, &state_of_agent, &why), 0);
	return 0;
}

static int tear_down(void **state)
{
	char command[64];
	(void)state;
	state_close(state_of_agent);
	buf_fini(&out);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static void write_status(struct status *status)
{
	status_begin(status);
	status_put(status, "link", "%s", "streaming");
	status_put(status, "packages", "%d", 829);
	status_put(status, "degraded", "%s", "/etc/\"quoted\"\n: permission denied");
	status_put(status, "degraded", "%s", "/second: too many");
	status_end(status);
}

static void test_status_is_read_back_as_text_and_json(void **state)
{
	struct status status;
	(void)state;
	assert_int_equal(status_open(dir, &status, &why), 0);
	write_status(&status);
	assert_int_equal(status_print(dir, false, &out, &why), 0);
	assert_non_null(strstr(buf_text(&out), "link                 streaming\n"));
	buf_reset(&out);
	assert_int_equal(status_print(dir, true, &out, &why), 0);
	assert_non_null(strstr(buf_text(&out), "\"packages\":829"));
	assert_non_null(strstr(buf_text(&out),
	        "\"degraded\":[\"/etc/\\\"quoted\\\"\\\\x0a: permission denied\","
	        "\"/second: too many\"]"));
	status_close(&status);
}

static void test_file_keeps_its_size_so_that_a_full_disk_does_no_harm(void **state)
{
	struct status status;
	struct stat file;
	char path[64];
	(void)state;
	snprintf(path, sizeof(path), "%s/status", dir);
	assert_int_equal(status_open(dir, &status, &why), 0);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_size, STATUS_FILE_BYTES);
	status_begin(&status);
	for (int i = 0; i < 5000; i++)
		status_put(&status, "degraded", "/a/path/number/%d", i);
	status_end(&status);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_size, STATUS_FILE_BYTES);
	assert_int_equal(status_print(dir, true, &out, &why), 0);
	status_close(&status);
}

static void test_garbage_is_no_status(void **state)
{
	char path[64];
	(void)state;
	snprintf(path, sizeof(path), "%s/status", dir);
	assert_int_equal(file_write(path, slice_text("garbage\n"), 0600, &why), 0);
	assert_int_equal(status_print(dir, false, &out, &why), ERR_FORMAT);
	assert_non_null(strstr(why.text, path));
}

static void test_running_agent_is_told_from_a_stopped_one(void **state)
{
	struct status status;
	(void)state;
	assert_int_equal(status_open(dir, &status, &why), 0);
	assert_int_equal(status_print(dir, true, &out, &why), 0);
	assert_non_null(strstr(buf_text(&out), "\"running\":true"));
	state_close(state_of_agent);
	state_of_agent = NULL;
	buf_reset(&out);
	assert_int_equal(status_print(dir, true, &out, &why), 0);
	assert_non_null(strstr(buf_text(&out), "\"running\":false"));
	status_close(&status);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_status_is_read_back_as_text_and_json),
	        TEST(test_file_keeps_its_size_so_that_a_full_disk_does_no_harm),
	        TEST(test_garbage_is_no_status),
	        TEST(test_running_agent_is_told_from_a_stopped_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
