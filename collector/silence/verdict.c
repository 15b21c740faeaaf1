#include "collector/silence/verdict.h"

#include <string.h>

#include "collector/store/eventlog.h"
#include "collector/store/hosts.h"
#include "collector/store/picture.h"
#include "common/base/clock.h"

/* --- in words --------------------------------------------------------------------------------- */

/* "2h 3m": the two largest units. */
static void append_span(struct buf *out, int64_t ns)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
	int64_t left = ns > 0 ? ns / NS_PER_S : 0;
	unsigned said = 0;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && said < 2; i++) {
		int64_t count = left / units[i].seconds;
		if (count == 0 && said == 0 && units[i].seconds > 1)
			continue;
		buf_printf(out, "%s%lld%c", said ? " " : "", (long long)count, units[i].unit);
		left -= count * units[i].seconds;
		said++;
	}
}

static int append_last_event(struct kv_txn *txn, uint32_t host, struct buf *out)
{
	uint8_t stream[WIRE_STREAM_ID_BYTES];
	uint64_t seq = 0;
	int rc = eventlog_current_stream(txn, host, stream);

	if (rc == 0)
		rc = eventlog_last_seq(txn, host, stream, &seq);
	if (rc == 0)
		buf_printf(out, ", last event %llu", (unsigned long long)seq);
	return rc == ERR_MISSING ? 0 : rc;
}

/* What was here when the collector ended was heard of until then, and nobody knows when that was
 * after a crash. */
static int describe_silence(struct kv_txn *txn, const struct verdict *verdict,
        const struct presence *was, struct buf *out)
{
	char since[CLOCK_TEXT_MAX];
	bool is_known = was->state == PRESENCE_AWAY;

	clock_format(is_known ? was->heard_ns : verdict->started_ns, since);
	buf_printf(out,
	        is_known ? "not heard of since %s" : "not back since the collector's start at %s",
	        since);
	if (was->address[0] != '\0')
		buf_printf(out, ", last address %s", was->address);
	return append_last_event(txn, verdict->host, out);
}

static void describe_return(
        const struct presence *was, const char *address, int64_t now_ns, struct buf *out)
{
	char since[CLOCK_TEXT_MAX];

	buf_append_text(out, "was away for ");
	append_span(out, now_ns - was->heard_ns);
	buf_printf(out, ", since %s, address %s", clock_format(was->heard_ns, since),
	        address[0] ? address : was->address);
}

/* --- the record ------------------------------------------------------------------------------- */

static int note(
        struct kv_txn *txn, uint32_t host, enum event_action action, const struct buf *detail)
{
	struct event event = {.time_ns = clock_wall_ns(),
	        .kind = EVENT_AGENT,
	        .action = action,
	        .cause = CAUSE_LIVE,
	        .detail = buf_slice(detail)};

	return eventlog_note(txn, host, &event);
}

static int tell(struct kv_txn *txn, const struct verdict *verdict, const struct presence *was)
{
	bool is_silent = verdict->now.state == PRESENCE_SILENT;
	struct buf detail = BUF_INIT;
	int rc = 0;

	if (is_silent)
		rc = describe_silence(txn, verdict, was, &detail);
	else
		describe_return(was, verdict->now.address, clock_wall_ns(), &detail);
	if (rc == 0)
		rc = note(txn, verdict->host, is_silent ? ACTION_SILENT : ACTION_RETURNED, &detail);
	buf_fini(&detail);
	return rc;
}

static int write_change(struct kv_txn *txn, const struct verdict *verdict, struct presence *was)
{
	bool is_news = (was->state == PRESENCE_SILENT) != (verdict->now.state == PRESENCE_SILENT);
	struct presence now = verdict->now;
	int rc = is_news ? tell(txn, verdict, was) : 0;

	if (now.address[0] == '\0')
		memcpy(now.address, was->address, sizeof(now.address));
	if (now.state == PRESENCE_SILENT)
		now.heard_ns = was->state == PRESENCE_AWAY ? was->heard_ns : verdict->started_ns;
	if (rc == 0)
		rc = presence_put(txn, verdict->host, &now);
	return rc < 0 ? rc : is_news;
}

static bool says_the_same(const struct presence *was, const struct verdict *verdict)
{
	if (was->state != verdict->now.state)
		return false;
	return was->state == PRESENCE_SILENT ||
	       (was->heard_ns == verdict->now.heard_ns &&
	               strcmp(was->address, verdict->now.address) == 0);
}

int verdict_write(struct kv_txn *txn, const struct verdict *verdict)
{
	struct presence was = {.state = PRESENCE_HERE};
	struct host_record host;
	int rc = hosts_get(txn, verdict->host, &host);
	bool is_first;

	if (rc < 0 || host.is_revoked)
		return rc;
	rc = presence_get(txn, verdict->host, &was);
	is_first = rc == ERR_MISSING;
	if (rc < 0 && !is_first)
		return rc;
	return !is_first && says_the_same(&was, verdict) ? 0 : write_change(txn, verdict, &was);
}

/* --- how long it may be away ------------------------------------------------------------------ */

struct label_search {
	const struct config_list *rules;
	size_t found; /* the first that fits so far; their count: none */
};

static int match_label(void *ctx, const struct fact *fact)
{
	struct label_search *search = ctx;
	const struct silence_label *rules = search->rules->item;

	for (size_t i = 0; i < search->found; i++)
		if (slice_is(fact->field[PAIR_NAME], rules[i].label) &&
		        (!rules[i].value || slice_is(fact->field[PAIR_VALUE], rules[i].value)))
			search->found = i;
	return 0;
}

int verdict_after(struct kv_txn *txn, uint32_t host, const struct silence_config *config,
        int64_t *out_after_ns)
{
	struct label_search search = {&config->by_label, config->by_label.count};
	const struct silence_label *rules = config->by_label.item;
	int rc = search.found > 0 ? picture_facts(txn, host, FACT_LABEL, match_label, &search) : 0;

	if (rc < 0)
		return rc;
	*out_after_ns = search.found < config->by_label.count ? rules[search.found].after_ns
	                                                      : config->after_ns;
	return 0;
}
