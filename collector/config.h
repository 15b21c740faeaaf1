/*
 * config - the collector's configuration file, as the table in config.c describes it.
 *
 * Owner    texts live in the arena that collector_config_load was given.
 */
#ifndef TSUJIBAN_COLLECTOR_CONFIG_H
#define TSUJIBAN_COLLECTOR_CONFIG_H

#include "collector/silence/silence.h"
#include "common/codec/config.h"

struct collector_config {
	const char *dir; /* made by init: keys, certificates, data/ */
	const char *listen;
	const char *api;
	int64_t heartbeat_ns;
	int64_t certificate_ns; /* how long a host's certificate is valid */
	bool is_confined;
	struct silence_config silence;
	struct {
		uint64_t connections;
		uint64_t api_connections;
		uint64_t store_gb;
		uint64_t strangers, strangers_per_address;
		uint64_t host_connections;
		uint64_t host_events_per_s, host_events_burst;
		uint64_t host_store_percent;
		uint64_t host_facts;
		uint64_t host_buckets_mb;
		uint64_t host_streams_per_day;
	} limits;
};

extern const struct config_key COLLECTOR_CONFIG[];

int collector_config_load(const char *file, struct arena *arena, struct collector_config *out,
        struct reason *out_why);

#endif
