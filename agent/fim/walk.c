#include "agent/fim/walk.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/fim/walk_job.h"
#include "agent/fim/walk_queue.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define JOBS            3    /* as many as there are workers: none waits for the loop */
#define RELEASE_ENTRIES 4096 /* each page that is read brings its neighbours in the file along */
#define STEP_REQUESTS   64   /* looked into in one step of the loop */

struct walk {
	struct loop *loop;
	struct state *state;
	const struct filter *filter;
	struct budget *budget;
	struct walk_events events;
	void *ctx;
	struct timer *soon; /* begins the next step outside the caller's */
	struct walk_queue queue;
	struct walk_job *job[JOBS]; /* made when needed, freed when idle */
	bool is_busy;               /* `idle` is owed */
	bool *is_link_told;         /* by entry */
	struct walk_progress progress;
	uint64_t unreleased; /* entries compared since the store's pages were given back */
};

static void step(struct walk *walk);

/* --- telling ---------------------------------------------------------------------------------- */

static void touch(struct walk *walk, struct slice path, unsigned hints, enum event_cause cause)
{
	struct touch one = {.path = path, .hints = hints | TOUCH_DONE, .cause = cause};
	walk->events.touched(walk->ctx, &one, 1);
}

static void put(struct walk *walk, struct walk_item *item)
{
	if (!walk->is_busy)
		walk->progress = (struct walk_progress){0};
	walk->is_busy = true;
	walk_queue_put(&walk->queue, item);
}

static void put_directory(struct walk *walk, struct slice dir, enum event_cause cause)
{
	struct walk_item *item = walk_item_new(WALK_DIRECTORY, dir, cause);
	item->is_recursive = true;
	item->with_self = true;
	put(walk, item);
}

/* --- requests --------------------------------------------------------------------------------- */

struct named {
	struct slice path;
	char text[PATH_MAX];
};

static bool name_it(struct named *named, struct slice path)
{
	if (path.len == 0 || path.len >= sizeof(named->text) || memchr(path.ptr, '\0', path.len))
		return false;
	memcpy(named->text, path.ptr, path.len);
	named->text[path.len] = '\0';
	named->path = slice_of(named->text, path.len);
	return true;
}

/* Watches "/", then each directory on the way to `path` that exists, `path` not included. Each is
 * watched before the next is looked for, so that whatever comes later is told. False: one of them
 * is missing. */
static bool watch_ancestors(struct walk *walk, const struct named *named)
{
	struct stat info;
	struct named dir;
	if (named->path.len == 1)
		return true;
	walk->events.watch(walk->ctx, slice_text("/"));
	for (size_t len = 1; len < named->path.len; len++) {
		if (named->text[len] != '/')
			continue;
		if (!name_it(&dir, slice_of(named->text, len)))
			return false;
		/* A link on the way is no directory to watch: the one it lies in tells of it. */
		if (lstat(dir.text, &info) == 0 && S_ISDIR(info.st_mode))
			walk->events.watch(walk->ctx, dir.path);
		else if (stat(dir.text, &info) < 0)
			return false;
	}
	return true;
}

static void append_quoted(struct buf *out, const char *text)
{
	buf_append_byte(out, '\'');
	text_append_display(out, slice_text(text));
	buf_append_byte(out, '\'');
}

static void follow_link(
        struct walk *walk, size_t entry, const struct named *root, enum event_cause cause)
{
	char target[PATH_MAX];
	if (!realpath(root->text, target))
		return; /* dangling: its own touch says all there is */
	bool is_watched = filter_descends(walk->filter, slice_text(target));
	if (is_watched)
		walk_request(walk, slice_text(target), cause);
	if (walk->is_link_told[entry])
		return;
	walk->is_link_told[entry] = true;
	struct buf line = BUF_INIT;
	buf_append_text(&line, "watch path ");
	append_quoted(&line, root->text);
	buf_append_text(&line, " is a link to ");
	append_quoted(&line, target);
	buf_append_text(&line, is_watched ? ", which is watched" : ", which is not watched");
	log_info("%s", buf_text(&line));
	buf_fini(&line);
}

static void begin_directory(struct walk *walk, const struct named *named, enum event_cause cause)
{
	if (filter_descends(walk->filter, named->path) && !is_pseudo_fs(named->text))
		put_directory(walk, named->path, cause);
	else if (filter_covers(walk->filter, named->path, true))
		touch(walk, named->path, TOUCH_DIRECTORY, cause);
}

static void begin_root(struct walk *walk, size_t entry, enum event_cause cause)
{
	struct named root;
	struct stat info;
	if (!name_it(&root, filter_path(walk->filter, entry)))
		return;
	if (!watch_ancestors(walk, &root) || lstat(root.text, &info) < 0) {
		touch(walk, root.path, TOUCH_GONE, cause);
	} else if (S_ISDIR(info.st_mode)) {
		begin_directory(walk, &root, cause);
	} else {
		touch(walk, root.path, 0, cause);
		if (S_ISLNK(info.st_mode))
			follow_link(walk, entry, &root, cause);
	}
}

