#include "agent/pkgdb/owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>

#include "common/base/text.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define STANZA(name, arch, status, version) \
	"Package: " name "\nStatus: " status "\nArchitecture: " arch "\nVersion: " version "\n\n"
#define INSTALLED "install ok installed"

struct case_state {
	struct scratch scratch;
	struct arena *arena;
	struct owners *owners;
	struct reason why;
};

static int set_up(void **state)
{
	struct case_state *at = calloc(1, sizeof(*at));
	*state = at;
	at->arena = arena_new(64u << 20);
	at->owners = owners_new(at->arena);
	return scratch_init(&at->scratch) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct case_state *at = *state;
	owners_free(at->owners);
	arena_free(at->arena);
	scratch_fini(&at->scratch);
	free(at);
	return 0;
}

static void want(struct case_state *at, const char *const *paths)
{
	for (; *paths; paths++)
		assert_int_equal(owners_want(at->owners, slice_text(*paths)), 0);
}

#define WANT(at, ...) want(at, (const char *const[]){__VA_ARGS__, NULL})

static void resolve(struct case_state *at)
{
	int rc = owners_resolve(at->owners, at->scratch.root, &at->why);
	if (rc < 0)
		fail_msg("%s", at->why.text);
}

static void expect(
        struct case_state *at, const char *path, const char *package, const char *version)
{
	struct owner owner = owners_of(at->owners, slice_text(path));
	if (!package && owner.package.ptr)
		fail_msg("'%s' is of '%.*s'", path, SLICE_ARG(owner.package));
	if (package && (!slice_is(owner.package, package) || !slice_is(owner.version, version)))
		fail_msg("'%s' is of '%.*s' in '%.*s'", path, SLICE_ARG(owner.package),
		        SLICE_ARG(owner.version));
}

static void write_file(struct case_state *at, const char *path, const char *text)
{
	assert_true(scratch_write(&at->scratch, path, text));
}

static void link_to(struct case_state *at, const char *path, const char *target)
{
	char full[256];
	snprintf(full, sizeof(full), "%s%s", at->scratch.root, path);
	assert_int_equal(symlink(target, full), 0);
}

static void write_dpkg(struct case_state *at)
{
	write_file(at, "/var/lib/dpkg/status",
	        STANZA("libc6", "i386", INSTALLED, "2.36-9") STANZA("bash", "amd64", INSTALLED,
	                "5.2-1") STANZA("libc6", "amd64", INSTALLED, "2.36-9+deb12u1")
	                STANZA("gone", "all", "deinstall ok config-files", "1"));
	write_file(at, "/var/lib/dpkg/info/bash.list",
	        "/.\n/bin\n/bin/bash\n/etc\n/usr/share/doc/bash\n");
	write_file(at, "/var/lib/dpkg/info/libc6:amd64.list", "/.\n/etc\n/lib/x86/libc.so.6\n");
	write_file(at, "/var/lib/dpkg/info/libc6:i386.list", "/.\n/etc\n/lib/i386/libc.so.6\n");
	write_file(at, "/var/lib/dpkg/info/gone.list", "/etc/gone.conf\n");
	write_file(at, "/var/lib/dpkg/info/bash.md5sums", "0  bin/other\n");
}

static void test_dpkg_lists_are_looked_up(void **state)
{
	struct case_state *at = *state;
	write_dpkg(at);
	WANT(at, "/bin/bash", "/lib/x86/libc.so.6", "/lib/i386/libc.so.6", "/bin/other", "/bin/bas",
	        "/bin/bashful", "", "/bin/bash");
	resolve(at);
	expect(at, "/bin/bash", "dpkg:bash", "5.2-1");
	expect(at, "/lib/x86/libc.so.6", "dpkg:libc6", "2.36-9+deb12u1");
	expect(at, "/lib/i386/libc.so.6", "dpkg:libc6", "2.36-9");
	expect(at, "/bin/other", NULL, NULL);
	expect(at, "/bin/bas", NULL, NULL);
	expect(at, "/bin/bashful", NULL, NULL);
	expect(at, "", NULL, NULL);
	expect(at, "/usr/share/doc/bash", NULL, NULL); /* nobody asked */
}

static void test_residue_owns_nothing(void **state)
{
	struct case_state *at = *state;
	write_dpkg(at);
	WANT(at, "/etc/gone.conf");
	resolve(at);
	expect(at, "/etc/gone.conf", NULL, NULL);
}

static void test_shared_directory_is_of_the_first_by_name(void **state)
{
	struct case_state *at = *state;
	write_dpkg(at);
	WANT(at, "/etc");
	resolve(at);
	expect(at, "/etc", "dpkg:bash", "5.2-1");
}

