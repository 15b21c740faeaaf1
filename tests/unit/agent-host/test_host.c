#include "agent/host/host_pairs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/source/hostfile.h"
#include "common/base/text.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

/* NULL: there is no such fact. */
static void expect(struct scratch *scratch, const char *name, const char *value)
{
	scratch_forget(scratch);
	assert_int_equal(host_pairs_add(scratch->root, &scratch->facts), 0);
	const struct fact *fact = scratch_find(scratch, FACT_HOST, PAIR_NAME, name);
	if (!value && fact)
		fail_msg("%s is '%.*s'", name, SLICE_ARG(fact->field[PAIR_VALUE]));
	if (value && (!fact || !slice_is(fact->field[PAIR_VALUE], value)))
		fail_msg("%s is '%.*s', not '%s'", name,
		        fact ? (int)fact->field[PAIR_VALUE].len : 0,
		        fact ? (const char *)fact->field[PAIR_VALUE].ptr : "", value);
}

#define DMI(file, text) scratch_write(scratch, "/sys/class/dmi/id/" file, text "\n")
#define GUEST_CPU                                                                             \
	"processor\t: 0\nmodel name\t: Intel(R) Xeon(R) CPU           E5-2680 v3 @ 2.50GHz\n" \
	"flags\t\t: fpu vme hypervisor lahf_lm\n\nprocessor\t: 1\nmodel name\t: another\n"
#define BARE_CPU "processor\t: 0\nmodel name\t: AMD EPYC 7713\nflags\t\t: fpu vme\n"

static void test_processor_and_memory_are_told(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/cpuinfo", GUEST_CPU);
	scratch_write(scratch, "/proc/meminfo", "MemTotal:       16303500 kB\nMemFree: 1 kB\n");
	expect(scratch, "cpu_model", "Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz");
	expect(scratch, "cpu_count", "2");
	expect(scratch, "memory_mb", "15921");
	scratch_write(scratch, "/sys/devices/system/cpu/online", "0-3,8,10-11\n");
	expect(scratch, "cpu_count", "7");
	scratch_write(scratch, "/sys/devices/system/cpu/online", "3-1\n");
	expect(scratch, "cpu_count", "2");
}

static void test_arm_processor_is_named_by_its_part(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/cpuinfo",
	        "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n");
	expect(scratch, "cpu_model", "ARM Neoverse-N1");
	scratch_write(scratch, "/proc/cpuinfo",
	        "processor\t: 0\nCPU implementer\t: 0x51\nCPU part\t: 0x001\n");
	expect(scratch, "cpu_model", "ARM implementer 0x51 part 0x001");
}

static void test_machine_without_hypervisor_is_bare(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/cpuinfo", BARE_CPU);
	expect(scratch, "virtualisation", "none");
	DMI("sys_vendor", "Amazon EC2");
	DMI("product_name", "c5.metal");
	expect(scratch, "virtualisation", "none");
	expect(scratch, "cloud", "aws");
	expect(scratch, "model", "c5.metal");
}

static void test_hypervisor_is_told_from_the_firmware(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/cpuinfo", GUEST_CPU);
	expect(scratch, "virtualisation", "other");
	DMI("sys_vendor", "VMware, Inc.");
	expect(scratch, "virtualisation", "vmware");
	DMI("sys_vendor", "QEMU");
	expect(scratch, "virtualisation", "kvm");
	DMI("sys_vendor", "Microsoft Corporation");
	DMI("product_name", "Virtual Machine");
	expect(scratch, "virtualisation", "hyperv");
	scratch_write(scratch, "/sys/hypervisor/type", "xen\n");
	expect(scratch, "virtualisation", "xen");
	scratch_write(scratch, "/proc/xen/capabilities", "control_d\n");
	expect(scratch, "virtualisation", "none");
}

static void test_host_that_tells_nothing_has_no_facts(void **state)
{
	struct scratch *scratch = *state;
	expect(scratch, "virtualisation", NULL);
	expect(scratch, "container", NULL);
	assert_int_equal(scratch->facts.count, 0);
}

static void test_container_is_told_by_its_manager(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/.dockerenv", "");
	expect(scratch, "container", "docker");
	scratch_write(scratch, "/run/.containerenv", "");
	expect(scratch, "container", "podman");
	scratch_write(scratch, "/run/systemd/container", "systemd-nspawn\n");
	expect(scratch, "container", "systemd-nspawn");
	scratch_write(scratch, "/run/systemd/container", "no word\n");
	expect(scratch, "container", "podman");
}

static void test_container_is_told_by_the_first_process(void **state)
{
	struct scratch *scratch = *state;
	char path[128];
	scratch_write(scratch, "/proc/1/environ", "");
	snprintf(path, sizeof(path), "%s/proc/1/environ", scratch->root);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "PATH=/bin\0container=lxc\0X=1\0", 28), 28);
	close(fd);
	expect(scratch, "container", "lxc");
}

static void test_openvz_host_is_no_container(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/vz/version", "");
	expect(scratch, "container", "openvz");
	scratch_write(scratch, "/proc/bc/resources", "");
	expect(scratch, "container", NULL);
}

static void test_cloud_and_instance_come_from_files(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/cpuinfo", GUEST_CPU);
	DMI("sys_vendor", "Hetzner");
	DMI("product_name", "vServer");
	DMI("product_serial", "45678901");
	expect(scratch, "cloud", "hetzner");
	expect(scratch, "cloud_instance", "45678901");
	expect(scratch, "virtualisation", "kvm");
	expect(scratch, "vendor", "Hetzner");
	scratch_write(scratch, "/var/lib/cloud/data/instance-id", "i-0abcdef\n");
	expect(scratch, "cloud_instance", "i-0abcdef");
	DMI("sys_vendor", "QEMU");
	expect(scratch, "cloud", NULL);
	scratch_write(scratch, "/run/cloud-init/cloud-id", "openstack\n");
	expect(scratch, "cloud", "openstack");
	scratch_write(scratch, "/run/cloud-init/cloud-id", "nocloud\n");
	expect(scratch, "cloud", NULL);
}

