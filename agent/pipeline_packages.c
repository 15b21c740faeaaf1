#include "agent/packages/packages.h"

#include "agent/packages/manager.h"
#include "agent/pipeline_private.h"
#include "agent/report.h"

/* Reading waits while one of them says so. A first scan tells nothing that a run could explain: it
 * does not wait. */
static void on_wait(void *ctx, bool wait)
{
	struct pipeline_packages *one = ctx;
	struct pipeline *pipeline = one->pipeline;
	bool is_baselining = pipeline->is_scanning && pipeline->is_first;
	one->is_waiting = wait && !is_baselining;
	wait = pipeline->packages[0].is_waiting || pipeline->packages[1].is_waiting;
	journal_wait(pipeline->journal, wait);
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
	struct pipeline_packages *one = ctx;
	struct pipeline *pipeline = one->pipeline;
	one->explainer = explainer;
	struct explainer *first = pipeline->packages[0].explainer;
	struct explainer *second = pipeline->packages[1].explainer;
	struct explainer *both = first && second ? explainer_both(first, second) : NULL;
	journal_explain(pipeline->journal, both ? both : first ? first : second);
	explainer_drop(both);
	if (explainer)
		mark(pipeline);
}

/* What a walk finds, because settle or the kernel's queue had overflowed, was touched before. */
static bool on_is_told(void *ctx)
{
	struct pipeline_packages *one = ctx;
	struct pipeline *pipeline = one->pipeline;
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
	struct pipeline_packages *one = ctx;
	journal_note(one->pipeline->journal, event);
}

static void on_remember(void *ctx, struct slice name, struct slice value)
{
	struct pipeline_packages *one = ctx;
	journal_remember(one->pipeline->journal, name, value);
}

/* Looking at the database takes some megabytes for a moment, and so does what is written of it. */
void pipeline_rest_if_due(struct pipeline *pipeline)
{
	if (!pipeline->is_rest_due || !journal_is_idle(pipeline->journal) ||
	        !links_is_idle(pipeline->links))
		return;
	pipeline->is_rest_due = false;
	pipeline_rest(pipeline);
}

static void on_noted(void *ctx)
{
	struct pipeline_packages *one = ctx;
	struct pipeline *pipeline = one->pipeline;
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

static int make(
        struct pipeline_packages *one, const struct manager *manager, struct reason *out_why)
{
	struct pipeline *pipeline = one->pipeline;
	const char *root = pipeline->config->packages.root;
	struct packages_limits limits = {0};
	bool is_host = strcmp(root, "/") == 0;
	if (manager->is_present && !manager->is_present(is_host ? "" : root))
		return 0;
	return packages_new(pipeline->loop, pipeline->state, manager, root, &limits,
	        &PACKAGES_EVENTS, one, &one->packages, out_why);
}

int pipeline_make_packages(struct pipeline *pipeline, struct reason *out_why)
{
	static const struct manager *const MANAGERS[PIPELINE_MANAGERS] = {
	        &MANAGER_DPKG, &MANAGER_RPM};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < PIPELINE_MANAGERS; i++) {
		pipeline->packages[i].pipeline = pipeline;
		rc = make(&pipeline->packages[i], MANAGERS[i], out_why);
	}
	return rc;
}

void pipeline_free_packages(struct pipeline *pipeline)
{
	for (size_t i = 0; i < PIPELINE_MANAGERS; i++)
		packages_free(pipeline->packages[i].packages);
}

void pipeline_start_packages(struct pipeline *pipeline)
{
	for (size_t i = 0; i < PIPELINE_MANAGERS; i++)
		if (pipeline->packages[i].packages)
			packages_start(pipeline->packages[i].packages);
}

void pipeline_glance_at_packages(void *ctx)
{
	struct pipeline *pipeline = ctx;
	for (size_t i = 0; i < PIPELINE_MANAGERS; i++)
		if (pipeline->packages[i].packages)
			packages_glance(pipeline->packages[i].packages);
}

void pipeline_step_packages(struct pipeline *pipeline)
{
	for (size_t i = 0; i < PIPELINE_MANAGERS; i++)
		if (pipeline->packages[i].packages)
			packages_step(pipeline->packages[i].packages);
}