static void test_merged_usr_has_two_names_for_a_file(void **state)
{
	struct case_state *at = *state;
	write_dpkg(at);
	link_to(at, "/bin", "usr/bin");
	link_to(at, "/lib", "/usr/lib");
	WANT(at, "/usr/bin/bash", "/bin/bash", "/usr/lib/x86/libc.so.6", "/usr/lib/bash");
	resolve(at);
	expect(at, "/usr/bin/bash", "dpkg:bash", "5.2-1");
	expect(at, "/bin/bash", "dpkg:bash", "5.2-1");
	expect(at, "/usr/lib/x86/libc.so.6", "dpkg:libc6", "2.36-9+deb12u1");
	expect(at, "/usr/lib/bash", NULL, NULL);
}

static void test_without_merged_usr_they_are_two_files(void **state)
{
	struct case_state *at = *state;
	write_dpkg(at);
	WANT(at, "/usr/bin/bash");
	resolve(at);
	expect(at, "/usr/bin/bash", NULL, NULL);
}

static void test_sbin_may_be_merged_by_two_links(void **state)
{
	struct case_state *at = *state;
	write_file(at, "/usr/bin/x", "");
	link_to(at, "/sbin", "usr/sbin");
	link_to(at, "/usr/sbin", "bin");
	write_file(at, "/var/lib/pacman/local/x-1-1/files", "%FILES%\nusr/bin/\nusr/bin/x\n\n");
	WANT(at, "/sbin/x", "/usr/sbin/x", "/usr/bin/x");
	resolve(at);
	expect(at, "/sbin/x", "pacman:x", "1-1");
	expect(at, "/usr/sbin/x", "pacman:x", "1-1");
	expect(at, "/usr/bin/x", "pacman:x", "1-1");
}

/* dash diverts bash's /bin/sh; the administrator diverts /bin/mine. */
static void test_diverted_path_is_its_diverters(void **state)
{
	struct case_state *at = *state;
	write_file(at, "/var/lib/dpkg/status",
	        STANZA("bash", "amd64", INSTALLED, "5") STANZA("dash", "amd64", INSTALLED, "0.5"));
	write_file(at, "/var/lib/dpkg/info/bash.list", "/bin/sh\n/bin/mine\n");
	write_file(at, "/var/lib/dpkg/info/dash.list", "/bin/sh\n");
	write_file(at, "/var/lib/dpkg/diversions",
	        "/bin/sh\n/bin/sh.distrib\ndash\n/bin/mine\n/bin/mine.real\n:\n");
	WANT(at, "/bin/sh", "/bin/sh.distrib", "/bin/mine", "/bin/mine.real");
	resolve(at);
	expect(at, "/bin/sh", "dpkg:dash", "0.5");
	expect(at, "/bin/sh.distrib", "dpkg:bash", "5");
	expect(at, "/bin/mine", NULL, NULL);
	expect(at, "/bin/mine.real", "dpkg:bash", "5");
}

static void test_diverted_file_is_found_without_asking_for_the_path(void **state)
{
	struct case_state *at = *state;
	write_file(at, "/var/lib/dpkg/status", STANZA("bash", "amd64", INSTALLED, "5"));
	write_file(at, "/var/lib/dpkg/info/bash.list", "/bin/sh\n");
	write_file(at, "/var/lib/dpkg/diversions", "/bin/sh\n/bin/sh.distrib\ndash\n");
	WANT(at, "/bin/sh.distrib");
	resolve(at);
	expect(at, "/bin/sh.distrib", "dpkg:bash", "5");
}

static void test_apk_database_is_looked_up(void **state)
{
	struct case_state *at = *state;
	write_file(at, "/lib/apk/db/installed",
	        "P:musl\nV:1.2.4-r2\nF:lib\nR:libc.so\na:0:0:755\nF:\nR:root\n\n"
	        "P:busybox\nV:1.36\nF:bin\nR:busybox\n\n");
	WANT(at, "/lib/libc.so", "/bin/busybox", "/lib", "/root", "/bin/libc.so");
	resolve(at);
	expect(at, "/lib/libc.so", "apk:musl", "1.2.4-r2");
	expect(at, "/lib", "apk:musl", "1.2.4-r2");
	expect(at, "/root", "apk:musl", "1.2.4-r2");
	expect(at, "/bin/busybox", "apk:busybox", "1.36");
	expect(at, "/bin/libc.so", NULL, NULL);
}

static void test_pacman_database_is_looked_up(void **state)
{
	struct case_state *at = *state;
	write_file(at, "/var/lib/pacman/local/ALPM_DB_VERSION", "9\n");
	write_file(at, "/var/lib/pacman/local/gcc-libs-2:13.2.1-5/files",
	        "%FILES%\nusr/\nusr/lib/\nusr/lib/libgcc_s.so.1\n\n%BACKUP%\netc/x\tabc\n\n");
	WANT(at, "/usr/lib/libgcc_s.so.1", "/usr/lib", "/etc/x");
	resolve(at);
	expect(at, "/usr/lib/libgcc_s.so.1", "pacman:gcc-libs", "2:13.2.1-5");
	expect(at, "/usr/lib", "pacman:gcc-libs", "2:13.2.1-5");
	expect(at, "/etc/x", NULL, NULL);
}

