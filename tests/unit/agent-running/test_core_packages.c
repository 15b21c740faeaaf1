#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
	core_packages_since(&list, 1000, &names);
	assert_string_equal(buf_text(&names), "glibc, systemd");
	core_packages_since(&list, 2000, &names);
	assert_int_equal(names.len, 0);
	buf_fini(&names);
	arena_free(list.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_core_packages_of_rpm_that_came_after_the_boot_are_named_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
