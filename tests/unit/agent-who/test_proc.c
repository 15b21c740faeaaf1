/* What /proc and the proc connector say, taken from a running system and bent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <string.h>

#include "agent/who/proc_news.h"
#include "common/model/proc_stat.h"
#include "agent/who/proc_status.h"
#include "common/base/buf.h"
#include "common/base/err.h"

#define STAT_TAIL                                                                                  \
	" S 811 4242 811 34816 4243 4194304 98 0 0 0 0 0 0 0 20 0 1 0 853981 2682880 224 "         \
	"18446744073709551615 94 94 140728 140728460 0 0 0 4096 0 1 0 0 17 0 0 0 0 0 0 0 0 0 0 0 " \
	"0 0 0\n"

static void test_stat_tells_parent_start_and_stack(void **state)
{
	(void)state;
	struct proc_stat stat;
	assert_true(proc_stat_parse(slice_text("4242 (sed)" STAT_TAIL), &stat));
	assert_int_equal(stat.pid, 4242);
	assert_int_equal(stat.ppid, 811);
	assert_int_equal(stat.started, 853981);
	assert_int_equal(stat.stack, 140728);
	assert_true(slice_is(stat.comm, "sed"));
	assert_false(proc_stat_has_ended(&stat));
}

static void test_a_process_cannot_lie_through_its_name(void **state)
{
	(void)state;
	const char *const NAMES[] = {"a) S 1 (b", "a) Z 1\n", "((", "))", "", " ) R 7 7"};
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		struct buf text = BUF_INIT;
		struct proc_stat stat;
		buf_printf(&text, "4242 (%s)" STAT_TAIL, NAMES[i]);
		assert_true(proc_stat_parse(buf_slice(&text), &stat));
		assert_int_equal(stat.ppid, 811);
		assert_int_equal(stat.started, 853981);
		assert_true(slice_is(stat.comm, NAMES[i]));
		buf_fini(&text);
	}
}

static void test_what_is_no_stat_is_refused(void **state)
{
	(void)state;
	const char *const TEXTS[] = {"", ")", "(", "4242", "4242 (sed)", "4242 (sed) S 1 2 3\n",
	        "0 (sed)" STAT_TAIL, "x (sed)" STAT_TAIL, "4242 )sed(" STAT_TAIL,
	        "4242 (sed) SS 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
	        "4242 (sed) S -1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"};
	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
		struct proc_stat stat = {.pid = 9};
		if (proc_stat_parse(slice_text(TEXTS[i]), &stat))
			fail_msg("taken: '%s'", TEXTS[i]);
		assert_int_equal(stat.pid, 9);
	}
}

static void test_the_effective_ids_count(void **state)
{
	(void)state;
	uint32_t uid = 7, gid = 7;
	assert_true(proc_status_parse(
	        slice_text("Name:\tsudo\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t9\n"
	                   "Uid:\t1000\t0\t0\t0\nGid:\t1000\t4294967294\t5\t5\nFDSize:\t64\n"),
	        &uid, &gid));
	assert_int_equal(uid, 0);
	assert_int_equal(gid, 4294967294u);
	assert_false(proc_status_parse(slice_text("Uid:\t1\t2\t3\t4\n"), &uid, &gid));
	assert_false(proc_status_parse(slice_text("Uid:\t1\nGid:\t1\t2\t3\t4\n"), &uid, &gid));
	assert_int_equal(uid, 0);
}

static void test_no_login_is_the_kernels_own_number(void **state)
{
	(void)state;
	uint32_t id = 7;
	assert_true(proc_id_parse(slice_text("4294967295"), &id));
	assert_int_equal(id, UINT32_MAX);
	assert_true(proc_id_parse(slice_text("1000\n"), &id));
	assert_int_equal(id, 1000);
	assert_false(proc_id_parse(slice_text("4294967296"), &id));
	assert_false(proc_id_parse(slice_text(""), &id));
	assert_false(proc_id_parse(slice_text("-1"), &id));
}

/* --- news ------------------------------------------------------------------------------------ */

