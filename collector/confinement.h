/*
 * confinement - what the collector gives up: everything but its own directory, its two ports and
 * the system calls of serving them.
 *
 * Life     confinement_begin before the first thread and before anything is opened, then
 *          confinement_complete when everything is: from then on no port is opened any more.
 */
#ifndef TSUJIBAN_COLLECTOR_CONFINEMENT_H
#define TSUJIBAN_COLLECTOR_CONFINEMENT_H

#include "collector/config.h"
#include "common/confine/confine.h"

int confinement_begin(
        const struct collector_config *config, struct confine_notes *notes, struct reason *out_why);
int confinement_complete(
        const struct collector_config *config, struct confine_notes *notes, struct reason *out_why);

#endif
