#include "agent/packages/dpkg_survey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/packages/dpkg_lock.h"
#include "common/base/buf.h"

#define T    "2099-11-26 21:34:15 "
#define MD5A "0cc175b9c0f1b6a831c399e269772661"
#define MD5B "92eb5ffee6ae2fec3ad71c777531578f"

static char dir[64], root[80];
static struct state *state;
static struct survey *survey;
static struct reason why;

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *walk)
{
	(void)info, (void)flag, (void)walk;
	return remove(path);
}

static void put_text(const char *path, const char *text, const char *mode)
{
	char full[256];
	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	FILE *out = fopen(full, mode);
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void put_file(const char *path, const char *text)
{
	put_text(path, text, "w");
}

static void log_line(const char *line)
{
	put_text("/var/log/dpkg.log", line, "a");
}

static void put_status(const char *version, const char *want)
{
	char text[512];
	snprintf(text, sizeof(text),
	        "Package: a\nStatus: %s ok installed\nArchitecture: all\nVersion: %s\n"
	        "Conffiles:\n /etc/a.conf " MD5A "\n\n"
	        "Package: b\nStatus: install ok installed\nArchitecture: amd64\n"
	        "Multi-Arch: same\nVersion: 7\n\n",
	        want, version);
	put_file("/var/lib/dpkg/status", text);
}

static int setup(void **unused)
{
	struct state_limits limits = {.spool_bytes = 1u << 20, .map_bytes = 1u << 28};
	(void)unused;
	snprintf(dir, sizeof(dir), "/tmp/test-survey-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(root, sizeof(root), "%s/root", dir);
	put_status("1", "install");
	put_file("/var/lib/dpkg/info/a.list", "/.\n/usr\n/lib/a\n/usr/lib/old\n/etc/a.conf\n");
	put_file("/var/lib/dpkg/info/a.md5sums", MD5A "  lib/a\n" MD5A "  usr/lib/old\n");
	put_file("/var/lib/dpkg/info/b:amd64.list", "/.\n/usr\n/usr/lib/b\n");
	put_file("/var/lib/dpkg/info/b:amd64.md5sums", MD5B "  usr/lib/b\n");
	put_file("/usr/lib/x", "");
	char link[128];
	snprintf(link, sizeof(link), "%s/lib", root);
	assert_int_equal(symlink("usr/lib", link), 0);
	log_line(T "install a:all <none> 1\n");
	return state_open(dir, &limits, &state, &why);
}

static int teardown(void **unused)
{
	(void)unused;
	survey_free(survey);
	survey = NULL;
	state_close(state);
	nftw(dir, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void look(void)
{
	survey_free(survey);
	survey = survey_new(&MANAGER_DPKG, state, root);
	survey_make(survey);
	if (survey->rc < 0)
		fail_msg("%s", survey->why.text);
}

/* What the journal does with the results. */
static void keep(void)
{
	struct state_txn *txn;
	struct slice rest = buf_slice(&survey->puts), name, value;
	uint32_t len;
	char text[300];
	assert_int_equal(state_begin(state, &txn, &why), 0);
	while (slice_take_u32(&rest, &len) && slice_take(&rest, len, &name) &&
	        slice_take_u32(&rest, &len) && slice_take(&rest, len, &value)) {
		snprintf(text, sizeof(text), "%.*s", SLICE_ARG(name));
		if (value.len > 0)
			assert_int_equal(state_meta_put(txn, text, value), 0);
		else
			assert_int_equal(state_meta_delete(txn, text), 0);
	}
	assert_int_equal(state_commit(txn, &why), 0);
}

static void look_and_keep(void)
{
	look();
	keep();
}

static void upgrade_a(void)
{
	put_status("2", "install");
	put_file("/var/lib/dpkg/info/a.list", "/.\n/usr\n/lib/a\n/etc/a.conf\n");
	put_file("/var/lib/dpkg/info/a.md5sums", MD5B "  lib/a\n");
	log_line(T "upgrade a:all 1 2\n");
}

static const struct manifest_entry *find(const char *path)
{
	return manifest_find(survey->manifest, slice_text(path));
}

static void assert_unlogged(const char *path, const char *word)
{
	struct buf text = BUF_INIT;
	assert_int_equal(survey->unlogged_count, 1);
	buf_append_slice(&text, survey->unlogged[0].path);
	assert_string_equal(buf_text(&text) + strlen(root), path);
	buf_reset(&text);
	buf_append_slice(&text, survey->unlogged[0].detail);
	assert_non_null(strstr(buf_text(&text), word));
	buf_fini(&text);
}

static void test_first_look_explains_and_accuses_nothing(void **unused)
{
	(void)unused;
	look();
	assert_true(survey->is_first);
	assert_null(survey->manifest);
	assert_int_equal(survey->unlogged_count, 0);
	assert_true(survey->puts.len > 0);
}

static void test_second_look_at_the_same_finds_nothing(void **unused)
{
	(void)unused;
	look_and_keep();
	look();
	assert_null(survey->manifest);
	assert_int_equal(survey->unlogged_count, 0);
	assert_int_equal(survey->puts.len, 0);
}

static void test_upgrade_shows_what_is_listed_and_what_was(void **unused)
{
	(void)unused;
	look_and_keep();
	upgrade_a();
	look();
	assert_non_null(survey->manifest);
	assert_int_equal(survey->unlogged_count, 0);
	assert_true(find("/usr/lib/a")->has_proof);
	assert_ptr_equal(find("/usr/lib/a"), find("/lib/a"));
	assert_int_equal(find("/usr/lib/a")->proof[0], 0x92);
	assert_true(find("/etc/a.conf")->is_conffile);
	assert_true(find("/usr/lib/old")->is_lost);
	assert_null(find("/usr/lib/b"));
	assert_true(manifest_is_owned(survey->manifest, slice_text("/usr/lib/b")));
	assert_false(manifest_is_owned(survey->manifest, slice_text("/usr/lib/old")));
}

static void test_until_it_is_kept_the_same_run_is_found_again(void **unused)
{
	(void)unused;
	look_and_keep();
	upgrade_a();
	look();
	uint64_t id = survey->id;
	look();
	assert_non_null(survey->manifest);
	assert_int_equal(survey->id, id);
	assert_true(find("/usr/lib/old")->is_lost);
	keep();
	look();
	assert_null(survey->manifest);
}

static void test_what_another_package_took_over_is_not_lost(void **unused)
{
	(void)unused;
	look_and_keep();
	upgrade_a();
	put_file("/var/lib/dpkg/info/b:amd64.list", "/.\n/usr\n/usr/lib/b\n/usr/lib/old\n");
	log_line(T "upgrade b:amd64 7 7\n");
	look();
	assert_non_null(find("/usr/lib/old"));
	assert_false(find("/usr/lib/old")->is_lost);
}

static void test_purged_package_is_all_lost(void **unused)
{
	(void)unused;
	look_and_keep();
	put_file("/var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nArchitecture: "
	                                 "all\nVersion: 1\nConffiles:\n /etc/a.conf " MD5A "\n\n");
	log_line(T "purge b:amd64 7 <none>\n");
	look_and_keep();
	assert_true(find("/usr/lib/b")->is_lost);
	assert_null(find("/usr/lib/a"));
	assert_int_equal(survey->unlogged_count, 0);
	look();
	assert_int_equal(survey->puts.len, 0);
}

static void test_digest_changed_without_a_run_is_told_once(void **unused)
{
	(void)unused;
	look_and_keep();
	put_file("/var/lib/dpkg/info/a.md5sums", MD5B "  lib/a\n");
	look_and_keep();
	assert_unlogged("/var/lib/dpkg/info/a.md5sums", "'a'");
	look();
	assert_int_equal(survey->unlogged_count, 0);
}

static void test_digest_of_another_package_changed_in_a_run_is_told(void **unused)
{
	(void)unused;
	look_and_keep();
	upgrade_a();
	put_file("/var/lib/dpkg/info/b:amd64.md5sums", MD5A "  usr/lib/b\n");
	look();
	assert_unlogged("/var/lib/dpkg/info/b:amd64.md5sums", "'b'");
}

static void test_version_changed_without_a_run_is_told(void **unused)
{
	(void)unused;
	look_and_keep();
	put_status("1.1", "install");
	look();
	assert_unlogged("/var/lib/dpkg/status", "'a'");
}

static void test_package_that_vanished_without_a_run_is_told(void **unused)
{
	(void)unused;
	look_and_keep();
	put_file("/var/lib/dpkg/status", "Package: b\nStatus: install ok installed\nArchitecture: "
	                                 "amd64\nMulti-Arch: same\nVersion: 7\n\n");
	look();
	assert_unlogged("/var/lib/dpkg/status", "'a'");
}

static void test_package_put_on_hold_is_nothing(void **unused)
{
	(void)unused;
	look_and_keep();
	put_status("1", "hold");
	look();
	assert_int_equal(survey->unlogged_count, 0);
	assert_null(survey->manifest);
}

static void test_files_touched_but_not_changed_are_nothing(void **unused)
{
	(void)unused;
	char path[256];
	look_and_keep();
	snprintf(path, sizeof(path), "%s/var/lib/dpkg/info/a.md5sums", root);
	assert_int_equal(chmod(path, 0600), 0);
	look();
	assert_int_equal(survey->unlogged_count, 0);
}

static void test_rotated_log_goes_on(void **unused)
{
	(void)unused;
	char from[256], to[256];
	look_and_keep();
	upgrade_a();
	snprintf(from, sizeof(from), "%s/var/log/dpkg.log", root);
	snprintf(to, sizeof(to), "%s/var/log/dpkg.log.1", root);
	assert_int_equal(rename(from, to), 0);
	log_line(T "trigproc b:amd64 7 <none>\n");
	look_and_keep();
	assert_int_equal(survey->unlogged_count, 0);
	assert_true(find("/usr/lib/old")->is_lost);
	assert_int_equal(run_count(manifest_run(survey->manifest), RUN_TRIGGERED), 1);
	look();
	assert_null(survey->manifest);
}

static void test_cut_log_is_told(void **unused)
{
	(void)unused;
	look_and_keep();
	put_file("/var/log/dpkg.log", "");
	look_and_keep();
	assert_unlogged("/var/log/dpkg.log", "log");
	look();
	assert_int_equal(survey->unlogged_count, 0);
}

static void test_half_a_line_waits_for_its_end(void **unused)
{
	(void)unused;
	look_and_keep();
	log_line(T "trigproc b:am");
	look_and_keep();
	assert_null(survey->manifest);
	log_line("d64 7 <none>\n");
	look();
	assert_non_null(survey->manifest);
}

static void test_diverted_path_is_expected_where_it_lies(void **unused)
{
	(void)unused;
	look_and_keep();
	upgrade_a();
	put_file("/var/lib/dpkg/diversions", "/lib/a\n/usr/lib/a.real\nb\n");
	look();
	assert_null(find("/usr/lib/a"));
	assert_int_equal(find("/usr/lib/a.real")->proof[0], 0x92);
}

static void test_host_without_dpkg_is_left_alone(void **unused)
{
	(void)unused;
	char path[256];
	snprintf(path, sizeof(path), "%s/var/lib/dpkg/status", root);
	assert_int_equal(unlink(path), 0);
	look();
	assert_true(survey->is_absent);
	assert_int_equal(survey->puts.len, 0);
}

static void test_nobody_holds_locks_that_are_not_there(void **unused)
{
	(void)unused;
	pid_t pid;
	assert_int_equal(dpkg_holder(root, &pid), HOLDER_NONE);
	assert_true(dpkg_is_front_end("apt-get"));
	assert_false(dpkg_is_front_end("bash"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_first_look_explains_and_accuses_nothing),
	        TEST(test_second_look_at_the_same_finds_nothing),
	        TEST(test_upgrade_shows_what_is_listed_and_what_was),
	        TEST(test_until_it_is_kept_the_same_run_is_found_again),
	        TEST(test_what_another_package_took_over_is_not_lost),
	        TEST(test_purged_package_is_all_lost),
	        TEST(test_digest_changed_without_a_run_is_told_once),
	        TEST(test_digest_of_another_package_changed_in_a_run_is_told),
	        TEST(test_version_changed_without_a_run_is_told),
	        TEST(test_package_that_vanished_without_a_run_is_told),
	        TEST(test_package_put_on_hold_is_nothing),
	        TEST(test_files_touched_but_not_changed_are_nothing),
	        TEST(test_rotated_log_goes_on),
	        TEST(test_cut_log_is_told),
	        TEST(test_half_a_line_waits_for_its_end),
	        TEST(test_diverted_path_is_expected_where_it_lies),
	        TEST(test_host_without_dpkg_is_left_alone),
	        TEST(test_nobody_holds_locks_that_are_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