static void begin_other(struct walk *walk, struct slice path, enum event_cause cause)
{
	struct named named;
	struct stat info;
	if (!name_it(&named, path))
		return;
	bool is_there = lstat(named.text, &info) == 0;
	if (is_there && S_ISDIR(info.st_mode))
		begin_directory(walk, &named, cause);
	else if (filter_covers(walk->filter, path, false) ||
	         (!is_there && filter_covers(walk->filter, path, true)))
		touch(walk, path, is_there ? 0 : TOUCH_GONE, cause);
}

/* The path itself or something below it. */
static bool reaches(struct slice path, struct slice other)
{
	if (path.len == 1)
		return true;
	return slice_starts_with(other, path) &&
	       (other.len == path.len || other.ptr[path.len] == '/');
}

static void begin_request(struct walk *walk, const struct walk_item *item)
{
	struct slice path = walk_item_path(item);
	bool is_root = false;
	for (size_t i = 0; i < filter_count(walk->filter); i++) {
		if (!reaches(path, filter_path(walk->filter, i)))
			continue;
		is_root |= slice_equal(path, filter_path(walk->filter, i));
		begin_root(walk, i, item->cause);
	}
	if (!is_root)
		begin_other(walk, path, item->cause);
}

/* --- results ---------------------------------------------------------------------------------- */

static void put_subdirectories(struct walk *walk, const struct walk_result *result)
{
	for (size_t i = result->compared.subdir_count; i > 0; i--) {
		struct walk_item *item = walk_item_new(
		        WALK_DIRECTORY, result->compared.subdir[i - 1], result->item->cause);
		item->is_recursive = true;
		put(walk, item);
	}
}

/* The rest of a directory that is too large for one turn. */
static void put_rest(struct walk *walk, const struct walk_result *result)
{
	struct slice after = result->compared.after;
	struct walk_item *item = walk_item_new(
	        WALK_DIRECTORY, walk_item_path(result->item), result->item->cause);
	item->is_recursive = result->item->is_recursive;
	item->after = mem_copy(after.ptr, after.len);
	item->after_len = after.len;
	put(walk, item);
}

static void take_failure(struct walk *walk, const struct walk_result *result)
{
	struct slice dir = walk_item_path(result->item);
	switch (result->rc) {
	case -ESTALE: /* a link led elsewhere, and the watch was placed there */
		walk->events.unwatch(walk->ctx, dir);
		return;
	case -ENOENT:
	case -ENOTDIR:
	case -ELOOP: /* it has become something else: its parent tells, unless it was asked for */
		if (result->item->with_self)
			touch(walk, dir, TOUCH_DIRECTORY, result->item->cause);
		return;
	case -EACCES:
	case -EPERM:
		walk->events.degraded(walk->ctx, dir, "cannot be listed: permission denied");
		return;
	default: {
		struct buf why = BUF_INIT;
		buf_printf(&why, "cannot be compared: %s", err_text(result->rc));
		walk->events.degraded(walk->ctx, dir, buf_text(&why));
		buf_fini(&why);
	}
	}
}

/* Comparing touches the baseline's pages once: they need not stay this process's memory. */
static void release_pages(struct walk *walk, uint64_t entries)
{
	walk->unreleased += entries;
	if (walk->unreleased < RELEASE_ENTRIES)
		return;
	walk->unreleased = 0;
	kv_release_pages(state_kv(walk->state));
}

static void take_result(struct walk *walk, struct walk_result *result)
{
	const struct compared *compared = &result->compared;
	if (!result->is_done) {
		walk_queue_put(&walk->queue, result->item);
		result->item = NULL;
		return;
	}
	walk->progress.directories++;
	if (result->rc < 0) {
		take_failure(walk, result);
		return;
	}
	walk->progress.entries += compared->entries;
	release_pages(walk, compared->entries);
	if (compared->after.ptr)
		put_rest(walk, result);
	if (result->item->is_recursive)
		put_subdirectories(walk, result);
	if (compared->too_long)
		walk->events.degraded(walk->ctx, walk_item_path(result->item),
		        "holds names whose paths are too long to be opened");
	if (walk->events.compared)
		walk->events.compared(walk->ctx, walk_item_path(result->item),
		        slice_of(result->item->after, result->item->after_len));
	if (compared->touch_count > 0)
		walk->events.touched(walk->ctx, compared->touch, compared->touch_count);
}

static void work(void *ctx)
{
	walk_job_run(ctx);
}

static void done(void *ctx)
{
	struct walk_job *job = ctx;
	struct walk *walk = job->walk;
	if (!walk) {
		walk_job_free(job);
		return;
	}
	for (size_t i = job->count; i > 0; i--)
		take_result(walk, &job->result[i - 1]);
	walk_job_reset(job);
	job->is_busy = false;
	step(walk);
}

/* --- steps ------------------------------------------------------------------------------------ */

