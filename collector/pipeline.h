/*
 * pipeline - the collector's stages and the arrows between them.
 *
 * 	agents ─TLS─► ingest (peer, intake) ─► store ═commit═► index ─► api streams
 * 	                 ▲ ack ◄─────────────────────┘  search ◄─ query ◄─ index
 *
 * Life     pipeline_new (the index is rebuilt from the store) -> the loop runs -> pipeline_free.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_PIPELINE_H
#define TSUJIBAN_COLLECTOR_PIPELINE_H

#include "collector/config.h"
#include "common/io/loop.h"

struct confine_notes;
struct pipeline;
struct service;

/* `confined` is borrowed and told whenever somebody asks for the status; `service` is told how far
 * the start is. */
int pipeline_new(struct loop *loop, const struct collector_config *config,
        const struct confine_notes *confined, struct service *service, struct pipeline **out,
        struct reason *out_why);
void pipeline_free(struct pipeline *pipeline);

#endif
