#include "collector/store/store.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/store/buckets.h"
#include "collector/store/jobs.h"
#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/file.h"

/* 2: sections and buckets; what they hold is found out where it is not there yet.
 * 3: usage, and buckets name who has shown them. Those of before go: hosts show them again. */
#define SCHEMA_VERSION 3
#define BUCKETS_OWNED  3

static const char *const table_names[] = {
        [STORE_META] = "meta",
        [STORE_HOSTS] = "hosts",
        [STORE_HOST_NAMES] = "host_names",
        [STORE_STREAMS] = "streams",
        [STORE_LOG] = "log",
        [STORE_LOG_BY_HOST] = "log_by_host",
        [STORE_FILES] = "files",
        [STORE_FACTS] = "facts",
        [STORE_TOKENS] = "tokens",
        [STORE_SECTIONS] = "sections",
        [STORE_BUCKETS] = "buckets",
        [STORE_USAGE] = "usage",
        [STORE_PRESENCE] = "presence",
        NULL,
};

struct store {
	struct kv *kv;
	int lock_fd;
	struct waker *waker; /* NULL: no writer's thread either */
	size_t waiting;      /* loop's thread */
	bool is_failing;     /* loop's thread */

	pthread_t writer;
	pthread_mutex_t mutex; /* guards the lists and is_closing */
	pthread_cond_t work;
	struct job_list submitted;
	struct job_list finished;
	bool is_writer_idle;
	bool is_closing;
};

/* --- the writer ------------------------------------------------------------------------ */

static void *writer_main(void *arg)
{
	struct store *store = arg;
	struct job_list group;

	pthread_mutex_lock(&store->mutex);
	for (;;) {
		while (!store->submitted.first && !store->is_closing) {
			store->is_writer_idle = true;
			pthread_cond_wait(&store->work, &store->mutex);
		}
		store->is_writer_idle = false;
		if (!store->submitted.first)
			break;
		jobs_take_group(&store->submitted, &group);
		pthread_mutex_unlock(&store->mutex);
		jobs_write(store->kv, &group);
		pthread_mutex_lock(&store->mutex);
		jobs_add_all(&store->finished, &group);
		waker_wake(store->waker);
	}
	pthread_mutex_unlock(&store->mutex);
	return NULL;
}

/* --- back on the loop's thread --------------------------------------------------------- */

static bool is_store_trouble(int code)
{
	return code == -ENOSPC || code == -EDQUOT || code == -EFBIG || code == -EIO ||
	       code == -EROFS || code == ERR_STORE;
}

static void note_health(struct store *store, const struct store_job *job)
{
	if (is_store_trouble(job->code)) {
		if (!store->is_failing)
			log_error("store fails, nothing is acknowledged: %s", job->why.text);
		store->is_failing = true;
	} else if (job->code >= 0 && store->is_failing) {
		log_info("store is well again");
		store->is_failing = false;
	}
}

static void finish_jobs(struct store *store)
{
	struct store_job *job, *next;

	pthread_mutex_lock(&store->mutex);
	job = store->finished.first;
	jobs_clear(&store->finished);
	pthread_mutex_unlock(&store->mutex);
	for (; job; job = next) {
		next = job->next;
		store->waiting--;
		note_health(store, job);
		job->done(job, job->code, &job->why);
	}
}

static void jobs_finished(void *ctx)
{
	finish_jobs(ctx);
}

/* --- opening and closing --------------------------------------------------------------- */

static int check_schema(struct kv *kv, struct reason *out_why)
{
	struct slice name = slice_text("schema"), value;
	struct buf record = BUF_INIT;
	struct kv_txn *txn;
	uint32_t version = SCHEMA_VERSION;
	int rc = kv_begin_write(kv, &txn);

	if (rc < 0)
		return fail(out_why, rc, "cannot begin to write: %s", err_text(rc));
	rc = kv_get(txn, STORE_META, name, &value);
	if (rc == 0) {
		if (!slice_take_u32(&value, &version))
			rc = fail(out_why, ERR_FORMAT, "store has a broken schema record");
		else if (version > SCHEMA_VERSION)
			rc = fail(out_why, ERR_VERSION,
			        "store has schema %u, this program knows %u: a newer one made it",
			        version, SCHEMA_VERSION);
		if (rc < 0 || version == SCHEMA_VERSION) {
			kv_abort(txn);
			return rc;
		}
	} else if (rc != ERR_MISSING) {
		kv_abort(txn);
		return fail(out_why, rc, "cannot read the store's schema: %s", err_text(rc));
	}
	buf_append_u32(&record, SCHEMA_VERSION);
	rc = kv_put(txn, STORE_META, name, buf_slice(&record));
	if (rc == 0 && version < BUCKETS_OWNED)
		rc = buckets_purge(txn, INT64_MAX);
	buf_fini(&record);
	if (rc < 0)
		kv_abort(txn);
	else
		rc = kv_commit(txn);
	return rc < 0 ? fail(out_why, rc, "cannot make the store: %s", err_text(rc)) : 0;
}

