#include "collector/pipeline.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/http/api.h"
#include "collector/index/index.h"
#include "collector/ingest/ingest.h"
#include "collector/init.h"
#include "collector/material.h"
#include "collector/rebuild.h"
#include "collector/silence/silence.h"
#include "collector/store/buckets.h"
#include "collector/store/store.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/confine/confine.h"

#define PURGE_MS (86400 * UINT64_C(1000))
/* Heartbeats after which a session has ended for sure: ingest gives it three. */
#define SESSION_QUIET 4

struct pipeline {
	struct loop *loop;
	const struct collector_config *config;
	const struct confine_notes *confined;
	struct store *store;
	struct index *index;
	struct ingest *ingest;
	struct silence *silence;
	struct timer *silence_timer;
	struct api *api;
	struct timer *purge_timer;
	struct store_job purge_job;
	bool is_purging; /* the job is in the store */
};

/* --- a batch is durable ---------------------------------------------------------------------- */

static void on_stored(
        void *ctx, uint32_t host, const struct event *events, size_t count, bool is_new_stream)
{
	struct pipeline *pipeline = ctx;
	if (is_new_stream)
		index_clear_host(pipeline->index, host);
	for (size_t i = 0; i < count; i++) {
		if (events[i].fact_before)
			index_fact_ends(pipeline->index, host, events[i].fact_before);
		if (events[i].fact_after)
			index_fact_begins(pipeline->index, host, events[i].fact_after);
	}
	if (pipeline->api)
		api_committed(pipeline->api);
}

static void on_enrolled(void *ctx, uint32_t host, struct slice name)
{
	struct pipeline *pipeline = ctx;
	index_add_host(pipeline->index, host, name);
}

static void on_restated(void *ctx, uint32_t host)
{
	struct pipeline *pipeline = ctx;
	struct reason why;
	if (rebuild_facts(pipeline->store, pipeline->index, host, &why) < 0)
		log_error("%s", why.text);
}

/* --- hosts come and go ----------------------------------------------------------------------- */

static void on_came(void *ctx, uint32_t host, const char *address)
{
	struct pipeline *pipeline = ctx;
	silence_came(pipeline->silence, host, address);
}

static void on_left(void *ctx, uint32_t host, uint64_t heard_ms)
{
	struct pipeline *pipeline = ctx;
	silence_left(pipeline->silence, host, heard_ms, loop_now_ms(pipeline->loop));
}

static void on_silence_due(void *ctx)
{
	struct pipeline *pipeline = ctx;
	silence_wake(pipeline->silence, loop_now_ms(pipeline->loop));
}

static void wake_silence_at(void *ctx, uint64_t at_ms)
{
	struct pipeline *pipeline = ctx;
	uint64_t now_ms = loop_now_ms(pipeline->loop);
	timer_start(pipeline->silence_timer, at_ms > now_ms ? at_ms - now_ms : 1, 0);
}

static void on_silence_told(void *ctx)
{
	struct pipeline *pipeline = ctx;
	if (pipeline->api)
		api_committed(pipeline->api);
}

static int open_silence(struct pipeline *pipeline, struct reason *out_why)
{
	const struct collector_config *config = pipeline->config;
	struct silence_options options = {
	        .config = &config->silence,
	        .store = pipeline->store,
	        .session_quiet_ms = SESSION_QUIET * (uint64_t)(config->heartbeat_ns / NS_PER_MS),
	        .wake_at = wake_silence_at,
	        .told = on_silence_told,
	        .ctx = pipeline,
	};
	pipeline->silence_timer = timer_new(pipeline->loop, on_silence_due, pipeline);
	return silence_open(&options, loop_now_ms(pipeline->loop), &pipeline->silence, out_why);
}

static const struct ingest_events INGEST_EVENTS = {.stored = on_stored,
        .restated = on_restated,
        .enrolled = on_enrolled,
        .came = on_came,
        .left = on_left};

