/* Time is what the tests say it is; the store is a real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/silence/silence.h"
#include "collector/store/eventlog.h"
#include "collector/store/hosts.h"
#include "collector/store/picture.h"
#include "common/base/arena.h"
#include "common/base/clock.h"

#define MAP_BYTES (64u << 20)
#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define QUIET_MS  UINT64_C(120000)

enum { WEB, TEST, LAPTOP, NEVER_SEEN, HOSTS };
static const char *const NAMES[] = {"web", "test", "laptop", "never"};

static struct silence_label LABELS[] = {
        {"env", "test", 3600 * NS_PER_S},
        {"kind", NULL, 0},
};
static const struct silence_config CONFIG = {300 * NS_PER_S, {2, LABELS}};

struct scene {
	char dir[32];
	struct loop *loop;
	struct timer *timer;
	struct store *store;
	struct silence *silence;
	uint64_t now_ms;
	uint64_t wake_ms; /* 0: not asked for */
	unsigned told;
};

static void stop_when_settled(void *ctx)
{
	struct scene *scene = ctx;

	if (store_waiting(scene->store) == 0)
		loop_stop(scene->loop);
}

/* Until the store has done what was submitted. */
static void settle(struct scene *scene)
{
	timer_start(scene->timer, 0, 1);
	loop_run(scene->loop);
	timer_stop(scene->timer);
}

static void wake_at(void *ctx, uint64_t at_ms)
{
	((struct scene *)ctx)->wake_ms = at_ms;
}

static void told(void *ctx)
{
	((struct scene *)ctx)->told++;
}

static void open_silence(struct scene *scene)
{
	struct silence_options options = {&CONFIG, scene->store, QUIET_MS, wake_at, told, scene};
	struct reason why;

	scene->wake_ms = 0;
	assert_int_equal(silence_open(&options, scene->now_ms, &scene->silence, &why), 0);
}

static void open_store(struct scene *scene)
{
	struct reason why;

	scene->timer = timer_new(scene->loop, stop_when_settled, scene);
	assert_int_equal(store_open(scene->dir, MAP_BYTES, scene->loop, &scene->store, &why), 0);
}

static void close_all(struct scene *scene)
{
	timer_free(scene->timer);
	store_close(scene->store);
	silence_free(scene->silence);
}

/* The collector ends without having seen sessions end, and is down for so long. */
static void restart(struct scene *scene, uint64_t down_ms)
{
	close_all(scene);
	scene->now_ms += down_ms;
	open_store(scene);
	open_silence(scene);
}

static int add_hosts(struct store_job *job, struct kv_txn *txn, struct reason *out_why)
{
	static const char *const label[][2] = {
	        {"role", "a"}, {"env", "test"}, {"kind", "b"}, {"", ""}};
	struct host_record host = {.id = UINT32_MAX};
	uint32_t id;
	int rc = 0;

	(void)job, (void)out_why;
	for (size_t i = 0; rc == 0 && i < HOSTS; i++) {
		struct fact fact = {.kind = FACT_LABEL,
		        .field = {slice_text(label[i][0]), slice_text(label[i][1])}};
		struct event event = {.kind = EVENT_FACT,
		        .action = ACTION_INSTALLED,
		        .cause = CAUSE_BASELINE,
		        .fact_after = &fact};
		host.name = slice_text(NAMES[i]);
		rc = hosts_put(txn, &host, &id);
		if (rc == 0 && label[i][0][0])
			rc = picture_apply(txn, id, &event);
	}
	return rc;
}

static int set_up(void **state)
{
	static struct scene scene;
	struct reason why;

	scene = (struct scene){.dir = "/tmp/tsujiban-silence-XXXXXX", .now_ms = 1000000};
	assert_non_null(mkdtemp(scene.dir));
	scene.loop = loop_new();
	open_store(&scene);
	assert_int_equal(
	        store_write(scene.store, &(struct store_job){.apply = add_hosts}, &why), 0);
	open_silence(&scene);
	*state = &scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	char command[64];

	close_all(scene);
	loop_free(scene->loop);
	snprintf(command, sizeof(command), "rm -rf '%s'", scene->dir);
	return system(command);
}

static void came(struct scene *scene, uint32_t host)
{
	silence_came(scene->silence, host, "192.0.2.7:4711");
	settle(scene);
}

