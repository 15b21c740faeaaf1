#include "agent/host/sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

static void expect_os(struct scratch *scratch, unsigned field, const char *value)
{
	for (size_t i = 0; i < scratch->facts.count; i++) {
		const struct fact *fact = &scratch->facts.fact[i];
		if (fact->kind != FACT_OS)
			continue;
		if (!slice_is(fact->field[field], value))
			fail_msg("field %u is '%.*s', not '%s'", field,
			        SLICE_ARG(fact->field[field]), value);
		return;
	}
	fail_msg("no os");
}

static void read_system(struct scratch *scratch)
{
	scratch_forget(scratch);
	assert_int_equal(src_system_read(scratch->root, &scratch->facts, &scratch->why), 0);
}

static void test_os_release_is_read_with_its_quotes(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/etc/os-release",
	        "# comment\n\nPRETTY_NAME=\"A \\\"quoted\\\" \\$name \\x\"\nID=debian\n"
	        "VERSION_ID='12'\nVERSION_CODENAME=book\\worm\nBROKEN\nHOME_URL=\"open\n");
	read_system(scratch);
	expect_os(scratch, OS_ID, "debian");
	expect_os(scratch, OS_VERSION_ID, "12");
	expect_os(scratch, OS_CODENAME, "bookworm");
	expect_os(scratch, OS_PRETTY_NAME, "A \"quoted\" $name \\x");
}

static void test_os_release_falls_back_to_usr_lib(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/usr/lib/os-release", "ID=alpine\nVERSION_ID=3.20\n");
	read_system(scratch);
	expect_os(scratch, OS_ID, "alpine");
	scratch_write(scratch, "/etc/os-release", "VERSION_ID=1\n");
	read_system(scratch);
	expect_os(scratch, OS_ID, "linux"); /* its default */
	expect_os(scratch, OS_VERSION_ID, "1");
}

static void test_value_with_an_open_quote_is_left_out(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/etc/os-release", "ID=\"debian\nVERSION_ID=12\n");
	read_system(scratch);
	expect_os(scratch, OS_ID, "linux");
	expect_os(scratch, OS_VERSION_ID, "12");
}

static void test_host_is_named_by_its_files(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/etc/hostname", "web01\n");
	scratch_write(scratch, "/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	scratch_write(scratch, "/proc/sys/kernel/random/boot_id", "a-b-c\n");
	read_system(scratch);
	const struct fact *name = scratch_find(scratch, FACT_HOST, PAIR_NAME, "host_name");
	assert_non_null(name);
	assert_true(slice_is(name->field[PAIR_VALUE], "web01"));
	const struct fact *boot = scratch_find(scratch, FACT_HOST, PAIR_NAME, "boot_id");
	assert_non_null(boot);
	assert_true(slice_is(boot->field[PAIR_VALUE], "a-b-c"));
	assert_non_null(scratch_find(scratch, FACT_HOST, PAIR_NAME, "machine_id"));
	assert_non_null(scratch_find(scratch, FACT_HOST, PAIR_NAME, "architecture"));
}

static void test_empty_root_gives_no_os_and_no_complaint(void **state)
{
	struct scratch *scratch = *state;
	read_system(scratch);
	for (size_t i = 0; i < scratch->facts.count; i++)
		assert_int_not_equal(scratch->facts.fact[i].kind, FACT_OS);
	assert_null(scratch_find(scratch, FACT_HOST, PAIR_NAME, "machine_id"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_os_release_is_read_with_its_quotes),
	        TEST(test_os_release_falls_back_to_usr_lib),
	        TEST(test_value_with_an_open_quote_is_left_out),
	        TEST(test_host_is_named_by_its_files),
	        TEST(test_empty_root_gives_no_os_and_no_complaint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
