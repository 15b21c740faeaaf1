/* The roll on a /proc of the test's own making, told what the test wants to tell. */
#include "agent/who/roll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/touch/names.h"

#define MS 1000000ULL

static char proc[64], passwd[96];
static struct names *names;
static struct roll *roll;
static uint64_t now;

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *walk)
{
	(void)info, (void)flag, (void)walk;
	return remove(path);
}

static void put(uint32_t pid, const char *name, const char *text, size_t len)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%u/%s", proc, pid, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fwrite(text, 1, len, file);
	fclose(file);
}

struct made {
	uint32_t pid, ppid;
	const char *exe; /* NULL: none */
	unsigned started, stack;
	unsigned uid, login_uid;
	char state;
	unsigned flags;
};

static void remove_process(uint32_t pid)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%u", proc, pid);
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_process(struct made made)
{
	char path[128], text[512], exe[160];
	remove_process(made.pid);
	snprintf(path, sizeof(path), "%s/%u", proc, made.pid);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(text, sizeof(text),
	        "%u (comm) %c %u 1 1 1 1 %u 1 1 1 1 1 1 1 1 1 1 1 1 %u 1 1 1 1 1 %u 1 1\n",
	        made.pid, made.state ? made.state : 'S', made.ppid, made.flags, made.started,
	        made.stack);
	put(made.pid, "stat", text, strlen(text));
	snprintf(text, sizeof(text), "Uid:\t%u\t%u\t0\t0\nGid:\t5\t6\t5\t5\n", made.uid, made.uid);
	put(made.pid, "status", text, strlen(text));
	snprintf(text, sizeof(text), "%u", made.login_uid);
	put(made.pid, "loginuid", text, strlen(text));
	put(made.pid, "sessionid", "3", 1);
	put(made.pid, "cgroup", "0::/lxc/web\n", 12);
	if (!made.exe)
		return;
	put(made.pid, "cmdline", "prog\0-x\0", 8);
	snprintf(exe, sizeof(exe), "%s/%u/exe", proc, made.pid);
	assert_int_equal(symlink(made.exe, exe), 0);
}

/* init (1) -> sshd (10) -> bash (20) */
static void make_line(void)
{
	make_process((struct made){.pid = 1, .exe = "/sbin/init", .started = 1, .stack = 1});
	make_process((struct made){
	        .pid = 10, .ppid = 1, .exe = "/usr/sbin/sshd", .started = 50, .stack = 2});
	make_process((struct made){.pid = 20,
	        .ppid = 10,
	        .exe = "/usr/bin/bash",
	        .started = 100,
	        .stack = 3,
	        .uid = 1000,
	        .login_uid = 1000});
}

static int begin(void **state)
{
	(void)state;
	strcpy(proc, "/tmp/test-roll-XXXXXX");
	if (!mkdtemp(proc))
		return -1;
	snprintf(passwd, sizeof(passwd), "%s/passwd", proc);
	FILE *file = fopen(passwd, "we");
	fputs("root:x:0:0::/:\naiko:x:1000:1000::/:\nwww:x:33:33::/:\n", file);
	fclose(file);
	names = names_new(passwd, passwd);
	roll = roll_new(proc, names);
	now = 1000000 * MS;
	make_line();
	return 0;
}

static int begin_told(void **state)
{
	int rc = begin(state);
	roll_set_told(roll);
	return rc;
}

