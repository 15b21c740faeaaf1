#include "agent/inventory/inventory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/state/factbook.h"
#include "agent/state/spool.h"
#include "common/base/clock.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define PATIENCE_MS 20000

#define STANZA(name, version)                               \
	"Package: " name "\nStatus: install ok installed\n" \
	"Architecture: amd64\nVersion: " version "\n\n"
#define ONE       STANZA("one", "1")
#define ONE_NEWER STANZA("one", "2")
#define TWO       STANZA("two", "1")

struct bench {
	struct scratch scratch;
	char state_dir[64];
	struct loop *loop;
	struct timer *patience;
	struct state *state;
	struct inventory *inventory;
	unsigned passes;
	uint64_t events;
	bool has_failed;
};

static void on_committed(void *ctx, uint64_t events)
{
	struct bench *bench = ctx;
	bench->passes++;
	bench->events = events;
	loop_stop(bench->loop);
}

static void on_impatience(void *ctx)
{
	struct bench *bench = ctx;
	bench->has_failed = true;
	loop_stop(bench->loop);
}

static void run_pass(struct bench *bench)
{
	unsigned before = bench->passes;
	timer_start(bench->patience, PATIENCE_MS, 0);
	loop_run(bench->loop);
	timer_stop(bench->patience);
	assert_false(bench->has_failed);
	assert_int_equal(bench->passes, before + 1);
}

static void make_inventory(struct bench *bench)
{
	static const char *const names[] = {"env"}, *const values[] = {"test"};
	struct inventory_options options = {.root = bench->scratch.root,
	        .interval_ns = 3600 * NS_PER_S,
	        .again_ms = 20,
	        .label_count = 1,
	        .label_name = names,
	        .label_value = values};
	struct inventory_events events = {.committed = on_committed};
	assert_int_equal(inventory_new(bench->loop, bench->state, &options, &events, bench,
	                         &bench->inventory, NULL),
	        0);
}

static void set_status(struct bench *bench, const char *text)
{
	assert_true(scratch_write(&bench->scratch, "/var/lib/dpkg/status", text));
}

static int count_one(void *ctx, const struct fact *fact)
{
	size_t *count = ctx;
	(void)fact;
	(*count)++;
	return 0;
}

static size_t known(struct bench *bench, enum fact_kind kind)
{
	struct kv_txn *txn = NULL;
	size_t count = 0;
	assert_int_equal(kv_begin_read(state_kv(bench->state), &txn), 0);
	assert_int_equal(factbook_each(txn, kind, count_one, &count), 0);
	kv_abort(txn);
	return count;
}

static int set_up(void **state)
{
	struct state_limits limits = {.spool_bytes = 64u << 20, .map_bytes = 256u << 20};
	struct bench *bench = calloc(1, sizeof(*bench));
	strcpy(bench->state_dir, "/tmp/test-inventory-XXXXXX");
	if (!scratch_init(&bench->scratch) || !mkdtemp(bench->state_dir) ||
	        state_open(bench->state_dir, &limits, &bench->state, NULL) < 0)
		return -1;
	bench->loop = loop_new();
	bench->patience = timer_new(bench->loop, on_impatience, bench);
	scratch_write(&bench->scratch, "/etc/os-release", "ID=debian\n");
	set_status(bench, ONE);
	make_inventory(bench);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	inventory_free(bench->inventory);
	timer_free(bench->patience);
	state_close(bench->state);
	loop_free(bench->loop);
	nftw(bench->state_dir, scratch_remove_one, 32, FTW_DEPTH | FTW_PHYS);
	scratch_fini(&bench->scratch);
	free(bench);
	return 0;
}

static void test_first_pass_reports_everything(void **state)
{
	struct bench *bench = *state;
	inventory_start(bench->inventory);
	run_pass(bench);
	assert_int_equal(known(bench, FACT_PACKAGE), 1);
	assert_int_equal(known(bench, FACT_OS), 1);
	assert_int_equal(known(bench, FACT_LABEL), 1);
	assert_true(bench->events >= 3);
	struct inventory_status status;
	inventory_status(bench->inventory, &status);
	assert_int_equal(status.packages, 1);
	assert_true(status.last_pass_ns > 0);
	assert_string_equal(status.why, "");
}

static void test_change_of_the_status_file_brings_a_pass(void **state)
{
	struct bench *bench = *state;
	inventory_start(bench->inventory);
	run_pass(bench);
	set_status(bench, ONE_NEWER TWO);
	run_pass(bench);
	assert_int_equal(bench->events, 2); /* one upgraded, one installed */
	assert_int_equal(known(bench, FACT_PACKAGE), 2);
	set_status(bench, TWO);
	run_pass(bench);
	assert_int_equal(bench->events, 1);
	assert_int_equal(known(bench, FACT_PACKAGE), 1);
}

