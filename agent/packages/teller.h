/*
 * teller - the explainer of one manifest, and the words for its summary.
 *
 * Owner    owns the manifest; counted as explainer.h says. `told` is called with what was written.
 * Thread   as explainer.h.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_TELLER_H
#define TSUJIBAN_AGENT_PACKAGES_TELLER_H

#include "agent/packages/manager.h"
#include "agent/touch/explainer.h"

struct explainer *teller_new(const struct manager *manager, struct manifest *manifest, uint64_t id,
        void (*told)(void *ctx, const uint32_t events[EXPLAINED_MAX + 1]), void *ctx);
/* Nobody is told any more: the ctx goes away before the explainer does. */
void teller_mute(struct explainer *explainer);

struct buf;
/* "dpkg: 2 packages upgraded, 1 installed; 300 file events: 290 verified, …" */
void teller_summarize(const struct manager *manager, const struct run *run,
        const uint32_t events[EXPLAINED_MAX + 1], struct buf *out);

#endif