static void left(struct scene *scene, uint32_t host)
{
	silence_left(scene->silence, host, scene->now_ms, scene->now_ms);
	settle(scene);
}

/* Time passes, with the wake-ups that were asked for. */
static void pass(struct scene *scene, uint64_t ms)
{
	uint64_t end_ms = scene->now_ms + ms;

	while (scene->wake_ms && scene->wake_ms <= end_ms) {
		scene->now_ms = scene->wake_ms > scene->now_ms ? scene->wake_ms : scene->now_ms;
		scene->wake_ms = 0;
		silence_wake(scene->silence, scene->now_ms);
		settle(scene);
	}
	scene->now_ms = end_ms;
}

/* "web silent, web returned": the log, and what the last one says. */
static const char *log_of(struct scene *scene, struct buf *out, struct buf *out_detail)
{
	struct arena *arena = arena_new(1 << 20);
	struct buf scratch = BUF_INIT;
	struct log_batch batch;
	struct event *events;
	struct kv_txn *txn;
	struct reason why;
	size_t count;

	buf_reset(out);
	assert_int_equal(kv_begin_read(store_kv(scene->store), &txn), 0);
	for (uint64_t at = 1; eventlog_next(txn, at, UINT32_MAX, &batch) == 0;
	        at = batch.position + 1) {
		assert_int_equal(eventlog_open(&batch, &scratch, arena, &events, &count, &why), 0);
		assert_int_equal(count, 1);
		buf_printf(out, "%s%s %s", out->len ? ", " : "", NAMES[batch.host],
		        event_action_name(events[0].action));
		if (out_detail) {
			buf_reset(out_detail);
			buf_append_slice(out_detail, events[0].detail);
		}
	}
	kv_abort(txn);
	buf_fini(&scratch);
	arena_free(arena);
	return buf_text(out);
}

static void assert_log(struct scene *scene, const char *wanted)
{
	struct buf log = BUF_INIT;

	assert_string_equal(log_of(scene, &log, NULL), wanted);
	buf_fini(&log);
}

static void assert_last_says(struct scene *scene, const char *start, const char *end)
{
	struct buf log = BUF_INIT, detail = BUF_INIT;
	const char *text;

	log_of(scene, &log, &detail);
	text = buf_text(&detail);
	if (strncmp(text, start, strlen(start)) != 0 || strlen(text) < strlen(end) ||
	        strcmp(text + strlen(text) - strlen(end), end) != 0)
		fail_msg("'%s' does not begin with '%s' and end with '%s'", text, start, end);
	buf_fini(&log);
	buf_fini(&detail);
}

static void test_host_that_leaves_is_silent_once_and_returns_once(void **state)
{
	struct scene *scene = *state;

	came(scene, WEB);
	pass(scene, HOUR_MS);
	assert_log(scene, "");
	left(scene, WEB);
	pass(scene, 5 * MINUTE_MS - 1);
	assert_log(scene, "");
	assert_false(silence_is_silent(scene->silence, WEB));
	pass(scene, 1);
	assert_log(scene, "web silent");
	assert_last_says(scene, "not heard of since 20", ", last address 192.0.2.7");
	assert_true(silence_is_silent(scene->silence, WEB));
	pass(scene, HOUR_MS);
	came(scene, WEB);
	assert_last_says(scene, "was away for 0s, since 20", ", address 192.0.2.7");
	pass(scene, HOUR_MS);
	assert_log(scene, "web silent, web returned");
	assert_false(silence_is_silent(scene->silence, WEB));
	assert_int_equal(scene->told, 2);
}

static void test_host_that_comes_back_in_time_is_not_silent(void **state)
{
	struct scene *scene = *state;

	came(scene, WEB);
	for (unsigned i = 0; i < 5; i++) {
		left(scene, WEB);
		pass(scene, 4 * MINUTE_MS);
		came(scene, WEB);
		pass(scene, MINUTE_MS);
	}
	assert_log(scene, "");
}

static void test_newer_session_that_replaces_an_older_one_counts(void **state)
{
	struct scene *scene = *state;

	came(scene, WEB);
	silence_left(scene->silence, WEB, scene->now_ms, scene->now_ms);
	silence_came(scene->silence, WEB, "192.0.2.7:4712");
	settle(scene);
	pass(scene, HOUR_MS);
	assert_log(scene, "");
}

