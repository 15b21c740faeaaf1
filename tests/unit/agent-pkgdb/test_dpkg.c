#include "agent/pkgdb/sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/io/file.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#include "tests/unit/agent-source/expect.h"

#define STANZA(name, status, more) "Package: " name "\nStatus: " status "\n" more "\n"
#define REST                       "Architecture: amd64\nVersion: 1.0-1\n"
#define PLAIN(name)                STANZA(name, "install ok installed", REST)

static int parse(struct scratch *scratch, const char *text)
{
	scratch_forget(scratch);
	return src_dpkg_parse(slice_text(text), &scratch->facts, &scratch->why);
}

static void test_stanza_becomes_a_fact(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(parse(scratch, STANZA("openssl", "install ok installed",
	                                        "Priority: optional\nArchitecture: amd64\n"
	                                        "Version: 3.0.15-1~deb12u1\nConffiles:\n"
	                                        " /etc/ssl/openssl.cnf 0123\nDescription: x\n"
	                                        " .\n Version: 9\n")),
	        0);
	assert_int_equal(scratch->facts.count, 1);
	const struct fact *fact = scratch_package(scratch, "openssl");
	expect(fact, PACKAGE_MANAGER, "dpkg");
	expect(fact, PACKAGE_ARCH, "amd64");
	expect(fact, PACKAGE_INSTANCE, "");
	expect(fact, PACKAGE_VERSION, "3.0.15-1~deb12u1");
	expect(fact, PACKAGE_SOURCE, "openssl");
	expect(fact, PACKAGE_SOURCE_VERSION, "3.0.15-1~deb12u1");
	expect(fact, PACKAGE_STATUS, "installed");
}

static void test_source_may_have_a_name_and_version_of_its_own(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(
	        parse(scratch, STANZA("a", "install ok installed", "Version: 2\nSource: src\n")
	                               STANZA("b", "install ok installed",
	                                       "source: src (1:1.9-2)\nVersion: 1:1.9-2+b1\n")),
	        0);
	expect(scratch_package(scratch, "a"), PACKAGE_SOURCE, "src");
	expect(scratch_package(scratch, "a"), PACKAGE_SOURCE_VERSION, "2");
	expect(scratch_package(scratch, "b"), PACKAGE_SOURCE, "src");
	expect(scratch_package(scratch, "b"), PACKAGE_SOURCE_VERSION, "1:1.9-2");
}

static void test_residue_is_a_fact_and_a_mere_wish_is_none(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(
	        parse(scratch, STANZA("residue", "deinstall ok config-files", "Version: 1\n")
	                               STANZA("wish", "hold ok not-installed", "Priority: extra\n")
	                                       STANZA("half", "install reinstreq half-configured",
	                                               "Version: 1\n")),
	        0);
	assert_int_equal(scratch->facts.count, 2);
	expect(scratch_package(scratch, "residue"), PACKAGE_STATUS, "config-files");
	expect(scratch_package(scratch, "half"), PACKAGE_STATUS, "half-configured");
}

static void test_one_name_on_two_architectures_is_two_facts(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(
	        parse(scratch, STANZA("libc6", "install ok installed",
	                               "Architecture: amd64\nVersion: 2\n") STANZA("libc6",
	                               "install ok installed", "Architecture: i386\nVersion: 2\n")),
	        0);
	uint8_t first[FACT_KEY_MAX], second[FACT_KEY_MAX];
	size_t first_len = fact_key(&scratch->facts.fact[0], first);
	size_t second_len = fact_key(&scratch->facts.fact[1], second);
	assert_false(first_len == second_len && memcmp(first, second, first_len) == 0);
}

static void test_hold_and_origin_are_told(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(parse(scratch, STANZA("held", "hold ok installed",
	                                        REST "Origin: Example Org\n"
	                                             "Maintainer: Somebody Else <x@example.org>\n")
	                                        PLAIN("free")),
	        0);
	expect(scratch_package(scratch, "held"), PACKAGE_HOLD, "hold");
	expect(scratch_package(scratch, "held"), PACKAGE_ORIGIN, "Example Org");
	expect(scratch_package(scratch, "free"), PACKAGE_HOLD, "");
	expect(scratch_package(scratch, "free"), PACKAGE_ORIGIN, "");
}

