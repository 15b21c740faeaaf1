#include "agent/running/sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/running/proc_modules.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

static void read_all(struct scratch *scratch)
{
	scratch_forget(scratch);
	assert_int_equal(src_kernel_state_read(scratch->root, &scratch->facts, &scratch->why), 0);
}

static void assert_pair(struct scratch *scratch, enum fact_kind kind, unsigned at, const char *key,
        const char *value)
{
	const struct fact *fact = scratch_find(scratch, kind, 0, key);
	assert_non_null(fact);
	if (!slice_is(fact->field[at], value))
		fail_msg("%s: '%.*s'", key, SLICE_ARG(fact->field[at]));
}

static void test_loaded_modules_tell_version_and_taint(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/modules",
	        "nvidia 56717312 1493 nvidia_uvm,nvidia_modeset, Live 0xffffffffc0a00000 (POE)\n"
	        "xt_comment 16384 4 - Live 0x0000000000000000\n"
	        "going 16384 0 - Unloading 0x0000000000000000 (O-)\n"
	        "zfs 6000000 6 - Live 0x0000000000000000\n"
	        "nonsense\n");
	scratch_write(scratch, "/sys/module/nvidia/version", "550.54.14\n");
	scratch_write(scratch, "/sys/module/zfs/taint", "PO\n");
	scratch_write(scratch, "/sys/module/xt_comment/taint", "\n");
	read_all(scratch);
	assert_int_equal(scratch->facts.count, 3);
	assert_pair(scratch, FACT_MODULE, MODULE_VERSION, "nvidia", "550.54.14");
	assert_pair(scratch, FACT_MODULE, MODULE_TAINT, "nvidia", "POE");
	assert_pair(scratch, FACT_MODULE, MODULE_TAINT, "zfs", "PO");
	assert_pair(scratch, FACT_MODULE, MODULE_TAINT, "xt_comment", "");
}

static void test_live_patches_tell_state_and_objects(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/sys/kernel/livepatch/one/enabled", "1\n");
	scratch_write(scratch, "/sys/kernel/livepatch/one/transition", "0\n");
	scratch_write(scratch, "/sys/kernel/livepatch/one/vmlinux/f,1/x", "");
	scratch_write(scratch, "/sys/kernel/livepatch/one/ext4/f,1/x", "");
	scratch_write(scratch, "/sys/kernel/livepatch/two/enabled", "0\n");
	scratch_write(scratch, "/sys/kernel/livepatch/two/transition", "1\n");
	scratch_write(scratch, "/sys/kernel/livepatch/three/enabled", "0\n");
	scratch_write(scratch, "/sys/kernel/livepatch/three/transition", "0\n");
	scratch_write(scratch, "/sys/kernel/kpatch/old/enabled", "1\n");
	scratch_write(scratch, "/sys/kernel/kpatch/patches/older/enabled", "1\n");
	read_all(scratch);
	assert_int_equal(scratch->facts.count, 5);
	assert_pair(scratch, FACT_LIVEPATCH, LIVEPATCH_STATE, "one", "enabled");
	assert_pair(scratch, FACT_LIVEPATCH, LIVEPATCH_OBJECTS, "one", "ext4,vmlinux");
	assert_pair(scratch, FACT_LIVEPATCH, LIVEPATCH_STATE, "two", "transition");
	assert_pair(scratch, FACT_LIVEPATCH, LIVEPATCH_STATE, "three", "disabled");
	assert_pair(scratch, FACT_LIVEPATCH, LIVEPATCH_STATE, "old", "enabled");
	assert_pair(scratch, FACT_LIVEPATCH, LIVEPATCH_STATE, "older", "enabled");
}

static void test_mitigations_are_what_the_kernel_says(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(
	        scratch, "/sys/devices/system/cpu/vulnerabilities/meltdown", "Mitigation: PTI\n");
	scratch_write(scratch, "/sys/devices/system/cpu/vulnerabilities/srbds", "Not affected\n");
	read_all(scratch);
	assert_int_equal(scratch->facts.count, 2);
	assert_pair(scratch, FACT_MITIGATION, PAIR_VALUE, "meltdown", "Mitigation: PTI");
	assert_pair(scratch, FACT_MITIGATION, PAIR_VALUE, "srbds", "Not affected");
}

static void test_host_without_any_of_it_has_no_facts(void **state)
{
	struct scratch *scratch = *state;
	read_all(scratch);
	assert_int_equal(scratch->facts.count, 0);
}

static void test_this_host_can_be_read(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(src_kernel_state_read("/", &scratch->facts, &scratch->why), 0);
	for (size_t i = 0; i < scratch->facts.count; i++)
		assert_true(fact_is_valid(&scratch->facts.fact[i]));
}

static void test_taint_is_told_in_the_kernels_letters(void **state)
{
	(void)state;
	char letters[TAINT_LETTERS_MAX];
	assert_int_equal(taint_letters(0, letters), 0);
	assert_int_equal(taint_letters(1u | 1u << 12 | 1u << 13, letters), 3);
	assert_memory_equal(letters, "POE", 3);
	assert_int_equal(taint_letters(1u << 9 | UINT64_C(1) << 63, letters), 2);
	assert_memory_equal(letters, "W?", 2);
	assert_int_equal(taint_letters(UINT64_MAX, letters), 64);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_loaded_modules_tell_version_and_taint),
	        TEST(test_live_patches_tell_state_and_objects),
	        TEST(test_mitigations_are_what_the_kernel_says),
	        TEST(test_host_without_any_of_it_has_no_facts),
	        TEST(test_this_host_can_be_read),
	        TEST(test_taint_is_told_in_the_kernels_letters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
