#include "tests/unit/agent/fake.h"

#include <sys/stat.h>
#include <unistd.h>

static struct fake fake;

static int set_up(void **state)
{
	(void)state;
	fake_open(&fake);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_close(&fake);
	return 0;
}

static const char *path_of(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", fake.dir, name);
	return path;
}

static void test_no_certificate_says_enroll(void **state)
{
	struct identity identity;
	(void)state;
	assert_int_equal(identity_load(fake.dir, &identity, &why), ERR_MISSING);
	assert_non_null(strstr(why.text, "enroll"));
	identity_fini(&identity);
}

static void test_installed_pair_is_loaded_and_the_key_is_private(void **state)
{
	struct identity identity;
	struct stat key;
	(void)state;
	fake_install(&fake, clock_wall_ns() + HOUR_NS);
	assert_int_equal(identity_load(fake.dir, &identity, &why), 0);
	assert_string_equal(identity.cert.name, "web01");
	assert_int_equal(stat(path_of("agent.key"), &key), 0);
	assert_int_equal(key.st_mode & 0777, 0600);
	assert_int_not_equal(access(path_of("agent.key.next"), F_OK), 0);
	assert_int_not_equal(access(path_of("agent.crt.next"), F_OK), 0);
	identity_fini(&identity);
}

/* Two renames put a pair in place: here the process died between them. */
static void test_crash_between_the_renames_is_made_good(void **state)
{
	struct buf key = BUF_INIT, cert = BUF_INIT, on_disk = BUF_INIT;
	struct identity identity;
	(void)state;
	fake_install(&fake, clock_wall_ns() + HOUR_NS);
	fake_grant(&fake, clock_wall_ns() + 2 * HOUR_NS, &key, &cert);
	must(file_write(path_of("agent.key"), buf_slice(&key), 0600, &why));
	must(file_write(path_of("agent.crt.next"), buf_slice(&cert), 0644, &why));
	assert_int_equal(identity_load(fake.dir, &identity, &why), 0);
	assert_true(slice_equal(buf_slice(&identity.cert_pem), buf_slice(&cert)));
	must(file_read(path_of("agent.crt"), 65536, &on_disk, &why));
	assert_true(slice_equal(buf_slice(&on_disk), buf_slice(&cert)));
	identity_fini(&identity);
	buf_fini(&key);
	buf_fini(&cert);
	buf_fini(&on_disk);
}

static void test_crash_before_the_first_rename_leaves_the_old_pair(void **state)
{
	struct buf key = BUF_INIT, cert = BUF_INIT;
	struct identity identity;
	(void)state;
	fake_install(&fake, clock_wall_ns() + HOUR_NS);
	fake_grant(&fake, clock_wall_ns() + 2 * HOUR_NS, &key, &cert);
	must(file_write(path_of("agent.key.next"), buf_slice(&key), 0600, &why));
	must(file_write(path_of("agent.crt.next"), buf_slice(&cert), 0644, &why));
	assert_int_equal(identity_load(fake.dir, &identity, &why), 0);
	assert_false(slice_equal(buf_slice(&identity.cert_pem), buf_slice(&cert)));
	identity_fini(&identity);
	buf_fini(&key);
	buf_fini(&cert);
}

static void test_key_of_another_certificate_is_refused(void **state)
{
	struct buf key = BUF_INIT;
	struct identity identity;
	(void)state;
	fake_install(&fake, clock_wall_ns() + HOUR_NS);
	must(pki_key_new(&key, &why));
	must(file_write(path_of("agent.key"), buf_slice(&key), 0600, &why));
	assert_int_equal(identity_load(fake.dir, &identity, &why), ERR_FORMAT);
	assert_non_null(strstr(why.text, "agent.key"));
	identity_fini(&identity);
	buf_fini(&key);
}

static void test_pair_that_does_not_match_is_not_installed(void **state)
{
	struct buf key = BUF_INIT, cert = BUF_INIT, other = BUF_INIT;
	(void)state;
	fake_grant(&fake, clock_wall_ns() + HOUR_NS, &key, &cert);
	must(pki_key_new(&other, &why));
	assert_int_equal(identity_install(fake.dir, buf_slice(&other), buf_slice(&cert),
	                         buf_slice(&fake.ca_cert), &why),
	        ERR_FORMAT);
	assert_int_not_equal(access(path_of("agent.crt"), F_OK), 0);
	buf_fini(&key);
	buf_fini(&cert);
	buf_fini(&other);
}

static void test_renewal_is_due_after_two_thirds(void **state)
{
	struct pki_cert_info cert = {.not_before_ns = 0, .not_after_ns = 300};
	(void)state;
	assert_false(identity_is_due(&cert, 200));
	assert_true(identity_is_due(&cert, 201));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_no_certificate_says_enroll),
	        TEST(test_installed_pair_is_loaded_and_the_key_is_private),
	        TEST(test_crash_between_the_renames_is_made_good),
	        TEST(test_crash_before_the_first_rename_leaves_the_old_pair),
	        TEST(test_key_of_another_certificate_is_refused),
	        TEST(test_pair_that_does_not_match_is_not_installed),
	        TEST(test_renewal_is_due_after_two_thirds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