static void test_change_of_each_package_database_brings_a_pass(void **state)
{
	static const char *const FILES[] = {"/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/.rpm.lock",
	        "/usr/lib/sysimage/rpm/Packages.db", "/usr/share/rpm/Packages",
	        "/lib/apk/db/installed", "/usr/lib/apk/db/installed", "/var/lib/apk/db/installed",
	        "/var/lib/pacman/db.lck"};
	struct bench *bench = *state;
	char path[256];
	for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++)
		assert_true(scratch_write(&bench->scratch, FILES[i], ""));
	inventory_start(bench->inventory);
	run_pass(bench);
	for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", bench->scratch.root, FILES[i]);
		assert_int_equal(unlink(path), 0);
		run_pass(bench);
	}
}

static void test_anything_new_where_cron_and_units_lie_brings_a_pass(void **state)
{
	struct bench *bench = *state;
	char path[256];
	assert_true(scratch_write(&bench->scratch, "/etc/cron.d/one", ""));
	assert_true(scratch_write(&bench->scratch, "/etc/systemd/system/one.service", ""));
	inventory_start(bench->inventory);
	run_pass(bench);
	assert_true(scratch_write(&bench->scratch, "/etc/cron.d/two", "* * * * * root true\n"));
	run_pass(bench);
	assert_int_equal(known(bench, FACT_CRON), 1);
	/* `systemctl mask`: a link is made, and nothing is closed. */
	snprintf(path, sizeof(path), "%s/etc/systemd/system/two.service", bench->scratch.root);
	assert_int_equal(symlink("/dev/null", path), 0);
	run_pass(bench);
	assert_int_equal(known(bench, FACT_UNIT), 2);
}

/* --- rpm, one header of which cannot be read -------------------------------------------------- */

