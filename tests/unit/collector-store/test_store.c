#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/base/buf.h"
#include "common/io/loop.h"

struct put_job {
	struct store_job job;
	struct loop *loop;
	unsigned number;
	int answer; /* of apply, once the record is written */
	size_t value_bytes;
	unsigned applied; /* how often */
	unsigned done_at; /* from 1 in the order of done; 0: never */
	int code;
	struct reason why;
};

static unsigned done_count, done_wanted;

static int apply_put(struct store_job *base, struct kv_txn *txn, struct reason *out_why)
{
	struct put_job *job = (struct put_job *)base;
	struct buf key = BUF_INIT, value = BUF_INIT;
	int rc;

	job->applied++;
	buf_printf(&key, "job %u", job->number);
	memset(buf_reserve(&value, job->value_bytes + 1), 'x', job->value_bytes + 1);
	value.len = job->value_bytes + 1;
	rc = kv_put(txn, STORE_META, buf_slice(&key), buf_slice(&value));
	buf_fini(&key);
	buf_fini(&value);
	if (rc < 0)
		return (fail)(out_why, rc, "cannot put: %s", err_text(rc));
	return job->answer < 0 ? (fail)(out_why, job->answer, "job %u fails", job->number) : 0;
}

static void put_done(struct store_job *base, int code, const struct reason *why)
{
	struct put_job *job = (struct put_job *)base;

	job->code = code;
	job->why = *why;
	job->done_at = ++done_count;
	if (done_count == done_wanted)
		loop_stop(job->loop);
}

static bool is_stored(struct store *store, unsigned number)
{
	struct buf key = BUF_INIT;
	struct slice value;
	struct kv_txn *txn;
	int rc;

	buf_printf(&key, "job %u", number);
	assert_int_equal(kv_begin_read(store_kv(store), &txn), 0);
	rc = kv_get(txn, STORE_META, buf_slice(&key), &value);
	kv_abort(txn);
	buf_fini(&key);
	return rc == 0;
}

struct running {
	char dir[32];
	struct loop *loop;
	struct store *store;
};

static void begin(struct running *running, uint64_t map_bytes)
{
	struct reason why;

	snprintf(running->dir, sizeof(running->dir), "/tmp/tsujiban-store-XXXXXX");
	assert_non_null(mkdtemp(running->dir));
	running->loop = loop_new();
	assert_int_equal(
	        store_open(running->dir, map_bytes, running->loop, &running->store, &why), 0);
	done_count = 0;
}

static void end(struct running *running)
{
	store_close(running->store);
	loop_free(running->loop);
	remove_dir(running->dir);
}

static void submit(struct running *running, struct put_job *jobs, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		jobs[i].job = (struct store_job){.apply = apply_put, .done = put_done};
		jobs[i].loop = running->loop;
		jobs[i].number = i;
		store_submit(running->store, &jobs[i].job);
	}
}

static void submit_and_run(struct running *running, struct put_job *jobs, unsigned count)
{
	done_count = 0;
	done_wanted = count;
	submit(running, jobs, count);
	loop_run(running->loop);
}

/* While this transaction is open the writer waits, so that jobs pile up to one group. */
static struct kv_txn *hold_writer(struct running *running)
{
	struct kv_txn *txn;

	assert_int_equal(kv_begin_write(store_kv(running->store), &txn), 0);
	return txn;
}

static void test_every_job_is_done_in_the_order_of_submission(void **state)
{
	static struct put_job jobs[500];
	struct running running;

	(void)state;
	begin(&running, MAP_BYTES);
	submit_and_run(&running, jobs, 500);
	for (unsigned i = 0; i < 500; i++) {
		assert_int_equal(jobs[i].code, 0);
		assert_int_equal(jobs[i].done_at, i + 1);
		assert_true(is_stored(running.store, i));
	}
	assert_int_equal(store_waiting(running.store), 0);
	end(&running);
}

