#include "agent/host/sources.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/host/account_text.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

static void read_all(struct scratch *scratch)
{
	scratch_forget(scratch);
	assert_int_equal(src_account_read(scratch->root, &scratch->facts, &scratch->why), 0);
}

static void expect(struct scratch *scratch, enum fact_kind kind, const char *name, unsigned at,
        const char *value)
{
	const struct fact *fact = scratch_find(scratch, kind, 0, name);
	if (!fact || !slice_is(fact->field[at], value))
		fail_msg("field %u of %s is '%.*s', not '%s'", at, name,
		        fact ? (int)fact->field[at].len : 0,
		        fact ? (const char *)fact->field[at].ptr : "", value);
}

static void test_users_are_those_of_the_file(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/etc/passwd",
	        "root:x:0:0:root:/root:/bin/bash\n"
	        "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
	        "sync:x:4:65534:sync:/bin:/bin/sync\n"
	        "bare:x:1000:1000::/home/bare:\n"
	        "barer:x:1001:1001::/home/barer\n"
	        "# comment:x:1:1:::\n+@ldap:x:1:1:::/bin/sh\nshort:x:1\nno:x:number:1:::/bin/sh\n"
	        "minus:x:-1:1:::/bin/sh\nlong:x:4294967296:1:::/bin/sh\n\n"
	        "last:x:5:6:g:/l:/bin/false");
	read_all(scratch);
	assert_int_equal(scratch->facts.count, 6);
	expect(scratch, FACT_USER, "root", USER_UID, "0");
	expect(scratch, FACT_USER, "root", USER_HOME, "/root");
	expect(scratch, FACT_USER, "root", USER_SHELL, "/bin/bash");
	expect(scratch, FACT_USER, "root", USER_LOGIN, "yes");
	expect(scratch, FACT_USER, "daemon", USER_LOGIN, "no");
	expect(scratch, FACT_USER, "sync", USER_GID, "65534");
	expect(scratch, FACT_USER, "sync", USER_LOGIN, "no");
	expect(scratch, FACT_USER, "bare", USER_LOGIN, "yes");
	expect(scratch, FACT_USER, "barer", USER_HOME, "/home/barer");
	expect(scratch, FACT_USER, "last", USER_LOGIN, "no");
}

static void test_first_of_several_lines_with_one_name_counts(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/etc/passwd",
	        "a:x:1:1::/first:/bin/sh\nb:x:3:3::/b:/bin/sh\na:x:2:2::/second:/bin/sh\n");
	scratch_write(scratch, "/etc/group", "a:x:1:\n");
	read_all(scratch);
	assert_int_equal(scratch->facts.count, 3);
	expect(scratch, FACT_USER, "a", USER_HOME, "/first");
}

static void test_locked_password_is_told_of_whom_the_shell_lets_in(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/etc/passwd",
	        "root:x:0:0:::/bin/sh\nkey:x:2:2:::/bin/sh\nout:x:3:3:::/bin/false\n"
	        "old:x:4:4:::/bin/sh\n");
	scratch_write(scratch, "/etc/shadow",
	        "root:$y$j9T$secret:19000:0:99999:7:::\nkey:!$6$secret:1::::::\nout:*:1::::::\n"
	        "old:*:1::::::\n");
	read_all(scratch);
	expect(scratch, FACT_USER, "root", USER_LOGIN, "yes");
	expect(scratch, FACT_USER, "key", USER_LOGIN, "locked");
	expect(scratch, FACT_USER, "old", USER_LOGIN, "locked");
	expect(scratch, FACT_USER, "out", USER_LOGIN, "no");
	struct buf bytes = BUF_INIT;
	for (size_t i = 0; i < scratch->facts.count; i++)
		fact_encode(&scratch->facts.fact[i], &bytes);
	assert_null(memmem(bytes.data, bytes.len, "secret", 6));
	buf_fini(&bytes);
}

static void test_members_of_a_group_are_in_order(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/etc/group",
	        "sudo:x:27:zoe,anna,,zoe, bert\nempty:x:5:\nshort:x:6\nbad:x:y:a\n");
	read_all(scratch);
	assert_int_equal(scratch->facts.count, 3);
	expect(scratch, FACT_GROUP, "sudo", GROUP_GID, "27");
	expect(scratch, FACT_GROUP, "sudo", GROUP_MEMBERS, "anna,bert,zoe");
	expect(scratch, FACT_GROUP, "empty", GROUP_MEMBERS, "");
}

static void test_group_too_long_for_a_field_is_cut_behind_a_name(void **state)
{
	struct scratch *scratch = *state;
	struct buf text = BUF_INIT;
	buf_append_text(&text, "all:x:1:");
	for (int i = 0; i < 3000; i++)
		buf_printf(&text, "user%04d,", i);
	scratch_write(scratch, "/etc/group", buf_text(&text));
	buf_fini(&text);
	read_all(scratch);
	const struct fact *group = scratch_find(scratch, FACT_GROUP, GROUP_NAME, "all");
	assert_non_null(group);
	assert_true(fact_is_valid(group));
	struct slice members = group->field[GROUP_MEMBERS];
	assert_true(members.len > FACT_FIELD_BYTES - 32);
	assert_memory_equal(members.ptr + members.len - 4, ",...", 4);
}

static void test_host_without_the_files_has_no_users(void **state)
{
	struct scratch *scratch = *state;
	read_all(scratch);
	assert_int_equal(scratch->facts.count, 0);
}

static void test_file_that_is_none_is_a_complaint(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/etc/passwd/x", "");
	assert_true(src_account_read(scratch->root, &scratch->facts, &scratch->why) < 0);
	assert_non_null(strstr(scratch->why.text, "'/etc/passwd'"));
}

static void test_users_of_this_host_equal_its_file(void **state)
{
	struct scratch *scratch = *state;
	struct passwd *user;
	size_t count = 0, told = 0;
	assert_int_equal(src_account_read("/", &scratch->facts, &scratch->why), 0);
	FILE *file = fopen("/etc/passwd", "re");
	assert_non_null(file);
	while ((user = fgetpwent(file))) {
		char number[32];
		snprintf(number, sizeof(number), "%u", user->pw_uid);
		expect(scratch, FACT_USER, user->pw_name, USER_UID, number);
		expect(scratch, FACT_USER, user->pw_name, USER_HOME, user->pw_dir);
		expect(scratch, FACT_USER, user->pw_name, USER_SHELL, user->pw_shell);
		count++;
	}
	fclose(file);
	for (size_t i = 0; i < scratch->facts.count; i++)
		told += scratch->facts.fact[i].kind == FACT_USER;
	assert_int_equal(told, count);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_users_are_those_of_the_file),
	        TEST(test_first_of_several_lines_with_one_name_counts),
	        TEST(test_locked_password_is_told_of_whom_the_shell_lets_in),
	        TEST(test_members_of_a_group_are_in_order),
	        TEST(test_group_too_long_for_a_field_is_cut_behind_a_name),
	        TEST(test_host_without_the_files_has_no_users),
	        TEST(test_file_that_is_none_is_a_complaint),
	        TEST(test_users_of_this_host_equal_its_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
