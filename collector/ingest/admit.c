#include "collector/ingest/admit.h"

#include <stdlib.h>

#include "collector/ingest/renew.h"
#include "collector/store/picture.h"
#include "collector/store/tokens.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define JOB_ARENA_BYTES (256u << 10)

struct admit_job {
	struct store_job job;
	struct peer *peer;
	struct arena *arena;
	struct slice token, name, agent_version;
	int64_t now_ns;
	struct buf cert_pem;
	uint8_t serial[PKI_SERIAL_BYTES];

	/* from apply */
	enum refusal refusal; /* 0: none */
	uint32_t host;
};

static void free_job(struct admit_job *job)
{
	arena_free(job->arena);
	buf_fini(&job->cert_pem);
	free(job);
}

/* --- may it? ---------------------------------------------------------------------------------- */

static int refuse(
        struct admit_job *job, enum refusal refusal, struct reason *out_why, const char *text)
{
	job->refusal = refusal;
	return fail(out_why, ERR_REFUSED, "%s", text);
}

/* Which token is wrong in which way is nobody's business outside. */
static int check_token(
        struct admit_job *job, struct kv_txn *txn, struct token_record *out, struct reason *out_why)
{
	int rc = tokens_find(txn, job->token, job->now_ns, out, out_why);

	if (rc == ERR_MISSING || rc == ERR_REFUSED || (rc == 0 && out->role != TOKEN_ENROLL))
		return refuse(
		        job, REFUSED_TOKEN, out_why, "enrolment token is unknown, used or expired");
	return rc;
}

/* A revoked host's name may be taken again: `out` is its record then; otherwise its id is
 * UINT32_MAX. */
static int check_name(
        struct admit_job *job, struct kv_txn *txn, struct host_record *out, struct reason *out_why)
{
	int rc = hosts_find(txn, job->name, out);

	if (rc == ERR_MISSING) {
		*out = (struct host_record){.id = UINT32_MAX};
		return 0;
	}
	if (rc < 0)
		return fail(out_why, rc, "cannot read the host's record: %s", err_text(rc));
	if (out->is_revoked)
		return 0;
	job->refusal = REFUSED_NAME;
	return fail(out_why, ERR_REFUSED, "host '%.*s' is already enrolled: revoke it first",
	        SLICE_ARG(job->name));
}

static int check(struct admit_job *job, struct kv_txn *txn, struct token_record *out_token,
        struct host_record *out_host, struct reason *out_why)
{
	int rc = check_token(job, txn, out_token, out_why);

	return rc < 0 ? rc : check_name(job, txn, out_host, out_why);
}

/* --- on the writer's thread ------------------------------------------------------------------- */

struct labels {
	size_t old_count, new_count;
	struct fact old_facts[HOST_LABELS_MAX], new_facts[HOST_LABELS_MAX];
};