static void test_failing_job_is_taken_back_alone(void **state)
{
	static struct put_job jobs[50];
	struct running running;
	struct kv_txn *hold;

	(void)state;
	begin(&running, MAP_BYTES);
	memset(jobs, 0, sizeof(jobs));
	jobs[7].answer = jobs[30].answer = ERR_REFUSED;
	hold = hold_writer(&running);
	done_wanted = 50;
	submit(&running, jobs, 50);
	assert_int_equal(store_waiting(running.store), 50);
	kv_abort(hold);
	loop_run(running.loop);
	for (unsigned i = 0; i < 50; i++) {
		bool fails = i == 7 || i == 30;
		assert_int_equal(jobs[i].code, fails ? ERR_REFUSED : 0);
		assert_int_equal(is_stored(running.store, i), !fails);
	}
	assert_string_equal(jobs[7].why.text, "job 7 fails");
	assert_false(store_is_failing(running.store));
	end(&running);
}

static void test_lone_failing_job_keeps_nothing(void **state)
{
	struct put_job job = {.answer = ERR_PROTOCOL};
	struct running running;

	(void)state;
	begin(&running, MAP_BYTES);
	submit_and_run(&running, &job, 1);
	assert_int_equal(job.code, ERR_PROTOCOL);
	assert_int_equal(job.applied, 1);
	assert_false(is_stored(running.store, 0));
	end(&running);
}

static void test_waiting_jobs_share_one_commit(void **state)
{
	static struct put_job jobs[300];
	struct running running;
	struct kv_txn *hold;
	struct stat before, after;
	char path[64];

	(void)state;
	begin(&running, MAP_BYTES);
	memset(jobs, 0, sizeof(jobs));
	hold = hold_writer(&running);
	done_wanted = 300;
	submit(&running, jobs, 300);
	kv_abort(hold);
	snprintf(path, sizeof(path), "%s/data.mdb", running.dir);
	assert_int_equal(stat(path, &before), 0);
	loop_run(running.loop);
	assert_int_equal(stat(path, &after), 0);
	/* A commit of its own for each job would copy its pages 300 times. */
	assert_in_range(after.st_size - before.st_size, 0, 64 * 4096);
	end(&running);
}

static void test_full_map_fails_and_room_makes_it_well_again(void **state)
{
	static struct put_job big[4], small;
	struct running running;

	(void)state;
	begin(&running, 2u << 20);
	memset(big, 0, sizeof(big));
	for (unsigned i = 0; i < 4; i++)
		big[i].value_bytes = 1500000;
	submit_and_run(&running, big + 2, 2); /* the second does not fit */
	assert_int_equal(big[2].code, 0);
	assert_int_equal(big[3].code, -ENOSPC);
	assert_true(store_is_failing(running.store));
	small.value_bytes = 10;
	submit_and_run(&running, &small, 1);
	assert_int_equal(small.code, 0);
	assert_false(store_is_failing(running.store));
	end(&running);
}

/* The kernel refuses to let any file grow beyond this: a full disk, for who writes. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_failed_commit_keeps_nothing_and_the_next_goes_on(void **state)
{
	static struct put_job jobs[20];
	struct running running;
	struct kv_txn *hold;
	struct stat data;
	char path[128];

	(void)state;
	begin(&running, MAP_BYTES);
	memset(jobs, 0, sizeof(jobs));
	for (unsigned i = 0; i < 20; i++)
		jobs[i].value_bytes = 100000;
	snprintf(path, sizeof(path), "%s/data.mdb", running.dir);
	assert_int_equal(stat(path, &data), 0);
	/* Not even one job fits: whatever the writer takes first fails by itself. */
	limit_files((rlim_t)data.st_size);
	hold = hold_writer(&running);
	done_wanted = 20;
	submit(&running, jobs, 20);
	kv_abort(hold);
	loop_run(running.loop);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(jobs[i].code < 0);
		assert_false(is_stored(running.store, i));
	}
	assert_true(store_is_failing(running.store));
	limit_files(RLIM_INFINITY);
	submit_and_run(&running, jobs, 20);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(jobs[i].code, 0);
		assert_true(is_stored(running.store, i));
	}
	assert_false(store_is_failing(running.store));
	end(&running);
}

static void test_close_finishes_what_was_submitted(void **state)
{
	static struct put_job jobs[100];
	struct running running;
	struct reason why;

	(void)state;
	begin(&running, MAP_BYTES);
	memset(jobs, 0, sizeof(jobs));
	done_wanted = 0;
	submit(&running, jobs, 100);
	store_close(running.store);
	assert_int_equal(done_count, 100);
	assert_int_equal(store_open(running.dir, MAP_BYTES, running.loop, &running.store, &why), 0);
	assert_true(is_stored(running.store, 99));
	end(&running);
}

