#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include "common/codec/option.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

static const char *file;
static bool verbose, help;
static struct option_list labels, words;
static struct reason why;

static const struct option_row ROWS[] = {
        {.name = "config", .value = "FILE", .out_text = &file, .required = true, .help = "a file"},
        {.name = "label", .value = "K=V", .out_list = &labels, .help = "a label"},
        {.name = "verbose", .out_flag = &verbose, .help = "more"},
        {0},
};

static int set_up(void **state)
{
	(void)state;
	file = NULL;
	verbose = help = false;
	labels = words = (struct option_list){0};
	return 0;
}

#define PARSE(most, ...)                                                                          \
	({                                                                                        \
		char *argv[] = {"program", __VA_ARGS__, NULL};                                    \
		option_parse((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv, ROWS, &words, most, \
		        &help, &why);                                                             \
	})

static void test_options_stand_before_and_after_words(void **state)
{
	(void)state;
	assert_int_equal(PARSE(2, "one", "--config", "a", "two", "--verbose"), 0);
	assert_string_equal(file, "a");
	assert_true(verbose);
	assert_int_equal(words.count, 2);
	assert_string_equal(words.item[0], "one");
	assert_string_equal(words.item[1], "two");
}

static void test_value_may_follow_an_equals_sign(void **state)
{
	(void)state;
	assert_int_equal(PARSE(0, "--config=a=b"), 0);
	assert_string_equal(file, "a=b");
}

static void test_list_gathers_every_value(void **state)
{
	(void)state;
	assert_int_equal(PARSE(0, "--config=a", "--label", "x=1", "--label=y=2"), 0);
	assert_int_equal(labels.count, 2);
	assert_string_equal(labels.item[1], "y=2");
}

static void test_two_dashes_end_the_options(void **state)
{
	(void)state;
	assert_int_equal(PARSE(1, "--config=a", "--", "--verbose"), 0);
	assert_false(verbose);
	assert_string_equal(words.item[0], "--verbose");
}

static void test_wrong_use_is_named(void **state)
{
	(void)state;
	assert_int_equal(PARSE(0, "--confi", "a", "--nonsense"), ERR_CONFIG);
	assert_non_null(strstr(why.text, "--nonsense"));
	set_up(NULL);
	assert_int_equal(PARSE(0, "--config"), ERR_CONFIG);
	assert_non_null(strstr(why.text, "--config"));
	set_up(NULL);
	assert_int_equal(PARSE(0, "--config=a", "word"), ERR_CONFIG);
	assert_non_null(strstr(why.text, "word"));
	set_up(NULL);
	assert_int_equal(PARSE(0, "--verbose"), ERR_CONFIG);
	assert_non_null(strstr(why.text, "--config"));
}

static void test_help_asks_for_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(PARSE(0, "--help"), 0);
	assert_true(help);
}

static void test_too_many_values_are_refused(void **state)
{
	char *argv[2 * OPTION_LIST_MAX + 8] = {"program", "--config=a"};
	int argc = 2;
	(void)state;
	for (int i = 0; i <= OPTION_LIST_MAX; i++)
		argv[argc++] = "--label=x";
	assert_int_equal(option_parse(argc, argv, ROWS, &words, 0, &help, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "label"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
	        TEST(test_options_stand_before_and_after_words),
	        TEST(test_value_may_follow_an_equals_sign),
	        TEST(test_list_gathers_every_value),
	        TEST(test_two_dashes_end_the_options),
	        TEST(test_wrong_use_is_named),
	        TEST(test_help_asks_for_nothing_else),
	        TEST(test_too_many_values_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