static void write_list(struct scratch *scratch, const char *name, time_t time_s)
{
	char path[256], full[512];
	const struct timespec times[2] = {{.tv_sec = time_s}, {.tv_sec = time_s, .tv_nsec = 5}};
	snprintf(path, sizeof(path), "/var/lib/dpkg/info/%s.list", name);
	snprintf(full, sizeof(full), "%s%s", scratch->root, path);
	assert_true(scratch_write(scratch, path, "/.\n"));
	assert_int_equal(utimensat(AT_FDCWD, full, times, 0), 0);
}

static void test_package_came_when_its_list_was_written(void **state)
{
	struct scratch *scratch = *state;
	assert_true(scratch_write(scratch, "/var/lib/dpkg/status",
	        PLAIN("plain") PLAIN("same") PLAIN("listless")
	                STANZA("residue", "deinstall ok config-files", REST)));
	write_list(scratch, "plain", 1700000000);
	write_list(scratch, "same:amd64", 1600000000);
	write_list(scratch, "residue", 1500000000);
	assert_int_equal(src_dpkg_read(scratch->root, &scratch->facts, &scratch->why), 0);
	assert_int_equal(scratch->facts.count, 4 + 2);
	const struct fact *same = scratch_find(scratch, FACT_INSTALL, INSTALL_NAME, "same");
	expect(same, INSTALL_MANAGER, "dpkg");
	expect(same, INSTALL_ARCH, "amd64");
	expect(same, INSTALL_INSTANCE, "");
	expect(same, INSTALL_TIME, "1600000000");
	expect(scratch_find(scratch, FACT_INSTALL, INSTALL_NAME, "plain"), INSTALL_TIME,
	        "1700000000");
}

static void test_damaged_file_is_refused_with_the_line(void **state)
{
	static const struct {
		const char *text, *part;
	} rows[] = {
	        {"", "empty"},
	        {"Package: a", "within a line"},
	        {PLAIN("a") "Package: b\nStatus: install ok installed\nVersion: 1\n",
	                "line 8: it ends within a stanza"},
	        {PLAIN("a") "Status: install ok installed\nVersion: 1\n\n",
	                "line 6: a stanza without a package name"},
	        {"Package: a\nVersion: 1\n\n", "line 1: a stanza without a known status"},
	        {STANZA("a", "install ok", "Version: 1\n"), "known status"},
	        {STANZA("a", "install ok dreaming", "Version: 1\n"), "known status"},
	        {STANZA("a", "install ok installed", ""), "without a version"},
	        {STANZA("a", "install ok installed", "Version: 1 2\n"), "without a version"},
	        {STANZA("a", "install ok installed", "Version: 1\nVersion: 2\n"),
	                "line 4: a field that the stanza has already"},
	        {STANZA("a", "install ok installed", "Version: 1\nSource: s (1\n"), "source"},
	        {STANZA("a b", "install ok installed", "Version: 1\n"), "package name"},
	        {" stray\n\n", "line 1: a continuation of nothing"},
	        {"Package: a\nno colon here\n\n", "line 2: no field"},
	};
	struct scratch *scratch = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(scratch, rows[i].text), ERR_FORMAT);
		if (!strstr(scratch->why.text, rows[i].part))
			fail_msg("row %zu: '%s' does not say '%s'", i, scratch->why.text,
			        rows[i].part);
	}
	struct slice nul = slice_of("Package: a\0b\n\n", 14);
	assert_int_equal(src_dpkg_parse(nul, &scratch->facts, &scratch->why), ERR_FORMAT);
}

/* Wherever a file was cut, it either says so or tells nothing of what came before as gone. */
static void test_file_cut_anywhere_is_refused(void **state)
{
	static const char whole[] = PLAIN("a") PLAIN("b");
	struct scratch *scratch = *state;
	size_t stanza = strlen(PLAIN("a"));
	for (size_t len = 0; len < strlen(whole); len++) {
		scratch_forget(scratch);
		int rc = src_dpkg_parse(slice_of(whole, len), &scratch->facts, &scratch->why);
		assert_int_equal(rc, len == stanza ? 0 : ERR_FORMAT);
	}
}

static void test_host_without_dpkg_has_no_packages(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(src_dpkg_read(scratch->root, &scratch->facts, &scratch->why), ERR_MISSING);
}

