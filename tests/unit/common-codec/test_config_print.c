#include "tests/unit/common-codec/config_scene.h"

static void test_printed_configuration_reads_back_the_same(void **state)
{
	(void)state;
	parse("name: \"a \\\"b\\\" \\\\ \\u2028 \\e é '# : \"\n"
	      "address: '[::1]:1'\n"
	      "on: true\n"
	      "count: 7\n"
	      "wait: 1500ms\n"
	      "words: ['', '- a', 'null', 'a: b', '#', '*.swp', 'a:']\n"
	      "labels: {\"a: b\": \"\", c: 'd '}\n"
	      "limits: {interval: 2h}\n"
	      "watch:\n- path: /etc\n  exclude: [x]\n- path: '/a b'\n");
	struct buf once = BUF_INIT;
	struct buf twice = BUF_INIT;
	struct all again = {0};
	config_print(TABLE, &config, &once);
	int rc = config_parse(buf_slice(&once), "printed", TABLE, arena, &again, &why);
	if (rc != 0)
		fail_msg("%s\n%s", why.text, buf_text(&once));
	config_print(TABLE, &again, &twice);
	assert_string_equal(buf_text(&once), buf_text(&twice));
	assert_string_equal(again.name, config.name);
	assert_int_equal(again.words.count, 7);
	for (size_t i = 0; i < 7; i++)
		assert_string_equal(again.words.item[i], config.words.item[i]);
	assert_string_equal(again.labels.name[0], "a: b");
	assert_string_equal(again.labels.value[1], "d ");
	assert_int_equal(again.limits.interval_ns, 7200 * NS_PER_S);
	assert_int_equal(again.wait_ns, 1500 * NS_PER_MS);
	assert_string_equal(((const struct item *)again.watch.item)[1].path, "/a b");
	buf_fini(&once);
	buf_fini(&twice);
}

static void test_duration_that_may_be_off_is_zero_then(void **state)
{
	(void)state;
	static const struct config_key table[] = {
	        {.name = "after",
	                .type = CONFIG_DURATION,
	                .fallback = "5m",
	                .min = 1,
	                .max = 3600,
	                .may_be_off = true},
	        {0},
	};
	struct buf printed = BUF_INIT;
	int64_t after_ns = 1;
	assert_int_equal(
	        config_parse(slice_text("after: off\n"), "c.yaml", table, arena, &after_ns, &why),
	        0);
	assert_int_equal(after_ns, 0);
	config_print(table, &after_ns, &printed);
	assert_string_equal(buf_text(&printed), "after: off\n");
	buf_reset(&printed);
	config_describe(table, &printed);
	assert_non_null(strstr(buf_text(&printed), "duration 1s to 1h or off, default 5m"));
	buf_fini(&printed);
	assert_int_equal(
	        config_parse(slice_text("after: 0s\n"), "c.yaml", table, arena, &after_ns, &why),
	        ERR_CONFIG);
	assert_int_equal(
	        config_parse(slice_text("wait: off\n"), "c.yaml", TABLE, arena, &config, &why),
	        ERR_CONFIG);
}

static void test_switch_is_on_or_off(void **state)
{
	static const struct config_key table[] = {
	        {.name = "light", .type = CONFIG_SWITCH, .fallback = "on"}, {0}};
	struct buf out = BUF_INIT;
	bool light = false;
	(void)state;
	assert_int_equal(config_parse(slice_text(""), "c", table, arena, &light, &why), 0);
	assert_true(light);
	assert_int_equal(
	        config_parse(slice_text("light: off\n"), "c", table, arena, &light, &why), 0);
	assert_false(light);
	config_print(table, &light, &out);
	assert_string_equal(buf_text(&out), "light: off\n");
	assert_int_equal(
	        config_parse(slice_text("light: false\n"), "c", table, arena, &light, &why),
	        ERR_CONFIG);
	assert_string_equal(why.text, "c:1: key 'light': 'false' is not on or off");
	buf_fini(&out);
}

static void test_printed_form_is_block_style(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	parse("name: a\nwords: []\nlabels: {b: c}\nwatch: [{path: /etc, exclude: [x]}]\n");
	config_print(TABLE, &config, &out);
	assert_string_equal(buf_text(&out), "name: a\n"
	                                    "on: false\n"
	                                    "count: 0\n"
	                                    "wait: 250ms\n"
	                                    "words: []\n"
	                                    "labels:\n"
	                                    "  b: c\n"
	                                    "limits:\n"
	                                    "  spool_mb: 256\n"
	                                    "  interval: 1h\n"
	                                    "watch:\n"
	                                    "  - path: /etc\n"
	                                    "    recursive: true\n"
	                                    "    exclude:\n"
	                                    "      - x\n"
	                                    "listen: \"[::]:7443\"\n");
	buf_fini(&out);
}

static void test_description_has_one_line_a_key(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	config_describe(TABLE, &out);
	const char *text = buf_text(&out);
	size_t lines = 0;
	for (size_t i = 0; i < out.len; i++)
		lines += text[i] == '\n';
	assert_int_equal(lines, 16);
	assert_non_null(strstr(text, "what it is called"));
	assert_non_null(strstr(text, "limits.spool_mb"));
	assert_non_null(strstr(text, "number 1 to 8192, default 256"));
	assert_non_null(strstr(text, "path, required"));
	assert_null(strstr(text, "@line"));
	buf_fini(&out);
}

static void test_file_is_loaded_from_disk(void **state)
{
	(void)state;
	char file[] = "/tmp/tsujiban-config-XXXXXX";
	int fd = mkstemp(file);
	assert_int_equal(write(fd, "name: x\nbad: y\n", 15), 15);
	close(fd);
	char sentence[128];
	snprintf(sentence, sizeof(sentence), "%s:2: key 'bad': is unknown", file);
	assert_int_equal(config_load(file, TABLE, arena, &config, &why), ERR_CONFIG);
	assert_string_equal(why.text, sentence);
	unlink(file);
	assert_int_equal(config_load(file, TABLE, arena, &config, &why), -2);
	assert_non_null(strstr(why.text, "cannot read configuration '/tmp/tsujiban-config-"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_printed_configuration_reads_back_the_same),
	        CASE(test_duration_that_may_be_off_is_zero_then),
	        CASE(test_switch_is_on_or_off),
	        CASE(test_printed_form_is_block_style),
	        CASE(test_description_has_one_line_a_key),
	        CASE(test_file_is_loaded_from_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
