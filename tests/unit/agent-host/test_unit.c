#include "agent/host/sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/host/unit_text.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define ADMIN   "/etc/systemd/system/"
#define RUNTIME "/run/systemd/system/"
#define VENDOR  "/usr/lib/systemd/system/"
#define WANTS   "multi-user.target.wants/"
#define SERVICE "[Service]\nExecStart=/bin/true\n"
#define WANTED  SERVICE "[Install]\nWantedBy=multi-user.target\n"

static void make_link(struct scratch *scratch, const char *path, const char *target)
{
	char full[400];
	snprintf(full, sizeof(full), "%s-x", path);
	assert_true(scratch_write(scratch, full, "")); /* makes the directories */
	snprintf(full, sizeof(full), "%s%s", scratch->root, path);
	assert_int_equal(symlink(target, full), 0);
}

static void read_all(struct scratch *scratch)
{
	scratch_forget(scratch);
	assert_int_equal(src_unit_read(scratch->root, &scratch->facts, &scratch->why), 0);
	for (size_t i = 0; i < scratch->facts.count; i++)
		assert_true(fact_is_valid(&scratch->facts.fact[i]));
}

static void expect(struct scratch *scratch, const char *name, unsigned field, const char *value)
{
	const struct fact *fact = scratch_find(scratch, FACT_UNIT, UNIT_NAME, name);
	if (!fact)
		fail_msg("no unit %s", name);
	if (!slice_is(fact->field[field], value))
		fail_msg("%s: '%.*s', not '%s'", name, SLICE_ARG(fact->field[field]), value);
}

/* --- states: as systemctl 252 has them of the same files (--root=DIR list-unit-files) --------- */

static void test_links_and_install_sections_make_the_state(void **state)
{
	struct scratch *scratch = *state;
	static const struct {
		const char *name, *text, *link, *state;
	} UNITS[] = {
	        {"static.service", SERVICE, NULL, "static"},
	        {"disabled.service", WANTED, NULL, "disabled"},
	        {"enabled.service", WANTED, ADMIN WANTS "enabled.service", "enabled"},
	        {"required.timer", WANTED, ADMIN "a.target.requires/required.timer", "enabled"},
	        {"etc-wanted.service", SERVICE, ADMIN WANTS "etc-wanted.service", "enabled"},
	        {"vendor-wanted.service", SERVICE, VENDOR WANTS "vendor-wanted.service", "static"},
	        {"vendor-rules.service", WANTED, VENDOR WANTS "vendor-rules.service", "disabled"},
	        {"run-wanted.service", WANTED, RUNTIME WANTS "run-wanted.service",
	                "enabled-runtime"},
	        {"gen-wanted.service", SERVICE,
	                "/run/systemd/generator/" WANTS "gen-wanted.service", "enabled-runtime"},
	        {"tpl@.service", WANTED, ADMIN WANTS "tpl@one.service", "indirect"},
	        {"getty@.service", WANTED "DefaultInstance=tty1\n",
	                ADMIN WANTS "getty@tty1.service", "enabled"},
	        {"aliased.service", SERVICE "[Install]\nAlias=al.service\n", ADMIN "al.service",
	                "enabled"},
	        {"foreign.service", SERVICE, ADMIN "other-name.service", "indirect"},
	        {"vendor-alias.service", SERVICE, VENDOR "alv.service", "static"},
	        {"also.service", SERVICE "[Install]\nAlso=enabled.service\n", NULL, "indirect"},
	        {"empty.service", "", NULL, "masked"},
	};
	char path[256];
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		snprintf(path, sizeof(path), VENDOR "%s", UNITS[i].name);
		scratch_write(scratch, path, UNITS[i].text);
		if (UNITS[i].link)
			make_link(scratch, UNITS[i].link, path);
	}
	read_all(scratch);
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++)
		expect(scratch, UNITS[i].name, UNIT_STATE, UNITS[i].state);
	/* Aliases are none of their own. */
	assert_int_equal(scratch->facts.count, sizeof(UNITS) / sizeof(UNITS[0]));
}

static void test_masks_hide_what_is_below(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, VENDOR "a.service", WANTED);
	scratch_write(scratch, VENDOR "b.service", WANTED);
	make_link(scratch, ADMIN "a.service", "/dev/null");
	make_link(scratch, RUNTIME "b.service", "/dev/null");
	make_link(scratch, ADMIN WANTS "a.service", "/usr/lib/systemd/system/a.service");
	read_all(scratch);
	expect(scratch, "a.service", UNIT_STATE, "masked");
	expect(scratch, "a.service", UNIT_FILE, ADMIN "a.service");
	expect(scratch, "a.service", UNIT_COMMAND, "");
	expect(scratch, "b.service", UNIT_STATE, "masked-runtime");
}

