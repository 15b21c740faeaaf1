/*
 * rpm_files - the files of a package's header, one after the other.
 *
 *	struct rpm_files *files;
 *	struct rpm_file file;
 *	rpm_files_open(&header, &files, &why);
 *	while (rpm_files_next(&files, &file))
 *		...
 *
 * Owner    borrows the header's bytes; rpm_files_close frees the table of directories.
 * Errors   ERR_FORMAT: lists of unequal length, a directory that there is not or that is no
 *          absolute path; ERR_LIMIT: more files than the cap.
 * Thread   one at a time.
 */
#ifndef TSUJIBAN_AGENT_RPMDB_RPM_FILES_H
#define TSUJIBAN_AGENT_RPMDB_RPM_FILES_H

#include "agent/rpmdb/rpm_header.h"

#define RPM_DIGEST_MAX 64
#define RPM_FILES_MAX  1000000u /* of one package; the largest have 100 000 */

enum rpm_file_flag {
	RPM_FILE_CONFIG = 1 << 0,
	RPM_FILE_MISSINGOK = 1 << 3,
	RPM_FILE_NOREPLACE = 1 << 4,
	RPM_FILE_GHOST = 1 << 6, /* not in the package: nothing is known of its content */
};

enum rpm_file_state {
	RPM_STATE_NORMAL = 0,
	RPM_STATE_REPLACED = 1, /* another package's file lies there */
	RPM_STATE_NOTINSTALLED = 2,
	RPM_STATE_NETSHARED = 3,
	RPM_STATE_WRONGCOLOR = 4,
};

enum rpm_digest { RPM_DIGEST_NONE = 0, RPM_DIGEST_MD5 = 1, RPM_DIGEST_SHA256 = 8 };

struct rpm_file {
	struct slice directory; /* begins and ends with a slash */
	struct slice name;      /* without a slash; empty: the directory itself, as of "/" */
	struct slice user;      /* names, as the package has them */
	struct slice group;
	struct slice link;         /* target of a symbolic link; else empty */
	struct slice capabilities; /* text form of cap_to_text(3); else empty */
	uint32_t mode;             /* with the type's bits, st_mode */
	uint32_t flags;            /* enum rpm_file_flag; others may be set */
	uint32_t state;            /* enum rpm_file_state */
	uint64_t size;
	uint32_t algorithm; /* enum rpm_digest; others are not verified: no digest is given */
	uint8_t digest[RPM_DIGEST_MAX];
	uint32_t digest_len; /* 0: none */
};

struct rpm_files;

/* A package without files has none to give: that is no error. */
int rpm_files_open(const struct rpm_header *header, struct rpm_files **out, struct reason *out_why);
bool rpm_files_next(struct rpm_files *files, struct rpm_file *out);
void rpm_files_close(struct rpm_files *files);

#endif
