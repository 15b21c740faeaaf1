/*
 * An agent that holds facts and speaks of them: greets with their root, offers and shows them, or
 * something else where a test wants that.
 */
#ifndef TSUJIBAN_TESTS_COLLECTOR_INGEST_FACT_AGENT_H
#define TSUJIBAN_TESTS_COLLECTOR_INGEST_FACT_AGENT_H

#include "scene.h"

#define HELD_MAX 64

struct fact_agent {
	struct client client;
	struct buf cert;
	uint32_t host;
	struct fact fact[HELD_MAX]; /* in key order */
	size_t count;
	uint64_t seq;   /* of the last event */
	unsigned wants; /* that were awaited */
};

static inline struct fact user_of(const char *name, const char *shell)
{
	return (struct fact){.kind = FACT_USER,
	        .field[USER_NAME] = slice_text(name),
	        .field[USER_SHELL] = slice_text(shell)};
}

static inline struct fact module_of(const char *name, const char *version)
{
	return (struct fact){.kind = FACT_MODULE,
	        .field[MODULE_NAME] = slice_text(name),
	        .field[MODULE_VERSION] = slice_text(version)};
}

static inline int by_fact_key(const void *a, const void *b)
{
	uint8_t left[FACT_KEY_MAX], right[FACT_KEY_MAX];
	size_t left_len = fact_key(a, left), right_len = fact_key(b, right);

	return slice_compare(slice_of(left, left_len), slice_of(right, right_len));
}

static inline void agent_holds(struct fact_agent *agent, const struct fact *facts, size_t count)
{
	assert_true(count <= HELD_MAX);
	if (count > 0)
		memmove(agent->fact, facts, count * sizeof(*facts));
	agent->count = count;
	qsort(agent->fact, count, sizeof(*facts), by_fact_key);
}

static inline unsigned agent_bucket_of(const struct fact *fact, unsigned bucket_count)
{
	uint8_t key[FACT_KEY_MAX];

	return section_bucket_of_key(slice_of(key, fact_key(fact, key)), bucket_count);
}

static inline size_t agent_count_of(const struct fact_agent *agent, enum fact_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < agent->count; i++)
		count += agent->fact[i].kind == kind;
	return count;
}

static inline void agent_root(const struct fact_agent *agent, uint8_t out[SECTION_ROOT_BYTES])
{
	struct section_sum sums[FACT_KIND_MAX + 1] = {0};
	struct buf encoded = BUF_INIT;

	for (size_t i = 0; i < agent->count; i++) {
		buf_reset(&encoded);
		fact_encode(&agent->fact[i], &encoded);
		section_sum_add(&sums[agent->fact[i].kind], buf_slice(&encoded));
	}
	buf_fini(&encoded);
	section_root(sums, out);
}

/* --- its life --------------------------------------------------------------------------------- */

static inline void agent_enrol(struct fact_agent *agent, struct scene *scene, const char *name)
{
	*agent = (struct fact_agent){0};
	agent->host = add_host(scene, name, &agent->cert);
}

/* Greets; the answer has come. */
static inline void agent_connect(struct fact_agent *agent, struct scene *scene)
{
	struct message message = {.kind = FRAME_HELLO};
	uint8_t root[SECTION_ROOT_BYTES];

	agent->wants = 0;
	client_open_stream(&agent->client, scene, &agent->cert);
	agent_root(agent, root);
	message.hello.stream_id[0] = 1;
	message.hello.first_seq = 1;
	message.hello.next_seq = agent->seq + 1;
	message.hello.agent_version = slice_text("0.1.0");
	message.hello.facts_root = slice_of(root, sizeof(root));
	client_send(&agent->client, &message);
	client_await(&agent->client, FRAME_WELCOME);
}

static inline void agent_leave(struct fact_agent *agent)
{
	client_fini(&agent->client);
}

/* Once what it has said is out: it may be at work in the collector then. */
static inline void agent_says_and_leaves(struct fact_agent *agent)
{
	conn_close(agent->client.conn);
	client_await_close(&agent->client);
	agent_leave(agent);
}

static inline void agent_fini(struct fact_agent *agent)
{
	agent_leave(agent);
	buf_fini(&agent->cert);
}

/* --- events ----------------------------------------------------------------------------------- */

/* One event about a fact, or with none about something else; with the root or without. */
static inline void agent_tells(struct fact_agent *agent, const struct fact *before,
        const struct fact *after, bool has_root)
{
	struct message message = {.kind = FRAME_BATCH};
	struct event event = {.time_ns = 1, .kind = EVENT_AGENT, .action = ACTION_STARTED};
	struct buf encoded = BUF_INIT;
	struct slice bytes;
	uint8_t root[SECTION_ROOT_BYTES];

	event.cause = CAUSE_LIVE;
	event.detail = slice_text("x");
	if (before || after) {
		event.kind = EVENT_FACT;
		event.action = !after    ? ACTION_REMOVED
		               : !before ? ACTION_INSTALLED
		                         : ACTION_UPGRADED;
		event.detail = (struct slice){0};
		event.fact_before = before;
		event.fact_after = after;
	}
	assert_int_equal(wire_event_encode(&event, &encoded), 0);
	bytes = buf_slice(&encoded);
	message.batch = (struct batch){.first_seq = ++agent->seq, .count = 1, .events = &bytes};
	agent_root(agent, root);
	if (has_root)
		message.batch.facts_root = slice_of(root, sizeof(root));
	client_send(&agent->client, &message);
	buf_fini(&encoded);
	while (agent->client.acked < agent->seq && !agent->client.is_closed)
		loop_run(agent->client.scene->loop);
	assert_int_equal(agent->client.acked, agent->seq);
}

