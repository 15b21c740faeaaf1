#include <malloc.h>

#include "agent/fim/roots.h"
#include "agent/inventory/inventory.h"
#include "agent/pipeline_private.h"
#include "agent/report.h"
#include "agent/state/baseline.h"
#include "common/base/log.h"

/* --- the scan that every start begins with --------------------------------------------------- */

void pipeline_begin_scan(struct pipeline *pipeline)
{
	struct reason why;
	if (roots_each_retired(pipeline->state, pipeline->filter, pipeline_retire, pipeline, &why) <
	        0)
		log_error("%s", why.text);
	pipeline->is_scanning = true;
	pipeline->scan_began_ms = loop_now_ms(pipeline->loop);
	for (size_t i = 0; i < filter_count(pipeline->filter); i++) {
		struct slice path = filter_path(pipeline->filter, i);
		bool is_known = journal_is_baselined(pipeline->journal, path);
		pipeline->is_first |= !is_known;
		walk_request(pipeline->walk, path, is_known ? CAUSE_OFFLINE : CAUSE_BASELINE);
	}
	report_scan(pipeline->report, pipeline->is_first);
}

static uint32_t count_files(struct pipeline *pipeline)
{
	struct kv_txn *txn;
	if (kv_begin_read(state_kv(pipeline->state), &txn) < 0)
		return 0;
	uint64_t count = baseline_count(txn);
	kv_abort(txn);
	return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

/* A scan touches every page of the store and many small blocks of heap, and then never again. */
void pipeline_rest(struct pipeline *pipeline)
{
	/* What was read is about to be asked for under other names. */
	if (links_is_idle(pipeline->links))
		journal_rest(pipeline->journal);
	else
		pipeline->is_rest_due = true;
	kv_rest(state_kv(pipeline->state));
	malloc_trim(0);
}

void pipeline_end_scan(struct pipeline *pipeline)
{
	bool is_over = walk_is_idle(pipeline->walk) &&
	               settle_count_cause(pipeline->settle, CAUSE_BASELINE) == 0 &&
	               settle_count_cause(pipeline->settle, CAUSE_OFFLINE) == 0;
	if (!pipeline->is_scanning || !is_over)
		return;
	uint32_t files = count_files(pipeline);
	pipeline->is_scanning = false;
	report_scan_over(pipeline->report);
	log_info("%s complete files=%u took_ms=%llu",
	        pipeline->is_first ? "first scan" : "comparison with the baseline", files,
	        (unsigned long long)(loop_now_ms(pipeline->loop) - pipeline->scan_began_ms));
	if (pipeline->is_first)
		pipeline_note(pipeline, EVENT_AGENT, ACTION_BASELINED, (struct slice){0},
		        "first scan complete", files);
	for (size_t i = 0; i < filter_count(pipeline->filter); i++)
		journal_mark_baselined(pipeline->journal, filter_path(pipeline->filter, i));
	journal_kick(pipeline->journal);
	pipeline_rest(pipeline);
	/* Its first look at the database takes memory too: not both at once. */
	if (pipeline->is_first)
		pipeline_start_packages(pipeline);
	inventory_start_apps(pipeline->inventory);
}