static void test_rpm_headers_are_looked_up(void **state)
{
	struct case_state *at = *state;
	char command[256];
	snprintf(command, sizeof(command),
	        "python3 tests/unit/agent-rpmdb/make_databases.py %s 2>/dev/null",
	        at->scratch.root);
	int status = system(command); // NOLINT(cert-env33-c)
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
	strcat(at->scratch.root, "/ndb");
	WANT(at, "/usr/bin/large", "/etc/small.ghost", "/usr/share/large/file700", "/usr/share");
	resolve(at);
	*strrchr(at->scratch.root, '/') = '\0';
	expect(at, "/usr/bin/large", "rpm:large", "7:2.5-1");
	expect(at, "/etc/small.ghost", "rpm:small", "1.0~rc1-1");
	expect(at, "/usr/share/large/file700", "rpm:large", "7:2.5-1");
	expect(at, "/usr/share", NULL, NULL);
}

static void test_what_was_found_before_an_error_stays(void **state)
{
	struct case_state *at = *state;
	write_dpkg(at);
	write_file(at, "/lib/apk/db/installed", "P:musl\nbroken\n");
	WANT(at, "/bin/bash");
	assert_int_equal(owners_resolve(at->owners, at->scratch.root, &at->why), ERR_FORMAT);
	assert_non_null(strstr(at->why.text, "apk"));
	expect(at, "/bin/bash", "dpkg:bash", "5.2-1");
}

static void test_list_that_is_a_link_is_refused(void **state)
{
	struct case_state *at = *state;
	write_dpkg(at);
	link_to(at, "/var/lib/dpkg/info/evil.list", "/etc/passwd");
	WANT(at, "/bin/bash");
	assert_true(owners_resolve(at->owners, at->scratch.root, &at->why) < 0);
	assert_non_null(strstr(at->why.text, "evil.list"));
}

static void test_host_without_packages_owns_nothing(void **state)
{
	struct case_state *at = *state;
	WANT(at, "/bin/bash");
	resolve(at);
	expect(at, "/bin/bash", NULL, NULL);
}

static void test_full_arena_is_told(void **state)
{
	struct case_state *at = *state;
	struct arena *arena = arena_new(16384);
	struct owners *owners = owners_new(arena);
	char path[64];
	int rc = 0;
	for (int i = 0; rc == 0 && i < 10000; i++) {
		snprintf(path, sizeof(path), "/usr/share/%d", i);
		rc = owners_want(owners, slice_text(path));
	}
	assert_int_equal(rc, ERR_LIMIT);
	assert_int_equal(owners_resolve(owners, at->scratch.root, &at->why), ERR_LIMIT);
	owners_free(owners);
	arena_free(arena);
}

/* Every path of every list, all at once. */
static void test_this_hosts_lists_are_found_as_a_whole(void **state)
{
	struct case_state *at = *state;
	char line[4096];
	size_t lines = 0, missing = 0;
	bool is_missing = false;
	if (access("/usr/bin/dpkg-query", X_OK) != 0)
		skip();
	FILE *query = popen("dpkg-query -W -f '${db:Status-Status} ${binary:Package}\\n' | "
	                    "sed -n 's/^installed //p' | head -n 200 | xargs dpkg-query -L",
	        "r");
	assert_non_null(query);
	while (fgets(line, sizeof(line), query)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '/')
			assert_int_equal(owners_want(at->owners, slice_text(line)), 0);
	}
	pclose(query);
	assert_int_equal(owners_resolve(at->owners, "/", &at->why), 0);
	query = popen("dpkg-query -W -f '${db:Status-Status} ${binary:Package}\\n' | "
	              "sed -n 's/^installed //p' | head -n 200 | xargs dpkg-query -L",
	        "r");
	assert_non_null(query);
	while (fgets(line, sizeof(line), query)) {
		line[strcspn(line, "\n")] = '\0';
		/* Who a file was diverted for may not have it yet. */
		if (line[0] != '/') {
			missing -= is_missing;
			is_missing = false;
			continue;
		}
		lines++;
		is_missing = !owners_of(at->owners, slice_text(line)).package.ptr;
		missing += is_missing;
	}
	pclose(query);
	assert_true(lines > 100);
	assert_int_equal(missing, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_dpkg_lists_are_looked_up),
	        TEST(test_residue_owns_nothing),
	        TEST(test_shared_directory_is_of_the_first_by_name),
	        TEST(test_merged_usr_has_two_names_for_a_file),
	        TEST(test_without_merged_usr_they_are_two_files),
	        TEST(test_sbin_may_be_merged_by_two_links),
	        TEST(test_diverted_path_is_its_diverters),
	        TEST(test_diverted_file_is_found_without_asking_for_the_path),
	        TEST(test_apk_database_is_looked_up),
	        TEST(test_pacman_database_is_looked_up),
	        TEST(test_rpm_headers_are_looked_up),
	        TEST(test_what_was_found_before_an_error_stays),
	        TEST(test_list_that_is_a_link_is_refused),
	        TEST(test_host_without_packages_owns_nothing),
	        TEST(test_full_arena_is_told),
	        TEST(test_this_hosts_lists_are_found_as_a_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
