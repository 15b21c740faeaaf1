#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/codec/config.h"

struct inner {
	uint64_t spool_mb;
	int64_t interval_ns;
};

struct item {
	const char *path;
	bool recursive;
	struct config_texts exclude;
	uint64_t line;
};

struct all {
	const char *name;
	const char *dir;
	const char *address;
	bool on;
	uint64_t count;
	int64_t wait_ns;
	struct config_texts words;
	struct config_pairs labels;
	struct inner limits;
	struct config_list watch;
	const char *listen;
};

static const struct config_key INNER[] = {
        {.name = "spool_mb",
                .type = CONFIG_U64,
                .offset = offsetof(struct inner, spool_mb),
                .fallback = "256",
                .min = 1,
                .max = 8192},
        {.name = "interval",
                .type = CONFIG_DURATION,
                .offset = offsetof(struct inner, interval_ns),
                .fallback = "1h",
                .min = 10,
                .max = 86400},
        {0},
};

static const struct config_key ITEM[] = {
        {.name = "path",
                .type = CONFIG_PATH,
                .offset = offsetof(struct item, path),
                .required = true},
        {.name = "recursive",
                .type = CONFIG_BOOL,
                .offset = offsetof(struct item, recursive),
                .fallback = "true"},
        {.name = "exclude", .type = CONFIG_TEXTS, .offset = offsetof(struct item, exclude)},
        {.name = "@line", .type = CONFIG_U64, .offset = offsetof(struct item, line)},
        {0},
};

static const struct config_key TABLE[] = {
        {.name = "name",
                .type = CONFIG_TEXT,
                .offset = offsetof(struct all, name),
                .help = "what it is called"},
        {.name = "dir", .type = CONFIG_PATH, .offset = offsetof(struct all, dir)},
        {.name = "address", .type = CONFIG_ADDRESS, .offset = offsetof(struct all, address)},
        {.name = "on", .type = CONFIG_BOOL, .offset = offsetof(struct all, on)},
        {.name = "count", .type = CONFIG_U64, .offset = offsetof(struct all, count)},
        {.name = "wait",
                .type = CONFIG_DURATION,
                .offset = offsetof(struct all, wait_ns),
                .fallback = "250ms"},
        {.name = "words",
                .type = CONFIG_TEXTS,
                .offset = offsetof(struct all, words),
                .fallback = "[one, \"two words\"]"},
        {.name = "labels", .type = CONFIG_PAIRS, .offset = offsetof(struct all, labels)},
        {.name = "limits",
                .type = CONFIG_SECTION,
                .offset = offsetof(struct all, limits),
                .rows = INNER},
        {.name = "watch",
                .type = CONFIG_LIST,
                .offset = offsetof(struct all, watch),
                .rows = ITEM,
                .item_size = sizeof(struct item)},
        {.name = "listen",
                .type = CONFIG_ADDRESS,
                .offset = offsetof(struct all, listen),
                .fallback = "[::]:7443"},
        {0},
};

static struct arena *arena;
static struct all config;
static struct reason why;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	config = (struct all){0};
	why.text[0] = '\0';
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static void parse(const char *text)
{
	int rc = config_parse(slice_text(text), "c.yaml", TABLE, arena, &config, &why);
	if (rc != 0)
		fail_msg("%s", why.text);
}

static void assert_refused(const char *text, const char *sentence)
{
	struct all refused = {0};
	assert_int_equal(
	        config_parse(slice_text(text), "c.yaml", TABLE, arena, &refused, &why), ERR_CONFIG);
	assert_string_equal(why.text, sentence);
}

static void test_every_type_is_read(void **state)
{
	(void)state;
	parse("name: web 01 \n"
	      "dir: /var/lib/x\n"
	      "address: 'collector.example.org:7443'\n"
	      "on: true\n"
	      "count: 18446744073709551615\n"
	      "wait: 90s\n"
	      "words: [a, \"b c\"]\n"
	      "labels: {env: production, role: \"web\"}\n"
	      "limits: {spool_mb: 8192}\n"
	      "watch:\n"
	      "  - path: /etc\n"
	      "    exclude: [\"*.swp\"]\n"
	      "  # a remark\n"
	      "  - path: /\n"
	      "    recursive: false\n");
	const struct item *item = config.watch.item;
	assert_string_equal(config.name, "web 01");
	assert_string_equal(config.dir, "/var/lib/x");
	assert_string_equal(config.address, "collector.example.org:7443");
	assert_true(config.on);
	assert_true(config.count == UINT64_MAX);
	assert_int_equal(config.wait_ns, 90 * NS_PER_S);
	assert_int_equal(config.words.count, 2);
	assert_string_equal(config.words.item[1], "b c");
	assert_int_equal(config.labels.count, 2);
	assert_string_equal(config.labels.name[1], "role");
	assert_string_equal(config.labels.value[1], "web");
	assert_int_equal(config.limits.spool_mb, 8192);
	assert_int_equal(config.limits.interval_ns, 3600 * NS_PER_S);
	assert_int_equal(config.watch.count, 2);
	assert_string_equal(item[0].path, "/etc");
	assert_true(item[0].recursive);
	assert_string_equal(item[0].exclude.item[0], "*.swp");
	assert_string_equal(item[1].path, "/");
	assert_false(item[1].recursive);
}

