/*
 * confinement - what each process of the agent gives up: common/confine with this agent's names.
 *
 * Life     confinement_of_launcher in the process that starts the half that sends, as soon as it is
 *          forked; confinement_of_reader and confinement_of_sender before their first thread.
 */
#ifndef TSUJIBAN_AGENT_CONFINEMENT_H
#define TSUJIBAN_AGENT_CONFINEMENT_H

#include "agent/config.h"
#include "common/confine/confine.h"

/* Keeps what reading takes; of fanotify and the proc connector only when they are to be used and to
 * be had. */
int confinement_of_reader(
        const struct agent_config *config, struct confine_notes *notes, struct reason *out_why);
int confinement_of_launcher(struct reason *out_why);
/* What the half that sends has to know before it is told anything else, as a word of its command
 * line: the collector's port, or "off". */
#define CONFINEMENT_WORD 8
int confinement_word(
        const struct agent_config *config, char out[CONFINEMENT_WORD], struct reason *out_why);
int confinement_of_sender(const char *word, struct confine_notes *notes, struct reason *out_why);

#endif
