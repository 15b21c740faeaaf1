#include "agent/packages/dpkg_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/text.h"

#define MD5 "60b725f10c9c85c70d97880dfe8191b3"

/* What came back, a line each. */
static struct buf said;

static void assert_said(const char *text)
{
	assert_string_equal(buf_text(&said), text);
}

static int setup(void **unused)
{
	(void)unused;
	buf_reset(&said);
	return 0;
}

static int say_stanza(void *ctx, const struct dpkg_stanza *stanza)
{
	(void)ctx;
	buf_printf(&said, "%.*s|%.*s|%.*s|%.*s|%d|%.*s\n", SLICE_ARG(stanza->name),
	        SLICE_ARG(stanza->arch), SLICE_ARG(stanza->version), SLICE_ARG(stanza->state),
	        stanza->is_same, SLICE_ARG(stanza->conffiles));
	return 0;
}

static int say_path(void *ctx, struct slice path)
{
	(void)ctx;
	buf_printf(&said, "%.*s\n", SLICE_ARG(path));
	return 0;
}

static int say_md5(void *ctx, struct slice path, const uint8_t md5[MD5_BYTES])
{
	(void)ctx;
	buf_printf(&said, "%.*s ", SLICE_ARG(path));
	text_append_hex(&said, slice_of(md5, MD5_BYTES));
	buf_append_byte(&said, '\n');
	return 0;
}

static int say_pair(void *ctx, struct slice link, struct slice target)
{
	(void)ctx;
	buf_printf(&said, "%.*s %.*s\n", SLICE_ARG(link), SLICE_ARG(target));
	return 0;
}

static int say_three(void *ctx, struct slice from, struct slice to, struct slice package)
{
	(void)ctx;
	buf_printf(&said, "%.*s %.*s %.*s\n", SLICE_ARG(from), SLICE_ARG(to), SLICE_ARG(package));
	return 0;
}

static int say_mode(void *ctx, struct slice path, uint32_t mode)
{
	(void)ctx;
	buf_printf(&said, "%.*s %o\n", SLICE_ARG(path), mode);
	return 0;
}

static void test_stanza_has_its_conffiles_whole(void **unused)
{
	(void)unused;
	dpkg_each_stanza(slice_text("Package: a\nStatus: hold ok installed\nMulti-Arch: same\n"
	                            "Architecture: amd64\nVersion: 1\nConffiles:\n /x 1\n /y 2\n"
	                            "Description: d\n more\n\nPackage: b\n"),
	        say_stanza, NULL);
	assert_said("a|amd64|1|installed|1| /x 1\n /y 2\nb||||0|\n");
}

static void test_list_gives_absolute_paths_alone(void **unused)
{
	(void)unused;
	dpkg_each_listed(slice_text("/.\n/usr\nrelative\n\n/usr/bin/a b\n"), say_path, NULL);
	assert_said("/\n/usr\n/usr/bin/a b\n");
}

static void test_digest_lines_of_another_form_are_passed_over(void **unused)
{
	(void)unused;
	dpkg_each_md5(slice_text(MD5 "  usr/bin/a\n" MD5 "\nzz" MD5 "  x\n"), false, say_md5, NULL);
	assert_said("usr/bin/a " MD5 "\n");
}

static void test_conffile_may_have_spaces_and_marks(void **unused)
{
	(void)unused;
	dpkg_each_md5(slice_text(" /etc/a b " MD5 "\n /etc/c " MD5 " obsolete\n"
	                         " /etc/new newconffile\n"),
	        true, say_md5, NULL);
	assert_said("/etc/a b " MD5 "\n/etc/c " MD5 "\n");
}

static void test_diversions_come_in_threes(void **unused)
{
	(void)unused;
	dpkg_each_diversion(slice_text("/a\n/b\npkg\n/c\n/d\n:\n/torn\n"), say_three, NULL);
	assert_said("/a /b pkg\n/c /d :\n");
}

static void test_override_has_an_octal_mode(void **unused)
{
	(void)unused;
	dpkg_each_override(slice_text("root root 4755 /bin/a\nroot root 999 /bin/b\n"
	                              "root root 77777 /bin/c\n"),
	        say_mode, NULL);
	assert_said("/bin/a 4755\n");
}

static void test_alternative_pairs_links_with_what_they_may_lead_to(void **unused)
{
	(void)unused;
	dpkg_each_alternative(slice_text("editor"),
	        slice_text("auto\n/usr/bin/editor\neditor.1.gz\n/man/editor.1.gz\n\n"
	                   "/usr/bin/vim\n30\n/man/vim.1.gz\n/bin/nano\n40\n\n\n"),
	        say_pair, NULL);
	assert_said("/usr/bin/editor /etc/alternatives/editor\n"
	            "/man/editor.1.gz /etc/alternatives/editor.1.gz\n"
	            "/etc/alternatives/editor /usr/bin/vim\n"
	            "/etc/alternatives/editor.1.gz /man/vim.1.gz\n"
	            "/etc/alternatives/editor /bin/nano\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_stanza_has_its_conffiles_whole, setup),
	        cmocka_unit_test_setup(test_list_gives_absolute_paths_alone, setup),
	        cmocka_unit_test_setup(test_digest_lines_of_another_form_are_passed_over, setup),
	        cmocka_unit_test_setup(test_conffile_may_have_spaces_and_marks, setup),
	        cmocka_unit_test_setup(test_diversions_come_in_threes, setup),
	        cmocka_unit_test_setup(test_override_has_an_octal_mode, setup),
	        cmocka_unit_test_setup(
	                test_alternative_pairs_links_with_what_they_may_lead_to, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
