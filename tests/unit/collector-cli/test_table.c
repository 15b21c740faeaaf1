#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/cli/table.h"

static const struct table_column columns[] = {
        {"host_name", 10, false}, {"files", 6, true}, {"path", 0, false}};

static struct table_cell cell(const char *text)
{
	return (struct table_cell){.text = slice_text(text)};
}

static void expect_row(
        struct table table, const char *a, const char *b, const char *c, const char *want)
{
	struct table_cell cells[] = {cell(a), cell(b), cell(c)};
	struct buf out = BUF_INIT;

	table.columns = columns;
	table.count = 3;
	table_row(&table, cells, &out);
	assert_string_equal(buf_text(&out), want);
	buf_fini(&out);
}

static void test_cells_stand_below_their_titles(void **state)
{
	(void)state;
	expect_row((struct table){0}, "web01", "12", "/etc",
	        "HOST NAME    FILES  PATH\n"
	        "web01           12  /etc\n");
}

static void test_characters_are_counted_not_bytes(void **state)
{
	(void)state;
	expect_row((struct table){.has_head = true}, "wéb01", "12", "/etc",
	        "wéb01           12  /etc\n");
}

static void test_long_cell_pushes_the_others(void **state)
{
	(void)state;
	expect_row((struct table){.has_head = true}, "a-very-long-name", "1234567", "/etc",
	        "a-very-long-name  1234567  /etc\n");
}

static void test_absent_cell_is_a_dash(void **state)
{
	(void)state;
	expect_row((struct table){.has_head = true}, NULL, NULL, NULL, "-                -  -\n");
	expect_row((struct table){.has_head = true, .is_csv = true}, NULL, "", "x", ",,x\r\n");
}

static void test_control_characters_do_not_reach_the_terminal(void **state)
{
	(void)state;
	expect_row((struct table){.has_head = true}, "\033[31mx", "1", "/a\nb\xff",
	        "\\x1b[31mx        1  /a\\x0ab\\xff\n");
	expect_row((struct table){.has_head = true, .is_csv = true, .is_escaped = true},
	        "\033[31mx", "1", "a,b", "\\x1b[31mx,1,\"a,b\"\r\n");
}

static void test_color_is_around_the_text_only(void **state)
{
	struct table table = {.columns = columns, .count = 3, .has_head = true, .has_color = true};
	struct table_cell cells[] = {
	        {slice_text("web01"), "32"}, {slice_text("1"), NULL}, {slice_text("x"), NULL}};
	struct buf out = BUF_INIT;

	(void)state;
	table_row(&table, cells, &out);
	assert_string_equal(buf_text(&out), "\033[32mweb01\033[0m            1  x\n");
	buf_fini(&out);
}

static void test_csv_is_quoted_where_it_must_be(void **state)
{
	(void)state;
	expect_row((struct table){.is_csv = true}, "a,b", "say \"x\"", "two\nlines",
	        "host_name,files,path\r\n\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\r\n");
}

static void test_head_comes_once(void **state)
{
	struct table table = {.columns = columns, .count = 3, .is_csv = true};
	struct table_cell cells[] = {cell("a"), cell("1"), cell("b")};
	struct buf out = BUF_INIT;

	(void)state;
	table_row(&table, cells, &out);
	table_row(&table, cells, &out);
	table_head(&table, &out);
	assert_string_equal(buf_text(&out), "host_name,files,path\r\na,1,b\r\na,1,b\r\n");
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_cells_stand_below_their_titles),
	        cmocka_unit_test(test_characters_are_counted_not_bytes),
	        cmocka_unit_test(test_long_cell_pushes_the_others),
	        cmocka_unit_test(test_absent_cell_is_a_dash),
	        cmocka_unit_test(test_control_characters_do_not_reach_the_terminal),
	        cmocka_unit_test(test_color_is_around_the_text_only),
	        cmocka_unit_test(test_csv_is_quoted_where_it_must_be),
	        cmocka_unit_test(test_head_comes_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
