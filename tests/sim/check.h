/*
 * check - what has to hold once the machine is quiet: the rules of History in
 * tests/system/storm.py, and what only shows from inside.
 */
#ifndef TSUJIBAN_TESTS_SIM_CHECK_H
#define TSUJIBAN_TESTS_SIM_CHECK_H

#include "agent/pipeline_private.h"

/* Says the first fault by sim_fault. */
void check_quiet(struct pipeline *pipeline);
/* One line an event of the path or of a directory above it. */
void check_print_events(const char *path, struct buf *out);

#endif
