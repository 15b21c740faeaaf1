/*
 * dpkg_text - the text files of dpkg's database, taken apart: dpkg(1), "FILES", and the sources of
 * dpkg for what is written nowhere.
 *
 * Each function goes through one whole file and calls back for each record; lines of another form
 * are passed over, since what is not understood explains nothing. Slices are borrowed from the
 * text.
 *
 * Errors   only what a callback returns (it ends the pass).
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_PACKAGES_DPKG_TEXT_H
#define TSUJIBAN_AGENT_PACKAGES_DPKG_TEXT_H

#include "common/base/digest.h"
#include "common/base/slice.h"

/* status: a stanza with a package's name. */
struct dpkg_stanza {
	struct slice name;
	struct slice arch;
	struct slice version;
	struct slice state;     /* the third word of Status: "installed", … */
	struct slice conffiles; /* lines of " FILE MD5" and what may follow */
	bool is_same;           /* Multi-Arch: same: its files are named with the architecture */
};
int dpkg_each_stanza(
        struct slice status, int (*each)(void *ctx, const struct dpkg_stanza *stanza), void *ctx);

/* PACKAGE.list: a line a path. "/." is given as "/". */
int dpkg_each_listed(struct slice list, int (*each)(void *ctx, struct slice path), void *ctx);

/* PACKAGE.md5sums: "MD5  PATH", the path without its first slash. A conffiles field (is_conffiles):
 * " PATH MD5". `path` comes as it stands there. */
int dpkg_each_md5(struct slice text, bool is_conffiles,
        int (*each)(void *ctx, struct slice path, const uint8_t md5[MD5_BYTES]), void *ctx);

/* diversions: three lines each; `package` is ":" for one of the administrator's. */
int dpkg_each_diversion(struct slice text,
        int (*each)(void *ctx, struct slice from, struct slice to, struct slice package),
        void *ctx);

/* statoverride: "USER GROUP MODE PATH". */
int dpkg_each_override(
        struct slice text, int (*each)(void *ctx, struct slice path, uint32_t mode), void *ctx);

/* alternatives/NAME (update-alternatives(1)): each pair of a symbolic link and what it may point to
 * by that file: LINK to /etc/alternatives/NAME, and that to each choice; likewise for slaves. */
int dpkg_each_alternative(struct slice name, struct slice text,
        int (*each)(void *ctx, struct slice link, struct slice target), void *ctx);

#endif