static struct put_job second_job;
static struct store *second_store;

static void submit_second(struct store_job *base, int code, const struct reason *why)
{
	put_done(base, code, why);
	second_job.job = (struct store_job){.apply = apply_put, .done = put_done};
	second_job.number = 77;
	store_submit(second_store, &second_job.job);
}

static void test_job_submitted_by_done_while_closing_is_kept(void **state)
{
	struct put_job job = {.job = {.apply = apply_put, .done = submit_second}};
	struct running running;
	struct reason why;

	(void)state;
	begin(&running, MAP_BYTES);
	done_wanted = 0;
	second_store = running.store;
	store_submit(running.store, &job.job);
	store_close(running.store);
	assert_int_equal(done_count, 2);
	assert_int_equal(store_open(running.dir, MAP_BYTES, running.loop, &running.store, &why), 0);
	assert_true(is_stored(running.store, 77));
	end(&running);
}

static void test_second_collector_is_refused(void **state)
{
	struct running running;
	struct store *other;
	struct reason why;

	(void)state;
	begin(&running, MAP_BYTES);
	assert_int_equal(store_open(running.dir, MAP_BYTES, NULL, &other, &why), ERR_BUSY);
	end(&running);
}

static int apply_newer_schema(struct store_job *job, struct kv_txn *txn, struct reason *out_why)
{
	(void)job;
	(void)out_why;
	return kv_put(txn, STORE_META, slice_text("schema"), slice_of("\0\0\0\x63", 4));
}

static int apply_first_schema(struct store_job *job, struct kv_txn *txn, struct reason *out_why)
{
	(void)job;
	(void)out_why;
	return kv_put(txn, STORE_META, slice_text("schema"), slice_of("\0\0\0\x01", 4));
}

/* What the second schema has more is made where it is not there: see test_sections.c. */
static void test_store_of_the_first_schema_becomes_one_of_the_present(void **state)
{
	struct fixture *fixture = *state;
	struct store_job job = {.apply = apply_first_schema};
	struct reason why;
	struct slice schema;

	kv_abort(fixture->txn);
	assert_int_equal(store_write(fixture->store, &job, &why), 0);
	store_close(fixture->store);
	assert_int_equal(store_open(fixture->dir, MAP_BYTES, NULL, &fixture->store, &why), 0);
	assert_int_equal(kv_begin_write(store_kv(fixture->store), &fixture->txn), 0);
	assert_int_equal(kv_get(fixture->txn, STORE_META, slice_text("schema"), &schema), 0);
	assert_true(slice_equal(schema, slice_of("\0\0\0\x03", 4)));
}

static void test_store_of_a_newer_program_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct store_job job = {.apply = apply_newer_schema};
	struct reason why;

	kv_abort(fixture->txn);
	fixture->txn = NULL;
	assert_int_equal(store_write(fixture->store, &job, &why), 0);
	store_close(fixture->store);
	assert_int_equal(
	        store_open(fixture->dir, MAP_BYTES, NULL, &fixture->store, &why), ERR_VERSION);
	fixture->store = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_every_job_is_done_in_the_order_of_submission),
	        cmocka_unit_test(test_failing_job_is_taken_back_alone),
	        cmocka_unit_test(test_lone_failing_job_keeps_nothing),
	        cmocka_unit_test(test_waiting_jobs_share_one_commit),
	        cmocka_unit_test(test_full_map_fails_and_room_makes_it_well_again),
	        cmocka_unit_test(test_failed_commit_keeps_nothing_and_the_next_goes_on),
	        cmocka_unit_test(test_close_finishes_what_was_submitted),
	        cmocka_unit_test(test_job_submitted_by_done_while_closing_is_kept),
	        cmocka_unit_test(test_second_collector_is_refused),
	        cmocka_unit_test_setup_teardown(
	                test_store_of_the_first_schema_becomes_one_of_the_present, set_up,
	                tear_down),
	        cmocka_unit_test_setup_teardown(
	                test_store_of_a_newer_program_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
