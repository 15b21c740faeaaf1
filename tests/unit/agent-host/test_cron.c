#include "agent/host/sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/host/cron_text.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

static void read_all(struct scratch *scratch, size_t count)
{
	scratch_forget(scratch);
	assert_int_equal(src_cron_read(scratch->root, &scratch->facts, &scratch->why), 0);
	for (size_t i = 0; i < scratch->facts.count; i++)
		assert_true(fact_is_valid(&scratch->facts.fact[i]));
	assert_int_equal(scratch->facts.count, count);
}

static void expect(struct scratch *scratch, const char *command, const char *file,
        const char *schedule, const char *user)
{
	const struct fact *fact = scratch_find(scratch, FACT_CRON, CRON_COMMAND, command);
	if (!fact)
		fail_msg("nothing runs '%s'", command);
	if (!slice_is(fact->field[CRON_FILE], file) ||
	        !slice_is(fact->field[CRON_SCHEDULE], schedule) ||
	        !slice_is(fact->field[CRON_USER], user))
		fail_msg("'%s': '%.*s' '%.*s' '%.*s'", command, SLICE_ARG(fact->field[CRON_FILE]),
		        SLICE_ARG(fact->field[CRON_SCHEDULE]), SLICE_ARG(fact->field[CRON_USER]));
}

static void make_program(struct scratch *scratch, const char *path, mode_t mode)
{
	char full[256];
	assert_true(scratch_write(scratch, path, "#!/bin/sh\n"));
	snprintf(full, sizeof(full), "%s%s", scratch->root, path);
	assert_int_equal(chmod(full, mode), 0);
}

static void test_system_crontab_has_users(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/etc/crontab",
	        "# m h dom mon dow user command\nSHELL=/bin/sh\nMAILTO = \"\"\n\"X Y\"=1\n\n"
	        "17 *\t* * *\troot    cd / && run-parts --report /etc/cron.hourly\n"
	        "  */5 1-3,7 * jan-mar Mon  backup  A=1 dump | mail -s \"a  b\" x%in\n"
	        "@reboot root /usr/bin/once\n"
	        "~ ~ * * * root random\n-*/15 * * * * root quiet\n"
	        "1 2 3 4 5 alone\n1 2 3 4\n1 2 3 4 = root no\n@ root no\nnonsense\n"
	        "59 23 * * * www-data last");
	read_all(scratch, 6);
	expect(scratch, "cd / && run-parts --report /etc/cron.hourly", "/etc/crontab", "17 * * * *",
	        "root");
	expect(scratch, "A=1 dump | mail -s \"a  b\" x%in", "/etc/crontab",
	        "*/5 1-3,7 * jan-mar Mon", "backup");
	expect(scratch, "/usr/bin/once", "/etc/crontab", "@reboot", "root");
	expect(scratch, "random", "/etc/crontab", "~ ~ * * *", "root");
	expect(scratch, "quiet", "/etc/crontab", "-*/15 * * * *", "root");
	expect(scratch, "last", "/etc/crontab", "59 23 * * *", "www-data");
}

static void test_crontab_of_a_user_is_his(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/var/spool/cron/crontabs/anna", "0 4 * * * root is a word here\n");
	scratch_write(scratch, "/var/spool/cron/crontabs/tmp.a1b2c3", "0 4 * * * no\n");
	scratch_write(scratch, "/var/spool/cron/tabs/bert", "@weekly suse\n");
	scratch_write(scratch, "/var/spool/cron/carl", "@daily redhat\n");
	read_all(scratch, 3);
	expect(scratch, "root is a word here", "/var/spool/cron/crontabs/anna", "0 4 * * *",
	        "anna");
	expect(scratch, "suse", "/var/spool/cron/tabs/bert", "@weekly", "bert");
	expect(scratch, "redhat", "/var/spool/cron/carl", "@daily", "carl");
}

