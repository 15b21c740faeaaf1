/*
 * sources - the system and the host itself: what it is made of, who may log in, what it does by
 * itself.
 *
 * As source.h has it for all of them.
 *
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_HOST_SOURCES_H
#define TSUJIBAN_AGENT_HOST_SOURCES_H

#include "agent/source/source.h"

/* os-release, host name, machine id, boot id. */
int src_system_read(const char *root, struct fact_list *out, struct reason *out_why);
/* Users and groups of the host's own files. */
int src_account_read(const char *root, struct fact_list *out, struct reason *out_why);
int src_address_read(const char *root, struct fact_list *out, struct reason *out_why);
int src_socket_read(const char *root, struct fact_list *out, struct reason *out_why);
int src_cron_read(const char *root, struct fact_list *out, struct reason *out_why);
int src_unit_read(const char *root, struct fact_list *out, struct reason *out_why);

#endif