static void test_distroless_image_has_a_file_a_package(void **state)
{
	struct scratch *scratch = *state;
	assert_true(scratch_write(scratch, "/var/lib/dpkg/status.d/base",
	        "Package: base-files\nArchitecture: amd64\nVersion: 12\nDescription: x\n"));
	assert_true(scratch_write(scratch, "/var/lib/dpkg/status.d/tzdata",
	        "Package: tzdata\nArchitecture: all\nVersion: 2024a\n"));
	assert_true(scratch_write(
	        scratch, "/var/lib/dpkg/status.d/tzdata.md5sums", "0123  usr/share/x\n"));
	assert_int_equal(src_dpkg_read(scratch->root, &scratch->facts, &scratch->why), 0);
	assert_int_equal(scratch->facts.count, 2);
	expect(scratch_package(scratch, "tzdata"), PACKAGE_VERSION, "2024a");
	expect(scratch_package(scratch, "base-files"), PACKAGE_STATUS, "installed");
}

/* The fact, or NULL. */
static const struct fact *of_host(
        struct scratch *scratch, enum fact_kind kind, const char *name, const char *arch)
{
	for (size_t i = 0; i < scratch->facts.count; i++) {
		const struct fact *fact = &scratch->facts.fact[i];
		if (fact->kind == kind && slice_is(fact->field[PACKAGE_NAME], name) &&
		        slice_is(fact->field[PACKAGE_ARCH], arch))
			return fact;
	}
	return NULL;
}

static void test_this_hosts_packages_are_what_dpkg_query_says(void **state)
{
	static const char command[] =
	        "dpkg-query -W -f '${Package}\\t${Architecture}\\t${Version}\\t"
	        "${source:Package}\\t${source:Version}\\t${db:Status-Status}\\t${Origin}\\t"
	        "${db:Status-Want}\\t${db-fsys:Last-Modified}\\n' 2>/dev/null";
	static const unsigned fields[] = {0, 0, PACKAGE_VERSION, PACKAGE_SOURCE,
	        PACKAGE_SOURCE_VERSION, PACKAGE_STATUS, PACKAGE_ORIGIN};
	struct scratch *scratch = *state;
	char line[4096];
	size_t lines = 0, installs = 0;
	if (access("/usr/bin/dpkg-query", X_OK) != 0 || access("/var/lib/dpkg/status", R_OK) != 0)
		skip();
	assert_int_equal(src_dpkg_read("/", &scratch->facts, &scratch->why), 0);
	FILE *query = popen(command, "r");
	assert_non_null(query);
	while (fgets(line, sizeof(line), query)) {
		const char *column[9];
		char *rest = line;
		for (size_t i = 0; i < 9; i++)
			assert_non_null(column[i] = strsep(&rest, "\t\n"));
		const struct fact *package = of_host(scratch, FACT_PACKAGE, column[0], column[1]);
		for (size_t i = 2; i < 7; i++)
			expect(package, fields[i], column[i]);
		expect(package, PACKAGE_MANAGER, "dpkg");
		expect(package, PACKAGE_HOLD, strcmp(column[7], "hold") == 0 ? "hold" : "");
		if (strcmp(column[5], "config-files") != 0 && column[8][0]) {
			expect(of_host(scratch, FACT_INSTALL, column[0], column[1]), INSTALL_TIME,
			        column[8]);
			installs++;
		}
		lines++;
	}
	pclose(query);
	assert_true(lines > 0);
	assert_int_equal(lines + installs, scratch->facts.count);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_stanza_becomes_a_fact),
	        TEST(test_source_may_have_a_name_and_version_of_its_own),
	        TEST(test_residue_is_a_fact_and_a_mere_wish_is_none),
	        TEST(test_one_name_on_two_architectures_is_two_facts),
	        TEST(test_hold_and_origin_are_told),
	        TEST(test_package_came_when_its_list_was_written),
	        TEST(test_damaged_file_is_refused_with_the_line),
	        TEST(test_file_cut_anywhere_is_refused),
	        TEST(test_host_without_dpkg_has_no_packages),
	        TEST(test_distroless_image_has_a_file_a_package),
	        TEST(test_this_hosts_packages_are_what_dpkg_query_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
