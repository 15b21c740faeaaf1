#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/agent-source/scratch.h"

#include <cmocka.h>

#include "agent/running/core_packages.h"

static void add(struct fact_list *list, const char *manager, const char *name, const char *time)
{
	struct fact fact = {.kind = FACT_INSTALL};
	fact.field[INSTALL_MANAGER] = slice_text(manager);
	fact.field[INSTALL_NAME] = slice_text(name);
	fact.field[INSTALL_TIME] = slice_text(time);
	assert_int_equal(fact_list_add(list, &fact), 0);
}

static void test_core_packages_of_rpm_that_came_after_the_boot_are_named_once(void **state)
{
	(void)state;
	struct fact_list list = {.arena = arena_new(1u << 20)};
	struct buf names = BUF_INIT;
	add(&list, "rpm", "systemd", "2000");
	add(&list, "rpm", "glibc", "1001");
	add(&list, "rpm", "glibc", "1002"); /* of another architecture */
	add(&list, "rpm", "dbus", "1000");
	add(&list, "rpm", "bash", "2000");
	add(&list, "dpkg", "linux-firmware", "2000");
	add(&list, "rpm", "kernel-core", "late");
	core_packages_since(&list, (struct slice){0}, 1000, &names);
	assert_string_equal(buf_text(&names), "glibc, systemd");
	core_packages_since(&list, (struct slice){0}, 2000, &names);
	assert_int_equal(names.len, 0);
	buf_fini(&names);
	arena_free(list.arena);
}

static void test_the_owner_of_a_host_may_add_names(void **state)
{
	struct scratch *scratch = *state;
	struct fact_list list = {.arena = arena_new(1u << 20)};
	struct buf names = BUF_INIT, more = BUF_INIT;
	assert_true(scratch_write(scratch, "/etc/dnf/plugins/needs-restarting.d/our.conf",
	        "# ours\nopenssl-libs\n\nglibc\n"));
	assert_true(scratch_write(
	        scratch, "/etc/dnf/plugins/needs-restarting.d/old.conf.rpmsave", "bash\n"));
	core_packages_add_configured(scratch->root, &more);
	add(&list, "rpm", "openssl-libs", "2000");
	add(&list, "rpm", "glibc", "2000");
	add(&list, "rpm", "bash", "2000");
	core_packages_since(&list, buf_slice(&more), 1000, &names);
	assert_string_equal(buf_text(&names), "glibc, openssl-libs");
	buf_fini(&more);
	buf_fini(&names);
	arena_free(list.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_the_owner_of_a_host_may_add_names, scratch_set_up, scratch_tear_down),
	        cmocka_unit_test(test_core_packages_of_rpm_that_came_after_the_boot_are_named_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
