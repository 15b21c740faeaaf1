#include "agent/packages/teller.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/mem.h"

struct teller {
	struct explainer explainer; /* first */
	const struct manager *manager;
	struct manifest *manifest;
	uint64_t id;
	void (*told)(void *ctx, const uint32_t events[EXPLAINED_MAX + 1]);
	void *ctx;
};

/* From the root that the database describes; absent: it lies elsewhere. */
static struct slice inside(const struct teller *teller, struct slice path)
{
	struct slice root = slice_text(manifest_root(teller->manifest));
	if (path.len <= root.len || !slice_starts_with(path, root) || path.ptr[root.len] != '/')
		return (struct slice){0};
	return slice_of(path.ptr + root.len, path.len - root.len);
}

static bool on_wants_md5(const struct explainer *explainer, struct slice path)
{
	const struct teller *teller = (const struct teller *)explainer;
	struct slice there = inside(teller, path);
	return there.ptr && teller->manager->wants_md5(teller->manifest, there);
}

static bool on_explain(const struct explainer *explainer, struct slice path,
        const struct filestate *before, const struct filestate *after, const uint8_t *md5,
        struct explained *out)
{
	const struct teller *teller = (const struct teller *)explainer;
	struct change change = {
	        .path = inside(teller, path), .before = before, .after = after, .md5 = md5};
	if (!change.path.ptr || !teller->manager->label(teller->manifest, &change, out))
		return false;
	out->manager = slice_text(teller->manager->name);
	out->transaction = teller->id;
	return true;
}

/* What another run explains is not explained by this one. */
static void on_told(struct explainer *explainer, const struct tally *tally)
{
	struct teller *teller = (struct teller *)explainer;
	uint32_t events[EXPLAINED_MAX + 1] = {[EXPLAINED_NONE] = tally->none};
	for (size_t i = 0; i < TALLY_RUNS; i++)
		for (size_t state = 0; state <= EXPLAINED_MAX; state++) {
			bool is_own = tally->run[i].transaction == teller->id;
			events[is_own ? state : EXPLAINED_NONE] += tally->run[i].events[state];
		}
	if (teller->told)
		teller->told(teller->ctx, events);
}

static void on_dispose(struct explainer *explainer)
{
	struct teller *teller = (struct teller *)explainer;
	manifest_free(teller->manifest);
	free(teller);
}

struct explainer *teller_new(const struct manager *manager, struct manifest *manifest, uint64_t id,
        void (*told)(void *ctx, const uint32_t events[EXPLAINED_MAX + 1]), void *ctx)
{
	struct teller *teller = mem_new(sizeof(*teller));
	*teller = (struct teller){
	        .explainer =
	                {
	                        .references = 1,
	                        .wants_md5 = on_wants_md5,
	                        .explain = on_explain,
	                        .told = on_told,
	                        .dispose = on_dispose,
	                },
	        .manager = manager,
	        .manifest = manifest,
	        .id = id,
	        .told = told,
	        .ctx = ctx,
	};
	return &teller->explainer;
}

void teller_mute(struct explainer *explainer)
{
	struct teller *teller = (struct teller *)explainer;
	if (teller)
		teller->told = NULL;
}

/* --- the summary ----------------------------------------------------------------------------- */

/* A package is told of once: what was installed and configured is installed. */
static uint32_t count_packages(const struct run *run, unsigned act)
{
	uint32_t count = 0;
	for (const struct run_package *one = run->packages; one; one = one->hh.next) {
		unsigned main = one->acts & RUN_REMOVED && !(one->acts & RUN_INSTALLED)
		                        ? RUN_REMOVED
		                : one->acts & RUN_UPGRADED   ? RUN_UPGRADED
		                : one->acts & RUN_INSTALLED  ? RUN_INSTALLED
		                : one->acts & RUN_CONFIGURED ? RUN_CONFIGURED
		                                             : RUN_MENTIONED;
		bool is_again = main == RUN_UPGRADED && one->version.ptr &&
		                slice_equal(one->old_version, one->version);
		if (is_again)
			main = RUN_TRIGGERED; /* its place in WORDS below */
		count += main == act;
	}
	return count;
}

void teller_summarize(const struct manager *manager, const struct run *run,
        const uint32_t events[EXPLAINED_MAX + 1], struct buf *out)
{
	static const struct {
		unsigned act;
		const char *word;
	} WORDS[] = {
	        {RUN_UPGRADED, "upgraded"},
	        {RUN_INSTALLED, "installed"},
	        {RUN_TRIGGERED, "reinstalled"},
	        {RUN_REMOVED, "removed"},
	        {RUN_CONFIGURED, "configured"},
	};
	static const enum explained_state STATES[] = {
	        EXPLAINED_VERIFIED, EXPLAINED_GENERATED, EXPLAINED_CONFFILE, EXPLAINED_REMOVED};
	const char *between = "";
	uint32_t all = 0;
	buf_printf(out, "%s: ", manager->name);
	for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
		uint32_t count = count_packages(run, WORDS[i].act);
		if (count == 0)
			continue;
		bool is_first = between[0] == '\0';
		buf_printf(out, "%s%u %s%s", between, count,
		        !is_first    ? ""
		        : count == 1 ? "package "
		                     : "packages ",
		        WORDS[i].word);
		between = ", ";
	}
	if (between[0] == '\0')
		buf_append_text(out, "triggers alone");
	for (size_t i = 0; i <= EXPLAINED_MAX; i++)
		all += events[i];
	buf_printf(out, "; %u file event%s", all, all == 1 ? "" : "s");
	between = ": ";
	for (size_t i = 0; i < sizeof(STATES) / sizeof(STATES[0]); i++) {
		if (events[STATES[i]] == 0)
			continue;
		buf_printf(out, "%s%u %s", between, events[STATES[i]],
		        explained_state_name(STATES[i]));
		between = ", ";
	}
	if (all > 0)
		buf_printf(out, "%s%u not explained", between, events[EXPLAINED_NONE]);
}
