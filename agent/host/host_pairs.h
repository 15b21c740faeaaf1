/*
 * host_pairs - what FACT_HOST tells of the machine: what it is made of, and whose it is.
 *
 *   cpu_model       as the kernel names it, or of ARM as its maker does
 *   cpu_count       processors that are online
 *   memory_mb       MemTotal in MiB: without what kernel and firmware keep for themselves
 *   vendor, model   of the machine, from its firmware's tables
 *   timezone        what /etc/localtime leads to, else what /etc/timezone says
 *   virtualisation, container, cloud, cloud_instance    (host_virtual.h)
 *
 * Counters that always move (uptime, load, free memory) are no facts.
 *
 * Errors   ERR_LIMIT when the list's arena is full. What is not there is no fact.
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_HOST_HOST_PAIRS_H
#define TSUJIBAN_AGENT_HOST_HOST_PAIRS_H

#include "common/model/factlist.h"

int host_pairs_add(const char *root, struct fact_list *out);

#endif
