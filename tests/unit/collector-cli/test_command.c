#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/cli/command.h"

static const struct cli_command token_create = {.name = "token create"};
static const struct cli_command hosts = {.name = "hosts"};
static const struct cli_command host = {.name = "host"};
static const struct cli_command *const commands[] = {&token_create, &hosts, &host};

#define ARGV_MAX 12

struct line {
	int argc;
	char *argv[ARGV_MAX];
};

static struct line line_of(const char *const *words)
{
	struct line line = {0};

	for (; words[line.argc]; line.argc++)
		line.argv[line.argc] = (char *)words[line.argc];
	return line;
}

#define LINE(...) line_of((const char *const[]){"tsujiban", __VA_ARGS__, NULL})

static const struct cli_command *take(struct line *line)
{
	return command_take(commands, 3, &line->argc, line->argv);
}

static void test_command_of_one_word(void **state)
{
	struct line line = LINE("host", "web01");

	(void)state;
	assert_ptr_equal(take(&line), &host);
	assert_int_equal(line.argc, 2);
	assert_string_equal(line.argv[1], "web01");
	assert_null(line.argv[2]);
}

static void test_command_of_two_words(void **state)
{
	struct line line = LINE("token", "create", "--ttl", "1h");
	struct line half = LINE("token");
	struct line other = LINE("token", "delete");

	(void)state;
	assert_ptr_equal(take(&line), &token_create);
	assert_int_equal(line.argc, 3);
	assert_null(take(&half));
	assert_null(take(&other));
}

static void test_common_options_may_stand_before_the_command(void **state)
{
	struct line line = LINE("--server", "host", "--format=json", "hosts", "--ca", "x");

	(void)state;
	assert_ptr_equal(take(&line), &hosts);
	assert_int_equal(line.argc, 6);
	assert_string_equal(line.argv[2], "host");
	assert_string_equal(line.argv[4], "--ca");
}

static void test_beginning_of_a_name_is_no_command(void **state)
{
	struct line line = LINE("hos");
	struct line longer = LINE("hostess");
	struct line none = LINE("--format");

	(void)state;
	assert_null(take(&line));
	assert_null(take(&longer));
	assert_null(take(&none));
	assert_int_equal(command_word(none.argc, none.argv), none.argc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_command_of_one_word),
	        cmocka_unit_test(test_command_of_two_words),
	        cmocka_unit_test(test_common_options_may_stand_before_the_command),
	        cmocka_unit_test(test_beginning_of_a_name_is_no_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
