/*
 * app_walk_private - between the parts of a walk: what it finds is written down
 * (app_walk_found.c), one file is looked at (app_walk_file.c), directories are gone through
 * (app_walk.c).
 *
 * Thread   the walk's.
 */
#ifndef TSUJIBAN_AGENT_INVENTORY_APP_WALK_PRIVATE_H
#define TSUJIBAN_AGENT_INVENTORY_APP_WALK_PRIVATE_H

#include "agent/inventory/app_walk.h"

/* The walk comes to no end; the first reason stands. */
void app_walk_stop(struct app_walk *walk, int code, const char *why);
void app_walk_complain(struct app_walk *walk, struct slice path, const char *why);
/* The file is there; `is_changed`: it is among the changes. */
void app_walk_meet(struct app_walk *walk, struct slice path, bool is_changed);
/* What is below stays as it was known. */
void app_walk_go_blind(struct app_walk *walk, struct slice path, int code);

/* `name` may have a package, and is the end of walk->path. */
void app_walk_file(struct app_walk *walk, const struct app_place *place, const char *name);

#endif
