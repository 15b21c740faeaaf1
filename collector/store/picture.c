/*
 * The table `files`: key is the host id (4, big endian) and the path's key
 * (common/store/pathkey.h), value is a staterec (common/store/staterec.h). filelist.c has the
 * listings.
 */
#include "collector/store/picture.h"

#include "collector/store/fileset.h"
#include "collector/store/hostfacts.h"
#include "collector/store/hostkey.h"
#include "collector/store/sections.h"
#include "common/base/text.h"
#include "common/store/pathkey.h"
#include "common/store/staterec.h"

static int check_path(struct slice path, struct buf *scratch, struct reason *out_why)
{
	struct buf shown = BUF_INIT;
	int rc;

	buf_reset(scratch);
	rc = pathkey_append(scratch, path);
	if (rc == 0)
		return 0;
	text_append_display(&shown, slice_of(path.ptr, path.len < 200 ? path.len : 200));
	rc = fail(out_why, rc, "cannot keep path '%s' of %zu bytes: %s", buf_text(&shown), path.len,
	        err_text(rc));
	buf_fini(&shown);
	return rc;
}

int picture_check(const struct event *event, struct reason *out_why)
{
	struct buf scratch = BUF_INIT;
	int rc = 0;

	if (event->kind == EVENT_FILE && event->path.len)
		rc = check_path(event->path, &scratch, out_why);
	if (rc == 0 && event->kind == EVENT_FILE && event->old_path.len)
		rc = check_path(event->old_path, &scratch, out_why);
	buf_fini(&scratch);
	return rc;
}

static int put_file(
        struct kv_txn *txn, uint32_t host, struct slice path, const struct filestate *state)
{
	struct buf key = BUF_INIT, value = BUF_INIT;
	int rc;

	hostkey_begin(&key, host);
	rc = pathkey_append(&key, path);
	if (rc == 0) {
		buf_reserve(&value, 256);
		staterec_append(&value, path, state);
		rc = kv_put(txn, STORE_FILES, buf_slice(&key), buf_slice(&value));
	}
	buf_fini(&key);
	buf_fini(&value);
	return rc;
}

static int delete_file(struct kv_txn *txn, uint32_t host, struct slice path)
{
	struct buf key = BUF_INIT;
	int rc;

	hostkey_begin(&key, host);
	rc = pathkey_append(&key, path);
	if (rc == 0)
		rc = kv_delete(txn, STORE_FILES, buf_slice(&key));
	buf_fini(&key);
	return rc == ERR_MISSING ? 0 : rc;
}

/* What is known to be no directory has nothing below it: no need to look. */
static bool may_have_entries(const struct filestate *state)
{
	return !state || state->type == FILE_DIRECTORY;
}

static int delete_tree(struct kv_txn *txn, uint32_t host, struct slice path)
{
	int rc = delete_file(txn, host, path);

	return rc < 0 ? rc : fileset_delete_below(txn, host, path);
}

static int set_file(struct kv_txn *txn, uint32_t host, const struct event *event)
{
	bool was_directory = event->before && event->before->type == FILE_DIRECTORY;
	int rc = 0;

	if (!event->after)
		return 0;
	if (was_directory && event->after->type != FILE_DIRECTORY)
		rc = fileset_delete_below(txn, host, event->path);
	return rc < 0 ? rc : put_file(txn, host, event->path, event->after);
}

static bool is_below(struct slice path, struct slice dir)
{
	if (dir.len == 1)
		return path.len > 1;
	return slice_starts_with(path, dir) && path.len > dir.len && path.ptr[dir.len] == '/';
}

/* rename(2) replaces what stood at the new path. It never moves a directory into itself; an event
 * that says so only loses the directory's content. */
static int move_file(struct kv_txn *txn, uint32_t host, const struct event *event)
{
	bool has_tree = may_have_entries(event->after);
	int rc;

	if (slice_equal(event->old_path, event->path))
		return set_file(txn, host, event);
	rc = delete_file(txn, host, event->old_path);
	if (rc == 0 && has_tree && is_below(event->path, event->old_path))
		rc = fileset_delete_below(txn, host, event->old_path);
	else if (rc == 0 && has_tree && !is_below(event->old_path, event->path))
		rc = fileset_delete_below(txn, host, event->path);
	if (rc == 0 && has_tree && !is_below(event->path, event->old_path))
		rc = fileset_move_below(txn, host, event->old_path, event->path);
	if (rc < 0)
		return rc;
	return event->after ? put_file(txn, host, event->path, event->after) : 0;
}

static int apply_file_event(struct kv_txn *txn, uint32_t host, const struct event *event)
{
	switch (event->action) {
	case ACTION_CREATED:
	case ACTION_MODIFIED:
	case ACTION_ATTRIBUTES:
		return set_file(txn, host, event);
	case ACTION_MOVED:
		return move_file(txn, host, event);
	case ACTION_DELETED:
		if (!may_have_entries(event->before))
			return delete_file(txn, host, event->path);
		return delete_tree(txn, host, event->path);
	case ACTION_RETIRED:
		return delete_tree(txn, host, event->path);
	default:
		return 0;
	}
}

int picture_apply(struct kv_txn *txn, uint32_t host, const struct event *event)
{
	switch (event->kind) {
	case EVENT_FILE:
		return apply_file_event(txn, host, event);
	case EVENT_FACT:
		return hostfacts_apply(txn, host, event);
	default:
		return 0;
	}
}

int picture_clear(struct kv_txn *txn, uint32_t host)
{
	struct buf prefix = BUF_INIT;
	int rc;

	hostkey_begin(&prefix, host);
	rc = hostkey_delete_all(txn, STORE_FILES, buf_slice(&prefix));
	if (rc == 0)
		rc = hostkey_delete_all(txn, STORE_FACTS, buf_slice(&prefix));
	if (rc == 0)
		rc = sections_clear(txn, host);
	buf_fini(&prefix);
	return rc;
}
