/*
 * rpm_proof - all that rpm's database vouches for in one file, as one short digest: so that a run
 * of a hundred thousand files is some megabytes.
 *
 *	1  type (enum file_type)
 *	4  permission bits, 07777; of a link 0777
 *	n  user's name behind its length (4 bytes)
 *	n  group's name, likewise
 *	n  content, likewise: of a regular file the digest, of a link the target, else nothing
 *	17 capabilities: permitted and inheritable (8 bytes each), whether effective
 *
 * and of this the head of the SHA-256. Whoever is number 0 counts as "root". What belongs to a user
 * that this host does not have rpm gives to root: that is not as the package has it, not proven.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_RPM_PROOF_H
#define TSUJIBAN_AGENT_PACKAGES_RPM_PROOF_H

#include "agent/packages/manifest.h"
#include "agent/rpmdb/rpm_files.h"
#include "common/model/filestate.h"

/* Fills proof, has_proof, needs_md5, is_conffile and is_ghost of the entry. There is no proof of
 * what is not in the package (a ghost), and of a regular file with a digest of a kind that is not
 * known here. */
void rpm_proof_take(const struct rpm_file *file, struct manifest_entry *entry);
/* Whether the file is as the entry's proof says. `md5` as in struct change. */
bool rpm_proof_fits(
        const struct manifest_entry *entry, const struct filestate *state, const uint8_t *md5);

#endif
