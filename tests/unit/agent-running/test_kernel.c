#include "agent/running/sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/utsname.h>

#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define STANZA(name, version, status)                                                              \
	"Package: " name "\nStatus: install ok " status "\nArchitecture: amd64\nVersion: " version \
	"\n\n"

static const struct fact *find(struct scratch *scratch, const char *state, const char *release)
{
	for (size_t i = 0; i < scratch->facts.count; i++) {
		const struct fact *fact = &scratch->facts.fact[i];
		if (fact->kind == FACT_KERNEL && slice_is(fact->field[KERNEL_STATE], state) &&
		        slice_is(fact->field[KERNEL_RELEASE], release))
			return fact;
	}
	return NULL;
}

static void test_kernels_are_running_installed_or_both(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
	scratch_write(scratch, "/boot/vmlinuz-6.1.0-28-amd64", "x");
	scratch_write(scratch, "/boot/vmlinuz-6.12.3", "x");
	scratch_write(scratch, "/boot/vmlinuz-6.12.3.old", "x");
	scratch_write(scratch, "/boot/initrd.img-6.12.3", "x");
	scratch_write(scratch, "/var/lib/dpkg/status",
	        STANZA("linux-image-amd64", "6.1.129-1", "installed") STANZA(
	                "linux-image-6.1.0-28-amd64", "6.1.119-1",
	                "installed") STANZA("linux-image-6.1.0-32-amd64-unsigned", "6.1.129-1",
	                "installed") STANZA("linux-image-6.1.0-9-amd64", "6.1.27-1", "config-files")
	                STANZA("linux-image-6.1.0-28-amd64-dbg", "6.1.119-1", "installed"));
	assert_int_equal(src_kernel_read(scratch->root, &scratch->facts, &scratch->why), 0);
	assert_int_equal(scratch->facts.count, 4);
	const struct fact *running = find(scratch, "running", "6.1.0-28-amd64");
	assert_non_null(running);
	assert_true(slice_is(running->field[KERNEL_VERSION], "6.1.119-1"));
	assert_true(slice_is(running->field[KERNEL_PACKAGE], "linux-image-6.1.0-28-amd64"));
	assert_non_null(find(scratch, "installed", "6.1.0-28-amd64"));
	assert_true(slice_is(
	        find(scratch, "installed", "6.1.0-32-amd64")->field[KERNEL_VERSION], "6.1.129-1"));
	const struct fact *other = find(scratch, "installed", "6.12.3");
	assert_non_null(other);
	assert_int_equal(other->field[KERNEL_VERSION].len, 0);
}

static void test_this_host_runs_what_uname_says(void **state)
{
	struct scratch *scratch = *state;
	struct utsname host;
	assert_int_equal(uname(&host), 0);
	assert_int_equal(src_kernel_read("/", &scratch->facts, &scratch->why), 0);
	assert_non_null(find(scratch, "running", host.release));
}

static void test_damaged_package_list_is_an_error_here_too(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/var/lib/dpkg/status", "Package: linux-image-6");
	assert_int_equal(
	        src_kernel_read(scratch->root, &scratch->facts, &scratch->why), ERR_FORMAT);
}

static void test_container_without_kernels_has_none(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(src_kernel_read(scratch->root, &scratch->facts, &scratch->why), 0);
	assert_int_equal(scratch->facts.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_kernels_are_running_installed_or_both),
	        TEST(test_this_host_runs_what_uname_says),
	        TEST(test_damaged_package_list_is_an_error_here_too),
	        TEST(test_container_without_kernels_has_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
