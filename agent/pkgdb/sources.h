/*
 * sources - the packages of the system, from the databases of their managers.
 *
 * As source.h has it for all of them.
 *
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_PKGDB_SOURCES_H
#define TSUJIBAN_AGENT_PKGDB_SOURCES_H

#include "agent/source/source.h"

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

#endif
