/* Packages of kernels as the distributions name them, and what their kernels say of themselves. */
#include "agent/running/kernel_release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *manager, *name, *version, *arch, *origin;
	const char *release; /* NULL: no kernel */
} PACKAGES[] = {
        {"dpkg", "linux-image-6.1.0-28-amd64", "6.1.119-1", "amd64", "", "6.1.0-28-amd64"},
        {"dpkg", "linux-image-6.1.0-32-amd64-unsigned", "6.1.129-1", "amd64", "", "6.1.0-32-amd64"},
        {"dpkg", "linux-image-unsigned-5.15.0-91-generic", "5.15.0-91.101", "amd64", "",
                "5.15.0-91-generic"},
        {"dpkg", "linux-image-amd64", "6.1.129-1", "amd64", "", NULL},
        {"dpkg", "linux-image-6.1.0-28-amd64-dbg", "6.1.119-1", "amd64", "", NULL},
        {"dpkg", "linux-headers-6.1.0-28-amd64", "6.1.119-1", "amd64", "", NULL},
        {"dpkg", "proxmox-kernel-6.5.11-4-pve-signed", "6.5.11-4", "amd64", "", "6.5.11-4-pve"},
        {"dpkg", "pve-kernel-5.15.107-2-pve", "5.15.107-2", "amd64", "", "5.15.107-2-pve"},
        {"dpkg", "proxmox-kernel-6.5", "6.5.11-4", "all", "", NULL},
        {"rpm", "kernel-core", "5.14.0-362.8.1.el9_3", "x86_64", "Red Hat, Inc.",
                "5.14.0-362.8.1.el9_3.x86_64"},
        {"rpm", "kernel", "3.10.0-1160.108.1.el7", "x86_64", "CentOS",
                "3.10.0-1160.108.1.el7.x86_64"},
        {"rpm", "kernel-debug", "3.10.0-1160.108.1.el7", "x86_64", "CentOS",
                "3.10.0-1160.108.1.el7.x86_64.debug"},
        {"rpm", "kernel-debug-core", "5.14.0-362.8.1.el9_3", "x86_64", "Red Hat, Inc.",
                "5.14.0-362.8.1.el9_3.x86_64+debug"},
        {"rpm", "kernel-64k-core", "5.14.0-362.8.1.el9_3", "aarch64", "Red Hat, Inc.",
                "5.14.0-362.8.1.el9_3.aarch64+64k"},
        {"rpm", "kernel-rt-core", "5.14.0-427.13.1.el9_4", "x86_64", "Red Hat, Inc.",
                "5.14.0-427.13.1.el9_4.x86_64+rt"},
        {"rpm", "kernel-rt-core", "4.18.0-513.5.1.rt7.307.el8_9", "x86_64", "Red Hat, Inc.",
                "4.18.0-513.5.1.rt7.307.el8_9.x86_64"},
        {"rpm", "kernel-uek", "5.4.17-2136.326.6.el8uek", "x86_64", "Oracle America",
                "5.4.17-2136.326.6.el8uek.x86_64"},
        {"rpm", "kernel-uek-core", "5.15.0-200.131.27.el9uek", "x86_64", "Oracle America",
                "5.15.0-200.131.27.el9uek.x86_64"},
        {"rpm", "kernel-lt", "5.4.268-1.el7.elrepo", "x86_64", "The ELRepo Project",
                "5.4.268-1.el7.elrepo.x86_64"},
        {"rpm", "kernel6.12", "6.12.22-27.96.amzn2023", "x86_64", "Amazon Linux",
                "6.12.22-27.96.amzn2023.x86_64"},
        {"rpm", "kernel-default", "5.14.21-150500.55.39.1", "x86_64", "SUSE LLC",
                "5.14.21-150500.55.39-default"},
        {"rpm", "kernel-default-base", "5.14.21-150500.55.39.1.150500.6.17.1", "x86_64", "SUSE LLC",
                "5.14.21-150500.55.39-default"},
        {"rpm", "kernel-rt", "5.14.21-150500.13.27.2", "x86_64", "SUSE LLC",
                "5.14.21-150500.13.27-rt"},
        {"rpm", "kernel-headers", "5.14.0-362.8.1.el9_3", "x86_64", "Red Hat, Inc.", NULL},
        {"rpm", "kernel-modules-core", "5.14.0-362.8.1.el9_3", "x86_64", "Red Hat, Inc.", NULL},
        {"rpm", "kernel-devel", "5.14.0-362.8.1.el9_3", "x86_64", "Red Hat, Inc.", NULL},
        {"rpm", "kernelshark", "2.3.1-1.el9", "x86_64", "", NULL},
        {"apk", "linux-lts", "6.6.30-r0", "x86_64", "", "6.6.30-0-lts"},
        {"apk", "linux-virt", "6.6.30-r1", "x86_64", "", "6.6.30-1-virt"},
        {"apk", "linux-lts-dev", "6.6.30-r0", "x86_64", "", NULL},
        {"apk", "linux-headers", "6.6-r0", "x86_64", "", NULL},
        {"apk", "linux-lts", "6.6.30", "x86_64", "", NULL},
        {"pacman", "linux", "6.7.4.arch1-1", "x86_64", "", "6.7.4-arch1-1"},
        {"pacman", "linux-lts", "6.6.16-1", "x86_64", "", "6.6.16-1-lts"},
        {"pacman", "linux-zen", "6.7.4.zen1-1", "x86_64", "", "6.7.4-zen1-1-zen"},
        {"pacman", "linux-firmware", "20240115-1", "any", "", NULL},
        {"pypi", "linux", "6-1", "", "", NULL},
};