static struct walk_job *free_job(struct walk *walk)
{
	for (size_t i = 0; i < JOBS; i++) {
		if (!walk->job[i])
			walk->job[i] = walk_job_new(
			        walk, state_kv(walk->state), walk->filter, walk->budget);
		if (!walk->job[i]->is_busy)
			return walk->job[i];
	}
	return NULL;
}

/* Leaves half of what is queued to the other job. */
static void begin_job(struct walk *walk, struct walk_job *job)
{
	size_t share = (walk_queue_count(&walk->queue) + JOBS - 1) / JOBS;
	while (job->count < share && job->count < WALK_JOB_DIRECTORIES && walk->queue.top &&
	        walk_item_kind(walk->queue.top) == WALK_DIRECTORY) {
		struct walk_item *item = walk_queue_take(&walk->queue);
		walk->events.watch(walk->ctx, walk_item_path(item));
		walk_job_add(job, item);
	}
	job->is_busy = true;
	loop_work(walk->loop, work, done, job);
}

static bool has_work_under_way(const struct walk *walk)
{
	for (size_t i = 0; i < JOBS; i++)
		if (walk->job[i] && walk->job[i]->is_busy)
			return true;
	return false;
}

static void finish(struct walk *walk)
{
	for (size_t i = 0; i < JOBS; i++) {
		walk_job_free(walk->job[i]);
		walk->job[i] = NULL;
	}
	walk->is_busy = false;
	walk->events.idle(walk->ctx);
}

static void step(struct walk *walk)
{
	size_t requests = 0;
	while (walk->queue.top && !walk->events.is_held(walk->ctx)) {
		if (walk_item_kind(walk->queue.top) == WALK_REQUEST) {
			if (++requests > STEP_REQUESTS) {
				timer_start(walk->soon, 0, 0);
				return;
			}
			struct walk_item *item = walk_queue_take(&walk->queue);
			begin_request(walk, item);
			walk_item_free(item);
			continue;
		}
		struct walk_job *job = free_job(walk);
		if (!job)
			return;
		begin_job(walk, job);
	}
	if (walk->is_busy && !walk->queue.top && !has_work_under_way(walk))
		finish(walk);
}

static void on_soon(void *ctx)
{
	step(ctx);
}

/* --- life ------------------------------------------------------------------------------------- */

int walk_new(struct loop *loop, struct state *state, const struct filter *filter,
        const struct walk_events *events, void *ctx, struct walk **out)
{
	struct walk *walk = mem_new(sizeof(*walk));
	walk->loop = loop;
	walk->state = state;
	walk->filter = filter;
	walk->events = *events;
	walk->ctx = ctx;
	walk->soon = timer_new(loop, on_soon, walk);
	walk->is_link_told = mem_new_array(filter_count(filter) + 1, sizeof(*walk->is_link_told));
	*out = walk;
	return 0;
}

void walk_free(struct walk *walk)
{
	if (!walk)
		return;
	for (size_t i = 0; i < JOBS; i++) {
		struct walk_job *job = walk->job[i];
		if (job && job->is_busy) {
			job->walk = NULL; /* `done` frees it */
			atomic_store(&job->is_dropped, true);
		} else {
			walk_job_free(job);
		}
	}
	timer_free(walk->soon);
	walk_queue_fini(&walk->queue);
	free(walk->is_link_told);
	free(walk);
}

void walk_pace(struct walk *walk, struct budget *budget)
{
	walk->budget = budget;
}

void walk_request(struct walk *walk, struct slice path, enum event_cause cause)
{
	put(walk, walk_item_new(WALK_REQUEST, path, cause));
	timer_start(walk->soon, 0, 0);
}

void walk_request_entries(struct walk *walk, struct slice dir, enum event_cause cause)
{
	if (!filter_descends(walk->filter, dir))
		return;
	put(walk, walk_item_new(WALK_DIRECTORY, dir, cause));
	timer_start(walk->soon, 0, 0);
}

void walk_resume(struct walk *walk)
{
	if (walk->queue.top)
		timer_start(walk->soon, 0, 0);
}

bool walk_is_idle(const struct walk *walk)
{
	return !walk->is_busy;
}

static bool is_claimed_by(const struct walk_item *item, struct slice dir, struct slice path)
{
	if (!slice_equal(walk_item_path(item), dir))
		return item->with_self && (!path.ptr || slice_equal(walk_item_path(item), path));
	if (!path.ptr || !item->after)
		return true;
	size_t at = dir.len > 1 ? dir.len + 1 : 1;
	return slice_compare(slice_of(path.ptr + at, path.len - at),
	               slice_of(item->after, item->after_len)) > 0;
}

bool walk_is_comparing(const struct walk *walk, struct slice dir, struct slice path)
{
	for (size_t i = 0; i < JOBS; i++) {
		const struct walk_job *job = walk->job[i];
		for (size_t j = 0; job && job->is_busy && j < job->count; j++)
			if (is_claimed_by(job->result[j].item, dir, path))
				return true;
	}
	return false;
}

struct walk_progress walk_progress(const struct walk *walk)
{
	struct walk_progress progress = walk->progress;
	progress.queued = walk_queue_count(&walk->queue);
	return progress;
}
