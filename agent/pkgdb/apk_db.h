/*
 * apk_db - apk's database of installed packages: one text file, a stanza a package.
 *
 *	P:musl		lines of a letter, a colon and a value; the package's own come first
 *	V:1.2.4-r2
 *	F:lib		a directory, of which follow
 *	R:libc.so	its files, each with lines of its own (a:, Z:)
 *			an empty line ends the stanza
 *
 * apk replaces the file by rename, so it is whole or it is damaged: what the form does not allow is
 * an error with the number of the line. Letters that are not known are passed over, as more of them
 * come with new versions of apk.
 *
 * Owner    slices are borrowed from the text.
 * Errors   ERR_FORMAT; what a callback returns.
 * Thread   any; no state.
 * Source   apk-tools, doc/apk-package(5) and src/database.c (apk_db_read_overlay,
 *          apk_db_fdb_read)
 */
#ifndef TSUJIBAN_AGENT_PKGDB_APK_DB_H
#define TSUJIBAN_AGENT_PKGDB_APK_DB_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define APK_DB_BYTES_MAX (256u << 20)

/* lib/apk/db, usr/lib/apk/db, var/lib/apk/db. */
#define APK_DB_PLACES 3
extern const char *const APK_DB_DIRECTORIES[APK_DB_PLACES];

struct apk_package {
	struct slice name;    /* P */
	struct slice version; /* V */
	struct slice arch;    /* A */
	struct slice origin;  /* o: the source package; absent: not told */
};

struct apk_reader {
	/* At the end of each stanza. May be NULL. */
	int (*package)(void *ctx, const struct apk_package *package);
	/* For each directory (`name` is absent then) and each file in it, without the first slash.
	 * May be NULL. */
	int (*path)(void *ctx, const struct apk_package *package, struct slice directory,
	        struct slice name);
	void *ctx;
};

/* Writes the text of the first database that there is over `out`; ERR_MISSING: there is none. */
int apk_db_read(const char *root, struct buf *out, struct reason *out_why);
int apk_db_each(struct slice text, const struct apk_reader *reader, struct reason *out_why);

#endif
