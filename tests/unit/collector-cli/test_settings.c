#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/cli/client.h"
#include "collector/cli/settings.h"
#include "common/io/file.h"

struct home {
	char dir[64], config[192], token[128];
};

static int set_up(void **state)
{
	struct home *home = calloc(1, sizeof(*home));
	char path[128];

	snprintf(home->dir, sizeof(home->dir), "/tmp/tsujiban-cli-XXXXXX");
	assert_non_null(mkdtemp(home->dir));
	snprintf(home->token, sizeof(home->token), "%s/token", home->dir);
	snprintf(path, sizeof(path), "%s/.config/tsujiban", home->dir);
	assert_int_equal(file_make_dir(path, 0700, NULL), 0);
	snprintf(home->config, sizeof(home->config), "%s/config.yaml", path);
	assert_int_equal(file_write(home->token, slice_text("  s3cret\n"), 0600, NULL), 0);
	setenv("HOME", home->dir, 1);
	unsetenv("TSUJIBAN_SERVER");
	unsetenv("TSUJIBAN_TOKEN_FILE");
	unsetenv("TSUJIBAN_CA");
	*state = home;
	return 0;
}

static int tear_down(void **state)
{
	struct home *home = *state;
	char path[128];

	unlink(home->token);
	unlink(home->config);
	snprintf(path, sizeof(path), "%s/.config/tsujiban", home->dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/.config", home->dir);
	rmdir(path);
	assert_int_equal(rmdir(home->dir), 0);
	free(home);
	return 0;
}

static void write_config(struct home *home, const char *server)
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "server: %s\ntoken_file: %s\nca: /from/file\n", server, home->token);
	assert_int_equal(file_write(home->config, buf_slice(&text), 0600, NULL), 0);
	buf_fini(&text);
}

static void test_option_beats_environment_beats_file(void **state)
{
	struct settings settings = {.server = "option:1"};
	struct reason why;

	write_config(*state, "file:3");
	setenv("TSUJIBAN_SERVER", "environment:2", 1);
	setenv("TSUJIBAN_CA", "/from/environment", 1);
	assert_int_equal(settings_load(&settings, &why), 0);
	assert_string_equal(settings.base_url, "https://option:1");
	assert_string_equal(settings.ca, "/from/environment");
	assert_string_equal(settings.token, "s3cret");
	settings_fini(&settings);

	settings = (struct settings){0};
	unsetenv("TSUJIBAN_SERVER");
	unsetenv("TSUJIBAN_CA");
	assert_int_equal(settings_load(&settings, &why), 0);
	assert_string_equal(settings.base_url, "https://file:3");
	assert_string_equal(settings.ca, "/from/file");
	settings_fini(&settings);
}

static void test_what_is_missing_is_named(void **state)
{
	struct settings settings = {.server = "a:1"};
	struct reason why;

	(void)state;
	assert_int_equal(settings_load(&settings, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "--token-file"));
	assert_non_null(strstr(why.text, "TSUJIBAN_TOKEN_FILE"));
	settings_fini(&settings);
}

static void test_bad_file_is_an_error_with_its_line(void **state)
{
	struct home *home = *state;
	struct settings settings = {0};
	struct reason why;

	assert_int_equal(
	        file_write(home->config, slice_text("server: a:1\nport: 7\n"), 0600, NULL), 0);
	assert_int_equal(settings_load(&settings, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "config.yaml:2"));
	settings_fini(&settings);
}

static void test_server_is_host_and_port(void **state)
{
	static const char *const wrong[] = {"", "host", "host:", ":1", "host:port", "http://a:1",
	        "https://a:1/path", "a:65536", "user@a:1", "a b:1", "a:1\r\nx"};
	static const char *const right[][2] = {{"a:1", "https://a:1"},
	        {"https://a.example:7444/", "https://a.example:7444"},
	        {"[::1]:7444", "https://[::1]:7444"}};
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf url = BUF_INIT;
		assert_int_equal(settings_base_url(wrong[i], &url, &why), ERR_CONFIG);
		buf_fini(&url);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		struct buf url = BUF_INIT;
		assert_int_equal(settings_base_url(right[i][0], &url, &why), 0);
		assert_string_equal(buf_text(&url), right[i][1]);
		buf_fini(&url);
	}
}

static void test_parameters_are_encoded(void **state)
{
	struct buf path = BUF_INIT;

	(void)state;
	buf_append_text(&path, "/x/");
	client_add_part(&path, "a b/c");
	client_add_param(&path, "q", "package:openssl<3 & \"é\"");
	client_add_param(&path, "none", NULL);
	client_add_param(&path, "limit", "2");
	assert_string_equal(buf_text(&path),
	        "/x/a%20b%2Fc?q=package%3Aopenssl%3C3%20%26%20%22%C3%A9%22&limit=2");
	buf_fini(&path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_option_beats_environment_beats_file),
	        TEST(test_what_is_missing_is_named),
	        TEST(test_bad_file_is_an_error_with_its_line),
	        TEST(test_server_is_host_and_port),
	        TEST(test_parameters_are_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
