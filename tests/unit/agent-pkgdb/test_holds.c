/* What managers are told to leave alone, as their own tools write it. */
#include "agent/pkgdb/holds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/pkgdb/sources.h"
#include "agent/source/source.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#include "tests/unit/agent-source/expect.h"

static bool has(const struct holds *holds, const char *name, const char *full)
{
	return holds_has(holds, slice_text(name), slice_text(full));
}

static void test_versionlock_names_packages(void **state)
{
	struct holds holds = HOLDS_INIT;
	(void)state;
	holds_take_versionlock(&holds,
	        slice_text("# Added locks on Mon Jun  5\nbash-0:5.1.8-6.el9_1.*\n\n"
	                   "!vim-minimal-2:8.2.2637-20.el9_1.*\njava-1.8.0-openjdk\nnginx*\n"));
	assert_true(has(&holds, "bash", ""));
	assert_true(has(&holds, "java-1.8.0-openjdk", ""));
	assert_true(has(&holds, "nginx-core", ""));
	assert_false(has(&holds, "vim-minimal", ""));
	assert_false(has(&holds, "bash-completion", ""));
	holds_fini(&holds);
}

static void test_versionlock_of_dnf5(void **state)
{
	struct holds holds = HOLDS_INIT;
	(void)state;
	holds_take_toml(&holds,
	        slice_text("version = \"1.0\"\nname = \"stray\"\n\n[[packages]]\nname = \"curl\"\n"
	                   "comment = \"name = x\"\n[[packages.conditions]]\nkey = \"evr\"\n"
	                   "comparator = \"=\"\nname = \"no\"\n\n[[packages]]\nname=\"wget\"\n"));
	assert_true(has(&holds, "curl", "") && has(&holds, "wget", ""));
	assert_false(has(&holds, "stray", "") || has(&holds, "no", "") || has(&holds, "x", ""));
	assert_int_equal(holds.count, 2);
	holds_fini(&holds);
}

static void test_exclusions_of_dnf_and_pacman(void **state)
{
	static const char *const KEYS[] = {"exclude", "excludepkgs", NULL};
	static const char *const IGNORED[] = {"IgnorePkg", NULL};
	struct holds holds = HOLDS_INIT;
	(void)state;
	holds_take_ini(&holds,
	        slice_text(
	                "exclude=before\n[main]\ngpgcheck=1\nexclude = kernel*, php-*\n"
	                "  glibc-2.34-60.el9.x86_64\nbest=True\n goes-on\n[repo]\nexclude=other\n"),
	        "main", KEYS);
	assert_true(has(&holds, "kernel-core", "") && has(&holds, "php-fpm", ""));
	assert_true(has(&holds, "glibc", "glibc-2.34-60.el9.x86_64"));
	assert_false(has(&holds, "glibc", "glibc-2.34-61.el9.x86_64"));
	assert_int_equal(holds.count, 3);
	holds_take_ini(&holds,
	        slice_text("[options]\n#IgnorePkg = no\nIgnorePkg   = linux linux-headers\n"
	                   "IgnoreGroup = kde\n"),
	        "options", IGNORED);
	assert_true(has(&holds, "linux", "") && has(&holds, "linux-headers", ""));
	assert_int_equal(holds.count, 5);
	holds_fini(&holds);
}

static void test_locks_of_zypper(void **state)
{
	struct holds holds = HOLDS_INIT;
	(void)state;
	holds_take_zypp(&holds, slice_text("\ntype: package\nmatch_type: glob\ncase_sensitive: on\n"
	                                   "solvable_name: kernel-default*\n"));
	assert_true(has(&holds, "kernel-default-base", ""));
	assert_int_equal(holds.count, 1);
	holds_fini(&holds);
}

static void test_pins_of_apk(void **state)
{
	struct holds holds = HOLDS_INIT;
	(void)state;
	holds_take_world(&holds, slice_text("alpine-base\nbusybox=1.36.1-r5\nnginx@edge\nlua<5.4\n"
	                                    "php~8.2\n!mysql=1\nopenssl\n"));
	assert_true(has(&holds, "busybox", "") && has(&holds, "lua", "") && has(&holds, "php", ""));
	assert_int_equal(holds.count, 3);
	holds_fini(&holds);
}

