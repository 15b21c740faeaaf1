/*
 * restart_path - which mapped files say something of software that was replaced.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_RUNNING_RESTART_PATH_H
#define TSUJIBAN_AGENT_RUNNING_RESTART_PATH_H

#include "common/base/slice.h"

/* Memory that the kernel gives a path, and files that programs make, map and delete at once:
 * temporary ones, those without a name, code that was made while it runs. Of a path with or without
 * its " (deleted)". */
bool restart_path_is_ignored(struct slice path);
/* Takes away " (deleted)"; false when it is not there. */
bool restart_path_strip_deleted(struct slice *path);
/* Takes away by what package managers tell apart the file that is not in its place yet: rpm's
 * ";5f3c9a01", dpkg's ".dpkg-new" and ".dpkg-tmp". Kernels before 3.18 gave that name to the file
 * which was replaced. */
void restart_path_strip_manager(struct slice *path);
/* Below a directory of libraries or programs, of the system or of an application's own. */
bool restart_path_is_code(struct slice path);

#endif
