#include "collector/rebuild.h"

#include <stdlib.h>

#include "collector/index/index.h"
#include "collector/store/hosts.h"
#include "collector/store/picture.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/service.h"

#define TELL_MS 1000

/* The facts of one host, gathered so that the index takes them at once. */
struct gathered {
	struct index *index;
	struct kv_txn *txn;
	struct fact *fact;
	size_t count, room;
	/* of a whole rebuild */
	struct service *service;
	uint64_t hosts, told_ms;
};

static int gather_fact(void *ctx, const struct fact *fact)
{
	struct gathered *gathered = ctx;
	if (gathered->count == gathered->room) {
		gathered->room = gathered->room ? 2 * gathered->room : 1024;
		gathered->fact = mem_resize(gathered->fact, gathered->room * sizeof *fact);
	}
	gathered->fact[gathered->count++] = *fact;
	return 0;
}

static void tell_progress(struct gathered *gathered)
{
	uint64_t now_ms = clock_mono_ms();
	if (now_ms - gathered->told_ms < TELL_MS)
		return;
	gathered->told_ms = now_ms;
	service_tell(gathered->service,
	        "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=rebuilding the index: %zu of %llu hosts",
	        index_host_count(gathered->index), (unsigned long long)gathered->hosts);
}

static int rebuild_host(void *ctx, const struct host_record *host)
{
	struct gathered *gathered = ctx;
	if (host->is_revoked)
		return 0;
	gathered->count = 0;
	int rc = picture_facts(gathered->txn, host->id, 0, gather_fact, gathered);
	if (rc < 0)
		return rc;
	index_add_host(gathered->index, host->id, host->name);
	index_facts_begin(gathered->index, host->id, gathered->fact, gathered->count);
	tell_progress(gathered);
	return 0;
}

int rebuild_index(
        struct store *store, struct index *index, struct service *service, struct reason *out_why)
{
	uint64_t began_ms = clock_mono_ms();
	struct gathered gathered = {.index = index, .service = service, .told_ms = began_ms};
	int rc = kv_begin_read(store_kv(store), &gathered.txn);
	if (rc == 0) {
		gathered.hosts = kv_count(gathered.txn, STORE_HOSTS);
		rc = hosts_each(gathered.txn, rebuild_host, &gathered);
		kv_abort(gathered.txn);
	}
	free(gathered.fact);
	if (rc < 0)
		return fail(out_why, rc, "cannot rebuild the index: %s", err_text(rc));
	log_info("index rebuilt hosts=%zu facts=%zu took_ms=%llu", index_host_count(index),
	        index_fact_count(index), (unsigned long long)(clock_mono_ms() - began_ms));
	return 0;
}

int rebuild_facts(struct store *store, struct index *index, uint32_t host, struct reason *out_why)
{
	struct gathered gathered = {.index = index};
	int rc = kv_begin_read(store_kv(store), &gathered.txn);
	if (rc == 0) {
		rc = picture_facts(gathered.txn, host, 0, gather_fact, &gathered);
		if (rc == 0) {
			index_clear_host(index, host);
			index_facts_begin(index, host, gathered.fact, gathered.count);
		}
		kv_abort(gathered.txn);
	}
	free(gathered.fact);
	return rc < 0 ? fail(out_why, rc, "cannot read a host's facts: %s", err_text(rc)) : 0;
}