/* 0, or 77: a tool is missing. */
static int shell(const struct bench *bench, const char *command)
{
	char line[1024];
	snprintf(
	        line, sizeof(line), "cd '%s' && { %s; } 2>/dev/null", bench->scratch.root, command);
	int status = system(line); // NOLINT(cert-env33-c)
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool make_rpm_database(const struct bench *bench)
{
	char here[512], command[768];
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(command, sizeof(command),
	        "python3 '%s/tests/unit/agent-pkgdb/make_rpm.py' made && mkdir -p var/lib/rpm && "
	        "cp made/sqlite/var/lib/rpm/rpmdb.sqlite var/lib/rpm/",
	        here);
	int rc = shell(bench, command);
	assert_true(rc == 0 || rc == 77);
	return rc == 0;
}

static void change_rpm_database(const struct bench *bench, const char *statement)
{
	char command[512];
	snprintf(command, sizeof(command),
	        "python3 -c \"import sqlite3; db = sqlite3.connect('var/lib/rpm/rpmdb.sqlite'); "
	        "db.execute('%s'); db.commit(); db.close()\" && touch var/lib/rpm/.rpm.lock",
	        statement);
	assert_int_equal(shell(bench, command), 0);
}

#define OLDEST "(SELECT min(hnum) FROM Packages)"
#define SECOND "(SELECT min(hnum) + 1 FROM Packages)"

static void test_a_package_that_cannot_be_read_is_not_taken_for_a_removed_one(void **state)
{
	struct bench *bench = *state;
	struct inventory_status status;
	if (!make_rpm_database(bench))
		skip();
	inventory_start(bench->inventory);
	run_pass(bench);
	size_t packages = known(bench, FACT_PACKAGE);
	assert_true(packages > 5);
	change_rpm_database(
	        bench, "UPDATE Packages SET blob = zeroblob(length(blob)) WHERE hnum = " OLDEST);
	run_pass(bench);
	inventory_status(bench->inventory, &status);
	assert_int_equal(bench->events, 0);
	assert_non_null(strstr(status.why, "1 entries of rpm's database cannot be read"));
	assert_int_equal(status.packages, packages - 1);
	/* Nor is anything else, until all of them can be read again. */
	change_rpm_database(bench, "DELETE FROM Packages WHERE hnum = " SECOND);
	run_pass(bench);
	assert_int_equal(bench->events, 0);
	assert_int_equal(known(bench, FACT_PACKAGE), packages);
	assert_int_equal(shell(bench, "cp made/sqlite/var/lib/rpm/rpmdb.sqlite var/lib/rpm/"), 0);
	change_rpm_database(bench, "DELETE FROM Packages WHERE hnum = " SECOND);
	run_pass(bench);
	assert_int_equal(bench->events, 2); /* the package, and when it came */
	assert_int_equal(known(bench, FACT_PACKAGE), packages - 1);
	inventory_status(bench->inventory, &status);
	assert_string_equal(status.why, "");
}

static void test_packages_of_all_managers_stand_side_by_side(void **state)
{
	struct bench *bench = *state;
	assert_true(scratch_write(&bench->scratch, "/lib/apk/db/installed", "P:one\nV:1-r0\n\n"));
	assert_true(scratch_write(&bench->scratch, "/var/lib/pacman/local/one-1-1/desc",
	        "%NAME%\none\n\n%VERSION%\n1-1\n\n%INSTALLDATE%\n1700000000\n\n"));
	inventory_start(bench->inventory);
	run_pass(bench);
	assert_int_equal(known(bench, FACT_PACKAGE), 3);
	assert_int_equal(known(bench, FACT_INSTALL), 1);
	set_status(bench, ONE_NEWER);
	run_pass(bench);
	assert_int_equal(bench->events, 1);
	assert_int_equal(known(bench, FACT_PACKAGE), 3);
}

static void test_nothing_new_is_no_event(void **state)
{
	struct bench *bench = *state;
	inventory_start(bench->inventory);
	run_pass(bench);
	set_status(bench, ONE);
	run_pass(bench);
	assert_int_equal(bench->events, 0);
}

static void test_damaged_source_keeps_its_facts(void **state)
{
	struct bench *bench = *state;
	struct inventory_status status;
	inventory_start(bench->inventory);
	run_pass(bench);
	set_status(bench, "Package: one\nStat");
	run_pass(bench);
	assert_int_equal(bench->events, 0);
	assert_int_equal(known(bench, FACT_PACKAGE), 1);
	inventory_status(bench->inventory, &status);
	assert_non_null(strstr(status.why, "dpkg"));
	assert_int_equal(status.packages, 1);
	set_status(bench, ONE TWO);
	run_pass(bench);
	inventory_status(bench->inventory, &status);
	assert_string_equal(status.why, "");
	assert_int_equal(status.packages, 2);
}

static void test_held_inventory_passes_after_its_release(void **state)
{
	struct bench *bench = *state;
	inventory_hold(bench->inventory, true);
	inventory_start(bench->inventory);
	assert_int_equal(bench->passes, 0);
	inventory_hold(bench->inventory, false);
	run_pass(bench);
	assert_int_equal(known(bench, FACT_PACKAGE), 1);
}

static void test_freeing_waits_for_the_pass_under_way(void **state)
{
	struct bench *bench = *state;
	inventory_start(bench->inventory);
	inventory_free(bench->inventory);
	bench->inventory = NULL;
	assert_int_equal(bench->passes, 0);
	assert_int_equal(known(bench, FACT_PACKAGE), 1);
}

static void set_process(struct bench *bench, const char *exe)
{
	char path[128];
	assert_true(
	        scratch_write(&bench->scratch, "/proc/10/cgroup", "0::/system.slice/a.service"));
	assert_true(scratch_write(&bench->scratch, "/proc/10/maps", ""));
	snprintf(path, sizeof(path), "%s/proc/10/exe", bench->scratch.root);
	unlink(path);
	assert_int_equal(symlink(exe, path), 0);
}

static void test_facts_that_end_unseen_are_read_again_while_there_are_any(void **state)
{
	struct bench *bench = *state;
	struct inventory_status before, after;
	set_process(bench, "/usr/sbin/a (deleted)");
	inventory_start(bench->inventory);
	run_pass(bench);
	assert_int_equal(known(bench, FACT_RESTART), 1);
	inventory_status(bench->inventory, &before);
	/* By itself, and of nothing else. */
	scratch_write(&bench->scratch, "/etc/os-release", "ID=other\n");
	run_pass(bench);
	assert_int_equal(bench->events, 0);
	set_process(bench, "/usr/sbin/a");
	while (known(bench, FACT_RESTART) > 0)
		run_pass(bench);
	assert_int_equal(bench->events, 1);
	inventory_status(bench->inventory, &after);
	assert_int_equal(after.last_pass_ns, before.last_pass_ns);
	assert_int_equal(after.packages, 1);
	/* Then nothing is waited for any more. */
	unsigned passes = bench->passes;
	timer_start(bench->patience, 200, 0);
	loop_run(bench->loop);
	assert_int_equal(bench->passes, passes);
}

static void test_what_was_seen_of_too_much_is_kept_and_told(void **state)
{
	struct bench *bench = *state;
	struct inventory_status status;
	struct buf maps = BUF_INIT;
	set_process(bench, "/usr/sbin/a");
	for (unsigned i = 0; i < 10001; i++)
		buf_printf(&maps, "1-2 r-xp 0 00:01 8 /usr/lib/%u.so (deleted)\n", i);
	assert_true(scratch_write(&bench->scratch, "/proc/10/maps", buf_text(&maps)));
	buf_fini(&maps);
	inventory_start(bench->inventory);
	run_pass(bench);
	assert_int_equal(known(bench, FACT_RESTART), 10000);
	inventory_status(bench->inventory, &status);
	assert_non_null(strstr(status.why, "has to be restarted"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_first_pass_reports_everything),
	        TEST(test_change_of_the_status_file_brings_a_pass),
	        TEST(test_change_of_each_package_database_brings_a_pass),
	        TEST(test_anything_new_where_cron_and_units_lie_brings_a_pass),
	        TEST(test_a_package_that_cannot_be_read_is_not_taken_for_a_removed_one),
	        TEST(test_packages_of_all_managers_stand_side_by_side),
	        TEST(test_nothing_new_is_no_event),
	        TEST(test_damaged_source_keeps_its_facts),
	        TEST(test_held_inventory_passes_after_its_release),
	        TEST(test_freeing_waits_for_the_pass_under_way),
	        TEST(test_facts_that_end_unseen_are_read_again_while_there_are_any),
	        TEST(test_what_was_seen_of_too_much_is_kept_and_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