static void test_items_know_their_line(void **state)
{
	(void)state;
	parse("watch:\n- path: /a\n\n- recursive: true\n  path: /b\n");
	const struct item *item = config.watch.item;
	assert_int_equal(item[0].line, 2);
	assert_int_equal(item[1].line, 4);
	assert_refused(
	        "watch:\n- path: /a\n  '@line': 3\n", "c.yaml:3: key 'watch.@line': is unknown");
}

static void test_empty_file_gives_all_defaults(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "# nothing\n", "---\n", "{}", "limits:\n"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		config = (struct all){0};
		parse(texts[i]);
		assert_null(config.name);
		assert_null(config.watch.item);
		assert_null(config.labels.name);
		assert_int_equal(config.limits.spool_mb, 256);
		assert_int_equal(config.limits.interval_ns, 3600 * NS_PER_S);
		assert_int_equal(config.wait_ns, 250 * NS_PER_MS);
		assert_int_equal(config.words.count, 2);
		assert_string_equal(config.words.item[1], "two words");
		assert_string_equal(config.listen, "[::]:7443");
	}
}

static void test_empty_list_differs_from_absent_one(void **state)
{
	(void)state;
	parse("watch: []\nwords: []\nlabels: {}\n");
	assert_non_null(config.watch.item);
	assert_non_null(config.labels.name);
	assert_int_equal(config.watch.count, 0);
	assert_int_equal(config.words.count, 0);
}

static void test_unknown_key_is_named_with_its_line(void **state)
{
	(void)state;
	assert_refused("name: a\nnmae: b\n", "c.yaml:2: key 'nmae': is unknown");
	assert_refused("limits:\n  spool: 3\n", "c.yaml:2: key 'limits.spool': is unknown");
	assert_refused("watch:\n- path: /a\n  pth: /b\n", "c.yaml:3: key 'watch.pth': is unknown");
	assert_refused("\"a\\eb\": 1\n", "c.yaml:1: key 'a\\x1bb': is unknown");
}

static void test_key_given_twice_is_refused(void **state)
{
	(void)state;
	assert_refused("name: a\non: true\nname: b\n",
	        "c.yaml:3: key 'name': given twice, first on line 1");
	assert_refused(
	        "labels: {a: 1, a: 2}\n", "c.yaml:1: key 'labels.a': given twice, first on line 1");
	assert_refused("watch:\n- path: /a\n  path: /b\n",
	        "c.yaml:3: key 'watch.path': given twice, first on line 2");
}

static void test_missing_key_is_named(void **state)
{
	(void)state;
	assert_refused("watch:\n- path: /a\n- recursive: true\n",
	        "c.yaml:3: key 'watch.path': is missing");
}

static void test_value_out_of_range_is_refused(void **state)
{
	(void)state;
	assert_refused("limits:\n  spool_mb: 0\n",
	        "c.yaml:2: key 'limits.spool_mb': '0' is not between 1 and 8192");
	assert_refused("limits: {spool_mb: 8193}\n",
	        "c.yaml:1: key 'limits.spool_mb': '8193' is not between 1 and 8192");
	assert_refused("limits: {interval: 9s}\n",
	        "c.yaml:1: key 'limits.interval': '9s' is not between 10s and 86400s");
	assert_refused("limits: {interval: 86400001ms}\n",
	        "c.yaml:1: key 'limits.interval': '86400001ms' is not between 10s and 86400s");
	parse("limits: {interval: 86400s}");
	assert_int_equal(config.limits.interval_ns, 86400 * NS_PER_S);
}

static void test_wrong_value_is_refused(void **state)
{
	(void)state;
	assert_refused("on: yes\n", "c.yaml:1: key 'on': 'yes' is not true or false");
	assert_refused("on: 'true'\n", "c.yaml:1: key 'on': 'true' is not true or false");
	assert_refused("count: -1\n", "c.yaml:1: key 'count': '-1' is not a whole number");
	assert_refused("count: 010\n", "c.yaml:1: key 'count': '010' is not a whole number");
	assert_refused("count:\n", "c.yaml:1: key 'count': has no value");
	assert_refused(
	        "name: [a]\n", "c.yaml:1: key 'name': one value is wanted, not a list or map");
	assert_refused("words: a\n", "c.yaml:1: key 'words': a list is wanted");
	assert_refused("words: [[a]]\n", "c.yaml:1: key 'words': text is wanted for each entry");
	assert_refused("labels: [a]\n", "c.yaml:1: key 'labels': a map is wanted");
	assert_refused("labels:\n  a: {b: c}\n",
	        "c.yaml:2: key 'labels.a': text is wanted for each entry");
	assert_refused("limits: [a]\n", "c.yaml:1: key 'limits': a map is wanted");
	assert_refused("watch: [a]\n", "c.yaml:1: key 'watch': a map is wanted for each entry");
	assert_refused("- a\n", "c.yaml:1: a map of keys is wanted");
}