/* --- state sync ------------------------------------------------------------------------------- */

static inline void agent_awaits_want(struct fact_agent *agent)
{
	while (agent->client.of_kind[FRAME_WANT] <= agent->wants && !agent->client.is_closed)
		loop_run(agent->client.scene->loop);
	assert_int_equal(agent->client.of_kind[FRAME_WANT], ++agent->wants);
	assert_int_equal(agent->client.last.kind, FRAME_WANT);
}

static inline void agent_is_asked_for_an_offer(struct fact_agent *agent)
{
	agent_awaits_want(agent);
	assert_int_equal(agent->client.last.want.count, 0);
}

static inline void agent_is_asked_for_buckets(struct fact_agent *agent)
{
	agent_awaits_want(agent);
	assert_true(agent->client.last.want.count > 0);
}

/* Whatever was under way for this agent's messages has been answered. */
static inline void agent_is_not_asked(struct fact_agent *agent)
{
	agent_tells(agent, NULL, NULL, false);
	assert_int_equal(agent->client.of_kind[FRAME_WANT], agent->wants);
}

static inline void agent_digests(
        const struct fact_agent *agent, enum fact_kind kind, struct buf *out)
{
	unsigned buckets = section_bucket_count(kind, agent_count_of(agent, kind));
	struct section_digests *digests = section_digests_new(buckets);
	struct buf encoded = BUF_INIT;

	for (size_t i = 0; i < agent->count; i++) {
		if (agent->fact[i].kind != kind)
			continue;
		buf_reset(&encoded);
		fact_encode(&agent->fact[i], &encoded);
		section_digests_add(
		        digests, agent_bucket_of(&agent->fact[i], buckets), buf_slice(&encoded));
	}
	section_digests_finish(digests, out);
	buf_fini(&encoded);
}

static inline void agent_offers(struct fact_agent *agent)
{
	struct message message = {.kind = FRAME_OFFER};
	struct section_offer sections[FACT_KIND_MAX];
	struct buf digests[FACT_KIND_MAX] = {0};
	size_t count = 0;

	for (unsigned kind = 1; kind <= FACT_KIND_MAX; kind++) {
		if (!section_is_synced((enum fact_kind)kind) ||
		        agent_count_of(agent, (enum fact_kind)kind) == 0)
			continue;
		agent_digests(agent, (enum fact_kind)kind, &digests[count]);
		sections[count] = (struct section_offer){
		        (enum fact_kind)kind, buf_slice(&digests[count])};
		count++;
	}
	message.offer = (struct offer){count, sections};
	client_send(&agent->client, &message);
	for (size_t i = 0; i < count; i++)
		buf_fini(&digests[i]);
}

/* All facts of the kinds that it holds, in one message: what was not wanted is no harm. */
static inline void agent_shows(struct fact_agent *agent)
{
	struct message message = {.kind = FRAME_BUCKET};
	struct section_facts sections[FACT_KIND_MAX];
	size_t count = 0;

	for (size_t i = 0; i < agent->count; i++) {
		struct fact *fact = &agent->fact[i];
		if (count == 0 || sections[count - 1].kind != fact->kind)
			sections[count++] = (struct section_facts){fact->kind, 0, fact};
		sections[count - 1].count++;
	}
	message.bucket = (struct bucket){count, sections, false};
	client_send(&agent->client, &message);
}

static inline void await_restated(struct scene *scene, unsigned count)
{
	while (scene->restated < count)
		loop_run(scene->loop);
	assert_int_equal(scene->restated, count);
}

/* From the first question on. */
static inline void agent_is_put_right(struct fact_agent *agent)
{
	unsigned before;

	agent_is_asked_for_an_offer(agent);
	agent_offers(agent);
	agent_is_asked_for_buckets(agent);
	before = agent->client.scene->restated;
	agent_shows(agent);
	await_restated(agent->client.scene, before + 1);
	assert_int_equal(agent->client.scene->last_host, agent->host);
}

/* --- the collector's picture ------------------------------------------------------------------ */

struct picture_check {
	const struct fact_agent *agent;
	size_t next;
};

static inline int check_next(void *ctx, const struct fact *fact)
{
	struct picture_check *check = ctx;

	if (fact->kind == FACT_LABEL)
		return 0;
	assert_true(check->next < check->agent->count);
	assert_true(fact_equal(fact, &check->agent->fact[check->next++]));
	return 0;
}

static inline void assert_picture_is_the_agents(struct scene *scene, const struct fact_agent *agent)
{
	struct picture_check check = {.agent = agent};
	struct kv_txn *txn;

	assert_int_equal(kv_begin_read(store_kv(scene->store), &txn), 0);
	assert_int_equal(picture_facts(txn, agent->host, 0, check_next, &check), 0);
	assert_int_equal(check.next, agent->count);
	kv_abort(txn);
}

static inline int count_fact(void *ctx, const struct fact *fact)
{
	*(size_t *)ctx += fact->kind != FACT_LABEL;
	return 0;
}

static inline size_t picture_count(struct scene *scene, uint32_t host)
{
	struct kv_txn *txn;
	size_t count = 0;

	assert_int_equal(kv_begin_read(store_kv(scene->store), &txn), 0);
	assert_int_equal(picture_facts(txn, host, 0, count_fact, &count), 0);
	kv_abort(txn);
	return count;
}

#endif
