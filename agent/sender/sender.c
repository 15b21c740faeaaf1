#include "agent/sender/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/identity/identity.h"
#include "agent/sender/feed.h"
#include "agent/sender/launcher.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/backoff.h"
#include "common/io/channel.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS  60000

struct sender {
	struct loop *loop;
	struct state *state;
	struct sender_options options;
	const struct sender_events *events;
	void *ctx;
	struct fd_watch *news; /* of the launcher */
	struct timer *retry;
	struct backoff backoff;
	struct feed *feed; /* NULL: it does not run, or its feed broke */
	char cut_off[256]; /* why this side has ended it; empty: it has not */
	struct sender_status status;
};

static void launch(void *ctx);

/* --- what it says ----------------------------------------------------------------------------- */

static void on_confirmed(void *ctx, uint64_t seq)
{
	struct sender *sender = ctx;
	sender->status.confirmed_seq = seq;
	sender->events->confirmed(sender->ctx, seq);
}

static void on_begin_anew(void *ctx)
{
	struct sender *sender = ctx;
	sender->events->begin_anew(sender->ctx);
}

static void on_status(void *ctx, const struct seam_status *status)
{
	static const char *const NAMES[] = {
	        "offline", "connecting", "greeting", "streaming", "waiting"};
	struct sender *sender = ctx;
	struct sender_status *own = &sender->status;
	own->state = NAMES[status->link];
	snprintf(own->why, sizeof own->why, "%.*s", SLICE_ARG(status->why));
	snprintf(own->host, sizeof own->host, "%.*s", SLICE_ARG(status->host));
	snprintf(own->confined, sizeof own->confined, "%.*s", SLICE_ARG(status->confined));
	snprintf(own->not_confined, sizeof own->not_confined, "%.*s",
	        SLICE_ARG(status->not_confined));
	own->connected_since_ns = status->connected_since_ns;
	if (status->link == SEAM_STREAMING)
		backoff_reset(&sender->backoff);
	sender->events->changed(sender->ctx);
}

/* --- its process ------------------------------------------------------------------------------ */

static void set_offline(struct sender *sender, const char *why)
{
	sender->status.state = "offline";
	sender->status.connected_since_ns = 0;
	snprintf(sender->status.why, sizeof sender->status.why, "%s", why);
	sender->events->changed(sender->ctx);
}

static void launch_later(struct sender *sender)
{
	uint64_t random;
	random_bytes(&random, sizeof random);
	timer_start(sender->retry, backoff_next_ms(&sender->backoff, random), 0);
}

/* Nothing that it could still say would be believed. Its end is told by the launcher. */
static void on_broke(void *ctx, const char *why)
{
	struct sender *sender = ctx;
	feed_free(sender->feed);
	sender->feed = NULL;
	launcher_kill(sender->options.launcher);
	snprintf(sender->cut_off, sizeof sender->cut_off, "%s", why ? why : "");
	set_offline(sender, why ? why : "the half that sends is gone");
}

static void describe_end(const struct sender *sender, int status, char text[REASON_MAX])
{
	if (sender->cut_off[0])
		snprintf(text, REASON_MAX, "the half that sends was cut off: %s", sender->cut_off);
	else if (WIFSIGNALED(status))
		snprintf(text, REASON_MAX, "the half that sends was ended by signal %d",
		        WTERMSIG(status));
	else
		snprintf(
		        text, REASON_MAX, "the half that sends ended with %d", WEXITSTATUS(status));
}

static void take_end(struct sender *sender, int status)
{
	char text[REASON_MAX];
	feed_free(sender->feed);
	sender->feed = NULL;
	sender->status.pid = 0;
	describe_end(sender, status, text);
	sender->cut_off[0] = '\0';
	set_offline(sender, text);
	launch_later(sender);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != LAUNCHER_AGAIN)
		sender->events->ended(sender->ctx, text);
}

static void on_news(void *ctx)
{
	struct sender *sender = ctx;
	struct launcher_news news;
	int rc = launcher_hear(sender->options.launcher, &news);
	if (rc < 0) {
		fd_watch_pause(sender->news);
		set_offline(sender, "the process that starts the half that sends is gone");
		sender->events->alone(sender->ctx);
	} else if (rc > 0 && !news.is_ended) {
		sender->status.pid = news.pid;
		if (!sender->feed)
			launcher_kill(sender->options.launcher); /* broke before it was known */
	} else if (rc > 0 && (news.pid == sender->status.pid || news.pid < 0)) {
		take_end(sender, news.status); /* not that of one before this sender */
	}
}

static const struct feed_events FEED_EVENTS = {
        .confirmed = on_confirmed,
        .begin_anew = on_begin_anew,
        .status = on_status,
        .broke = on_broke,
};

static void launch(void *ctx)
{
	struct sender *sender = ctx;
	struct feed_options options = {
	        .collector = sender->options.collector, .dir = sender->options.dir};
	int ends[2];
	int rc = channel_pair(ends);
	if (rc == 0) {
		sender->feed = feed_new(
		        sender->loop, sender->state, ends[0], &options, &FEED_EVENTS, sender);
		rc = launcher_launch(sender->options.launcher, ends[1]);
	}
	if (rc == 0)
		return;
	feed_free(sender->feed);
	sender->feed = NULL;
	set_offline(sender, err_text(rc));
	launch_later(sender);
}

/* --- life ------------------------------------------------------------------------------------- */

int sender_new(struct loop *loop, struct state *state, const struct sender_options *options,
        const struct sender_events *events, void *ctx, struct sender **out, struct reason *out_why)
{
	struct identity identity;
	int rc = identity_load(options->dir, &identity, out_why);
	identity_fini(&identity);
	if (rc < 0)
		return rc;
	struct sender *sender = mem_new(sizeof *sender);
	sender->loop = loop;
	sender->state = state;
	sender->options = *options;
	sender->events = events;
	sender->ctx = ctx;
	sender->status.state = "offline";
	sender->backoff = (struct backoff){
	        .first_ms = BACKOFF_FIRST_MS, .most_ms = BACKOFF_MOST_MS};
	sender->retry = timer_new(loop, launch, sender);
	sender->news = fd_watch_new(loop, launcher_fd(options->launcher), on_news, sender);
	*out = sender;
	return 0;
}

void sender_start(struct sender *sender)
{
	launch(sender);
}

/* Its process ends when it finds its channel closed. */
void sender_free(struct sender *sender)
{
	if (!sender)
		return;
	feed_free(sender->feed);
	timer_free(sender->retry);
	fd_watch_free(sender->news);
	free(sender);
}

void sender_wake(struct sender *sender)
{
	if (sender->feed)
		feed_wake(sender->feed);
}

void sender_status(const struct sender *sender, struct sender_status *out)
{
	*out = sender->status;
}