static void test_packages_tell_the_release_of_their_kernel(void **state)
{
	(void)state;
	struct buf release = BUF_INIT;
	for (size_t i = 0; i < sizeof(PACKAGES) / sizeof(PACKAGES[0]); i++) {
		struct fact fact = {.kind = FACT_PACKAGE};
		fact.field[PACKAGE_MANAGER] = slice_text(PACKAGES[i].manager);
		fact.field[PACKAGE_NAME] = slice_text(PACKAGES[i].name);
		fact.field[PACKAGE_VERSION] = slice_text(PACKAGES[i].version);
		fact.field[PACKAGE_ARCH] = slice_text(PACKAGES[i].arch);
		fact.field[PACKAGE_ORIGIN] = slice_text(PACKAGES[i].origin);
		fact.field[PACKAGE_STATUS] = slice_text("installed");
		bool is_kernel = kernel_release_of(&fact, &release);
		if (is_kernel != (PACKAGES[i].release != NULL) ||
		        (is_kernel && !slice_is(buf_slice(&release), PACKAGES[i].release)))
			fail_msg("%s: '%s'", PACKAGES[i].name, buf_text(&release));
	}
	buf_fini(&release);
}

static void test_removed_package_is_no_kernel(void **state)
{
	(void)state;
	struct buf release = BUF_INIT;
	struct fact fact = {.kind = FACT_PACKAGE};
	fact.field[PACKAGE_MANAGER] = slice_text("dpkg");
	fact.field[PACKAGE_NAME] = slice_text("linux-image-6.1.0-28-amd64");
	assert_true(kernel_release_of(&fact, &release));
	fact.field[PACKAGE_STATUS] = slice_text("config-files");
	assert_false(kernel_release_of(&fact, &release));
	buf_fini(&release);
}

static void assert_is(struct slice found, const char *wanted)
{
	if (!slice_equal(found, slice_text(wanted)))
		fail_msg("'%.*s', not '%s'", SLICE_ARG(found), wanted ? wanted : "");
}

static void test_running_build_tells_its_version(void **state)
{
	(void)state;
	assert_is(kernel_version_of_build(slice_text(
	                  "Linux version 6.1.0-37-amd64 (debian-kernel@lists.debian.org) "
	                  "(gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for "
	                  "Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)\n")),
	        "6.1.140-1");
	assert_is(kernel_version_of_build(slice_text("#1 SMP PREEMPT_DYNAMIC PMX 6.5.11-4 "
	                                             "(2023-11-20T10:19Z)\n")),
	        "6.5.11-4");
	assert_is(kernel_version_of_build(slice_text("#1 SMP Debian 4.19.316-1\n")), "4.19.316-1");
	assert_is(kernel_version_of_build(slice_text(
	                  "Linux version 5.14.0-362.8.1.el9_3.x86_64 (mockbuild@x) #1 SMP\n")),
	        NULL);
	assert_is(kernel_version_of_build(slice_text("by Debian ")), NULL);
	assert_is(kernel_version_of_build((struct slice){0}), NULL);
}

static void test_signature_tells_its_version(void **state)
{
	(void)state;
	assert_is(kernel_version_of_signature(slice_text("Ubuntu 5.15.0-91.101-generic 5.15.131\n"),
	                  slice_text("5.15.0-91-generic")),
	        "5.15.0-91.101");
	assert_is(kernel_version_of_signature(
	                  slice_text("Ubuntu 6.5.0-14.14~22.04.1-generic-64k 6.5.3\n"),
	                  slice_text("6.5.0-14-generic-64k")),
	        "6.5.0-14.14~22.04.1");
	assert_is(kernel_version_of_signature(slice_text("Ubuntu 5.15.0-91.101-generic 5.15.131\n"),
	                  slice_text("5.15.0-92-generic")),
	        NULL);
	assert_is(kernel_version_of_signature(
	                  slice_text("Ubuntu -generic x"), slice_text("-generic")),
	        NULL);
	assert_is(kernel_version_of_signature(slice_text(""), slice_text("1")), NULL);
}

static void test_release_of_an_rpm_has_its_version(void **state)
{
	(void)state;
	assert_is(kernel_version_of_rpm(slice_text("5.14.0-362.8.1.el9_3.x86_64+debug")),
	        "5.14.0-362.8.1.el9_3");
	assert_is(kernel_version_of_rpm(slice_text("5.14.21-150500.55.39-default")),
	        "5.14.21-150500.55.39");
	assert_is(kernel_version_of_rpm(slice_text("6.18.44-other")), "6.18.44-other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_packages_tell_the_release_of_their_kernel),
	        cmocka_unit_test(test_removed_package_is_no_kernel),
	        cmocka_unit_test(test_running_build_tells_its_version),
	        cmocka_unit_test(test_signature_tells_its_version),
	        cmocka_unit_test(test_release_of_an_rpm_has_its_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