static void test_generated_units_are_told_so(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/run/systemd/generator.late/old.service", SERVICE);
	scratch_write(scratch, "/run/systemd/generator/dev.service", WANTED);
	scratch_write(scratch, "/run/systemd/transient/run-1.service", SERVICE);
	read_all(scratch);
	assert_int_equal(scratch->facts.count, 2);
	expect(scratch, "old.service", UNIT_STATE, "generated");
	expect(scratch, "dev.service", UNIT_STATE, "generated");
}

static void test_file_elsewhere_is_linked_under_any_name(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/opt/app/app.service", "[Service]\nExecStart=/opt/app/run\n");
	make_link(scratch, ADMIN "app.service", "/opt/app/app.service");
	make_link(scratch, ADMIN "gone.service", "/opt/app/gone.service");
	read_all(scratch);
	expect(scratch, "app.service", UNIT_STATE, "linked");
	expect(scratch, "app.service", UNIT_FILE, "/opt/app/app.service");
	expect(scratch, "app.service", UNIT_COMMAND, "/opt/app/run");
	assert_null(scratch_find(scratch, FACT_UNIT, UNIT_NAME, "gone.service"));
	make_link(scratch, ADMIN "alias.service", "../../../opt/app/app.service");
	make_link(scratch, ADMIN "dark.service", "/opt/app/dark-file.service");
	scratch_write(scratch, "/opt/app/dark-file.service", "[Service]\nExecStart=/opt/dark\n");
	read_all(scratch);
	expect(scratch, "dark.service", UNIT_STATE, "linked");
	expect(scratch, "dark.service", UNIT_COMMAND, "/opt/dark");
	assert_null(scratch_find(scratch, FACT_UNIT, UNIT_NAME, "alias.service"));
}

/* --- places and drop-ins ---------------------------------------------------------------------- */

static void test_first_place_of_a_name_counts(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, VENDOR "a.service", "[Service]\nExecStart=/vendor\n");
	read_all(scratch);
	expect(scratch, "a.service", UNIT_COMMAND, "/vendor");
	scratch_write(scratch, "/usr/local/lib/systemd/system/a.service",
	        "[Service]\nExecStart=/local\n");
	read_all(scratch);
	expect(scratch, "a.service", UNIT_COMMAND, "/local");
	scratch_write(scratch, RUNTIME "a.service", "[Service]\nExecStart=/runtime\n");
	read_all(scratch);
	expect(scratch, "a.service", UNIT_COMMAND, "/runtime");
	scratch_write(scratch, ADMIN "a.service", "[Service]\nExecStart=/admin\n");
	read_all(scratch);
	expect(scratch, "a.service", UNIT_COMMAND, "/admin");
	expect(scratch, "a.service", UNIT_FILE, ADMIN "a.service");
	assert_int_equal(scratch->facts.count, 1);
}

static void test_dropins_apply_in_order_of_their_names(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, VENDOR "foo-bar.service", "[Service]\nExecStart=/one\n");
	scratch_write(
	        scratch, ADMIN "foo-bar.service.d/20-b.conf", "[Service]\nExecStart=/three\n");
	scratch_write(scratch, VENDOR "foo-bar.service.d/10-a.conf",
	        "[Service]\nExecStart=\nExecStart=/two\n");
	read_all(scratch);
	expect(scratch, "foo-bar.service", UNIT_COMMAND, "/two; /three");
	/* The same name in a place before it takes its place. */
	scratch_write(scratch, ADMIN "foo-bar.service.d/10-a.conf", "[Service]\nExecStart=/ten\n");
	scratch_write(scratch, ADMIN "foo-bar.service.d/30.txt", "[Service]\nExecStart=/no\n");
	read_all(scratch);
	expect(scratch, "foo-bar.service", UNIT_COMMAND, "/one; /ten; /three");
	scratch_write(scratch, ADMIN "foo-.service.d/40.conf", "[Service]\nExecStart=/four\n");
	scratch_write(scratch, ADMIN "service.d/50.conf",
	        "[Service]\nExecStart=/five\n[Install]\nWantedBy=x\n");
	read_all(scratch);
	expect(scratch, "foo-bar.service", UNIT_COMMAND, "/one; /ten; /three; /four; /five");
	expect(scratch, "foo-bar.service", UNIT_STATE, "disabled");
}

