#include "agent/running/kernel_pairs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/running/kernels.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define STANZA(name, version)                                                                     \
	"Package: " name "\nStatus: install ok installed\nArchitecture: amd64\nVersion: " version \
	"\n\n"
#define IMAGE_28       STANZA("linux-image-6.1.0-28-amd64", "6.1.119-1")
#define BUILD(version) "Linux version 6.1.0-28-amd64 (x) #1 SMP Debian " version " (2024-11-22)\n"

static int set_up(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	*state = scratch;
	if (!scratch_init(scratch))
		return -1;
	scratch_write(scratch, "/proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
	scratch_write(scratch, "/proc/version", BUILD("6.1.119-1"));
	scratch_write(scratch, "/var/lib/dpkg/status", IMAGE_28);
	return 0;
}

static int tear_down(void **state)
{
	scratch_fini(*state);
	free(*state);
	return 0;
}

static struct slice pair(struct scratch *scratch, const char *name)
{
	const struct fact *fact = scratch_find(scratch, FACT_HOST, PAIR_NAME, name);
	return fact ? fact->field[PAIR_VALUE] : (struct slice){0};
}

static void assert_pair(struct scratch *scratch, const char *name, const char *value)
{
	scratch_forget(scratch);
	assert_int_equal(kernel_pairs_add(scratch->root, &scratch->facts, &scratch->why), 0);
	struct slice found = pair(scratch, name);
	if (!slice_equal(found, slice_text(value)))
		fail_msg("%s: '%.*s'", name, SLICE_ARG(found));
}

static void test_kernel_tells_how_it_was_started(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/cmdline", "BOOT_IMAGE=/vmlinuz ro quiet\n");
	scratch_write(
	        scratch, "/proc/sys/kernel/version", "#1 SMP Debian 6.1.119-1 (2024-11-22)\n");
	scratch_write(scratch, "/proc/sys/kernel/tainted", "12289\n");
	assert_pair(scratch, "kernel_cmdline", "BOOT_IMAGE=/vmlinuz ro quiet");
	assert_pair(scratch, "kernel_build", "#1 SMP Debian 6.1.119-1 (2024-11-22)");
	assert_pair(scratch, "kernel_tainted", "POE");
	assert_pair(scratch, "kernel_newest", "6.1.0-28-amd64");
	scratch_write(scratch, "/proc/sys/kernel/tainted", "0\n");
	assert_pair(scratch, "kernel_tainted", NULL);
}

static void test_nothing_to_do_is_no_pair(void **state)
{
	assert_pair(*state, "reboot_required", NULL);
}

static void test_newer_kernel_asks_for_a_reboot(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/var/lib/dpkg/status",
	        IMAGE_28 STANZA("linux-image-6.1.0-9-amd64", "6.1.27-1"));
	assert_pair(scratch, "reboot_required", NULL);
	scratch_write(scratch, "/var/lib/dpkg/status",
	        IMAGE_28 STANZA("linux-image-6.1.0-102-amd64", "6.1.129-1"));
	assert_pair(scratch, "reboot_required", "a newer kernel is installed: 6.1.0-102-amd64");
	assert_pair(scratch, "kernel_newest", "6.1.0-102-amd64");
}

static void test_image_without_a_package_counts(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/boot/vmlinuz-6.12.3", "x");
	scratch_write(scratch, "/boot/vmlinuz-7.0.old", "x");
	scratch_write(scratch, "/boot/vmlinuz-0-rescue-1e3f", "x");
	assert_pair(scratch, "kernel_newest", "6.12.3");
}

static void test_newest_kernel_needs_no_reboot_in_a_container(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/boot/vmlinuz-6.12.3", "x");
	assert_pair(scratch, "reboot_required", "a newer kernel is installed: 6.12.3");
	scratch_write(scratch, "/run/.containerenv", "");
	assert_pair(scratch, "reboot_required", NULL);
}

static void test_kernel_whose_package_is_gone_can_be_old(void **state)
{
	struct scratch *scratch = *state;
	char status[128];
	snprintf(status, sizeof(status), "%s/var/lib/dpkg/status", scratch->root);
	assert_int_equal(unlink(status), 0);
	scratch_write(scratch, "/proc/sys/kernel/osrelease", "6.6.30-0-lts\n");
	scratch_write(scratch, "/lib/apk/db/installed",
	        "P:linux-lts\nV:6.6.31-r0\nA:x86_64\n\nP:linux-lts-dev\nV:6.6.31-r0\nA:x86_64\n\n");
	assert_pair(scratch, "kernel_newest", "6.6.31-0-lts");
	assert_pair(scratch, "reboot_required", "a newer kernel is installed: 6.6.31-0-lts");
}

static void test_kernel_replaced_under_its_release_asks_for_a_reboot(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/version", BUILD("6.1.115-1"));
	assert_pair(scratch, "reboot_required",
	        "the running kernel's package was replaced: 6.1.115-1 is 6.1.119-1 now");
}

static void test_packages_that_ask_for_a_reboot_are_named(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/run/reboot-required", "*** System restart required ***\n");
	scratch_write(scratch, "/run/reboot-required.pkgs", "linux-base\nlibc6\nlinux-base\n");
	assert_pair(scratch, "reboot_required", "/run/reboot-required for linux-base, libc6");
}