/* --- what the API asks for ------------------------------------------------------------------- */

static bool is_connected(void *ctx, uint32_t host)
{
	struct pipeline *pipeline = ctx;
	return ingest_is_connected(pipeline->ingest, host);
}

static bool is_silent(void *ctx, uint32_t host)
{
	struct pipeline *pipeline = ctx;
	return silence_is_silent(pipeline->silence, host);
}

static void on_revoked(void *ctx, uint32_t host)
{
	struct pipeline *pipeline = ctx;
	ingest_revoke(pipeline->ingest, host);
	silence_forget(pipeline->silence, host);
	index_remove_host(pipeline->index, host);
}

static void append_status(void *ctx, struct buf *out)
{
	struct pipeline *pipeline = ctx;
	struct ingest_status status;
	ingest_status(pipeline->ingest, &status);
	buf_printf(out,
	        ",\"sessions\":%u,\"batches\":%llu,\"events\":%llu,\"duplicates\":%llu,\"refused\":"
	        "%llu",
	        status.sessions, (unsigned long long)status.batches,
	        (unsigned long long)status.events, (unsigned long long)status.duplicates,
	        (unsigned long long)status.refused);
	buf_printf(out, ",\"store_failing\":%s", status.is_store_failing ? "true" : "false");
	buf_printf(out, ",\"listen\":\"%s\"", pipeline->config->listen);
	buf_printf(out, ",\"confined\":\"%s\",\"not_confined\":\"%s\"", pipeline->confined->on,
	        pipeline->confined->missing);
}

static const struct api_actions API_ACTIONS = {
        .is_connected = is_connected,
        .is_silent = is_silent,
        .revoked = on_revoked,
        .status = append_status,
};

/* --- opening --------------------------------------------------------------------------------- */

static struct ingest_limits limits_of(const struct collector_config *config)
{
	return (struct ingest_limits){
	        .strangers = config->limits.strangers,
	        .strangers_per_address = config->limits.strangers_per_address,
	        .conns = config->limits.host_connections,
	        .units_per_s = config->limits.host_events_per_s,
	        .units_burst = config->limits.host_events_burst,
	        .log_bytes = (config->limits.store_gb << 30) / 100 *
	                     config->limits.host_store_percent,
	        .facts = config->limits.host_facts,
	        .bucket_bytes = config->limits.host_buckets_mb << 20,
	        .streams_a_day = config->limits.host_streams_per_day,
	};
}

static int open_ingest(
        struct pipeline *pipeline, const struct material *material, struct reason *out_why)
{
	const struct collector_config *config = pipeline->config;
	struct ingest_options options = {
	        .address = config->listen,
	        .connections = (unsigned)config->limits.connections,
	        .heartbeat_s = (uint32_t)(config->heartbeat_ns / NS_PER_S),
	        .cert_pem = buf_slice(&material->server_cert),
	        .key_pem = buf_slice(&material->server_key),
	        .ca_pem = buf_slice(&material->ca_cert),
	        .ca_key_pem = buf_slice(&material->ca_key),
	        .cert_valid_ns = config->certificate_ns,
	        .limits = limits_of(config),
	        .loop = pipeline->loop,
	        .store = pipeline->store,
	};
	return ingest_open(&options, &INGEST_EVENTS, pipeline, &pipeline->ingest, out_why);
}

