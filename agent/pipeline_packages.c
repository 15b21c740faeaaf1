#include "agent/packages/packages.h"

#include "agent/pipeline_private.h"
#include "agent/report.h"

/* A first scan tells nothing that a run could explain: it does not wait. */
static void on_wait(void *ctx, bool wait)
{
	struct pipeline *pipeline = ctx;
	bool is_baselining = pipeline->is_scanning && pipeline->is_first;
	journal_wait(pipeline->journal, wait && !is_baselining);
	if (!wait)
		walk_resume(pipeline->walk);
}

static void mark(struct pipeline *pipeline)
{
	settle_mark(pipeline->settle);
	pipeline->is_marked = walk_is_idle(pipeline->walk);
}

static void on_explain(void *ctx, struct explainer *explainer)
{
	struct pipeline *pipeline = ctx;
	journal_explain(pipeline->journal, explainer);
	if (explainer)
		mark(pipeline);
}

/* What a walk finds, because settle or the kernel's queue had overflowed, was touched before. */
static bool on_is_told(void *ctx)
{
	struct pipeline *pipeline = ctx;
	if (pipeline->is_scanning || !walk_is_idle(pipeline->walk)) {
		pipeline->is_marked = false;
		return false;
	}
	if (!pipeline->is_marked)
		mark(pipeline);
	return settle_count_older(pipeline->settle) == 0;
}

static void on_note(void *ctx, const struct event *event)
{
	struct pipeline *pipeline = ctx;
	journal_note(pipeline->journal, event);
}

static void on_remember(void *ctx, struct slice name, struct slice value)
{
	struct pipeline *pipeline = ctx;
	journal_remember(pipeline->journal, name, value);
}

/* Looking at the database takes some megabytes for a moment, and so does what is written of it. */
void pipeline_rest_if_due(struct pipeline *pipeline)
{
	if (!pipeline->is_rest_due || !journal_is_idle(pipeline->journal))
		return;
	pipeline->is_rest_due = false;
	pipeline_rest(pipeline);
}

static void on_noted(void *ctx)
{
	struct pipeline *pipeline = ctx;
	journal_kick(pipeline->journal);
	pipeline->is_rest_due = true;
	pipeline_rest_if_due(pipeline);
}

static const struct packages_events PACKAGES_EVENTS = {
        .wait = on_wait,
        .explain = on_explain,
        .is_told = on_is_told,
        .note = on_note,
        .remember = on_remember,
        .noted = on_noted,
};

int pipeline_make_packages(struct pipeline *pipeline, struct reason *out_why)
{
	struct packages_limits limits = {0};
	return packages_new(pipeline->loop, pipeline->state, pipeline->config->packages.root,
	        &limits, &PACKAGES_EVENTS, pipeline, &pipeline->packages, out_why);
}
