#include "agent/life.h"

#include <signal.h>

#include "common/base/clock.h"

/* False: there is none, or nobody can tell. */
static bool read_mark(struct state *state, struct buf *out)
{
	struct kv_txn *txn;
	struct slice mark;
	if (kv_begin_read(state_kv(state), &txn) < 0)
		return false;
	bool is_there = state_meta_get(txn, LIFE_MARK, &mark) == 0;
	if (is_there)
		buf_append_slice(out, mark);
	kv_abort(txn);
	return is_there;
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

void life_describe_start(struct state *state, struct slice boot_id, struct buf *out)
{
	char time[CLOCK_TEXT_MAX];
	struct buf its_boot = BUF_INIT;
	int64_t written_ns = state_last_written_ns(state);
	buf_printf(out, "%s (version " TSUJIBAN_VERSION ")", start_words(state));
	if (read_mark(state, &its_boot)) {
		bool is_same_boot = slice_equal(buf_slice(&its_boot), boot_id);
		buf_append_text(out, "; the run before did not end in order: ");
		buf_append_text(out, is_same_boot
		                             ? "it was killed, or it crashed"
		                             : "its host went down, or the agent did before that");
		if (written_ns > 0)
			buf_printf(out, ", and had last written at %s",
			        clock_format(written_ns, time));
	}
	buf_fini(&its_boot);
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

int life_end(struct state *state, struct reason *out_why)
{
	struct state_txn *txn;
	struct buf mark = BUF_INIT;
	bool is_there = read_mark(state, &mark);
	buf_fini(&mark);
	if (!is_there)
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
