#include "agent/touch/explainer.h"

#include <stdlib.h>

#include "common/base/mem.h"

void tally_add(struct tally *tally, const struct explained *explained)
{
	for (size_t i = 0; explained && i < TALLY_RUNS; i++) {
		if (tally->run[i].transaction == 0)
			tally->run[i].transaction = explained->transaction;
		if (tally->run[i].transaction != explained->transaction)
			continue;
		tally->run[i].events[explained->state]++;
		return;
	}
	tally->none++;
}

struct both {
	struct explainer explainer; /* first */
	struct explainer *part[2];
};

static bool on_wants_md5(const struct explainer *explainer, struct slice path)
{
	const struct both *both = (const struct both *)explainer;
	return both->part[0]->wants_md5(both->part[0], path) ||
	       both->part[1]->wants_md5(both->part[1], path);
}

static bool on_explain(const struct explainer *explainer, struct slice path,
        const struct filestate *before, const struct filestate *after, const uint8_t *md5,
        struct explained *out)
{
	const struct both *both = (const struct both *)explainer;
	return both->part[0]->explain(both->part[0], path, before, after, md5, out) ||
	       both->part[1]->explain(both->part[1], path, before, after, md5, out);
}

static void on_told(struct explainer *explainer, const struct tally *tally)
{
	struct both *both = (struct both *)explainer;
	for (size_t i = 0; i < 2; i++)
		both->part[i]->told(both->part[i], tally);
}

static void on_dispose(struct explainer *explainer)
{
	struct both *both = (struct both *)explainer;
	explainer_drop(both->part[0]);
	explainer_drop(both->part[1]);
	free(both);
}

struct explainer *explainer_both(struct explainer *first, struct explainer *second)
{
	struct both *both = mem_new(sizeof(*both));
	*both = (struct both){
	        .explainer =
	                {
	                        .references = 1,
	                        .wants_md5 = on_wants_md5,
	                        .explain = on_explain,
	                        .told = on_told,
	                        .dispose = on_dispose,
	                },
	        .part = {explainer_keep(first), explainer_keep(second)},
	};
	return &both->explainer;
}
