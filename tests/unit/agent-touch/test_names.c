#include "agent/touch/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char users[64], groups[64];
static struct names *names;

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int begin(void **state)
{
	(void)state;
	snprintf(users, sizeof(users), "/tmp/test-names-XXXXXX");
	close(mkstemp(users));
	snprintf(groups, sizeof(groups), "/tmp/test-names-XXXXXX");
	close(mkstemp(groups));
	write_text(users,
	        "root:x:0:0:root:/root:/bin/sh\n# comment:x:7:7\n+:x:8:8::\nnobody:x:65534:\n"
	        "broken\n:x:9:9::\nlate:x:0:0::\nnegative:x:-1:0::\naiko:x:1000:1000:,,,:/:/bin/"
	        "sh");
	write_text(groups, "root:x:0:\nadm:x:4:aiko\n");
	names = names_new(users, groups);
	return 0;
}

static int end(void **state)
{
	(void)state;
	names_free(names);
	unlink(users);
	unlink(groups);
	return 0;
}

static void test_the_first_line_with_a_number_counts(void **state)
{
	(void)state;
	assert_true(slice_is(names_user(names, 0), "root"));
	assert_true(slice_is(names_user(names, 1000), "aiko"));
	assert_true(slice_is(names_user(names, 65534), "nobody"));
	assert_true(slice_is(names_group(names, 4), "adm"));
	assert_null(names_group(names, 1000).ptr);
}

static void test_lines_that_name_nobody_are_passed_over(void **state)
{
	(void)state;
	const uint32_t NONE[] = {7, 8, 9, UINT32_MAX, 1};
	for (size_t i = 0; i < sizeof(NONE) / sizeof(NONE[0]); i++)
		assert_null(names_user(names, NONE[i]).ptr);
}

static void test_a_changed_file_is_read_again(void **state)
{
	(void)state;
	write_text(users, "admin:x:0:0::\n");
	names_refresh(names);
	assert_true(slice_is(names_user(names, 0), "admin"));
	assert_null(names_user(names, 1000).ptr);
	unlink(users);
	names_refresh(names);
	assert_null(names_user(names, 0).ptr);
	write_text(users, "back:x:0:0::\n");
	names_refresh(names);
	assert_true(slice_is(names_user(names, 0), "back"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(test_the_first_line_with_a_number_counts),
	        TEST(test_lines_that_name_nobody_are_passed_over),
	        TEST(test_a_changed_file_is_read_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