static void test_timers_and_sockets_tell_when_and_where(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, VENDOR "a.timer",
	        "[Unit]\nOnCalendar=no\n[Timer]\nOnCalendar=daily\nOnBootSec = "
	        "15min\nPersistent=1\n");
	scratch_write(scratch, VENDOR "b.socket",
	        "[Socket]\nListenStream=/run/b.sock\nListenDatagram=53\nExecStart=/no\n");
	read_all(scratch);
	expect(scratch, "a.timer", UNIT_COMMAND, "OnCalendar=daily; OnBootSec=15min");
	expect(scratch, "b.socket", UNIT_COMMAND, "ListenStream=/run/b.sock; ListenDatagram=53");
	/* An empty one takes all kinds back. */
	scratch_write(scratch, ADMIN "a.timer.d/x.conf",
	        "[Timer]\nOnUnitActiveSec=\nOnCalendar=hourly\n");
	read_all(scratch);
	expect(scratch, "a.timer", UNIT_COMMAND, "OnCalendar=hourly");
}

static void test_other_types_and_names_are_passed_over(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, VENDOR "a.mount", "[Mount]\n");
	scratch_write(scratch, VENDOR "a.target", "[Unit]\n");
	scratch_write(scratch, VENDOR "a b.service", SERVICE);
	scratch_write(scratch, VENDOR ".hidden.service", SERVICE);
	scratch_write(scratch, VENDOR "dir.service/x", "");
	read_all(scratch);
	assert_int_equal(scratch->facts.count, 0);
}

static void test_lib_is_read_where_it_is_no_link(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/lib/systemd/system/a.service", SERVICE);
	scratch_write(scratch, VENDOR "b.service", SERVICE);
	read_all(scratch);
	expect(scratch, "a.service", UNIT_FILE, "/lib/systemd/system/a.service");
	assert_int_equal(scratch->facts.count, 2);
}

/* --- the text --------------------------------------------------------------------------------- */

static void expect_command(enum unit_type type, const char *content, const char *command)
{
	struct unit_text text;
	unit_text_init(&text, type);
	unit_text_apply(&text, slice_text(content));
	if (!slice_is(buf_slice(&text.command), command))
		fail_msg("'%.*s', not '%s'", SLICE_ARG(buf_slice(&text.command)), command);
	unit_text_fini(&text);
}

static void test_lines_go_on_behind_a_backslash(void **state)
{
	(void)state;
	expect_command(UNIT_SERVICE,
	        "# c\n; d \\\n[Service] \n ExecStart = -/bin/a \\\n# between\n  ; too\n  b \\\n c\n"
	        "ExecStart=/last",
	        "-/bin/a    b   c; /last");
	expect_command(UNIT_SERVICE, "[Service]\nExecStart=/a\\", "/a");
	expect_command(
	        UNIT_SERVICE, "ExecStart=/no\n[Service\nExecStart=/no\n[X]\nExecStart=/no", "");
	expect_command(UNIT_SERVICE,
	        "[Service]\nExecStart=/a\nExecStart=\n[Y]\n[Service]\n"
	        "ExecStart=/b\nexecstart=/no\n=\n[]\n",
	        "/b");
}

static void test_long_command_is_cut_between_characters(void **state)
{
	(void)state;
	struct unit_text text;
	struct buf content = BUF_INIT;
	buf_append_text(&content, "[Service]\nExecStart=x");
	for (int i = 0; i < 2000; i++)
		buf_append_text(&content, "\xc3\xa4");
	buf_append_text(&content, "\nExecStart=/more\n");
	unit_text_init(&text, UNIT_SERVICE);
	unit_text_apply(&text, buf_slice(&content));
	assert_int_equal(text.command.len, UNIT_COMMAND_MAX - 1);
	unit_text_fini(&text);
	buf_fini(&content);
}

static void test_this_host_can_be_read(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(src_unit_read("/", &scratch->facts, &scratch->why), 0);
	for (size_t i = 0; i < scratch->facts.count; i++)
		assert_true(fact_is_valid(&scratch->facts.fact[i]));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_links_and_install_sections_make_the_state),
	        TEST(test_masks_hide_what_is_below),
	        TEST(test_generated_units_are_told_so),
	        TEST(test_file_elsewhere_is_linked_under_any_name),
	        TEST(test_first_place_of_a_name_counts),
	        TEST(test_dropins_apply_in_order_of_their_names),
	        TEST(test_timers_and_sockets_tell_when_and_where),
	        TEST(test_other_types_and_names_are_passed_over),
	        TEST(test_lib_is_read_where_it_is_no_link),
	        TEST(test_lines_go_on_behind_a_backslash),
	        TEST(test_long_command_is_cut_between_characters),
	        TEST(test_this_host_can_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
