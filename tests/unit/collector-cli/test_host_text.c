#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/cli/host_text.h"

static void render(const char *json, struct buf *out)
{
	json_t *host = json_loads(json, 0, NULL);

	assert_non_null(host);
	host_text_append(host, false, out);
	buf_text(out);
	json_decref(host);
}

static void test_facts_stand_in_their_groups(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	render("{\"host\":\"web01\",\"os\":\"debian 12\",\"state\":\"connected\",\"last_seen\":"
	       "\"2026-11-22T10:00:00.123456Z\",\"labels\":{\"env\":\"prod\"},\"files\":3,"
	       "\"counts\":{\"package\":900,\"unit\":12,\"user\":30,\"socket\":3},"
	       "\"facts\":{\"architecture\":\"x86_64\",\"reboot_required\":\"libc6\"},"
	       "\"mitigations\":{\"spectre_v2\":\"Vulnerable\"},"
	       "\"os_release\":[{\"pretty_name\":\"Debian GNU/Linux 12\"}],"
	       "\"kernels\":[{\"state\":\"running\",\"release\":\"6.1.0-28\",\"version\":\"6.1."
	       "119\"}],"
	       "\"restarts\":[],\"addresses\":[{\"interface\":\"eth0\",\"address\":\"192.0.2.7/"
	       "24\"}],"
	       "\"sockets\":[{\"protocol\":\"tcp\",\"address\":\"::\",\"port\":\"22\","
	       "\"program\":\"/usr/sbin/sshd\",\"user\":\"root\"}],"
	       "\"login_accounts\":[{\"name\":\"aiko\",\"uid\":\"1000\",\"shell\":\"/bin/bash\"}]}",
	        &out);
	assert_string_equal((const char *)out.data, "web01\n"
	                                            "  state                 connected\n"
	                                            "  last seen             2026-11-22 10:00:00\n"
	                                            "  labels                env=prod\n"
	                                            "  files                 3\n"
	                                            "\nSYSTEM\n"
	                                            "  os                    Debian GNU/Linux 12\n"
	                                            "  architecture          x86_64\n"
	                                            "\nKERNEL AND REBOOT\n"
	                                            "  running               6.1.0-28  6.1.119\n"
	                                            "  reboot_required       libc6\n"
	                                            "\nMITIGATIONS\n"
	                                            "  spectre_v2            Vulnerable\n"
	                                            "\nADDRESSES\n"
	                                            "  eth0 192.0.2.7/24\n"
	                                            "\nLISTENING\n"
	                                            "  tcp [::]:22 /usr/sbin/sshd  root\n"
	                                            "  and 2 more: tsujiban facts web01 socket\n"
	                                            "\nACCOUNTS WITH LOGIN\n"
	                                            "  aiko  1000 /bin/bash\n"
	                                            "\nCOUNTS\n"
	                                            "  packages              900\n"
	                                            "  modules               0\n"
	                                            "  units                 12\n"
	                                            "  cron entries          0\n"
	                                            "  accounts              30\n"
	                                            "  groups                0\n"
	                                            "  tsujiban facts web01 KIND lists them\n");
	buf_fini(&out);
}

static void test_what_a_host_says_cannot_write_to_the_terminal(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	render("{\"host\":\"w\\u001b[2J\",\"facts\":{\"a\\u001b\":\"b\\u001b\\nc\"},"
	       "\"sockets\":[{\"program\":\"\\u001b\",\"port\":\"\\u001b\"}],"
	       "\"counts\":{\"socket\":2},\"kernels\":[{\"state\":\"\\u001b\",\"release\":"
	       "\"\\u001b\"}]}",
	        &out);
	assert_null(memchr(out.data, 0x1b, out.len));
	assert_null(strstr((const char *)out.data, "\nc"));
	buf_fini(&out);
}

static void test_host_that_told_nothing_is_shown(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	render("{\"host\":\"new\",\"state\":\"offline\",\"last_seen\":null,\"os_release\":[]}",
	        &out);
	assert_string_equal((const char *)out.data, "new\n"
	                                            "  state                 offline\n"
	                                            "\nSYSTEM\n"
	                                            "\nKERNEL AND REBOOT\n"
	                                            "\nCOUNTS\n"
	                                            "  packages              0\n"
	                                            "  modules               0\n"
	                                            "  units                 0\n"
	                                            "  cron entries          0\n"
	                                            "  accounts              0\n"
	                                            "  groups                0\n"
	                                            "  tsujiban facts new KIND lists them\n");
	render("{}", &out);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_facts_stand_in_their_groups),
	        cmocka_unit_test(test_what_a_host_says_cannot_write_to_the_terminal),
	        cmocka_unit_test(test_host_that_told_nothing_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