static int end(void **state)
{
	(void)state;
	roll_free(roll);
	names_free(names);
	nftw(proc, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static const struct actor *ask(uint32_t pid, enum actor_gap gap)
{
	struct witness *witness = roll_ask(roll, pid, -1, now);
	assert_int_equal(witness->gap, gap);
	assert_int_equal(witness->actor.pid, pid);
	return &witness->actor;
}

static void assert_is(struct slice text, const char *wanted)
{
	if (!slice_equal(text, slice_text(wanted)))
		fail_msg("'%.*s', not '%s'", SLICE_ARG(text), wanted);
}

static void hear(enum proc_news_kind kind, uint32_t pid, uint32_t other)
{
	struct proc_news news = {.kind = kind, .pid = pid, .at_ns = now};
	news.parent = kind == NEWS_FORKED ? other : 0;
	news.id = kind == NEWS_FORKED ? 0 : other;
	now += MS;
	roll_hear(roll, &news, now);
}

static void test_a_process_is_known_with_its_line(void **state)
{
	(void)state;
	const struct actor *actor = ask(20, ACTOR_KNOWN);
	assert_is(actor->exe, "/usr/bin/bash");
	assert_is(actor->cmdline, "prog -x");
	assert_int_equal(actor->uid, 1000);
	assert_int_equal(actor->gid, 6);
	assert_is(actor->user, "aiko");
	assert_int_equal(actor->login_uid, 1000);
	assert_is(actor->login_user, "aiko");
	assert_int_equal(actor->session, 3);
	assert_is(actor->container, "web");
	assert_true(actor->started_ns > 0);
	assert_int_equal(actor->parent_count, 2);
	assert_is(actor->parent[0], "/usr/sbin/sshd");
	assert_is(actor->parent[1], "/sbin/init");
	assert_int_equal(roll_count(roll), 3);
}

static void test_one_that_is_gone_is_known_by_its_number_alone(void **state)
{
	(void)state;
	const struct actor *actor = ask(77, ACTOR_ENDED);
	assert_null(actor->exe.ptr);
	assert_int_equal(actor->uid, ACTOR_NO_ID);
	assert_int_equal(actor->login_uid, ACTOR_NO_ID);
	assert_int_equal(roll_count(roll), 0);
}

static void test_one_that_nobody_waited_for_is_known_by_its_short_name(void **state)
{
	(void)state;
	make_process((struct made){.pid = 30, .ppid = 20, .started = 120, .state = 'Z', .uid = 33});
	const struct actor *actor = ask(30, ACTOR_ENDED);
	assert_null(actor->exe.ptr);
	assert_is(actor->cmdline, "[comm]");
	assert_is(actor->user, "www");
	assert_is(actor->parent[0], "/usr/bin/bash");
}

static void test_one_that_is_ending_is_not_told_as_a_kernel_thread(void **state)
{
	(void)state;
	make_process((struct made){.pid = 30, .ppid = 20, .started = 120, .state = 'R', .uid = 33});
	assert_is(ask(30, ACTOR_ENDED)->user, "www");
}

static void test_arguments_that_do_not_come_hold_nobody_up(void **state)
{
	(void)state;
	char path[128];
	snprintf(path, sizeof(path), "%s/20/cmdline", proc);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	int writer = open(path, O_RDWR | O_CLOEXEC); /* a reader waits as long as this is open */
	assert_true(writer >= 0);
	const struct actor *actor = ask(20, ACTOR_KNOWN);
	assert_is(actor->exe, "/usr/bin/bash");
	assert_is(actor->cmdline, "[comm]");
	make_process((struct made){
	        .pid = 30, .ppid = 20, .exe = "/usr/bin/sed", .started = 130, .stack = 9});
	assert_is(ask(30, ACTOR_KNOWN)->exe, "/usr/bin/sed");
	close(writer);
}

static void test_a_kernel_thread_is_known_without_a_program(void **state)
{
	(void)state;
	make_process((struct made){.pid = 2, .started = 1, .flags = 0x208040});
	assert_is(ask(2, ACTOR_KNOWN)->cmdline, "[comm]");
}

static void test_another_program_is_noticed(void **state)
{
	(void)state;
	ask(20, ACTOR_KNOWN);
	make_process((struct made){
	        .pid = 20, .ppid = 10, .exe = "/usr/bin/sed", .started = 100, .stack = 4});
	now += 5 * MS;
	assert_is(ask(20, ACTOR_KNOWN)->exe, "/usr/bin/sed");
}

static void test_a_number_that_is_used_again_is_somebody_else(void **state)
{
	(void)state;
	int64_t started_ns = ask(20, ACTOR_KNOWN)->started_ns;
	make_process((struct made){
	        .pid = 20, .ppid = 1, .exe = "/usr/bin/cron", .started = 900, .stack = 3});
	now += 5 * MS;
	const struct actor *actor = ask(20, ACTOR_KNOWN);
	assert_is(actor->exe, "/usr/bin/cron");
	assert_int_equal(actor->parent_count, 1);
	assert_true(actor->started_ns > started_ns);
}

static void test_one_that_has_just_gone_is_still_known(void **state)
{
	(void)state;
	ask(20, ACTOR_KNOWN);
	remove_process(20);
	now += 100 * MS;
	assert_is(ask(20, ACTOR_KNOWN)->exe, "/usr/bin/bash");
	make_line();
	ask(20, ACTOR_KNOWN);
	roll_free(roll);
	roll = roll_new(proc, names);
	ask(20, ACTOR_KNOWN);
	remove_process(20);
	now += 60000 * MS; /* who knows how often the number was used meanwhile */
	ask(20, ACTOR_ENDED);
}

static void test_a_child_is_what_its_parent_was_without_a_look(void **state)
{
	(void)state;
	hear(NEWS_FORKED, 30, 20);
	hear(NEWS_ENDED, 30, 0);
	remove_process(20);
	const struct actor *actor = ask(30, ACTOR_KNOWN);
	assert_is(actor->exe, "/usr/bin/bash");
	assert_int_equal(actor->uid, 1000);
	assert_is(actor->parent[0], "/usr/bin/bash");
	assert_is(actor->parent[1], "/usr/sbin/sshd");
	assert_true(actor->started_ns > 0);
}

static void test_a_program_is_read_when_it_starts_and_known_when_it_is_gone(void **state)
{
	(void)state;
	hear(NEWS_FORKED, 30, 20);
	make_process((struct made){
	        .pid = 30, .ppid = 20, .exe = "/usr/bin/sed", .started = 130, .stack = 9});
	hear(NEWS_EXECED, 30, 0);
	remove_process(30);
	hear(NEWS_ENDED, 30, 0);
	const struct actor *actor = ask(30, ACTOR_KNOWN);
	assert_is(actor->exe, "/usr/bin/sed");
	assert_is(actor->parent[0], "/usr/bin/bash");
	assert_false(roll_has_alive(roll, 30));
}

static void test_a_program_that_nobody_could_read_is_not_told_as_its_parents(void **state)
{
	(void)state;
	hear(NEWS_FORKED, 30, 20);
	hear(NEWS_EXECED, 30, 0); /* gone already */
	const struct actor *actor = ask(30, ACTOR_ENDED);
	assert_null(actor->exe.ptr);
	assert_null(actor->cmdline.ptr);
	assert_int_equal(actor->uid, 1000);
	assert_int_equal(actor->login_uid, 1000);
	assert_is(actor->parent[0], "/usr/bin/bash");
}

static void test_an_orphan_keeps_its_line(void **state)
{
	(void)state;
	hear(NEWS_FORKED, 30, 20);
	remove_process(20);
	hear(NEWS_ENDED, 20, 0);
	make_process((struct made){
	        .pid = 30, .ppid = 1, .exe = "/usr/bin/nc", .started = 130, .stack = 9});
	hear(NEWS_EXECED, 30, 0);
	assert_is(ask(30, ACTOR_KNOWN)->parent[0], "/usr/bin/bash");
}

static void test_another_user_is_told(void **state)
{
	(void)state;
	hear(NEWS_FORKED, 30, 20);
	hear(NEWS_SET_GID, 30, 44);
	hear(NEWS_SET_UID, 30, 33);
	const struct actor *actor = ask(30, ACTOR_KNOWN);
	assert_int_equal(actor->uid, 33);
	assert_int_equal(actor->gid, 44);
	assert_is(actor->user, "www");
	assert_int_equal(actor->login_uid, 1000);
	assert_int_equal(ask(20, ACTOR_KNOWN)->uid, 1000);
}

static void test_what_is_told_late_does_not_undo_what_was_read_since(void **state)
{
	(void)state;
	uint64_t before = now;
	make_process((struct made){
	        .pid = 30, .ppid = 20, .exe = "/usr/bin/sed", .started = 130, .stack = 9});
	now += MS;
	ask(30, ACTOR_KNOWN);
	remove_process(30);
	struct proc_news forked = {.kind = NEWS_FORKED, .pid = 30, .parent = 20, .at_ns = before};
	struct proc_news execed = {.kind = NEWS_EXECED, .pid = 30, .at_ns = before + 1};
	struct proc_news ended = {.kind = NEWS_ENDED, .pid = 30, .at_ns = before - 1};
	roll_hear(roll, &forked, now);
	roll_hear(roll, &execed, now);
	roll_hear(roll, &ended, now);
	assert_is(ask(30, ACTOR_KNOWN)->exe, "/usr/bin/sed");
	assert_true(roll_has_alive(roll, 30));
}

static void test_after_a_loss_what_was_told_is_looked_at_again(void **state)
{
	(void)state;
	hear(NEWS_FORKED, 30, 20);
	make_process((struct made){
	        .pid = 30, .ppid = 20, .exe = "/usr/bin/sed", .started = 130, .stack = 9});
	assert_is(ask(30, ACTOR_KNOWN)->exe, "/usr/bin/bash"); /* so it was told */
	roll_doubt(roll);
	assert_is(ask(30, ACTOR_KNOWN)->exe, "/usr/bin/sed");
	hear(NEWS_FORKED, 31, 20);
	roll_doubt(roll);
	ask(31, ACTOR_ENDED);
}

static void test_a_number_that_is_born_again_is_somebody_else(void **state)
{
	(void)state;
	hear(NEWS_FORKED, 30, 20);
	ask(30, ACTOR_KNOWN);
	hear(NEWS_ENDED, 30, 0);
	hear(NEWS_FORKED, 30, 10);
	assert_is(ask(30, ACTOR_KNOWN)->exe, "/usr/sbin/sshd");
	assert_true(roll_has_alive(roll, 30));
}

static void test_those_that_ended_are_forgotten_after_a_while(void **state)
{
	(void)state;
	hear(NEWS_FORKED, 30, 20);
	size_t count = roll_count(roll);
	hear(NEWS_ENDED, 30, 0);
	assert_int_equal(roll_count(roll), count);
	now += ROLL_ENDED_NS + 2 * MS;
	hear(NEWS_ENDED, 999, 0);
	assert_int_equal(roll_count(roll), count - 1);
	ask(30, ACTOR_ENDED);
}

static void test_the_roll_is_bounded_and_those_in_use_stay(void **state)
{
	(void)state;
	ask(20, ACTOR_KNOWN);
	for (uint32_t i = 0; i < 3 * ROLL_PROCESSES; i++) {
		hear(NEWS_FORKED, 100 + i, 20);
		if (i % 1000 == 0)
			ask(20, ACTOR_KNOWN);
	}
	assert_true(roll_count(roll) <= ROLL_PROCESSES);
	remove_process(20);
	assert_is(ask(20, ACTOR_KNOWN)->exe, "/usr/bin/bash");
	assert_is(ask(99 + 3 * ROLL_PROCESSES, ACTOR_KNOWN)->exe, "/usr/bin/bash");
}

static void test_a_line_in_a_circle_ends(void **state)
{
	(void)state;
	make_process((struct made){.pid = 40, .ppid = 41, .exe = "/a", .started = 1, .stack = 1});
	make_process((struct made){.pid = 41, .ppid = 40, .exe = "/b", .started = 1, .stack = 1});
	assert_is(ask(40, ACTOR_KNOWN)->exe, "/a");
	assert_true(ask(40, ACTOR_KNOWN)->parent_count <= ACTOR_PARENTS_MAX);
}

int main(void)
{
#define TEST(name)      cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_TOLD(name) cmocka_unit_test_setup_teardown(name, begin_told, end)
	const struct CMUnitTest tests[] = {
	        TEST(test_a_process_is_known_with_its_line),
	        TEST(test_one_that_is_gone_is_known_by_its_number_alone),
	        TEST(test_one_that_nobody_waited_for_is_known_by_its_short_name),
	        TEST(test_one_that_is_ending_is_not_told_as_a_kernel_thread),
	        TEST(test_arguments_that_do_not_come_hold_nobody_up),
	        TEST(test_a_kernel_thread_is_known_without_a_program),
	        TEST(test_another_program_is_noticed),
	        TEST(test_a_number_that_is_used_again_is_somebody_else),
	        TEST(test_one_that_has_just_gone_is_still_known),
	        TEST_TOLD(test_a_child_is_what_its_parent_was_without_a_look),
	        TEST_TOLD(test_a_program_is_read_when_it_starts_and_known_when_it_is_gone),
	        TEST_TOLD(test_a_program_that_nobody_could_read_is_not_told_as_its_parents),
	        TEST_TOLD(test_an_orphan_keeps_its_line),
	        TEST_TOLD(test_another_user_is_told),
	        TEST_TOLD(test_what_is_told_late_does_not_undo_what_was_read_since),
	        TEST_TOLD(test_after_a_loss_what_was_told_is_looked_at_again),
	        TEST_TOLD(test_a_number_that_is_born_again_is_somebody_else),
	        TEST_TOLD(test_those_that_ended_are_forgotten_after_a_while),
	        TEST_TOLD(test_the_roll_is_bounded_and_those_in_use_stay),
	        TEST(test_a_line_in_a_circle_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