static void test_all_reasons_are_told(void **state)
{
	struct scratch *scratch = *state;
	char init[128];
	scratch_write(scratch, "/run/reboot-required", "*** System restart required ***\n");
	scratch_write(scratch, "/boot/vmlinuz-6.12.3", "x");
	scratch_write(scratch, "/proc/1/comm", "systemd\n");
	snprintf(init, sizeof(init), "%s/proc/1/exe", scratch->root);
	assert_int_equal(symlink("/usr/lib/systemd/systemd (deleted)", init), 0);
	assert_pair(scratch, "reboot_required",
	        "/run/reboot-required; a newer kernel is installed: 6.12.3; "
	        "PID 1 runs a deleted executable");
}

/* More than a field of a fact takes is cut, and not left out. */
static void test_too_many_reasons_are_cut(void **state)
{
	struct scratch *scratch = *state;
	char package[2041], *end = package + sizeof(package) - 1;
	for (char *at = package; at < end; at += 3)
		memcpy(at, "\xe2\x82\xac", 3);
	*end = '\0';
	scratch_write(scratch, "/run/reboot-required", "");
	scratch_write(scratch, "/run/reboot-required.pkgs", package);
	scratch_write(scratch, "/run/reboot-needed", "");
	scratch_write(scratch, "/run/reboot-needed.pkgs", package);
	scratch_forget(scratch);
	assert_int_equal(kernel_pairs_add(scratch->root, &scratch->facts, &scratch->why), 0);
	struct slice told = pair(scratch, "reboot_required");
	struct slice ends = slice_text("\xe2\x82\xac \xe2\x80\xa6");
	assert_in_range(told.len, FACT_FIELD_BYTES - 3, FACT_FIELD_BYTES);
	assert_memory_equal(told.ptr + told.len - ends.len, ends.ptr, ends.len);
}

static void test_boot_time_does_not_move_with_the_clock(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/sys/kernel/random/boot_id", "one\n");
	scratch_write(scratch, "/proc/stat", "cpu  1 2\nctxt 9\nbtime 1700000040\nprocesses 3\n");
	assert_pair(scratch, "boot_time", "1700000040");
	scratch_write(scratch, "/proc/stat", "btime 1700000039\n");
	assert_pair(scratch, "boot_time", "1700000040");
	scratch_write(scratch, "/proc/stat", "btime 1700000101\n");
	assert_pair(scratch, "boot_time", "1700000040");
	/* Wrong for real, as without a battery. */
	scratch_write(scratch, "/proc/stat", "btime 1700009999\n");
	assert_pair(scratch, "boot_time", "1700009940");
	scratch_write(scratch, "/proc/sys/kernel/random/boot_id", "two\n");
	scratch_write(scratch, "/proc/stat", "btime 1700010001\n");
	assert_pair(scratch, "boot_time", "1700010000");
}

static void test_damaged_package_list_is_an_error(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/var/lib/dpkg/status", "Package: linux-image-6");
	assert_int_equal(
	        kernel_pairs_add(scratch->root, &scratch->facts, &scratch->why), ERR_FORMAT);
	assert_non_null(strstr(scratch->why.text, "dpkg"));
}

#define TEXT(text)                                                      \
	{                                                               \
		.ptr = (const uint8_t *)(text), .len = sizeof(text) - 1 \
	}

static void test_order_is_that_of_the_distribution(void **state)
{
	(void)state;
	struct kernel old = {.release = TEXT("6.1.0-9-amd64"), .manager = TEXT("dpkg")};
	struct kernel new = {.release = TEXT("6.1.0-28-amd64"), .manager = TEXT("dpkg")};
	struct kernel own = {.release = TEXT("6.2")};
	assert_true(kernel_compare(&old, &new) < 0);
	assert_true(kernel_compare(&own, &new) > 0);
	assert_int_equal(kernel_compare(&new, &new), 0);
	struct kernel first = {.release = TEXT("5.14.0-362.el9.x86_64"),
	        .version = TEXT("5.14.0-362.el9"),
	        .manager = TEXT("rpm")};
	struct kernel update = {.release = TEXT("5.14.0-362.8.1.el9_3.x86_64"),
	        .version = TEXT("5.14.0-362.8.1.el9_3"),
	        .manager = TEXT("rpm")};
	assert_true(kernel_compare(&first, &update) < 0);
}

static void test_only_packages_of_the_running_build_are_newer(void **state)
{
	(void)state;
	struct kernel installed[] = {
	        {TEXT("6.6.30-0-lts"), TEXT("6.6.30-r0"), TEXT("linux-lts"), TEXT("apk")},
	        {TEXT("6.9.1-0-edge"), TEXT("6.9.1-r0"), TEXT("linux-edge"), TEXT("apk")},
	};
	struct kernels kernels = {
	        .has_running = true, .running = installed[0], .installed = installed, .count = 2};
	assert_ptr_equal(kernels_newest(&kernels), &installed[0]);
	kernels.running = installed[1];
	assert_ptr_equal(kernels_newest(&kernels), &installed[1]);
	kernels.count = 0;
	assert_null(kernels_newest(&kernels));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_kernel_tells_how_it_was_started),
	        TEST(test_nothing_to_do_is_no_pair),
	        TEST(test_newer_kernel_asks_for_a_reboot),
	        TEST(test_image_without_a_package_counts),
	        TEST(test_newest_kernel_needs_no_reboot_in_a_container),
	        TEST(test_kernel_whose_package_is_gone_can_be_old),
	        TEST(test_kernel_replaced_under_its_release_asks_for_a_reboot),
	        TEST(test_packages_that_ask_for_a_reboot_are_named),
	        TEST(test_all_reasons_are_told),
	        TEST(test_too_many_reasons_are_cut),
	        TEST(test_boot_time_does_not_move_with_the_clock),
	        TEST(test_damaged_package_list_is_an_error),
	        TEST(test_order_is_that_of_the_distribution),
	        TEST(test_only_packages_of_the_running_build_are_newer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