static void test_names_with_dots_are_passed_over_on_debian_alone(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/etc/cron.d/plain", "* * * * * root plain\n");
	scratch_write(scratch, "/etc/cron.d/with.dot", "* * * * * root dotted\n");
	scratch_write(scratch, "/etc/cron.d/.hidden", "* * * * * root hidden\n");
	scratch_write(scratch, "/etc/cron.d/old.rpmsave", "* * * * * root old\n");
	scratch_write(scratch, "/etc/cron.d/edited~", "* * * * * root edited\n");
	read_all(scratch, 2);
	expect(scratch, "dotted", "/etc/cron.d/with.dot", "* * * * *", "root");
	scratch_write(scratch, "/etc/debian_version", "12.1\n");
	read_all(scratch, 1);
	expect(scratch, "plain", "/etc/cron.d/plain", "* * * * *", "root");
}

static void test_programs_of_the_periods_are_run_by_their_paths(void **state)
{
	struct scratch *scratch = *state;
	char link[256];
	make_program(scratch, "/etc/cron.daily/logrotate", 0755);
	make_program(scratch, "/etc/cron.daily/off", 0644);
	make_program(scratch, "/etc/cron.weekly/sub/no", 0755);
	make_program(scratch, "/usr/lib/job", 0755);
	snprintf(link, sizeof(link), "%s/etc/cron.weekly/linked", scratch->root);
	assert_int_equal(symlink("/usr/lib/job", link), 0);
	read_all(scratch, 2);
	expect(scratch, "/etc/cron.daily/logrotate", "/etc/cron.daily/logrotate", "@daily", "root");
	expect(scratch, "/etc/cron.weekly/linked", "/etc/cron.weekly/linked", "@weekly", "root");
}

static void test_anacrontab_has_days_and_names(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/etc/anacrontab",
	        "SHELL=/bin/sh\nSTART_HOURS_RANGE=3-22\n1\t5\tcron.daily\tnice run-parts daily\n"
	        "7 25 cron.weekly weekly\n@monthly 45 cron.monthly monthly\nx 5 a no\n7 y a no\n"
	        "7 5 nothing\n");
	read_all(scratch, 3);
	expect(scratch, "nice run-parts daily", "/etc/anacrontab", "every 1 day", "root");
	expect(scratch, "weekly", "/etc/anacrontab", "every 7 days", "root");
	expect(scratch, "monthly", "/etc/anacrontab", "@monthly", "root");
}

static void test_long_command_is_cut_between_characters(void **state)
{
	struct scratch *scratch = *state;
	struct buf text = BUF_INIT;
	buf_append_text(&text, "@daily root x");
	for (int i = 0; i < 2000; i++)
		buf_append_text(&text, "\xc3\xa4");
	scratch_write(scratch, "/etc/crontab", buf_text(&text));
	buf_fini(&text);
	read_all(scratch, 1);
	assert_int_equal(scratch->facts.fact[0].field[CRON_COMMAND].len, 1023);
}

static void test_one_crontab_hides_no_other(void **state)
{
	struct scratch *scratch = *state;
	struct buf text = BUF_INIT;
	char path[256];
	for (int i = 0; i < 6000; i++)
		buf_printf(&text, "0 0 * * * %0400d\n", i);
	scratch_write(scratch, "/var/spool/cron/crontabs/anna", buf_text(&text));
	scratch_write(scratch, "/var/spool/cron/crontabs/bert", "@daily here\n");
	snprintf(path, sizeof(path), "%s/var/spool/cron/crontabs/carl", scratch->root);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/var/spool/cron/crontabs/ring", scratch->root);
	assert_int_equal(symlink("ring", path), 0);
	buf_fini(&text);
	assert_int_equal(src_cron_read(scratch->root, &scratch->facts, &scratch->why), 0);
	expect(scratch, "here", "/var/spool/cron/crontabs/bert", "@daily", "bert");
	assert_in_range(scratch->facts.count, 1000, 4097);
}

static void test_this_host_can_be_read(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(src_cron_read("/", &scratch->facts, &scratch->why), 0);
	for (size_t i = 0; i < scratch->facts.count; i++)
		assert_true(fact_is_valid(&scratch->facts.fact[i]));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_system_crontab_has_users),
	        TEST(test_crontab_of_a_user_is_his),
	        TEST(test_names_with_dots_are_passed_over_on_debian_alone),
	        TEST(test_programs_of_the_periods_are_run_by_their_paths),
	        TEST(test_anacrontab_has_days_and_names),
	        TEST(test_long_command_is_cut_between_characters),
	        TEST(test_one_crontab_hides_no_other),
	        TEST(test_this_host_can_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