static void test_there_is_an_end(void **state)
{
	struct holds holds = HOLDS_INIT;
	struct buf text = BUF_INIT;
	(void)state;
	for (unsigned i = 0; i < HOLDS_MAX + 10; i++)
		buf_printf(&text, "p%u=1\n", i);
	buf_append_text(&text, "[=1\n");
	holds_take_world(&holds, buf_slice(&text));
	assert_int_equal(holds.count, HOLDS_MAX);
	buf_fini(&text);
	holds_fini(&holds);
}

static void test_packages_say_that_they_are_held(void **state)
{
	struct scratch *scratch = *state;
	assert_true(scratch_write(scratch, "/lib/apk/db/installed",
	        "P:busybox\nV:1.36.1-r5\n\nP:musl\nV:1.2.4-r2\n\n"));
	assert_true(scratch_write(scratch, "/etc/apk/world", "busybox=1.36.1-r5\n"));
	assert_int_equal(src_apk_read(scratch->root, &scratch->facts, &scratch->why), 0);
	expect(scratch_package(scratch, "busybox"), PACKAGE_HOLD, "hold");
	expect(scratch_package(scratch, "musl"), PACKAGE_HOLD, "");
	scratch_forget(scratch);
	assert_true(scratch_write(scratch, "/var/lib/pacman/local/linux-6.1-1/desc",
	        "%NAME%\nlinux\n\n%VERSION%\n6.1-1\n\n"));
	assert_true(scratch_write(scratch, "/var/lib/pacman/local/gdm-45-1/desc",
	        "%NAME%\ngdm\n\n%VERSION%\n45-1\n\n%GROUPS%\nextra\ngnome\n\n"));
	assert_true(scratch_write(scratch, "/var/lib/pacman/local/bash-5-1/desc",
	        "%NAME%\nbash\n\n%VERSION%\n5-1\n\n%GROUPS%\nbase\n\n"));
	assert_true(scratch_write(scratch, "/etc/pacman.conf",
	        "[options]\nIgnorePkg = linux\nIgnoreGroup = gnome kde*\n[core]\nIgnoreGroup = "
	        "base\n"));
	assert_int_equal(src_pacman_read(scratch->root, &scratch->facts, &scratch->why), 0);
	expect(scratch_package(scratch, "linux"), PACKAGE_HOLD, "hold");
	expect(scratch_package(scratch, "gdm"), PACKAGE_HOLD, "hold");
	expect(scratch_package(scratch, "bash"), PACKAGE_HOLD, "");
}

/* What is installed does not depend on it. */
static void test_a_file_that_is_too_long_is_told_of_and_the_others_count(void **state)
{
	struct scratch *scratch = *state;
	struct holds holds = HOLDS_INIT;
	struct buf text = BUF_INIT;
	while (text.len <= HOLDS_BYTES_MAX)
		buf_append_text(&text, "busybox=1.36.1-r5\n");
	assert_true(scratch_write(scratch, "/lib/apk/db/installed",
	        "P:busybox\nV:1.36.1-r5\n\nP:musl\nV:1.2.4-r2\n\n"));
	assert_true(scratch_write(scratch, "/etc/apk/world", buf_text(&text)));
	assert_int_equal(
	        src_apk_read(scratch->root, &scratch->facts, &scratch->why), SOURCE_PARTIAL);
	assert_non_null(strstr(scratch->why.text, "/etc/apk/world"));
	expect(scratch_package(scratch, "musl"), PACKAGE_VERSION, "1.2.4-r2");
	assert_true(scratch_write(scratch, "/etc/dnf/plugins/versionlock.list", buf_text(&text)));
	assert_true(scratch_write(scratch, "/etc/dnf/dnf.conf", "[main]\nexclude=bash\n"));
	assert_int_equal(holds_read_rpm(scratch->root, &holds, &scratch->why), SOURCE_PARTIAL);
	assert_true(holds_has(&holds, slice_text("bash"), (struct slice){0}));
	holds_fini(&holds);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_versionlock_names_packages),
	        cmocka_unit_test(test_versionlock_of_dnf5),
	        cmocka_unit_test(test_exclusions_of_dnf_and_pacman),
	        cmocka_unit_test(test_locks_of_zypper),
	        cmocka_unit_test(test_pins_of_apk),
	        cmocka_unit_test(test_there_is_an_end),
	        cmocka_unit_test_setup_teardown(
	                test_packages_say_that_they_are_held, scratch_set_up, scratch_tear_down),
	        cmocka_unit_test_setup_teardown(
	                test_a_file_that_is_too_long_is_told_of_and_the_others_count,
	                scratch_set_up, scratch_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
