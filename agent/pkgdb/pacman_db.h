/*
 * pacman_db - pacman's database of installed packages: a directory NAME-VERSION-RELEASE a package,
 * with text files of sections:
 *
 *	%NAME%		a line that is a name in percent signs begins a section
 *	bash		its values, a line each
 *			an empty line ends it
 *
 * Owner    slices are borrowed from the text.
 * Errors   ERR_FORMAT with the number of the line; what a callback returns.
 * Thread   any; no state.
 * Source   pacman's lib/libalpm/be_local.c (local_db_read)
 */
#ifndef TSUJIBAN_AGENT_PKGDB_PACMAN_DB_H
#define TSUJIBAN_AGENT_PKGDB_PACMAN_DB_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define PACMAN_DIR            "/var/lib/pacman"
#define PACMAN_DB             "/var/lib/pacman/local"
#define PACMAN_FILE_BYTES_MAX (64u << 20)

/* For every value: its section's name without the percent signs, and how many values of the section
 * came before. */
int pacman_each_value(struct slice text,
        int (*each)(void *ctx, struct slice section, size_t at, struct slice value), void *ctx,
        struct reason *out_why);

/* Of "gcc-libs-13.2.1-5" it is "gcc-libs" and "13.2.1-5"; false: it is the name of no package, as
 * that of the file ALPM_DB_VERSION, which lies there too. */
bool pacman_split_name(struct slice directory, struct slice *out_name, struct slice *out_version);

#endif
