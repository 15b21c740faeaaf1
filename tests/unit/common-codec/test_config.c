#include "tests/unit/common-codec/config_scene.h"

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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
