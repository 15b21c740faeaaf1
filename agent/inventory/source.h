/*
 * source - one origin of facts: a table row in inventory.c, a function in src_*.c.
 *
 * Thread   read: a worker.
 */
#ifndef TSUJIBAN_AGENT_INVENTORY_SOURCE_H
#define TSUJIBAN_AGENT_INVENTORY_SOURCE_H

#include "agent/state/factbook.h"
#include "common/base/err.h"
#include "common/model/factlist.h"

#define SOURCE_SCOPES_MAX   8
#define SOURCE_TRIGGERS_MAX 12
#define SOURCE_PARTIAL      1

/* A change of the file `name` in the directory `dir` asks for a pass. */
struct source_trigger {
	const char *dir;
	const char *name;
};

struct source {
	const char *name;
	/* What it alone speaks for, ended by a row without a kind. */
	struct fact_scope scopes[SOURCE_SCOPES_MAX + 1];
	/* Ended by a row without a directory. */
	struct source_trigger triggers[SOURCE_TRIGGERS_MAX + 1];
	/* No file tells when its facts end: while there are any, it is read again by itself
	 * (inventory_options.again_ms). */
	bool is_read_again;
	/* Adds what it finds below `root`. 0; SOURCE_PARTIAL: what was found holds, and `out_why`
	 * says what could not be seen; ERR_MISSING: this host has no such thing (no facts then, and
	 * no complaint). */
	int (*read)(const char *root, struct fact_list *out, struct reason *out_why);
};

int src_dpkg_read(const char *root, struct fact_list *out, struct reason *out_why);
/* The parser alone, for tests and fuzzing: the text of a status file. Stanzas it does not
 * understand are an error with the line number, so that a cut file is never taken for a removal. */
int src_dpkg_parse(struct slice text, struct fact_list *out, struct reason *out_why);
/* rpm's database in each of its forms (agent/rpmdb). */
int src_rpm_read(const char *root, struct fact_list *out, struct reason *out_why);
int src_apk_read(const char *root, struct fact_list *out, struct reason *out_why);
/* The text of the file `installed`. */
int src_apk_parse(struct slice text, struct fact_list *out, struct reason *out_why);
int src_pacman_read(const char *root, struct fact_list *out, struct reason *out_why);
/* The text of one package's file `desc`. */
int src_pacman_parse(struct slice text, struct fact_list *out, struct reason *out_why);
int src_kernel_read(const char *root, struct fact_list *out, struct reason *out_why);
/* Modules, live patches, mitigations. */
int src_kernel_state_read(const char *root, struct fact_list *out, struct reason *out_why);
/* What processes run that is not on disk any more. */
int src_restart_read(const char *root, struct fact_list *out, struct reason *out_why);
/* os-release, host name, machine id, boot id. */
int src_system_read(const char *root, struct fact_list *out, struct reason *out_why);
/* Users and groups of the host's own files. */
int src_account_read(const char *root, struct fact_list *out, struct reason *out_why);
int src_address_read(const char *root, struct fact_list *out, struct reason *out_why);
int src_socket_read(const char *root, struct fact_list *out, struct reason *out_why);
int src_cron_read(const char *root, struct fact_list *out, struct reason *out_why);
int src_unit_read(const char *root, struct fact_list *out, struct reason *out_why);

#endif
