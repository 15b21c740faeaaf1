#include "agent/packages/dpkg_label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/packages/link_target.h"
#include "agent/packages/manager.h"
#include "common/base/buf.h"

static const uint8_t GOOD[MD5_BYTES] = {1}, BAD[MD5_BYTES] = {2};
static const struct filestate FILE_0755 = {.type = FILE_REGULAR, .hash = HASH_DONE, .mode = 0755};
static const struct filestate FILE_4755 = {.type = FILE_REGULAR, .hash = HASH_DONE, .mode = 04755};
static const struct filestate DIRECTORY = {.type = FILE_DIRECTORY, .mode = 0755};
static struct manifest *manifest;
static struct explained got;

static uint64_t key(const char *path)
{
	return key_of(slice_text(path));
}

/* Package p lists files, listed /usr/bin/gone before, and ran; q owns /usr/lib/q.so. */
static int setup(void **unused)
{
	static const char LOG[] = "2026-11-26 21:34:15 upgrade p:all 1 2\n2026-11-26 21:34:15 "
	                          "trigproc libc-bin:amd64 2 "
	                          "<none>\n2026-11-26 21:34:15 conffile /etc/p.conf install\n";
	static const char *const LISTED[] = {"/usr/bin/p", "/usr/bin/su", "/etc/p.conf",
	        "/usr/share/p", "/usr/bin/p-link", "/usr/lib/p.so", "/usr/lib/python3/p.py"};
	struct reason why;
	struct run *run = run_new();
	assert_int_equal(run_take(run, slice_text(LOG), &why), 0);
	manifest = manifest_new(run, &MANAGER_DPKG, "/nonexistent");
	const struct run_package *p = run_find(run, slice_text("p:all"));
	for (size_t i = 0; i < sizeof(LISTED) / sizeof(LISTED[0]); i++) {
		manifest_list(manifest, p, key(LISTED[i]));
		manifest_own(manifest, key(LISTED[i]));
	}
	manifest_md5(manifest, p, key("/usr/bin/p"), GOOD, false);
	manifest_md5(manifest, p, key("/usr/bin/su"), GOOD, false);
	manifest_md5(manifest, p, key("/etc/p.conf"), GOOD, true);
	manifest_listed_before(manifest, p, key("/usr/bin/gone"));
	manifest_listed_before(manifest, p, key("/usr/bin/p"));
	manifest_own(manifest, key("/usr/lib/q.so"));
	manifest_override(manifest, slice_text("/usr/bin/su"), 04755);
	manifest_link(manifest, slice_text("/etc/alternatives/e"), slice_text("/usr/bin/p"));
	manifest_seal(manifest);
	(void)unused;
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	manifest_free(manifest);
	return 0;
}

static enum explained_state label(const char *path, const struct filestate *before,
        const struct filestate *after, const uint8_t *md5)
{
	struct change change = {
	        .path = slice_text(path), .before = before, .after = after, .md5 = md5};
	got = (struct explained){0};
	return dpkg_label(manifest, &change, &got) ? got.state : EXPLAINED_NONE;
}

static struct filestate link_to(const char *target)
{
	return (struct filestate){.type = FILE_SYMLINK, .mode = 0777, .target = slice_text(target)};
}

static void test_content_as_listed_is_verified(void **unused)
{
	(void)unused;
	assert_int_equal(label("/usr/bin/p", &FILE_0755, &FILE_0755, GOOD), EXPLAINED_VERIFIED);
	assert_true(slice_is(got.package, "p") && slice_is(got.version, "2"));
	assert_int_equal(label("/usr/share/p", NULL, &DIRECTORY, NULL), EXPLAINED_VERIFIED);
}

static void test_other_or_unknown_content_is_not(void **unused)
{
	(void)unused;
	assert_int_equal(label("/usr/bin/p", &FILE_0755, &FILE_0755, BAD), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/p", &FILE_0755, &FILE_0755, NULL), EXPLAINED_NONE);
	struct filestate link = link_to("q");
	assert_int_equal(label("/usr/bin/p", &FILE_0755, &link, NULL), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/p", &FILE_0755, NULL, NULL), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/new", NULL, &FILE_0755, GOOD), EXPLAINED_NONE);
}

static void test_setuid_is_explained_by_an_override_alone(void **unused)
{
	(void)unused;
	assert_int_equal(label("/usr/bin/p", &FILE_0755, &FILE_4755, GOOD), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/p", NULL, &FILE_4755, GOOD), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/p", &FILE_4755, &FILE_4755, GOOD), EXPLAINED_VERIFIED);
	assert_int_equal(label("/usr/bin/su", &FILE_0755, &FILE_4755, GOOD), EXPLAINED_VERIFIED);
}

