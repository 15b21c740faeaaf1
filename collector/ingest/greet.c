#include "collector/ingest/greet.h"

#include <stdlib.h>

#include "collector/ingest/restate.h"
#include "collector/store/sections.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"

/* --- what the greeting changes in the host's record ------------------------------------------- */

struct greet_job {
	struct store_job job;
	struct peer *peer;
	uint32_t host;
	uint8_t serial[PKI_SERIAL_BYTES];
	struct buf agent_version;
};

/* The certificate of a renewal has been seen: from now on it is the one. */
static void settle_serial(struct host_record *host, const uint8_t serial[PKI_SERIAL_BYTES])
{
	if (memcmp(host->serial, serial, PKI_SERIAL_BYTES) == 0 ||
	        memcmp(host->next_serial, serial, PKI_SERIAL_BYTES) != 0)
		return;
	memcpy(host->serial, serial, PKI_SERIAL_BYTES);
	memset(host->next_serial, 0, PKI_SERIAL_BYTES);
}

static int apply_greeting(struct store_job *base, struct kv_txn *txn, struct reason *out_why)
{
	struct greet_job *job = (struct greet_job *)base;
	struct host_record host;
	int rc = hosts_get(txn, job->host, &host);

	if (rc == 0) {
		settle_serial(&host, job->serial);
		host.agent_version = buf_slice(&job->agent_version);
		rc = hosts_put(txn, &host, NULL);
	}
	return rc < 0 ? fail(out_why, rc, "cannot write the host's record: %s", err_text(rc)) : 0;
}

static void greeting_done(struct store_job *base, int code, const struct reason *why)
{
	struct greet_job *job = (struct greet_job *)base;

	if (code < 0)
		peer_refuse(job->peer, REFUSED_STORE, "collector cannot store now: %s", why->text);
	peer_job_ends(job->peer, 0);
	buf_fini(&job->agent_version);
	free(job);
}

static void update_record(struct peer *peer, struct slice agent_version)
{
	struct greet_job *job = mem_new(sizeof(*job));

	job->job = (struct store_job){.apply = apply_greeting, .done = greeting_done};
	job->peer = peer;
	job->host = peer->host;
	memcpy(job->serial, peer->cert.serial, PKI_SERIAL_BYTES);
	buf_append_slice(&job->agent_version, agent_version);
	peer_job_begins(peer, 0);
	store_submit(peer->ingest->store, &job->job);
}

/* --- the greeting ----------------------------------------------------------------------------- */

struct answer {
	uint64_t stored_seq;
	bool is_stream_over;
	bool is_record_old;
	bool has_other_facts;
	int64_t last_seen_ns;
};

/* Nothing can follow in a stream whose host has begun another one since, or that has been put back
 * to an earlier moment (a restored backup): what it numbers from now on would be taken for what is
 * stored already. A stored_seq at or above the agent's next_seq tells it to begin anew. */
static int find_position(
        struct kv_txn *txn, const struct peer *peer, const struct hello *hello, struct answer *out)
{
	uint8_t current[WIRE_STREAM_ID_BYTES];
	int rc = eventlog_last_seq(txn, peer->host, hello->stream_id, &out->stored_seq);

	if (rc < 0)
		return rc;
	out->is_stream_over = out->stored_seq >= hello->next_seq;
	rc = eventlog_current_stream(txn, peer->host, current);
	if (rc == 0 && out->stored_seq > 0 &&
	        memcmp(current, hello->stream_id, WIRE_STREAM_ID_BYTES) != 0) {
		out->stored_seq = UINT64_MAX;
		out->is_stream_over = true;
	}
	return rc == ERR_MISSING ? 0 : rc;
}

/* Only when nothing is on its way that would change them. */
static int compare_facts(
        struct kv_txn *txn, const struct peer *peer, const struct hello *hello, struct answer *out)
{
	uint8_t root[SECTION_ROOT_BYTES];
	int rc;

	if (hello->facts_root.len != SECTION_ROOT_BYTES || hello->next_seq - 1 != out->stored_seq)
		return 0;
	rc = sections_root(txn, peer->host, root);
	out->has_other_facts = rc == 0 &&
	                       memcmp(root, hello->facts_root.ptr, SECTION_ROOT_BYTES) != 0;
	return rc;
}

static int find_answer(
        struct peer *peer, const struct hello *hello, struct answer *out, struct reason *out_why)
{
	struct host_record host;
	struct kv_txn *txn;
	int rc = kv_begin_read(store_kv(peer->ingest->store), &txn);

	if (rc < 0)
		return fail(out_why, rc, "the store cannot be read: %s", err_text(rc));
	/* Again: it may have been revoked since the handshake. */
	rc = hosts_accepts(txn, &peer->cert, &host, out_why);
	if (rc == 0) {
		out->last_seen_ns = host.last_seen_ns;
		out->is_record_old = !slice_equal(host.agent_version, hello->agent_version) ||
		                     memcmp(host.serial, peer->cert.serial, PKI_SERIAL_BYTES) != 0;
		rc = find_position(txn, peer, hello, out);
		if (rc == 0)
			rc = compare_facts(txn, peer, hello, out);
		if (rc < 0)
			fail(out_why, rc, "the host's streams cannot be read: %s", err_text(rc));
	}
	kv_abort(txn);
	return rc;
}

static bool is_zero(const uint8_t id[WIRE_STREAM_ID_BYTES])
{
	static const uint8_t zero[WIRE_STREAM_ID_BYTES];

	return memcmp(id, zero, WIRE_STREAM_ID_BYTES) == 0;
}

void greet(struct peer *peer, const struct hello *hello)
{
	struct message welcome = {.kind = FRAME_WELCOME};
	struct answer answer = {0};
	struct reason why = {""};
	int rc;

	if (is_zero(hello->stream_id)) {
		peer_refuse(peer, REFUSED_PROTOCOL, "the stream id is zero");
		return;
	}
	rc = find_answer(peer, hello, &answer, &why);
	if (rc < 0) {
		bool is_certificate = rc == ERR_MISSING || rc == ERR_REFUSED;
		peer_refuse(peer, is_certificate ? REFUSED_REVOKED : REFUSED_STORE, "%s", why.text);
		return;
	}
	memcpy(peer->stream_id, hello->stream_id, WIRE_STREAM_ID_BYTES);
	peer->is_stream_over = answer.is_stream_over;
	peer->last_seen_ns = answer.last_seen_ns;
	if (answer.is_stream_over && peer_may_log(peer))
		log_warn("stream cannot go on, the agent has to begin a new one host=%s",
		        peer->cert.name);
	peer_begin_streaming(peer);
	if (answer.is_record_old)
		update_record(peer, hello->agent_version);
	welcome.welcome.stored_seq = answer.stored_seq;
	welcome.welcome.host = slice_text(peer->cert.name);
	welcome.welcome.heartbeat_s = peer->ingest->heartbeat_s;
	peer_send(peer, &welcome);
	if (answer.has_other_facts)
		restate_begin(peer);
	log_debug("session begins host=%s peer=%s stored_seq=%llu", peer->cert.name,
	        conn_peer_address(peer->conn), (unsigned long long)answer.stored_seq);
}
