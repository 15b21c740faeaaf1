/*
 * manifest - what a run's packages say of paths: the knowledge that changes are explained by.
 *
 * Only packages of the run are in it by path; of all others there is the bare set of paths that
 * they own. Paths are as a package lists them, from the root of the system that the database
 * describes, and stand under their canonical key (merged.h).
 *
 * Life     manifest_new -> (add and set functions, on one worker) -> manifest_seal -> questions ->
 *          manifest_free.
 * Owner    owns the run and all else. Some 40 bytes for each path of the run's packages, 8 for each
 *          path that any package owns.
 * Thread   one at a time until sealed, then any.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_MANIFEST_H
#define TSUJIBAN_AGENT_PACKAGES_MANIFEST_H

#include "agent/packages/merged.h"
#include "agent/packages/run.h"
#include "common/base/digest.h"

#define PROOF_BYTES MD5_BYTES

struct manifest_entry {
	uint64_t key;
	const struct run_package *package;
	/* What the database vouches for: with dpkg the MD5 of the content, with rpm what
	 * rpm_proof.h says. */
	uint8_t proof[PROOF_BYTES];
	bool has_proof;
	bool needs_md5; /* the content's MD5 is part of it */
	bool is_conffile;
	bool is_ghost; /* listed, but made by whom the package leaves it to */
	bool is_lost;  /* listed before the run, and by nobody now */
};

struct manifest;

/* Takes over the run. `root`: "" or a directory without a trailing slash, borrowed for good. */
struct manager;
struct manifest *manifest_new(struct run *run, const struct manager *manager, const char *root);
void manifest_free(struct manifest *manifest);
const struct run *manifest_run(const struct manifest *manifest);
const struct manager *manifest_manager(const struct manifest *manifest);
const char *manifest_root(const struct manifest *manifest);

/* A path that a package of the run lists now. The entry may be completed until the next one. */
struct manifest_entry *manifest_list(
        struct manifest *manifest, const struct run_package *package, uint64_t key);
/* Its MD5 in the database; a path that is not listed is not added. To be called after the paths of
 * the package. */
void manifest_md5(struct manifest *manifest, const struct run_package *package, uint64_t key,
        const uint8_t md5[MD5_BYTES], bool is_conffile);
/* A path that a package of the run listed before. */
void manifest_listed_before(
        struct manifest *manifest, const struct run_package *package, uint64_t key);
/* A path that a package lists now, of the run or not. */
void manifest_own(struct manifest *manifest, uint64_t key);
/* What is listed as `from`, but by `except`, lies at `to`. Before any path is added. */
void manifest_divert(
        struct manifest *manifest, struct slice from, struct slice to, struct slice except);
void manifest_override(struct manifest *manifest, struct slice path, uint32_t mode);
/* A symbolic link that the alternatives system may have made. */
void manifest_link(struct manifest *manifest, struct slice link, struct slice target);
void manifest_seal(struct manifest *manifest);

/* Where a path that the package lists lies on disk: itself, unless it is diverted. */
struct slice manifest_diverted(
        const struct manifest *manifest, const struct run_package *package, struct slice path);
/* NULL: no package of the run. */
const struct manifest_entry *manifest_find(const struct manifest *manifest, struct slice path);
/* Another one for the same path. */
const struct manifest_entry *manifest_next(
        const struct manifest *manifest, const struct manifest_entry *entry);
bool manifest_is_owned(const struct manifest *manifest, struct slice path);
bool manifest_has_link(const struct manifest *manifest, struct slice link, struct slice target);
/* Whether dpkg-statoverride(1) asks for this mode. */
bool manifest_is_overridden(const struct manifest *manifest, struct slice path, uint32_t mode);

#endif