static void test_seed_on_the_machine_is_no_instance(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/var/lib/cloud/data/instance-id", "iid-datasource-none\n");
	expect(scratch, "cloud_instance", NULL);
	scratch_write(scratch, "/var/lib/cloud/data/instance-id", "nocloud\n");
	expect(scratch, "cloud_instance", NULL);
}

static void test_placeholders_of_board_makers_are_no_names(void **state)
{
	struct scratch *scratch = *state;
	DMI("sys_vendor", "To Be Filled By O.E.M.");
	DMI("product_name", "System Product Name");
	DMI("board_vendor", "ASRockRack");
	DMI("board_name", "X470D4U");
	expect(scratch, "vendor", "ASRockRack");
	expect(scratch, "model", "X470D4U");
}

static void test_timezone_is_where_localtime_leads(void **state)
{
	struct scratch *scratch = *state;
	char path[128];
	scratch_write(scratch, "/etc/timezone", "America/New_York\n");
	expect(scratch, "timezone", "America/New_York");
	snprintf(path, sizeof(path), "%s/etc/localtime", scratch->root);
	assert_int_equal(symlink("../usr/share/zoneinfo/Europe/Berlin", path), 0);
	expect(scratch, "timezone", "Europe/Berlin");
	unlink(path);
	assert_int_equal(symlink("/usr/share/zoneinfo/\x1b[0m", path), 0);
	expect(scratch, "timezone", "America/New_York");
}

static void test_links_lead_nowhere_out_of_the_root(void **state)
{
	struct scratch *scratch = *state;
	struct buf text = BUF_INIT;
	char path[128];
	scratch_write(scratch, "/etc/real", "inside\n");
	snprintf(path, sizeof(path), "%s/etc/absolute", scratch->root);
	assert_int_equal(symlink("/etc/real", path), 0);
	snprintf(path, sizeof(path), "%s/etc/upwards", scratch->root);
	assert_int_equal(symlink("../../../../../../../etc/real", path), 0);
	snprintf(path, sizeof(path), "%s/dir", scratch->root);
	assert_int_equal(symlink("/etc", path), 0);
	snprintf(path, sizeof(path), "%s/etc/ring", scratch->root);
	assert_int_equal(symlink("ring", path), 0);
	assert_true(slice_is(hostfile_value(scratch->root, "/etc/absolute", &text), "inside"));
	assert_true(slice_is(hostfile_value(scratch->root, "/etc/upwards", &text), "inside"));
	assert_true(slice_is(hostfile_value(scratch->root, "/dir/absolute", &text), "inside"));
	assert_int_equal(hostfile_read(scratch->root, "/etc/ring", 100, &text), -ELOOP);
	assert_int_equal(hostfile_read(scratch->root, "/etc", 100, &text), -EINVAL);
	snprintf(path, sizeof(path), "%s/etc/fifo", scratch->root);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(hostfile_read(scratch->root, "/etc/fifo", 100, &text), -EINVAL);
	buf_fini(&text);
}

static void test_long_text_is_cut_behind_a_line(void **state)
{
	struct scratch *scratch = *state;
	struct buf text = BUF_INIT;
	scratch_write(scratch, "/f", "one\ntwo\nthree");
	assert_int_equal(hostfile_read(scratch->root, "/f", 10, &text), 0);
	assert_true(slice_is(buf_slice(&text), "one\ntwo\n"));
	assert_int_equal(hostfile_read(scratch->root, "/f", 14, &text), 0);
	assert_true(slice_is(buf_slice(&text), "one\ntwo\nthree"));
	assert_int_equal(hostfile_read(scratch->root, "/f", 2, &text), 0);
	assert_int_equal(text.len, 0);
	buf_fini(&text);
}

static void test_this_host_tells_what_the_kernel_does(void **state)
{
	struct scratch *scratch = *state;
	char count[32];
	snprintf(count, sizeof(count), "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	assert_int_equal(host_pairs_add("/", &scratch->facts), 0);
	const struct fact *cpus = scratch_find(scratch, FACT_HOST, PAIR_NAME, "cpu_count");
	assert_non_null(cpus);
	assert_true(slice_is(cpus->field[PAIR_VALUE], count));
	const struct fact *memory = scratch_find(scratch, FACT_HOST, PAIR_NAME, "memory_mb");
	assert_non_null(memory);
	uint64_t mib = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) >> 20;
	uint64_t told = 0;
	assert_true(text_parse_u64(memory->field[PAIR_VALUE], UINT32_MAX, &told));
	assert_in_range(told, mib, mib + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_processor_and_memory_are_told),
	        TEST(test_arm_processor_is_named_by_its_part),
	        TEST(test_machine_without_hypervisor_is_bare),
	        TEST(test_hypervisor_is_told_from_the_firmware),
	        TEST(test_host_that_tells_nothing_has_no_facts),
	        TEST(test_container_is_told_by_its_manager),
	        TEST(test_container_is_told_by_the_first_process),
	        TEST(test_openvz_host_is_no_container),
	        TEST(test_cloud_and_instance_come_from_files),
	        TEST(test_seed_on_the_machine_is_no_instance),
	        TEST(test_placeholders_of_board_makers_are_no_names),
	        TEST(test_timezone_is_where_localtime_leads),
	        TEST(test_links_lead_nowhere_out_of_the_root),
	        TEST(test_long_text_is_cut_behind_a_line),
	        TEST(test_this_host_tells_what_the_kernel_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