static int copy_labels(struct arena *arena, size_t count, const struct slice *names,
        const struct slice *values, struct fact *out)
{
	for (size_t i = 0; i < count; i++) {
		struct fact fact = {.kind = FACT_LABEL, .field = {names[i], values[i]}};
		int rc = fact_copy(&fact, arena, &out[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int note_label(struct admit_job *job, struct kv_txn *txn, enum event_action action,
        const struct fact *fact)
{
	struct event event = {
	        .time_ns = job->now_ns,
	        .kind = EVENT_FACT,
	        .action = action,
	        .cause = CAUSE_BASELINE,
	};

	if (action == ACTION_REMOVED)
		event.fact_before = fact;
	else
		event.fact_after = fact;
	return eventlog_note(txn, job->host, &event);
}

/* The labels of an earlier enrolment end with it. */
static int note_labels(struct admit_job *job, struct kv_txn *txn, const struct labels *labels)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < labels->old_count; i++)
		rc = note_label(job, txn, ACTION_REMOVED, &labels->old_facts[i]);
	for (size_t i = 0; rc == 0 && i < labels->new_count; i++)
		rc = note_label(job, txn, ACTION_INSTALLED, &labels->new_facts[i]);
	return rc;
}

static int put_host(struct admit_job *job, struct kv_txn *txn, const struct token_record *token,
        const struct host_record *old)
{
	struct host_record host = {
	        .id = old->id,
	        .name = job->name,
	        .enrolled_ns = job->now_ns,
	        .last_seen_ns = old->last_seen_ns,
	        .agent_version = job->agent_version,
	        .label_count = token->label_count,
	};

	memcpy(host.serial, job->serial, PKI_SERIAL_BYTES);
	memcpy(host.label_name, token->label_name, sizeof(host.label_name));
	memcpy(host.label_value, token->label_value, sizeof(host.label_value));
	return hosts_put(txn, &host, &job->host);
}

static int write_all(struct admit_job *job, struct kv_txn *txn, const struct token_record *token,
        const struct host_record *old)
{
	struct labels labels = {.old_count = old->label_count, .new_count = token->label_count};
	int rc = copy_labels(
	        job->arena, old->label_count, old->label_name, old->label_value, labels.old_facts);

	if (rc == 0)
		rc = copy_labels(job->arena, token->label_count, token->label_name,
		        token->label_value, labels.new_facts);
	if (rc == 0)
		rc = put_host(job, txn, token, old);
	if (rc == 0)
		rc = tokens_remove(txn, job->token);
	return rc == 0 ? note_labels(job, txn, &labels) : rc;
}

/* Everything is checked again: of two requests with one token, or for one name, one comes first. */
static int apply_admission(struct store_job *base, struct kv_txn *txn, struct reason *out_why)
{
	struct admit_job *job = (struct admit_job *)base;
	struct token_record token;
	struct host_record old;
	int rc;

	job->refusal = 0;
	rc = check(job, txn, &token, &old, out_why);
	if (rc < 0)
		return rc;
	rc = write_all(job, txn, &token, &old);
	return rc < 0 ? fail(out_why, rc, "cannot write the host's record: %s", err_text(rc)) : 0;
}

/* --- admitted --------------------------------------------------------------------------------- */

#define TELL_AT_ONCE 256

struct telling {
	struct ingest *ingest;
	uint32_t host;
	bool is_first;
	size_t count;
	struct event events[TELL_AT_ONCE];
	struct fact facts[TELL_AT_ONCE];
};

static void tell_some(struct telling *telling)
{
	telling->ingest->events->stored(telling->ingest->ctx, telling->host, telling->events,
	        telling->count, telling->is_first);
	telling->is_first = false;
	telling->count = 0;
}

static int tell_fact(void *ctx, const struct fact *fact)
{
	struct telling *telling = ctx;
	size_t i = telling->count++;

	telling->facts[i] = *fact;
	telling->events[i] = (struct event){
	        .kind = EVENT_FACT,
	        .action = ACTION_INSTALLED,
	        .cause = CAUSE_BASELINE,
	        .fact_after = &telling->facts[i],
	};
	if (telling->count == TELL_AT_ONCE)
		tell_some(telling);
	return 0;
}

/* A host that was revoked had been forgotten outside of the store: what the store knows of it is
 * told again, and for a new host the labels of its token. */
static void tell_facts(struct ingest *ingest, uint32_t host)
{
	struct telling *telling = mem_new(sizeof(*telling));
	struct kv_txn *txn;

	telling->ingest = ingest;
	telling->host = host;
	telling->is_first = true;
	if (kv_begin_read(store_kv(ingest->store), &txn) == 0) {
		picture_facts(txn, host, 0, tell_fact, telling);
		if (telling->count > 0)
			tell_some(telling);
		kv_abort(txn);
	}
	free(telling);
}

static void admitted(struct admit_job *job)
{
	struct message message = {.kind = FRAME_ENROLL_REPLY};
	struct ingest *ingest = job->peer->ingest;

	if (!ingest->is_closed) {
		ingest->events->enrolled(ingest->ctx, job->host, job->name);
		tell_facts(ingest, job->host);
	}
	log_info("host enrolled host=%.*s peer=%s", SLICE_ARG(job->name),
	        job->peer->conn ? conn_peer_address(job->peer->conn) : "gone");
	message.enroll_reply.host = job->name;
	message.enroll_reply.cert_pem = buf_slice(&job->cert_pem);
	message.enroll_reply.ca_pem = buf_slice(&ingest->ca_pem);
	peer_send(job->peer, &message);
}

static void admission_done(struct store_job *base, int code, const struct reason *why)
{
	struct admit_job *job = (struct admit_job *)base;

	if (code == 0)
		admitted(job);
	else if (code == ERR_REFUSED && job->refusal)
		peer_refuse(job->peer, job->refusal, "%s", why->text);
	else
		peer_refuse(job->peer, REFUSED_STORE, "collector cannot store now: %s", why->text);
	peer_job_ends(job->peer, 0);
	free_job(job);
}

/* --- asked ------------------------------------------------------------------------------------ */

/* Most wrong requests end here, without a signature or a write. */
static int check_early(struct admit_job *job, struct reason *out_why)
{
	struct token_record token;
	struct host_record host;
	struct kv_txn *txn;
	int rc;

	if (!text_is_host_name(job->name))
		return refuse(job, REFUSED_NAME, out_why, "the requested name is no host name");
	rc = kv_begin_read(store_kv(job->peer->ingest->store), &txn);
	if (rc < 0) {
		job->refusal = REFUSED_STORE;
		return fail(out_why, rc, "the store cannot be read: %s", err_text(rc));
	}
	job->refusal = REFUSED_STORE; /* unless check knows better */
	rc = check(job, txn, &token, &host, out_why);
	kv_abort(txn);
	return rc;
}

static int sign(struct admit_job *job, struct slice csr_pem, struct reason *out_why)
{
	const char *name = arena_text(job->arena, job->name);
	int rc = name ? renew_sign(job->peer->ingest, name, csr_pem, job->now_ns, &job->cert_pem,
	                        job->serial, out_why)
	              : fail(out_why, ERR_LIMIT, "the requested name is too long");

	if (rc < 0)
		job->refusal = REFUSED_PROTOCOL;
	return rc;
}

void admit(struct peer *peer, const struct enroll_request *request)
{
	struct admit_job *job = mem_new(sizeof(*job));
	struct reason why = {""};
	int rc;

	job->job = (struct store_job){.apply = apply_admission, .done = admission_done};
	job->peer = peer;
	job->arena = arena_new(JOB_ARENA_BYTES);
	job->token = arena_copy(job->arena, request->token);
	job->name = arena_copy(job->arena, request->host);
	job->agent_version = arena_copy(job->arena, request->agent_version);
	job->now_ns = clock_wall_ns();
	rc = check_early(job, &why);
	if (rc == 0)
		rc = sign(job, request->csr_pem, &why);
	if (rc < 0) {
		peer_refuse(peer, job->refusal, "%s", why.text);
		free_job(job);
		return;
	}
	peer->is_busy = true;
	peer_job_begins(peer, 0);
	store_submit(peer->ingest->store, &job->job);
}