static int open_api(
        struct pipeline *pipeline, const struct material *material, struct reason *out_why)
{
	char cert_file[PATH_MAX], key_file[PATH_MAX], fingerprint[PKI_FINGERPRINT_TEXT];
	struct pki_cert_info ca;
	int rc = pki_cert_info(buf_slice(&material->ca_cert), &ca, out_why);
	if (rc < 0)
		return rc;
	pki_fingerprint_text(ca.fingerprint, fingerprint);
	snprintf(cert_file, sizeof cert_file, "%s/%s", pipeline->config->dir,
	        COLLECTOR_FILE_SERVER_CERT);
	snprintf(key_file, sizeof key_file, "%s/%s", pipeline->config->dir,
	        COLLECTOR_FILE_SERVER_KEY);
	struct api_options options = {
	        .address = pipeline->config->api,
	        .cert_file = cert_file,
	        .key_file = key_file,
	        .ca_fingerprint = fingerprint,
	        .connections = (unsigned)pipeline->config->limits.api_connections,
	        .loop = pipeline->loop,
	        .store = pipeline->store,
	        .index = pipeline->index,
	        .actions = &API_ACTIONS,
	        .ctx = pipeline,
	};
	return api_open(&options, &pipeline->api, out_why);
}

static int open_store(struct pipeline *pipeline, struct reason *out_why)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", pipeline->config->dir, COLLECTOR_DIR_DATA);
	return store_open(path, pipeline->config->limits.store_gb << 30, pipeline->loop,
	        &pipeline->store, out_why);
}

/* --- what nobody has used for long ----------------------------------------------------------- */

static int purge(struct store_job *job, struct kv_txn *txn, struct reason *out_why)
{
	int rc = buckets_purge(txn, clock_wall_ns() - BUCKETS_KEPT_NS);
	(void)job;
	return rc < 0 ? fail(out_why, rc, "cannot purge the store: %s", err_text(rc)) : 0;
}

static void on_purged(struct store_job *job, int code, const struct reason *why)
{
	struct pipeline *pipeline = (struct pipeline *)((char *)job -
	                                                offsetof(struct pipeline, purge_job));
	if (code < 0)
		log_warn("%s", why->text);
	pipeline->is_purging = false;
}

static void purge_daily(void *ctx)
{
	struct pipeline *pipeline = ctx;
	if (pipeline->is_purging)
		return;
	pipeline->is_purging = true;
	pipeline->purge_job = (struct store_job){.apply = purge, .done = on_purged};
	store_submit(pipeline->store, &pipeline->purge_job);
}

/* --- life ------------------------------------------------------------------------------------ */

int pipeline_new(struct loop *loop, const struct collector_config *config,
        const struct confine_notes *confined, struct service *service, struct pipeline **out,
        struct reason *out_why)
{
	struct pipeline *pipeline = mem_new(sizeof *pipeline);
	struct material material = {0};
	pipeline->loop = loop;
	pipeline->config = config;
	pipeline->confined = confined;
	pipeline->index = index_new();
	int rc = material_read(config->dir, &material, out_why);
	if (rc == 0)
		rc = open_store(pipeline, out_why);
	if (rc == 0)
		rc = store_write(pipeline->store, &(struct store_job){.apply = purge}, out_why);
	if (rc == 0) {
		pipeline->purge_timer = timer_new(loop, purge_daily, pipeline);
		timer_start(pipeline->purge_timer, PURGE_MS, PURGE_MS);
	}
	if (rc == 0)
		rc = rebuild_index(pipeline->store, pipeline->index, service, out_why);
	if (rc == 0)
		rc = open_silence(pipeline, out_why);
	if (rc == 0)
		rc = open_ingest(pipeline, &material, out_why);
	if (rc == 0)
		rc = open_api(pipeline, &material, out_why);
	material_fini(&material);
	if (rc < 0) {
		pipeline_free(pipeline);
		return rc;
	}
	log_info("listening for agents on %s (port %u), API on %s (port %u)", config->listen,
	        ingest_port(pipeline->ingest), config->api, api_port(pipeline->api));
	*out = pipeline;
	return 0;
}

/* Sessions end first, then what they submitted is finished, then what that was reported to. */
void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	api_close(pipeline->api);
	pipeline->api = NULL;
	timer_free(pipeline->purge_timer);
	ingest_close(pipeline->ingest);
	store_close(pipeline->store);
	silence_free(pipeline->silence);
	timer_free(pipeline->silence_timer);
	index_free(pipeline->index);
	free(pipeline);
}
