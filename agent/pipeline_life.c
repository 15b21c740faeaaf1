#include <stdlib.h>

#include "agent/life.h"
#include "agent/pipeline_private.h"
#include "agent/sender/sender.h"
#include "agent/who/who.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/file.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_MAX  64
#define LEAVE_MS     2000 /* at most, until the collector has confirmed it */

/* --- how it begins ---------------------------------------------------------------------------- */

void pipeline_tell_start(struct pipeline *pipeline)
{
	struct buf text = BUF_INIT, detail = BUF_INIT;
	struct reason why;
	if (file_read(BOOT_ID_FILE, BOOT_ID_MAX, &text, &why) < 0)
		log_warn("%s", why.text);
	struct slice boot_id = text_trim(buf_slice(&text));
	if (boot_id.len == 0)
		boot_id = slice_text("unknown");
	life_describe_start(pipeline->state, boot_id, &detail);
	pipeline_note(
	        pipeline, EVENT_AGENT, ACTION_STARTED, (struct slice){0}, buf_text(&detail), 0);
	journal_remember(pipeline->journal, slice_text(LIFE_MARK), boot_id);
	buf_fini(&detail);
	buf_fini(&text);
}

/* --- how it ends ------------------------------------------------------------------------------ */

static void note_stop(struct pipeline *pipeline, const struct signal_origin *origin)
{
	struct buf detail = BUF_INIT;
	const struct witness *by = who_look(pipeline->who, origin->pid);
	life_describe_stop(origin, &detail);
	struct event event = {
	        .time_ns = clock_wall_ns(),
	        .kind = EVENT_AGENT,
	        .action = ACTION_STOPPED,
	        .cause = CAUSE_LIVE,
	        .detail = buf_slice(&detail),
	        .actor = by ? &by->actor : NULL,
	        .actor_gap = by ? by->gap : ACTOR_KNOWN,
	};
	log_info("%s", buf_text(&detail));
	journal_note(pipeline->journal, &event);
	journal_remember(pipeline->journal, slice_text(LIFE_MARK), (struct slice){0});
	buf_fini(&detail);
}

static void left(void *ctx)
{
	struct pipeline *pipeline = ctx;
	pipeline->end(pipeline->ctx, PIPELINE_LEFT);
}

void pipeline_leave(struct pipeline *pipeline, const struct signal_origin *origin)
{
	note_stop(pipeline, origin);
	pipeline->leaving = timer_new(pipeline->loop, left, pipeline);
	timer_start(pipeline->leaving, LEAVE_MS, 0);
	journal_kick(pipeline->journal);
}

/* Whoever stops the agent may go on to remove what it has written: while there is a connection, the
 * collector is to know of it first. */
void pipeline_step_leave(struct pipeline *pipeline)
{
	struct sender_status status;
	if (!pipeline->leaving)
		return;
	if (pipeline->left_seq == 0 && journal_has_told(pipeline->journal))
		pipeline->left_seq = state_position(pipeline->state).next_seq - 1;
	if (pipeline->left_seq == 0)
		return;
	sender_status(pipeline->sender, &status);
	if (strcmp(status.state, "streaming") != 0 || status.confirmed_seq >= pipeline->left_seq)
		timer_start(pipeline->leaving, 0, 0);
}