static struct slice datagram_of(uint32_t what, const uint32_t words[4])
{
	static uint8_t bytes[256];
	struct nlmsghdr head = {.nlmsg_len = 76};
	struct cn_msg message = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .ack = 33, .len = 40};
	struct proc_event event = {.timestamp_ns = 77};
	memcpy(&event.what, &what, sizeof(what));
	memcpy(&event.event_data, words, 16);
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + 16, &message, sizeof(message));
	memcpy(bytes + 36, &event, sizeof(event));
	return slice_of(bytes, 76);
}

static void test_news_of_processes_are_read(void **state)
{
	(void)state;
	struct proc_news news;
	assert_int_equal(
	        proc_news_parse(datagram_of(PROC_EVENT_FORK, (uint32_t[]){5, 4, 7, 7}), &news), 1);
	assert_int_equal(news.kind, NEWS_FORKED);
	assert_int_equal(news.pid, 7);
	assert_int_equal(news.parent, 4); /* the process, not its thread */
	assert_int_equal(news.at_ns, 77);
	assert_int_equal(
	        proc_news_parse(datagram_of(PROC_EVENT_EXEC, (uint32_t[]){7, 7, 0, 0}), &news), 1);
	assert_int_equal(news.kind, NEWS_EXECED);
	assert_int_equal(
	        proc_news_parse(datagram_of(PROC_EVENT_UID, (uint32_t[]){7, 7, 1000, 33}), &news),
	        1);
	assert_int_equal(news.kind, NEWS_SET_UID);
	assert_int_equal(news.id, 33);
	assert_int_equal(
	        proc_news_parse(datagram_of(PROC_EVENT_EXIT, (uint32_t[]){7, 7, 0, 17}), &news), 1);
	assert_int_equal(news.kind, NEWS_ENDED);
	assert_int_equal(
	        proc_news_parse(datagram_of(PROC_EVENT_NONE, (uint32_t[]){1, 0, 0, 0}), &news), 1);
	assert_int_equal(news.kind, NEWS_ANSWER);
	assert_int_equal(news.pid, 33);
	assert_int_equal(news.id, 1);
}

static void test_news_of_threads_and_other_news_are_passed_over(void **state)
{
	(void)state;
	struct proc_news news;
	assert_int_equal(
	        proc_news_parse(datagram_of(PROC_EVENT_FORK, (uint32_t[]){4, 4, 8, 7}), &news), 0);
	assert_int_equal(
	        proc_news_parse(datagram_of(PROC_EVENT_EXIT, (uint32_t[]){8, 7, 0, 0}), &news), 0);
	assert_int_equal(
	        proc_news_parse(datagram_of(PROC_EVENT_COMM, (uint32_t[]){7, 7, 0, 0}), &news), 0);
	assert_int_equal(
	        proc_news_parse(datagram_of(PROC_EVENT_FORK, (uint32_t[]){4, 4, 0, 0}), &news), 0);
}

static void test_datagrams_that_are_cut_or_of_others_are_refused(void **state)
{
	(void)state;
	struct proc_news news;
	struct slice whole = datagram_of(PROC_EVENT_FORK, (uint32_t[]){4, 4, 7, 7});
	for (size_t len = 0; len < 56; len++)
		assert_int_equal(proc_news_parse(slice_of(whole.ptr, len), &news), ERR_FORMAT);
	((uint8_t *)(uintptr_t)whole.ptr)[16] = 9; /* another connector */
	assert_int_equal(proc_news_parse(whole, &news), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_stat_tells_parent_start_and_stack),
	        cmocka_unit_test(test_a_process_cannot_lie_through_its_name),
	        cmocka_unit_test(test_what_is_no_stat_is_refused),
	        cmocka_unit_test(test_the_effective_ids_count),
	        cmocka_unit_test(test_no_login_is_the_kernels_own_number),
	        cmocka_unit_test(test_news_of_processes_are_read),
	        cmocka_unit_test(test_news_of_threads_and_other_news_are_passed_over),
	        cmocka_unit_test(test_datagrams_that_are_cut_or_of_others_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
