#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/enroll/enroll_settings.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

#define FINGERPRINT "sha256:00"

static const char *const VARIABLES[] = {"TSUJIBAN_ENROLL_COLLECTOR", "TSUJIBAN_ENROLL_TOKEN",
        "TSUJIBAN_ENROLL_TOKEN_FILE", "TSUJIBAN_ENROLL_CA_FINGERPRINT", "TSUJIBAN_ENROLL_DIR",
        "TSUJIBAN_ENROLL_NAME"};

static char from[64], token_file[64];
static struct enroll_settings settings;
static struct reason why;

static void write_to(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void make_file(char *path)
{
	strcpy(path, "/tmp/tsujiban-enroll-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	settings = (struct enroll_settings){0};
	for (size_t i = 0; i < sizeof VARIABLES / sizeof VARIABLES[0]; i++)
		unsetenv(VARIABLES[i]);
	make_file(from);
	make_file(token_file);
	write_to(token_file, " of-the-file\n");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	enroll_settings_fini(&settings);
	unlink(from);
	unlink(token_file);
	return 0;
}

static int load(void)
{
	int rc = enroll_settings_load(&settings, &why);
	return rc == 0 ? enroll_settings_complete(&settings, &why) : rc;
}

/* What every enrolment has, so that the token alone is open. */
static void give_place(void)
{
	settings.options.collector = "c.example.org:7443";
	settings.options.ca_fingerprint = FINGERPRINT;
}

static void test_all_comes_from_the_file(void **state)
{
	(void)state;
	write_to(from, "collector: c.example.org:7443\ntoken: secret\nca_fingerprint: " FINGERPRINT
	               "\ndir: /srv/agent\nname: web01\n");
	settings.from = from;
	assert_int_equal(load(), 0);
	assert_string_equal(settings.options.collector, "c.example.org:7443");
	assert_string_equal(settings.options.token, "secret");
	assert_string_equal(settings.options.ca_fingerprint, FINGERPRINT);
	assert_string_equal(settings.options.dir, "/srv/agent");
	assert_string_equal(settings.options.name, "web01");
	assert_string_equal(settings.secret_file, from);
}

static void test_all_comes_from_the_environment(void **state)
{
	(void)state;
	setenv("TSUJIBAN_ENROLL_COLLECTOR", "c.example.org:7443", 1);
	setenv("TSUJIBAN_ENROLL_TOKEN", "secret", 1);
	setenv("TSUJIBAN_ENROLL_CA_FINGERPRINT", FINGERPRINT, 1);
	setenv("TSUJIBAN_ENROLL_DIR", "/srv/agent", 1);
	setenv("TSUJIBAN_ENROLL_NAME", "web01", 1);
	assert_int_equal(load(), 0);
	assert_string_equal(settings.options.collector, "c.example.org:7443");
	assert_string_equal(settings.options.token, "secret");
	assert_string_equal(settings.options.ca_fingerprint, FINGERPRINT);
	assert_string_equal(settings.options.dir, "/srv/agent");
	assert_string_equal(settings.options.name, "web01");
	assert_null(settings.secret_file);
}

static void test_option_goes_before_environment_before_file(void **state)
{
	(void)state;
	write_to(from, "collector: file:1\ntoken: t\nca_fingerprint: f\nname: file\ndir: /file\n");
	settings.from = from;
	settings.options.collector = "option:1";
	setenv("TSUJIBAN_ENROLL_COLLECTOR", "environment:1", 1);
	setenv("TSUJIBAN_ENROLL_NAME", "environment", 1);
	setenv("TSUJIBAN_ENROLL_DIR", "", 1); /* an empty one is none */
	assert_int_equal(load(), 0);
	assert_string_equal(settings.options.collector, "option:1");
	assert_string_equal(settings.options.name, "environment");
	assert_string_equal(settings.options.dir, "/file");
}

static void test_directory_has_a_default_and_the_name_none(void **state)
{
	(void)state;
	give_place();
	settings.options.token = (char[]){"t"};
	assert_int_equal(load(), 0);
	assert_string_equal(settings.options.dir, STATE_DEFAULT_DIR);
	assert_null(settings.options.name);
}

static void test_token_given_as_argument_is_hidden(void **state)
{
	char argument[] = "secret";
	(void)state;
	give_place();
	settings.options.token = argument;
	assert_int_equal(load(), 0);
	assert_string_equal(settings.options.token, "secret");
	assert_string_equal(argument, "xxxxxx");
}

static void test_token_file_of_each_place_is_read_and_remembered(void **state)
{
	char text[128];
	(void)state;
	for (int place = 0; place < 3; place++) {
		settings = (struct enroll_settings){0};
		unsetenv("TSUJIBAN_ENROLL_TOKEN_FILE");
		give_place();
		snprintf(text, sizeof text, "token_file: %s\n", token_file);
		write_to(from, text);
		if (place == 0)
			settings.token_file = token_file;
		else if (place == 1)
			setenv("TSUJIBAN_ENROLL_TOKEN_FILE", token_file, 1);
		else
			settings.from = from;
		assert_int_equal(load(), 0);
		assert_string_equal(settings.options.token, "of-the-file");
		assert_string_equal(settings.secret_file, token_file);
		if (place < 2)
			enroll_settings_fini(&settings);
	}
}

static void test_what_is_missing_is_named(void **state)
{
	(void)state;
	assert_int_equal(load(), ERR_CONFIG);
	assert_non_null(strstr(why.text, "--collector"));
	enroll_settings_fini(&settings);
	settings.options.collector = "c:1";
	assert_int_equal(load(), ERR_CONFIG);
	assert_non_null(strstr(why.text, "TSUJIBAN_ENROLL_CA_FINGERPRINT"));
	enroll_settings_fini(&settings);
	settings.options.ca_fingerprint = FINGERPRINT;
	assert_int_equal(load(), ERR_CONFIG);
	assert_non_null(strstr(why.text, "TSUJIBAN_ENROLL_TOKEN"));
}

static void test_wrong_file_is_refused_by_line(void **state)
{
	(void)state;
	write_to(from, "collector: c:1\ntokens: t\n");
	settings.from = from;
	assert_int_equal(load(), ERR_FORMAT);
	assert_non_null(strstr(why.text, ":2:"));
}

static void test_file_that_is_gone_leaves_the_directory_known(void **state)
{
	(void)state;
	unlink(from);
	settings.from = from;
	assert_int_equal(enroll_settings_load(&settings, &why), -ENOENT);
	assert_string_equal(settings.options.dir, STATE_DEFAULT_DIR);
}

static void test_empty_token_file_is_refused(void **state)
{
	(void)state;
	give_place();
	write_to(token_file, "\n");
	settings.token_file = token_file;
	assert_int_equal(load(), ERR_FORMAT);
	assert_non_null(strstr(why.text, token_file));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_all_comes_from_the_file),
	        TEST(test_all_comes_from_the_environment),
	        TEST(test_option_goes_before_environment_before_file),
	        TEST(test_directory_has_a_default_and_the_name_none),
	        TEST(test_token_given_as_argument_is_hidden),
	        TEST(test_token_file_of_each_place_is_read_and_remembered),
	        TEST(test_what_is_missing_is_named),
	        TEST(test_wrong_file_is_refused_by_line),
	        TEST(test_file_that_is_gone_leaves_the_directory_known),
	        TEST(test_empty_token_file_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
