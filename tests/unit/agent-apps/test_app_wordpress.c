#include "tests/unit/agent-apps/reading.h"

#define SITE   "/home/aiko/www/"
#define PLUGIN SITE "wp-content/plugins/akismet/akismet.php"
#define THEME  SITE "wp-content/themes/twentytwenty/style.css"
#define CORE   SITE "wp-includes/version.php"

static void test_only_files_directly_in_the_slug_directory_are_read(void **state)
{
	(void)state;
	assert_true(reading_is_read_by(CORE, "wordpress"));
	assert_true(reading_is_read_by(PLUGIN, "wordpress"));
	assert_true(reading_is_read_by(THEME, "wordpress"));
	assert_true(reading_is_read_by(SITE "wp-content/plugins/hello.php", "wordpress"));
	assert_true(reading_is_read_by(SITE "wp-content/mu-plugins/own.php", "wordpress"));
	assert_true(reading_is_read_by(SITE "wp-content/mu-plugins/own/own.php", "wordpress"));
	assert_true(reading_is_read_by(SITE "wp-content/plugins/a/inc/b.php", NULL));
	assert_true(reading_is_read_by(SITE "wp-content/plugins/a/style.css", NULL));
	assert_true(reading_is_read_by(SITE "wp-content/themes/a/css/style.css", NULL));
	assert_true(reading_is_read_by(SITE "wp-content/themes/style.css", NULL));
	assert_true(reading_is_read_by(SITE "wp-content/themes/a/functions.php", NULL));
	assert_true(reading_is_read_by(SITE "wp-content/a.php", NULL));
	assert_true(reading_is_read_by(SITE "plugins/a/b.php", NULL));
	assert_true(reading_is_read_by(SITE "wp-content/plugins/.php", NULL));
	assert_true(reading_is_read_by(SITE "version.php", NULL));
	assert_null(app_reader_of(slice_text(PLUGIN), S_IFDIR | 0755));
}

static void test_the_core_says_its_version(void **state)
{
	reading_gives(*state, CORE,
	        "<?php\n/**\n * @global string $wp_version\n */\n$wp_version = '6.4.1';\n\n"
	        "$wp_db_version = 56657;\n",
	        "wordpress", "core", "6.4.1");
	reading_gives(*state, CORE, "<?php\r\n\t$wp_version=\"6.5-alpha-57299\";\r\n", "wordpress",
	        "core", "6.5-alpha-57299");
	reading_refuses(*state, CORE, slice_text("<?php\n$wp_version = WP;\n"), ERR_MISSING);
	reading_refuses(*state, CORE, slice_text("<?php\n$wp_version = '6.4"), ERR_MISSING);
	reading_refuses(*state, CORE, slice_text("$wp_version_x = '6';\n$wp_version"), ERR_MISSING);
	reading_refuses(*state, CORE, slice_text(""), ERR_MISSING);
	reading_refuses(*state, CORE, slice_text("$wp_version = '';\n"), ERR_FORMAT);
}

static void test_the_header_of_a_plugin_is_found_as_wordpress_finds_it(void **state)
{
	static const char *const FORMS[] = {
	        "<?php\n/**\n * Plugin Name: Akismet\n * Version: 5.3\n */\n",
	        "<?php\n/*\nPlugin Name: Akismet\nDescription: x\nVersion: 5.3\n*/\n",
	        "<?php /* Plugin Name: Akismet\r\n   VERSION:5.3  \r\n*/ $a = 1;\n",
	        "<?php\r/*\r@ plugin name: A\r# version: 5.3\r*/\r",
	        "<?php\n// Plugin Name: A\n// Version: 5.3 ?> <b>\n",
	        "<?php\n/* Version: 5.3 */\n/* Plugin Name: A */\n/* Version: 6 */\n",
	};
	for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++)
		reading_gives(*state, PLUGIN, FORMS[i], "wordpress", "plugin/akismet", "5.3");
}

static void test_the_slug_is_the_directory_or_the_single_file(void **state)
{
	const char *text = "/* Plugin Name: A\nVersion: 1\n";
	reading_gives(*state, SITE "wp-content/plugins/hello.php", text, "wordpress",
	        "plugin/hello", "1");
	reading_gives(
	        *state, SITE "wp-content/mu-plugins/own.php", text, "wordpress", "plugin/own", "1");
	reading_gives(*state, SITE "wp-content/mu-plugins/own/x.php", text, "wordpress",
	        "plugin/own", "1");
	reading_refuses(*state, SITE "wp-content/plugins/a\n/x.php", slice_text(text), ERR_FORMAT);
}

static void test_themes_have_a_style_sheet(void **state)
{
	reading_gives(*state, THEME,
	        "/*\nTheme Name: Twenty Twenty\nAuthor: x\nVersion: 2.5\nTemplate: y\n*/\n",
	        "wordpress", "theme/twentytwenty", "2.5");
	reading_refuses(*state, THEME, slice_text("/* Plugin Name: a\nVersion: 1 */"), ERR_MISSING);
	reading_refuses(*state, PLUGIN, slice_text("/* Theme Name: a\nVersion: 1 */"), ERR_MISSING);
}

static void test_a_plugin_without_a_version_is_one(void **state)
{
	reading_gives(
	        *state, PLUGIN, "<?php\n/* Plugin Name: A */", "wordpress", "plugin/akismet", "");
}

static void test_other_files_of_a_plugin_are_none(void **state)
{
	static const char *const NONE[] = {"", "<?php\n// Silence is golden.\n",
	        "<?php\n$x = 'Plugin Name: a';\n", "<?php /* Plugin Name: */",
	        "\x7f"
	        "ELF",
	        "/* The Plugin Name: a\n", "/* Plugin Name : a\n", "/* Plugin Name"};
	for (size_t i = 0; i < sizeof(NONE) / sizeof(NONE[0]); i++)
		reading_refuses(*state, PLUGIN, slice_text(NONE[i]), ERR_MISSING);
	reading_refuses(*state, PLUGIN, slice_of("Plugin Name: a\nVersion: 1\0\n", 27), ERR_FORMAT);
}

static void test_a_header_beyond_eight_kib_is_none(void **state)
{
	struct buf text = BUF_INIT;
	for (int i = 0; i < 512; i++)
		buf_append_text(&text, "//3456789abcdef\n");
	buf_append_text(&text, "// Plugin Name: a\n");
	reading_refuses(*state, PLUGIN, buf_slice(&text), ERR_MISSING);
	buf_consume(&text, 32);
	assert_int_equal(reading_bytes(*state, PLUGIN, buf_slice(&text)), 0);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        READING_TEST(test_only_files_directly_in_the_slug_directory_are_read),
	        READING_TEST(test_the_core_says_its_version),
	        READING_TEST(test_the_header_of_a_plugin_is_found_as_wordpress_finds_it),
	        READING_TEST(test_the_slug_is_the_directory_or_the_single_file),
	        READING_TEST(test_themes_have_a_style_sheet),
	        READING_TEST(test_a_plugin_without_a_version_is_one),
	        READING_TEST(test_other_files_of_a_plugin_are_none),
	        READING_TEST(test_a_header_beyond_eight_kib_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