static void test_labels_say_how_long(void **state)
{
	struct scene *scene = *state;

	for (uint32_t host = WEB; host <= LAPTOP; host++) {
		came(scene, host);
		left(scene, host);
	}
	pass(scene, HOUR_MS - 1);
	assert_log(scene, "web silent");
	pass(scene, 1);
	assert_log(scene, "web silent, test silent");
	pass(scene, 100 * HOUR_MS);
	assert_log(scene, "web silent, test silent");
}

static void test_restart_gives_everybody_the_whole_time(void **state)
{
	struct scene *scene = *state;

	came(scene, WEB);
	came(scene, TEST);
	left(scene, TEST);
	restart(scene, 2 * HOUR_MS);
	pass(scene, 5 * MINUTE_MS - 1);
	assert_log(scene, "");
	pass(scene, 1);
	assert_log(scene, "web silent");
	assert_last_says(
	        scene, "not back since the collector's start at 20", ", last address 192.0.2.7");
	pass(scene, HOUR_MS);
	assert_log(scene, "web silent, test silent");
	assert_last_says(scene, "not heard of since 20", ", last address 192.0.2.7");
}

static void test_silence_outlives_restarts_and_is_not_told_again(void **state)
{
	struct scene *scene = *state;

	came(scene, WEB);
	left(scene, WEB);
	pass(scene, HOUR_MS);
	for (unsigned i = 0; i < 3; i++) {
		restart(scene, HOUR_MS);
		assert_true(silence_is_silent(scene->silence, WEB));
		pass(scene, HOUR_MS);
	}
	assert_log(scene, "web silent");
	came(scene, WEB);
	restart(scene, HOUR_MS);
	came(scene, WEB);
	assert_log(scene, "web silent, web returned");
	pass(scene, HOUR_MS);
	assert_log(scene, "web silent, web returned");
}

static void test_host_that_was_never_connected_is_not_silent(void **state)
{
	struct scene *scene = *state;

	restart(scene, 0);
	pass(scene, 100 * HOUR_MS);
	assert_log(scene, "");
	assert_int_equal(scene->wake_ms, 0);
}

static int revoke_web(struct store_job *job, struct kv_txn *txn, struct reason *out_why)
{
	struct host_record host;
	int rc = hosts_get(txn, WEB, &host);

	(void)job, (void)out_why;
	host.is_revoked = true;
	return rc < 0 ? rc : hosts_put(txn, &host, NULL);
}

static void test_revoked_host_is_not_silent(void **state)
{
	struct scene *scene = *state;
	struct reason why;

	came(scene, WEB);
	assert_int_equal(
	        store_write(scene->store, &(struct store_job){.apply = revoke_web}, &why), 0);
	silence_left(scene->silence, WEB, scene->now_ms, scene->now_ms);
	silence_forget(scene->silence, WEB);
	settle(scene);
	pass(scene, HOUR_MS);
	restart(scene, HOUR_MS);
	pass(scene, HOUR_MS);
	assert_log(scene, "");
}

static void test_collector_that_stood_still_blames_nobody(void **state)
{
	struct scene *scene = *state;

	came(scene, WEB);
	came(scene, TEST);
	left(scene, WEB);
	/* Stopped for a day: the wake-up is late by that, and the other session's end looks old. */
	scene->now_ms += 24 * HOUR_MS;
	silence_wake(scene->silence, scene->now_ms);
	silence_left(scene->silence, TEST, scene->now_ms - 24 * HOUR_MS, scene->now_ms);
	settle(scene);
	assert_log(scene, "");
	came(scene, WEB);
	pass(scene, HOUR_MS - QUIET_MS - 1);
	assert_log(scene, "");
	pass(scene, 1);
	assert_log(scene, "test silent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	        CASE(test_host_that_leaves_is_silent_once_and_returns_once),
	        CASE(test_host_that_comes_back_in_time_is_not_silent),
	        CASE(test_newer_session_that_replaces_an_older_one_counts),
	        CASE(test_labels_say_how_long),
	        CASE(test_restart_gives_everybody_the_whole_time),
	        CASE(test_silence_outlives_restarts_and_is_not_told_again),
	        CASE(test_host_that_was_never_connected_is_not_silent),
	        CASE(test_revoked_host_is_not_silent),
	        CASE(test_collector_that_stood_still_blames_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