static void test_write_permission_for_all_and_another_owner_are_not_explained(void **unused)
{
	(void)unused;
	struct filestate open = FILE_0755, other = FILE_0755;
	open.mode = 0777;
	other.uid = 1000;
	assert_int_equal(label("/usr/bin/p", &FILE_0755, &open, GOOD), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/p", &FILE_0755, &other, GOOD), EXPLAINED_NONE);
}

static void test_link_has_to_lead_to_what_a_package_owns(void **unused)
{
	(void)unused;
	struct filestate own = link_to("p"), others = link_to("../lib/q.so"),
	                 bad = link_to("/tmp/x");
	assert_int_equal(label("/usr/bin/p-link", NULL, &own, NULL), EXPLAINED_VERIFIED);
	assert_int_equal(label("/usr/lib/p.so", NULL, &others, NULL), EXPLAINED_VERIFIED);
	assert_int_equal(label("/usr/bin/p-link", &own, &bad, NULL), EXPLAINED_NONE);
}

static void test_conffile_and_its_siblings(void **unused)
{
	(void)unused;
	assert_int_equal(label("/etc/p.conf", &FILE_0755, &FILE_0755, GOOD), EXPLAINED_CONFFILE);
	assert_int_equal(label("/etc/p.conf", &FILE_0755, &FILE_0755, BAD), EXPLAINED_NONE);
	assert_int_equal(
	        label("/etc/p.conf.dpkg-dist", NULL, &FILE_0755, GOOD), EXPLAINED_CONFFILE);
	assert_int_equal(label("/etc/p.conf.dpkg-dist", NULL, &FILE_0755, BAD), EXPLAINED_NONE);
	assert_int_equal(label("/etc/p.conf.dpkg-old", NULL, &FILE_0755, BAD), EXPLAINED_CONFFILE);
	assert_int_equal(label("/usr/bin/p.dpkg-old", NULL, &FILE_0755, BAD), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/p.dpkg-tmp", NULL, NULL, NULL), EXPLAINED_GENERATED);
	assert_int_equal(label("/usr/bin/p.dpkg-new", NULL, &FILE_0755, BAD), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/foreign.dpkg-tmp", NULL, NULL, NULL), EXPLAINED_NONE);
}

static void test_removed_is_what_was_listed_and_is_no_more(void **unused)
{
	(void)unused;
	assert_int_equal(label("/usr/bin/gone", &FILE_0755, NULL, NULL), EXPLAINED_REMOVED);
	assert_int_equal(label("/usr/bin/gone", NULL, &FILE_0755, GOOD), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/foreign", &FILE_0755, NULL, NULL), EXPLAINED_NONE);
}

static void test_generated_needs_its_package_in_the_run(void **unused)
{
	(void)unused;
	assert_int_equal(
	        label("/etc/ld.so.cache", &FILE_0755, &FILE_0755, NULL), EXPLAINED_GENERATED);
	assert_true(slice_is(got.package, "libc-bin"));
	assert_int_equal(
	        label("/boot/grub/grub.cfg", &FILE_0755, &FILE_0755, NULL), EXPLAINED_NONE);
	assert_int_equal(label("/etc/shadow", &FILE_0755, &FILE_0755, NULL), EXPLAINED_NONE);
	assert_int_equal(label("/etc/cron.d/x", NULL, &FILE_0755, NULL), EXPLAINED_NONE);
}

static void test_database_file_of_a_package_outside_the_run_is_not_explained(void **unused)
{
	(void)unused;
	assert_int_equal(label("/var/lib/dpkg/info/p.list", &FILE_0755, &FILE_0755, NULL),
	        EXPLAINED_GENERATED);
	assert_int_equal(label("/var/lib/dpkg/info/q.md5sums", &FILE_0755, &FILE_0755, NULL),
	        EXPLAINED_NONE);
}

static void test_alternative_may_lead_where_its_file_says(void **unused)
{
	(void)unused;
	struct filestate good = link_to("/usr/bin/p"), bad = link_to("/tmp/evil");
	assert_int_equal(label("/etc/alternatives/e", NULL, &good, NULL), EXPLAINED_GENERATED);
	assert_int_equal(label("/etc/alternatives/e", &good, &bad, NULL), EXPLAINED_NONE);
}

static void test_compiled_python_without_the_header_of_its_source_is_not_explained(void **unused)
{
	(void)unused;
	const char *path = "/usr/lib/python3/__pycache__/p.cpython-311.pyc";
	assert_int_equal(label(path, &FILE_0755, &FILE_0755, NULL), EXPLAINED_NONE);
	assert_int_equal(label(path, &FILE_0755, NULL, NULL), EXPLAINED_GENERATED);
}

static void test_md5_is_wanted_where_it_decides(void **unused)
{
	(void)unused;
	assert_true(dpkg_wants_md5(manifest, slice_text("/usr/bin/p")));
	assert_true(dpkg_wants_md5(manifest, slice_text("/etc/p.conf.dpkg-dist")));
	assert_false(dpkg_wants_md5(manifest, slice_text("/usr/share/p")));
	assert_false(dpkg_wants_md5(manifest, slice_text("/home/x")));
}

static void test_link_target_is_made_absolute(void **unused)
{
	(void)unused;
	static const char *const CASES[][3] = {
	        {"/usr/bin/a", "b", "/usr/bin/b"},
	        {"/usr/bin/a", "../lib/./b", "/usr/lib/b"},
	        {"/usr/bin/a", "/etc//b", "/etc/b"},
	        {"/a", "../../b", "/b"},
	        {"/a", "..", ""},
	};
	struct buf out = BUF_INIT;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		link_target(slice_text(CASES[i][0]), slice_text(CASES[i][1]), &out);
		assert_string_equal(buf_text(&out), CASES[i][2]);
	}
	buf_fini(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_content_as_listed_is_verified),
	        TEST(test_other_or_unknown_content_is_not),
	        TEST(test_setuid_is_explained_by_an_override_alone),
	        TEST(test_write_permission_for_all_and_another_owner_are_not_explained),
	        TEST(test_link_has_to_lead_to_what_a_package_owns),
	        TEST(test_conffile_and_its_siblings),
	        TEST(test_removed_is_what_was_listed_and_is_no_more),
	        TEST(test_generated_needs_its_package_in_the_run),
	        TEST(test_database_file_of_a_package_outside_the_run_is_not_explained),
	        TEST(test_alternative_may_lead_where_its_file_says),
	        TEST(test_compiled_python_without_the_header_of_its_source_is_not_explained),
	        TEST(test_md5_is_wanted_where_it_decides),
	        cmocka_unit_test(test_link_target_is_made_absolute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
