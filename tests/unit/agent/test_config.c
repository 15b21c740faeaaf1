#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/config.h"
#include "agent/identity/identity.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

#define GOOD "collector: c.example.org:7443\nstate_dir: /var/lib/agent\n"

static char path[] = "/tmp/tsujiban-config-XXXXXX";
static struct arena *arena;
static struct agent_config config;
static struct reason why;

static int set_up(void **state)
{
	(void)state;
	strcpy(path, "/tmp/tsujiban-config-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	arena = arena_new(1u << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	arena_free(arena);
	return 0;
}

static int load(const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return agent_config_load(path, arena, &config, &why);
}

static const struct watch_config *watch(size_t at)
{
	return (const struct watch_config *)config.watch.item + at;
}

static void refuses(const char *text, const char *line, const char *word)
{
	assert_int_equal(load(text), ERR_CONFIG);
	assert_non_null(strstr(why.text, path));
	assert_non_null(strstr(why.text, line));
	assert_non_null(strstr(why.text, word));
}

static void test_two_keys_are_enough(void **state)
{
	(void)state;
	assert_int_equal(load(GOOD), 0);
	assert_string_equal(config.collector, "c.example.org:7443");
	assert_int_equal(config.limits.spool_mb, 256);
	assert_true(config.inventory.interval_ns == 3600LL * 1000000000);
	assert_int_equal(config.inventory.apps.count, 2);
	assert_string_equal(config.inventory.apps.item[0], "/usr");
	assert_string_equal(config.inventory.apps.item[1], "/opt");
	assert_true(config.inventory.apps_interval_ns == 86400LL * 1000000000);
	assert_true(config.watch.count > 5);
	assert_string_equal(watch(0)->path, "/etc");
	assert_true(watch(0)->recursive);
}

static void test_example_of_the_manual_is_read(void **state)
{
	(void)state;
	assert_int_equal(load(GOOD "labels: {env: production, role: web}\n"
	                           "watch:\n"
	                           "  - path: /etc\n"
	                           "    exclude: [\"*.swp\", \"/etc/mtab\"]\n"
	                           "    diff: true\n"
	                           "    nodiff: [\"/etc/shadow*\", \"*.key\"]\n"
	                           "  - path: /usr/bin\n"
	                           "    recursive: false\n"
	                           "inventory: {interval: 15m}\n"
	                           "limits: {cpu_percent: 20, hash_mb_per_s: 100, spool_mb: 64}\n"),
	        0);
	assert_int_equal(config.watch.count, 2);
	assert_int_equal(watch(0)->exclude.count, 2);
	assert_string_equal(watch(0)->exclude.item[1], "/etc/mtab");
	assert_false(watch(1)->recursive);
	assert_int_equal(config.labels.count, 2);
	assert_int_equal(config.limits.spool_mb, 64);
	assert_int_equal(config.limits.diff_kb, 64);
	assert_true(watch(0)->diff);
	assert_int_equal(watch(0)->nodiff.count, 2);
}

static void test_no_applications_is_not_the_default(void **state)
{
	(void)state;
	struct buf printed = BUF_INIT;
	assert_int_equal(load(GOOD "inventory: {apps: []}\n"), 0);
	assert_int_equal(config.inventory.apps.count, 0);
	config_print(AGENT_CONFIG, &config, &printed);
	assert_int_equal(load(buf_text(&printed)), 0);
	assert_int_equal(config.inventory.apps.count, 0);
	buf_fini(&printed);
}

static void test_mistakes_name_file_line_and_key(void **state)
{
	(void)state;
	refuses(GOOD "wacth: []\n", ":3:", "wacth");
	refuses(GOOD "watch: []\n", "watch", "empty");
	refuses(GOOD "watch:\n  - path: etc\n", ":4:", "path");
	refuses(GOOD "watch:\n  - recursive: true\n", ":4:", "path");
	refuses(GOOD "watch:\n  - path: /a\n  - path: /b\n  - path: /a\n", ":6:", "/a");
	refuses(GOOD "watch:\n  - path: /a\n    exclude: [\"[x\"]\n", ":4:", "[x");
	refuses(GOOD "limits: {spool_mb: 0}\n", ":3:", "spool_mb");
	refuses(GOOD "limits: {diff_kb: 1025}\n", ":3:", "diff_kb");
	refuses(GOOD "inventory: {interval: 1s}\n", ":3:", "interval");
	refuses(GOOD "inventory:\n  apps:\n    - /a\n    - b\n", ":6:", "inventory.apps");
	refuses(GOOD "inventory: {apps: [/a/]}\n", ":3:", "'/a/'");
	refuses(GOOD "inventory: {apps: [/a/../b]}\n", ":3:", "apps");
	refuses(GOOD "inventory: {apps: [/a, /b, /a]}\n", ":3:", "twice");
	refuses(GOOD "inventory: {apps: /a}\n", ":3:", "list");
	refuses(GOOD "inventory: {apps_interval: 1s}\n", ":3:", "apps_interval");
	refuses("collector: nowhere\nstate_dir: /x\n", ":1:", "collector");
	refuses("collector: a:1\n", "", "state_dir");
}

static void test_collector_is_the_one_of_the_enrolment_unless_it_is_given(void **state)
{
	char dir[] = "/tmp/tsujiban-state-XXXXXX", text[128];
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(text, sizeof text, "state_dir: %s\n", dir);
	assert_int_equal(load(text), 0);
	assert_int_equal(agent_config_find_collector(&config, arena, &why), ERR_MISSING);
	assert_non_null(strstr(why.text, "enroll"));
	assert_int_equal(identity_save_collector(dir, "enrolled.example.org:7443", &why), 0);
	assert_int_equal(agent_config_find_collector(&config, arena, &why), 0);
	assert_string_equal(config.collector, "enrolled.example.org:7443");
	snprintf(text, sizeof text, "collector: given:1\nstate_dir: %s\n", dir);
	assert_int_equal(load(text), 0);
	assert_int_equal(agent_config_find_collector(&config, arena, &why), 0);
	assert_string_equal(config.collector, "given:1");
	snprintf(text, sizeof text, "%s/collector", dir);
	unlink(text);
	rmdir(dir);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_two_keys_are_enough),
	        TEST(test_example_of_the_manual_is_read),
	        TEST(test_no_applications_is_not_the_default),
	        TEST(test_collector_is_the_one_of_the_enrolment_unless_it_is_given),
	        TEST(test_mistakes_name_file_line_and_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
