#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/cli/fact_line.h"
#include "common/model/fact.h"

static void expect(const char *kind, const char *before, const char *after, const char *want)
{
	json_t *old = before ? json_loads(before, 0, NULL) : json_null();
	json_t *new = after ? json_loads(after, 0, NULL) : json_null();
	struct buf out = BUF_INIT;

	assert_true(old && new);
	fact_line_append_change(kind, old, new, true, &out);
	assert_string_equal(buf_text(&out), want);
	buf_fini(&out);
	json_decref(old);
	json_decref(new);
}

static void test_package_is_told_with_both_versions(void **state)
{
	(void)state;
	expect("package",
	        "{\"manager\":\"dpkg\",\"name\":\"openssl\",\"version\":\"3.0.14\","
	        "\"source_version\":\"3.0.14\",\"status\":\"installed\",\"hold\":\"hold\"}",
	        "{\"manager\":\"dpkg\",\"name\":\"openssl\",\"version\":\"3.0.15\","
	        "\"source_version\":\"3.0.15\",\"status\":\"half-configured\"}",
	        "package dpkg openssl upgraded 3.0.14 -> 3.0.15, status installed -> "
	        "half-configured, hold hold -> -");
	expect("package",
	        "{\"manager\":\"dpkg\",\"name\":\"vim\",\"version\":\"9\",\"status\":\"a\"}",
	        "{\"manager\":\"dpkg\",\"name\":\"vim\",\"version\":\"9\",\"status\":\"b\"}",
	        "package dpkg vim changed status a -> b");
	expect("package", NULL, "{\"manager\":\"npm\",\"name\":\"lodash\",\"version\":\"4\"}",
	        "package npm lodash installed 4");
	expect("package", "{\"manager\":\"npm\",\"name\":\"lodash\",\"version\":\"\"}", NULL,
	        "package npm lodash removed");
}

static void test_each_kind_has_its_own_words(void **state)
{
	(void)state;
	expect("socket", NULL,
	        "{\"protocol\":\"tcp\",\"address\":\"0.0.0.0\",\"port\":\"443\",\"program\":"
	        "\"/usr/sbin/nginx\",\"package\":\"dpkg:nginx\",\"user\":\"root\"}",
	        "socket tcp 0.0.0.0:443 /usr/sbin/nginx opened dpkg:nginx root");
	expect("socket", "{\"protocol\":\"tcp6\",\"address\":\"::\",\"port\":\"22\"}", NULL,
	        "socket tcp6 [::]:22 closed");
	expect("user", "{\"name\":\"bob\",\"uid\":\"1000\",\"shell\":\"/bin/sh\"}",
	        "{\"name\":\"bob\",\"uid\":\"0\",\"shell\":\"/bin/bash\"}",
	        "account bob changed 1000 -> 0, shell /bin/sh -> /bin/bash");
	expect("restart", NULL,
	        "{\"unit\":\"nginx.service\",\"container\":\"\",\"exe\":\"/usr/sbin/nginx\","
	        "\"file\":\"/lib/libssl.so.3\",\"what\":\"library\"}",
	        "restart nginx.service /usr/sbin/nginx /lib/libssl.so.3 needed library");
	expect("cron",
	        "{\"file\":\"/etc/crontab\",\"schedule\":\"@daily\",\"user\":\"root\","
	        "\"command\":\"x\"}",
	        NULL, "cron /etc/crontab @daily root x removed");
	expect("group", "{\"name\":\"sudo\",\"gid\":\"27\",\"members\":\"\"}",
	        "{\"name\":\"sudo\",\"gid\":\"27\",\"members\":\"bob\"}",
	        "group sudo changed - -> bob");
}

static void test_kind_that_is_not_known_is_told_all_the_same(void **state)
{
	(void)state;
	expect("firmware", NULL, "{\"name\":\"bios\",\"version\":\"7\"}", "firmware bios began 7");
	expect("firmware", NULL, "{}", "firmware  began");
	expect("socket", "{}", "{\"port\":7}", "socket  changed");
}

/* A line says of every kind what it is about, whatever the fields are called. */
static void test_every_kind_has_a_name(void **state)
{
	(void)state;
	for (unsigned kind = 1; kind <= FACT_KIND_MAX; kind++) {
		json_t *fact = json_object();
		struct buf name = BUF_INIT;
		for (unsigned i = 0; i < fact_field_count((enum fact_kind)kind); i++)
			json_object_set_new(
			        fact, fact_field_name((enum fact_kind)kind, i), json_string("x"));
		fact_line_append_name(fact_kind_name((enum fact_kind)kind), fact, &name);
		assert_true(name.len > 0);
		buf_fini(&name);
		json_decref(fact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_package_is_told_with_both_versions),
	        cmocka_unit_test(test_each_kind_has_its_own_words),
	        cmocka_unit_test(test_kind_that_is_not_known_is_told_all_the_same),
	        cmocka_unit_test(test_every_kind_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
