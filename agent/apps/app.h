/*
 * app - application packages: what language package managers and hands have put on the disk, read
 * from the files that they leave.
 *
 * Each kind of such a file (a "marker": METADATA of a Python distribution, package.json below
 * node_modules, a Go binary, a .jar) has one reader app_*.c and one row in APP_READERS. A reader
 * sees one file alone and never the network.
 *
 * The facts are FACT_PACKAGE: manager is the purl type ("pypi", "npm", "gem", "composer",
 * "wordpress", "golang", "cargo", "maven", "generic"), name as the purl specification normalises it
 * for the type, instance the path of the marker on the host ("a.war!/WEB-INF/lib/b.jar" for what
 * lies in archives), status "installed". Owner is the caller's to fill.
 *
 * Errors   0; ERR_MISSING: it looked like a marker and is none (no facts, no complaint); ERR_FORMAT
 *          and ERR_LIMIT with a reason: damaged or beyond a cap, nothing of it is taken.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_APPS_APP_H
#define TSUJIBAN_AGENT_APPS_APP_H

#include <sys/stat.h>

#include "common/base/err.h"
#include "common/model/factlist.h"

/* One opened regular file. Everything is borrowed. */
struct app_file {
	struct slice path; /* on the host */
	int fd;            /* at its beginning; read with pread(2) */
	const struct stat *stat;
};

struct app_reader {
	const char *name; /* "python", as in the configuration and in complaints */
	/* From the path's bytes and the mode alone: asked of every file that a walk meets, so it is
	 * cheap and opens nothing. */
	bool (*matches)(struct slice path, mode_t mode);
	int (*read)(const struct app_file *file, struct fact_list *out, struct reason *out_why);
};

/* Ended by a row without a name. */
extern const struct app_reader APP_READERS[];

/* The reader of a file, or NULL: the first row that matches. */
const struct app_reader *app_reader_of(struct slice path, mode_t mode);

/* --- for readers --------------------------------------------------------------------------- */

/* The whole file over `out`; ERR_LIMIT beyond `limit_bytes`. */
int app_read_whole(
        const struct app_file *file, size_t limit_bytes, struct buf *out, struct reason *out_why);
/* Adds FACT_PACKAGE with these fields; ERR_LIMIT with a reason when the list is full. */
int app_add(struct fact_list *out, const char *manager, struct slice name, struct slice version,
        struct slice instance, struct reason *out_why);
/* The same for a package that was built for one platform; `arch` may be empty. */
int app_add_built(struct fact_list *out, const char *manager, struct slice name, struct slice arch,
        struct slice version, struct slice instance, struct reason *out_why);
/* The last name of a path, and the name of the directory that it lies in, `up` levels above (0: the
 * file itself). Absent slice when the path has not so many. */
struct slice app_path_name(struct slice path, unsigned up);

#endif
