#include "agent/inventory/formerly.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/state/factbook.h"
#include "common/base/clock.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define NOW_S 1000000

static struct scratch scratch;
static struct state *state;
static struct fact_list facts;

static int set_up(void **unused)
{
	static const struct state_limits LIMITS = {.spool_bytes = 1u << 20, .map_bytes = 1u << 26};
	struct reason why;
	(void)unused;
	return scratch_init(&scratch) && state_open(scratch.root, &LIMITS, &state, &why) == 0 ? 0
	                                                                                      : -1;
}

static int tear_down(void **unused)
{
	(void)unused;
	state_close(state);
	scratch_fini(&scratch);
	return 0;
}

static void begin_list(void)
{
	scratch_forget(&scratch);
	facts = (struct fact_list){.arena = scratch.facts.arena};
}

static void package(const char *name, const char *arch, const char *version)
{
	struct fact fact = {.kind = FACT_PACKAGE};
	fact.field[PACKAGE_MANAGER] = slice_text("dpkg");
	fact.field[PACKAGE_NAME] = slice_text(name);
	fact.field[PACKAGE_ARCH] = slice_text(arch);
	fact.field[PACKAGE_VERSION] = slice_text(version);
	assert_int_equal(fact_list_add(&facts, &fact), 0);
}

static void install(const char *name, const char *arch, const char *time)
{
	struct fact fact = {.kind = FACT_INSTALL};
	fact.field[INSTALL_MANAGER] = slice_text("dpkg");
	fact.field[INSTALL_NAME] = slice_text(name);
	fact.field[INSTALL_ARCH] = slice_text(arch);
	fact.field[INSTALL_TIME] = slice_text(time);
	assert_int_equal(fact_list_add(&facts, &fact), 0);
}

static void restart(const char *of, const char *since)
{
	struct fact fact = {.kind = FACT_RESTART};
	fact.field[RESTART_EXE] = slice_text("/usr/sbin/nginx");
	fact.field[RESTART_FILE] = slice_text(of);
	fact.field[RESTART_PACKAGE] = slice_text(of);
	fact.field[RESTART_SINCE] = slice_text(since);
	assert_int_equal(fact_list_add(&facts, &fact), 0);
}

/* As a pass does it. */
static void pass(int64_t now_s)
{
	static const struct fact_scope SCOPES[] = {
	        {FACT_PACKAGE, "dpkg"}, {FACT_INSTALL, "dpkg"}, {FACT_RESTART, NULL}};
	struct state_txn *txn;
	struct reason why;
	assert_int_equal(state_begin(state, &txn, &why), 0);
	assert_int_equal(formerly_keep(txn, &facts, now_s * NS_PER_S), 0);
	assert_int_equal(formerly_tell(txn, &facts), 0);
	assert_true(factbook_sync(txn, SCOPES, 3, facts.fact, facts.count, CAUSE_LIVE,
	                    now_s * NS_PER_S) >= 0);
	assert_int_equal(state_commit(txn, &why), 0);
}

static void assert_told(size_t at, const char *runs, const char *since)
{
	const struct fact *fact = &facts.fact[at];
	if (!slice_is(fact->field[RESTART_RUNS], runs) ||
	        !slice_is(fact->field[RESTART_SINCE], since))
		fail_msg("runs '%.*s' since '%.*s'", SLICE_ARG(fact->field[RESTART_RUNS]),
		        SLICE_ARG(fact->field[RESTART_SINCE]));
}

static void test_a_process_runs_what_was_installed_when_it_started(void **unused)
{
	(void)unused;
	begin_list();
	package("libssl3", "amd64", "3.0.14");
	package("zlib1g", "amd64", "1.2");
	pass(NOW_S);
	begin_list();
	package("libssl3", "amd64", "3.0.15");
	install("libssl3", "i386", "5");
	install("libssl3", "amd64", "1000300"); /* some time before it was seen */
	package("zlib1g", "amd64", "1.2");
	pass(NOW_S + 600);
	begin_list();
	package("libssl3", "amd64", "3.0.16"); /* its time is not known */
	restart("dpkg:libssl3", "1000299");
	restart("dpkg:libssl3", "1000300");
	restart("dpkg:libssl3", "1000899");
	restart("dpkg:libssl3", "1000900");
	restart("dpkg:zlib1g", "1000299");
	restart("", "1000299");
	restart("dpkg:libssl3", "");
	pass(NOW_S + 900);
	assert_told(1, "3.0.14", "1000260");
	assert_told(2, "3.0.15", "1000260");
	assert_told(3, "3.0.15", "1000860");
	assert_told(4, "", "1000860");
	assert_told(5, "", "1000260");
	assert_told(6, "", "1000260");
	assert_told(7, "", "");
}

static void test_a_time_of_installation_that_is_to_come_is_not_believed(void **unused)
{
	(void)unused;
	begin_list();
	package("bash", "amd64", "1");
	pass(NOW_S);
	begin_list();
	package("bash", "amd64", "2");
	install("bash", "amd64", "4000000");
	pass(NOW_S + 60);
	begin_list();
	restart("dpkg:bash", "1000059");
	restart("dpkg:bash", "1000060");
	pass(NOW_S + 120);
	assert_told(0, "1", "1000020");
	assert_told(1, "", "1000020");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        CASE(test_a_process_runs_what_was_installed_when_it_started),
	        CASE(test_a_time_of_installation_that_is_to_come_is_not_believed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
