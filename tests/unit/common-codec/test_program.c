#include "common/codec/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

static int seen_argc;
static const char *seen_word;

static int run_one(int argc, char **argv)
{
	seen_argc = argc;
	seen_word = argv[0];
	return 41;
}

static int run_two(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 42;
}

static const struct program_command COMMANDS[] = {
        {"one", run_one, "the first"},
        {"two", run_two, "the second"},
        {0},
};

static int call(char *first, char *second)
{
	char name[] = "program";
	char *argv[] = {name, first, second, NULL};
	return program_main("program", COMMANDS, second ? 3 : first ? 2 : 1, argv);
}

static void test_first_word_picks_the_command_and_the_rest_is_its(void **state)
{
	char one[] = "one", two[] = "two", option[] = "--option";
	(void)state;
	assert_int_equal(call(one, option), 41);
	assert_int_equal(seen_argc, 2);
	assert_string_equal(seen_word, "one");
	assert_int_equal(call(two, NULL), 42);
}

static void test_help_and_version_are_no_failure(void **state)
{
	char help[] = "--help", h[] = "-h", version[] = "--version";
	(void)state;
	assert_int_equal(call(help, NULL), 0);
	assert_int_equal(call(h, NULL), 0);
	assert_int_equal(call(version, NULL), 0);
}

static void test_no_word_and_an_unknown_one_are_wrong_use(void **state)
{
	char unknown[] = "on";
	(void)state;
	assert_int_equal(call(NULL, NULL), 2);
	assert_int_equal(call(unknown, NULL), 2);
}

static void test_only_configuration_is_wrong_use_among_failures(void **state)
{
	struct reason why = {"why"};
	(void)state;
	assert_int_equal(program_complain("program", ERR_CONFIG, &why), 2);
	assert_int_equal(program_complain("program", ERR_FORMAT, &why), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_first_word_picks_the_command_and_the_rest_is_its),
	        cmocka_unit_test(test_help_and_version_are_no_failure),
	        cmocka_unit_test(test_no_word_and_an_unknown_one_are_wrong_use),
	        cmocka_unit_test(test_only_configuration_is_wrong_use_among_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