static void test_paths_are_absolute_and_clean(void **state)
{
	(void)state;
	static const char *const wrong[] = {"etc", "''", "/etc/", "//etc", "/a//b", "/a/./b",
	        "/a/../b", "/..", "/a/.", "\"/a\\0b\""};
	char text[64];
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "dir: %s\n", wrong[i]);
		assert_int_equal(config_parse(slice_text(text), "c", TABLE, arena, &config, &why),
		        ERR_CONFIG);
	}
	parse("dir: /a/..b/.c\n");
	assert_string_equal(config.dir, "/a/..b/.c");
}

static void test_addresses_have_host_and_port(void **state)
{
	(void)state;
	static const char *const wrong[] = {"host", "host:", ":1", "host:65536", "host:1x",
	        "'[::1]'", "'[::g]:1'", "'::1:1'", "'[]:1'", "'[1.2.3.4]:1'", "a b:1", "host:-1"};
	static const char *const right[] = {
	        "host:0", "10.0.0.1:65535", "'[::1]:7443'", "'[fe80::1:2]:1'", "a.b-c.example:1"};
	char text[64];
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "address: %s\n", wrong[i]);
		assert_int_equal(config_parse(slice_text(text), "c", TABLE, arena, &config, &why),
		        ERR_CONFIG);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		snprintf(text, sizeof(text), "address: %s\n", right[i]);
		parse(text);
	}
}

static void test_yaml_beyond_maps_lists_and_scalars_is_refused(void **state)
{
	(void)state;
	assert_refused("name: &a b\n", "c.yaml:1: anchors, aliases and tags are not accepted");
	assert_refused("name: *a\n", "c.yaml:1: anchors, aliases and tags are not accepted");
	assert_refused("name: !!str a\n", "c.yaml:1: anchors, aliases and tags are not accepted");
	assert_refused(
	        "labels: !x {a: b}\n", "c.yaml:1: anchors, aliases and tags are not accepted");
	assert_refused("name: |\n  a\n", "c.yaml:1: block text ('|' and '>') is not accepted");
	assert_refused("name: a\n---\nname: b\n", "c.yaml:2: several documents are not accepted");
	assert_refused("name: \"a\\0b\"\n", "c.yaml:1: text has a NUL byte");
	assert_refused("? [a]\n: b\n", "c.yaml:1: a key is to be plain or quoted text");
	assert_refused("'': b\n", "c.yaml:1: a key is empty");
	assert_refused(
	        "name: [[[[[[[[a]]]]]]]]\n", "c.yaml:1: lists and maps are nested too deeply");
	assert_refused(
	        "on: true\nname: [\n", "c.yaml:3: not YAML: did not find expected node content");
}

static void test_too_much_is_refused(void **state)
{
	(void)state;
	struct buf text = BUF_INIT;
	buf_append_text(&text, "words:\n");
	for (int i = 0; i < CONFIG_LIST_MAX + 1; i++)
		buf_append_text(&text, "- a\n");
	assert_refused(buf_text(&text), "c.yaml:4098: list or map has too many entries");
	buf_reset(&text);
	while (text.len <= CONFIG_FILE_MAX)
		buf_append_text(&text, "# a long remark, again and again\n");
	assert_refused(buf_text(&text), "c.yaml:1: configuration is too large");
	buf_fini(&text);

	struct arena *small = arena_new(64);
	assert_int_equal(config_parse(slice_text("words: [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,"
	                                         "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb]\n"),
	                         "c", TABLE, small, &config, &why),
	        ERR_CONFIG);
	arena_free(small);
}

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
	        CASE(test_every_type_is_read),
	        CASE(test_items_know_their_line),
	        CASE(test_empty_file_gives_all_defaults),
	        CASE(test_empty_list_differs_from_absent_one),
	        CASE(test_unknown_key_is_named_with_its_line),
	        CASE(test_key_given_twice_is_refused),
	        CASE(test_missing_key_is_named),
	        CASE(test_value_out_of_range_is_refused),
	        CASE(test_wrong_value_is_refused),
	        CASE(test_paths_are_absolute_and_clean),
	        CASE(test_addresses_have_host_and_port),
	        CASE(test_yaml_beyond_maps_lists_and_scalars_is_refused),
	        CASE(test_too_much_is_refused),
	        CASE(test_printed_configuration_reads_back_the_same),
	        CASE(test_duration_that_may_be_off_is_zero_then),
	        CASE(test_switch_is_on_or_off),
	        CASE(test_printed_form_is_block_style),
	        CASE(test_description_has_one_line_a_key),
	        CASE(test_file_is_loaded_from_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
