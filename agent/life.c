#include "agent/life.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/base/clock.h"

int64_t life_last_written_ns(const char *state_dir)
{
	char path[PATH_MAX];
	struct stat seen;
	snprintf(path, sizeof(path), "%s/db/data.mdb", state_dir);
	if (stat(path, &seen) < 0)
		return 0;
	return (int64_t)seen.st_mtim.tv_sec * NS_PER_S + seen.st_mtim.tv_nsec;
}

/* --- how it begins ---------------------------------------------------------------------------- */

static const char *start_words(const struct state *state)
{
	if (state_was_rebuilt(state))
		return "started with a new state: the old one was damaged and is kept aside";
	if (state_is_new(state))
		return "started for the first time on this state";
	return "started";
}

static void describe_run_before(
        struct slice its_boot, struct slice boot_id, int64_t last_written_ns, struct buf *out)
{
	char time[CLOCK_TEXT_MAX];
	buf_append_text(out, "; the run before did not end in order: ");
	buf_append_text(out, slice_equal(its_boot, boot_id)
	                             ? "it was killed, or it crashed"
	                             : "its host went down, or the agent did before that");
	if (last_written_ns > 0)
		buf_printf(
		        out, ", and had last written at %s", clock_format(last_written_ns, time));
}

int life_begin(struct state *state, struct slice boot_id, int64_t last_written_ns,
        struct buf *out_detail, struct reason *out_why)
{
	struct state_txn *txn;
	struct slice its_boot;
	int rc = state_begin(state, &txn, out_why);
	if (rc < 0)
		return rc;
	buf_printf(out_detail, "%s (version " TSUJIBAN_VERSION ")", start_words(state));
	if (state_meta_get(state_txn_kv(txn), LIFE_MARK, &its_boot) == 0)
		describe_run_before(its_boot, boot_id, last_written_ns, out_detail);
	rc = state_meta_put(txn, LIFE_MARK, boot_id);
	if (rc == 0)
		return state_commit(txn, out_why);
	state_abort(txn);
	return fail(out_why, rc, "cannot write to the state: %s", err_text(rc));
}

/* --- how it ends ------------------------------------------------------------------------------ */

static void append_sender(const struct signal_origin *origin, struct buf *out)
{
	if (origin->pid == 0)
		buf_append_text(out, "the kernel (a terminal), or from outside its pid namespace");
	else if (origin->pid == 1)
		buf_append_text(
		        out, "pid 1, the service manager: its journal says who asked for it");
	else
		buf_printf(out, "pid %d with uid %u", origin->pid, origin->uid);
}

void life_describe_stop(const struct signal_origin *origin, struct buf *out)
{
	if (origin->signum == SIGTERM || origin->signum == SIGINT)
		buf_printf(out, "stopped by %s from ",
		        origin->signum == SIGTERM ? "SIGTERM" : "SIGINT");
	else
		buf_printf(out, "stopped by signal %d from ", origin->signum);
	append_sender(origin, out);
}

bool life_has_ended(struct state *state)
{
	struct kv_txn *txn;
	struct slice ignored;
	if (kv_begin_read(state_kv(state), &txn) < 0)
		return false;
	bool has_ended = state_meta_get(txn, LIFE_MARK, &ignored) == ERR_MISSING;
	kv_abort(txn);
	return has_ended;
}

int life_end(struct state *state, struct reason *out_why)
{
	struct state_txn *txn;
	if (life_has_ended(state))
		return 0;
	int rc = state_begin(state, &txn, out_why);
	if (rc < 0)
		return rc;
	rc = state_meta_delete(txn, LIFE_MARK);
	if (rc == 0)
		return state_commit(txn, out_why);
	state_abort(txn);
	return fail(out_why, rc, "cannot write to the state: %s", err_text(rc));
}
