/*
 * explainer - what is asked, of every change that is written, whether a package manager's run
 * accounts for it. Knows no package manager: it is the word between the room that reads their
 * databases and the one that writes events.
 *
 * Life     made with one reference; explainer_keep, explainer_drop; the last drop calls `dispose`.
 * Thread   keep, drop, told and dispose: the loop's. wants_md5 and explain: any worker's, while a
 *          reference is held; what they look at does not change.
 */
#ifndef TSUJIBAN_AGENT_TOUCH_EXPLAINER_H
#define TSUJIBAN_AGENT_TOUCH_EXPLAINER_H

#include "common/model/explained.h"
#include "common/model/filestate.h"

/* File events that were written, by what explains them: for each of the runs that are told at one
 * time (of several package managers: rare), and by nothing. */
#define TALLY_RUNS 2

struct tally {
	uint32_t none;
	struct {
		uint64_t transaction; /* 0: free */
		uint32_t events[EXPLAINED_MAX + 1];
	} run[TALLY_RUNS];
};

/* `explained` NULL: by nothing. */
void tally_add(struct tally *tally, const struct explained *explained);

struct explainer {
	unsigned references;
	/* Whether the MD5 of this path's content could matter: it is then worked out in the same
	 * read as the SHA-256. */
	bool (*wants_md5)(const struct explainer *explainer, struct slice path);
	/* What became of `path`; NULL for what was, or is, not there; `md5` (MD5_BYTES) of the
	 * content of `after`, NULL when it was not worked out. False: not explained. Slices of
	 * `out` live as long as the explainer. */
	bool (*explain)(const struct explainer *explainer, struct slice path,
	        const struct filestate *before, const struct filestate *after, const uint8_t *md5,
	        struct explained *out);
	/* So many file events have been written since the last call. */
	void (*told)(struct explainer *explainer, const struct tally *tally);
	void (*dispose)(struct explainer *explainer);
};

/* Two explainers asked as one: what the first does not explain, the second may. Keeps a reference
 * to each. */
struct explainer *explainer_both(struct explainer *first, struct explainer *second);

/* Both accept NULL. */
static inline struct explainer *explainer_keep(struct explainer *explainer)
{
	if (explainer)
		explainer->references++;
	return explainer;
}

static inline void explainer_drop(struct explainer *explainer)
{
	if (explainer && --explainer->references == 0)
		explainer->dispose(explainer);
}

#endif
