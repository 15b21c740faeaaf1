/*
 * generated - files that maintainer scripts and triggers make: no package lists them, so no digest
 * vouches for them. What makes them plausible is that the package whose work they are was
 * configured, triggered, unpacked or removed in this very run.
 *
 * A rule that names no package holds for every run: the files of the package manager and its front
 * ends themselves, and with rpm what its unlogged triggers make.
 *
 * Thread   any. May look at the disk (the source of a byte-compiled file).
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_GENERATED_H
#define TSUJIBAN_AGENT_PACKAGES_GENERATED_H

#include "agent/packages/label.h"

bool generated_explains(
        const struct manifest *manifest, const struct change *change, struct explained *out);

#endif
