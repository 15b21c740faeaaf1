#include "fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/base/buf.h"

static const char *in_dir(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void append_one(struct state_txn *txn, const char *path)
{
	struct filestate after = file_with(1);
	struct event event = event_about(path, &after);
	assert_int_equal(spool_append(txn, &event, NULL), 0);
}

static void append_and_commit(const char *path)
{
	struct state_txn *txn = begin_txn();
	append_one(txn, path);
	commit(txn);
}

static void test_stream_and_numbers_survive_a_restart(void **unused)
{
	(void)unused;
	uint8_t id[WIRE_STREAM_ID_BYTES];
	assert_true(state_is_new(state));
	memcpy(id, state_stream_id(state), sizeof(id));
	append_and_commit("/a");
	struct state_position before = state_position(state);
	reopen_state();
	assert_false(state_is_new(state));
	assert_false(state_was_rebuilt(state));
	assert_memory_equal(id, state_stream_id(state), sizeof(id));
	struct state_position after = state_position(state);
	assert_int_equal(after.next_seq, 2);
	assert_int_equal(after.first_seq, 1);
	assert_int_equal(after.spool_bytes, before.spool_bytes);
}

static void test_numbers_are_never_given_twice_after_a_trim_and_a_restart(void **unused)
{
	(void)unused;
	append_and_commit("/a");
	append_and_commit("/b");
	struct state_txn *txn = begin_txn();
	assert_int_equal(spool_trim(txn, 2), 0);
	commit(txn);
	reopen_state();
	struct state_position position = state_position(state);
	assert_int_equal(position.first_seq, 3);
	assert_int_equal(position.next_seq, 3);
	assert_int_equal(position.spool_bytes, 0);
	txn = begin_txn();
	struct filestate after = file_with(1);
	struct event event = event_about("/c", &after);
	uint64_t seq;
	assert_int_equal(spool_append(txn, &event, &seq), 0);
	assert_int_equal(seq, 3);
	commit(txn);
}

static void test_an_aborted_transaction_leaves_no_number_behind(void **unused)
{
	(void)unused;
	struct state_txn *txn = begin_txn();
	append_one(txn, "/a");
	state_abort(txn);
	assert_int_equal(state_position(state).next_seq, 1);
	append_and_commit("/b");
	assert_int_equal(state_position(state).next_seq, 2);
}

static void test_a_second_agent_is_refused(void **unused)
{
	(void)unused;
	int answer[2];
	assert_int_equal(pipe(answer), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct state *second;
		struct state_limits limits = {.spool_bytes = SPOOL_BYTES};
		int rc = state_open(dir, &limits, &second, NULL);
		_exit(rc == ERR_BUSY ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(answer[0]);
	close(answer[1]);
}

static void test_fullness_has_a_margin(void **unused)
{
	(void)unused;
	close_state();
	open_state_with(1000);
	uint64_t count = 0;
	while (!state_is_full(state)) {
		append_and_commit("/a/path");
		count++;
		assert_true(count < 1000);
	}
	assert_true(state_position(state).spool_bytes > 1000);
	struct state_txn *txn = begin_txn();
	assert_int_equal(spool_trim(txn, 1), 0);
	commit(txn);
	assert_true(state_position(state).spool_bytes > 750);
	assert_true(state_is_full(state));
	txn = begin_txn();
	assert_int_equal(spool_trim(txn, count), 0);
	commit(txn);
	assert_false(state_is_full(state));
}

static void assert_rebuilt(void)
{
	struct state_limits limits = {.spool_bytes = SPOOL_BYTES, .map_bytes = 1ull << 30};
	assert_int_equal(state_open(dir, &limits, &state, &why), 0);
	assert_true(state_was_rebuilt(state));
	assert_true(state_is_new(state));
	assert_int_equal(state_position(state).next_seq, 1);
}

static void test_garbage_is_moved_aside(void **unused)
{
	(void)unused;
	uint8_t id[WIRE_STREAM_ID_BYTES];
	memcpy(id, state_stream_id(state), sizeof(id));
	append_and_commit("/a");
	close_state();
	int fd = open(in_dir("db/data.mdb"), O_WRONLY);
	assert_true(fd >= 0);
	uint8_t garbage[16384];
	memset(garbage, 0xa5, sizeof(garbage));
	assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
	close(fd);
	assert_rebuilt();
	assert_memory_not_equal(id, state_stream_id(state), sizeof(id));
	/* and again, within the same second */
	close_state();
	assert_int_equal(truncate(in_dir("db/data.mdb"), 100), 0);
	assert_rebuilt();
}

static void test_a_store_that_was_cut_short_is_moved_aside(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < 2000; i++) {
		char path[32];
		struct filestate file = file_with(i);
		struct state_txn *txn = i % 1000 == 0 ? begin_txn() : NULL;
		static struct state_txn *open;
		open = txn ? txn : open;
		snprintf(path, sizeof(path), "/d/%u", i);
		assert_int_equal(baseline_put(open, slice_text(path), &file), 0);
		append_one(open, path);
		if (i % 1000 == 999)
			commit(open);
	}
	close_state();
	assert_int_equal(truncate(in_dir("db/data.mdb"), 5 * 4096), 0);
	assert_rebuilt();
}

static void test_a_store_without_its_stream_is_moved_aside(void **unused)
{
	(void)unused;
	append_and_commit("/a");
	struct state_txn *txn = begin_txn();
	assert_int_equal(kv_delete(state_txn_kv(txn), STATE_META, slice_text("stream")), 0);
	commit(txn);
	close_state();
	assert_rebuilt();
}

static void test_a_newer_store_is_refused_and_left_alone(void **unused)
{
	(void)unused;
	uint8_t newer[1 + WIRE_STREAM_ID_BYTES] = {2};
	struct state_txn *txn = begin_txn();
	assert_int_equal(kv_put(state_txn_kv(txn), STATE_META, slice_text("stream"),
	                         slice_of(newer, sizeof(newer))),
	        0);
	commit(txn);
	close_state();
	struct state_limits limits = {.spool_bytes = SPOOL_BYTES, .map_bytes = 1ull << 30};
	for (int i = 0; i < 2; i++)
		assert_int_equal(state_open(dir, &limits, &state, &why), ERR_VERSION);
	state = NULL;
}

static void test_begin_anew_forgets_everything(void **unused)
{
	(void)unused;
	uint8_t id[WIRE_STREAM_ID_BYTES];
	memcpy(id, state_stream_id(state), sizeof(id));
	struct filestate file = file_with(7), found;
	struct slice value;
	struct state_txn *txn = begin_txn();
	assert_int_equal(baseline_put(txn, slice_text("/a"), &file), 0);
	assert_int_equal(state_meta_put(txn, "baselined /", slice_text("1")), 0);
	append_one(txn, "/a");
	commit(txn);
	assert_int_equal(state_begin_anew(state, &why), 0);
	reopen_state();
	assert_memory_not_equal(id, state_stream_id(state), sizeof(id));
	assert_int_equal(state_position(state).next_seq, 1);
	struct kv_txn *read = begin_read();
	assert_int_equal(baseline_get(read, slice_text("/a"), &found), ERR_MISSING);
	assert_int_equal(state_meta_get(read, "baselined /", &value), ERR_MISSING);
	kv_abort(read);
}

static void test_names_of_values_cannot_hide_our_own_records(void **unused)
{
	(void)unused;
	struct state_txn *txn = begin_txn();
	assert_int_equal(state_meta_put(txn, "stream", slice_text("x")), 0);
	assert_int_equal(state_meta_put(txn, "position", slice_text("y")), 0);
	commit(txn);
	reopen_state();
	assert_false(state_was_rebuilt(state));
	struct slice value;
	struct kv_txn *read = begin_read();
	assert_int_equal(state_meta_get(read, "stream", &value), 0);
	assert_true(slice_is(value, "x"));
	kv_abort(read);
}

static void test_status_reads_beside_the_agent(void **unused)
{
	(void)unused;
	struct state *other;
	append_and_commit("/a");
	/* LMDB refuses to open one file twice in one process. */
	pid_t pid = fork();
	if (pid == 0) {
		int rc = state_open_read_only(dir, &other, NULL);
		_exit(rc == 0 && state_position(other).next_seq == 2 ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- kill -9 --------------------------------------------------------------------------------- */

/* Event number n tells of path /f/n; its baseline stands if and only if the event does. */
static void write_for_ever(int ready)
{
	struct state_limits limits = {.spool_bytes = SPOOL_BYTES, .map_bytes = 1ull << 30};
	if (state_open(dir, &limits, &state, NULL) < 0)
		_exit(1);
	for (unsigned round = 0;; round++) {
		struct state_txn *txn;
		if (state_begin(state, &txn, NULL) < 0)
			_exit(1);
		for (int i = 0; i < 20; i++) {
			char path[32];
			struct filestate file = file_with(3);
			struct event event = event_about(path, &file);
			uint64_t seq;
			snprintf(path, sizeof(path), "/f/%llu",
			        (unsigned long long)state_position(state).next_seq + i);
			event.path = slice_text(path);
			if (spool_append(txn, &event, &seq) < 0 ||
			        baseline_put(txn, event.path, &file) < 0)
				_exit(1);
		}
		if (round % 7 == 6 && spool_trim(txn, state_position(state).next_seq - 30) < 0)
			_exit(1);
		if (state_commit(txn, NULL) < 0)
			_exit(1);
		if (write(ready, "x", 1) != 1)
			_exit(1);
	}
}

static void assert_baseline_and_events_agree(void)
{
	struct state_position position = state_position(state);
	struct arena *arena = arena_new(1u << 20);
	struct kv_txn *read = begin_read();
	assert_int_equal(baseline_count(read), position.next_seq - 1);
	for (uint64_t seq = position.first_seq; seq < position.next_seq; seq++) {
		struct batch batch;
		struct event event;
		struct filestate found;
		arena_reset(arena);
		assert_int_equal(spool_read(state, seq, 1, 1000, arena, &batch), 0);
		assert_int_equal(batch.count, 1);
		assert_int_equal(wire_event_decode(batch.events[0], arena, &event, &why), 0);
		assert_int_equal(baseline_get(read, event.path, &found), 0);
	}
	kv_abort(read);
	arena_free(arena);
}

static void test_a_kill_leaves_baseline_and_events_in_step(void **unused)
{
	(void)unused;
	close_state();
	uint64_t last_next = 0;
	for (int i = 0; i < 12; i++) {
		int ready[2];
		char byte;
		assert_int_equal(pipe(ready), 0);
		pid_t pid = fork();
		if (pid == 0)
			write_for_ever(ready[1]);
		close(ready[1]);
		/* in the middle of some later transaction, each time another */
		for (int j = 0; j <= i; j++)
			assert_int_equal(read(ready[0], &byte, 1), 1);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(ready[0]);
		open_state_with(SPOOL_BYTES);
		assert_false(state_was_rebuilt(state));
		uint64_t next = state_position(state).next_seq;
		assert_true(next >= last_next + 20 * (uint64_t)(i + 1));
		assert_int_equal(next % 20, 1);
		assert_baseline_and_events_agree();
		last_next = next;
		close_state();
	}
}

/* --- two writers ----------------------------------------------------------------------------- */

#define ROUNDS 200

static void *append_many(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct state_txn *txn;
		struct filestate after = file_with(1);
		struct event event = event_about("/w", &after);
		if (state_begin(state, &txn, NULL) < 0 || spool_append(txn, &event, NULL) < 0 ||
		        state_commit(txn, NULL) < 0)
			abort();
	}
	return unused;
}

static void test_two_writers_never_share_a_number(void **unused)
{
	(void)unused;
	pthread_t thread[2];
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, append_many, NULL), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(state_position(state).next_seq, 2 * ROUNDS + 1);
	uint64_t bytes = state_position(state).spool_bytes;
	reopen_state();
	assert_false(state_was_rebuilt(state));
	assert_int_equal(state_position(state).spool_bytes, bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)
	const struct CMUnitTest tests[] = {
	        TEST(test_stream_and_numbers_survive_a_restart),
	        TEST(test_numbers_are_never_given_twice_after_a_trim_and_a_restart),
	        TEST(test_an_aborted_transaction_leaves_no_number_behind),
	        TEST(test_a_second_agent_is_refused),
	        TEST(test_fullness_has_a_margin),
	        TEST(test_garbage_is_moved_aside),
	        TEST(test_a_store_that_was_cut_short_is_moved_aside),
	        TEST(test_a_store_without_its_stream_is_moved_aside),
	        TEST(test_a_newer_store_is_refused_and_left_alone),
	        TEST(test_begin_anew_forgets_everything),
	        TEST(test_names_of_values_cannot_hide_our_own_records),
	        TEST(test_status_reads_beside_the_agent),
	        TEST(test_a_kill_leaves_baseline_and_events_in_step),
	        TEST(test_two_writers_never_share_a_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
