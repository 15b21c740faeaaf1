/*
 * sources - kernels, and what runs of them and of everything else.
 *
 * As source.h has it for all of them.
 *
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_RUNNING_SOURCES_H
#define TSUJIBAN_AGENT_RUNNING_SOURCES_H

#include "agent/source/source.h"

int src_kernel_read(const char *root, struct fact_list *out, struct reason *out_why);
/* Modules, live patches, mitigations. */
int src_kernel_state_read(const char *root, struct fact_list *out, struct reason *out_why);
/* What processes run that is not on disk any more. */
int src_restart_read(const char *root, struct fact_list *out, struct reason *out_why);

#endif