static int lock_dir(const char *dir, int *out_fd, struct reason *out_why)
{
	struct buf path = BUF_INIT;
	int rc;

	buf_printf(&path, "%s/collector.lock", dir);
	rc = file_lock(buf_text(&path), out_fd, out_why);
	buf_fini(&path);
	if (rc == ERR_BUSY)
		return fail(out_why, rc, "store '%s' is in use by another collector", dir);
	return rc;
}

static int start_writer(struct store *store, struct loop *loop, struct reason *out_why)
{
	int rc;

	store->waker = waker_new(loop, jobs_finished, store);
	rc = pthread_create(&store->writer, NULL, writer_main, store);
	if (rc == 0)
		return 0;
	waker_free(store->waker);
	store->waker = NULL;
	return fail(out_why, -rc, "cannot start the store's writer: %s", err_text(-rc));
}

int store_open(const char *dir, uint64_t map_bytes, struct loop *loop, struct store **out,
        struct reason *out_why)
{
	struct store *store;
	int rc = file_make_dir(dir, 0700, out_why);

	if (rc < 0)
		return rc;
	store = mem_new(sizeof(*store));
	pthread_mutex_init(&store->mutex, NULL);
	pthread_cond_init(&store->work, NULL);
	jobs_clear(&store->submitted);
	jobs_clear(&store->finished);
	rc = lock_dir(dir, &store->lock_fd, out_why);
	if (rc < 0)
		goto free_store;
	rc = kv_open(dir, table_names, map_bytes, false, &store->kv, out_why);
	if (rc < 0)
		goto unlock;
	rc = check_schema(store->kv, out_why);
	if (rc < 0)
		goto close_kv;
	if (loop)
		rc = start_writer(store, loop, out_why);
	if (rc < 0)
		goto close_kv;
	*out = store;
	return 0;

close_kv:
	kv_close(store->kv);
unlock:
	close(store->lock_fd);
free_store:
	pthread_cond_destroy(&store->work);
	pthread_mutex_destroy(&store->mutex);
	free(store);
	return rc;
}

/* `done` may submit more: those are done here, once the writer is gone. */
static void finish_everything(struct store *store)
{
	struct job_list group;

	pthread_mutex_lock(&store->mutex);
	store->is_closing = true;
	pthread_cond_signal(&store->work);
	pthread_mutex_unlock(&store->mutex);
	pthread_join(store->writer, NULL);
	finish_jobs(store);
	while (store->submitted.first) {
		jobs_take_group(&store->submitted, &group);
		jobs_write(store->kv, &group);
		jobs_add_all(&store->finished, &group);
		finish_jobs(store);
	}
	waker_free(store->waker);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->waker)
		finish_everything(store);
	kv_close(store->kv);
	close(store->lock_fd);
	pthread_cond_destroy(&store->work);
	pthread_mutex_destroy(&store->mutex);
	free(store);
}

struct kv *store_kv(struct store *store)
{
	return store->kv;
}

/* --- submitting ------------------------------------------------------------------------ */

void store_submit(struct store *store, struct store_job *job)
{
	assert(store->waker && job->apply && job->done);
	store->waiting++;
	pthread_mutex_lock(&store->mutex);
	jobs_add(&store->submitted, job);
	if (store->is_writer_idle) {
		store->is_writer_idle = false;
		pthread_cond_signal(&store->work);
	}
	pthread_mutex_unlock(&store->mutex);
}

size_t store_waiting(const struct store *store)
{
	return store->waiting;
}

bool store_is_failing(const struct store *store)
{
	return store->is_failing;
}

int store_write(struct store *store, struct store_job *job, struct reason *out_why)
{
	struct job_list group;

	jobs_clear(&group);
	jobs_add(&group, job);
	jobs_write(store->kv, &group);
	return job->code < 0 ? fail(out_why, job->code, "%s", job->why.text) : 0;
}
