#include "collector/http/hostview.h"

#include <inttypes.h>

#include "collector/query/render.h"
#include "collector/store/picture.h"
#include "collector/store/usage.h"
#include "common/base/clock.h"

/* Not an error: a list is long enough. */
#define ENOUGH ERR_EXISTS

/* --- system -------------------------------------------------------------------------------- */

static int take_os(void *ctx, const struct fact *fact)
{
	*(struct fact *)ctx = *fact;
	return 0;
}

static int take_running(void *ctx, const struct fact *fact)
{
	if (slice_is(fact->field[KERNEL_STATE], "running"))
		*(struct slice *)ctx = fact->field[KERNEL_RELEASE];
	return 0;
}

void hostview_append_os(struct buf *out, const struct fact *os)
{
	struct buf text = BUF_INIT;

	buf_append_slice(&text, os->field[OS_ID]);
	if (os->field[OS_VERSION_ID].len > 0) {
		buf_append_byte(&text, ' ');
		buf_append_slice(&text, os->field[OS_VERSION_ID]);
	}
	if (os->field[OS_ID].len > 0)
		render_text(out, buf_slice(&text));
	else
		buf_append_text(out, "null");
	buf_fini(&text);
}

void hostview_append_system(struct kv_txn *txn, uint32_t host, struct buf *out)
{
	struct fact os = {0};
	struct slice kernel = {0};

	picture_facts(txn, host, FACT_OS, take_os, &os);
	picture_facts(txn, host, FACT_KERNEL, take_running, &kernel);
	buf_append_text(out, ",\"os\":");
	hostview_append_os(out, &os);
	api_append_text(out, "kernel", kernel);
}

/* --- a line -------------------------------------------------------------------------------- */

static int count_fact(void *ctx, const struct fact *fact)
{
	(void)fact;
	++*(uint64_t *)ctx;
	return 0;
}

struct pairs {
	struct buf *out;
	unsigned count;
};

/* "name":"value" members, with a comma behind each but the last. */
static int append_pair(void *ctx, const struct fact *fact)
{
	struct pairs *pairs = ctx;
	struct buf *out = pairs->out;

	if (pairs->count++ == HOSTVIEW_LIST_MAX)
		return ENOUGH;
	if (out->data[out->len - 1] != '{')
		buf_append_byte(out, ',');
	render_text(out, fact->field[PAIR_NAME]);
	buf_append_byte(out, ':');
	render_text(out, fact->field[PAIR_VALUE]);
	return 0;
}

static void append_pairs(
        struct kv_txn *txn, uint32_t host, enum fact_kind kind, const char *name, struct buf *out)
{
	struct pairs pairs = {.out = out};

	buf_printf(out, ",\"%s\":{", name);
	picture_facts(txn, host, kind, append_pair, &pairs);
	buf_append_byte(out, '}');
}

/* Why the collector has held the host back today. */
static void append_held(struct kv_txn *txn, uint32_t host, struct buf *out)
{
	struct usage usage;
	struct buf text = BUF_INIT;
	unsigned held = 0;

	if (usage_get(txn, host, &usage) == 0)
		held = usage_held(&usage, clock_wall_ns());
	for (unsigned hold = 0; hold <= HOLD_MAX; hold++)
		if (held & 1u << hold)
			buf_printf(&text, "%s%s", text.len > 0 ? ", " : "",
			        hold_name((enum hold)hold));
	api_append_text(out, "held", buf_slice(&text));
	buf_fini(&text);
}

static void append_common(
        struct api *api, struct kv_txn *txn, const struct host_record *host, struct buf *out)
{
	uint64_t packages = 0;

	buf_append_text(out, "{\"host\":");
	render_text(out, host->name);
	buf_printf(out, ",\"id\":%" PRIu32, host->id);
	hostview_append_system(txn, host->id, out);
	buf_printf(out, ",\"state\":\"%s\"", api_host_state(api, host));
	append_held(txn, host->id, out);
	api_append_time(out, "last_seen", host->last_seen_ns);
	api_append_time(out, "enrolled", host->enrolled_ns);
	api_append_text(out, "agent_version", host->agent_version);
	picture_facts(txn, host->id, FACT_PACKAGE, count_fact, &packages);
	buf_printf(out, ",\"packages\":%" PRIu64, packages);
	append_pairs(txn, host->id, FACT_LABEL, "labels", out);
}

void hostview_append_line(
        struct api *api, struct kv_txn *txn, const struct host_record *host, struct buf *out)
{
	append_common(api, txn, host, out);
	buf_append_text(out, "}\n");
}

/* --- all ----------------------------------------------------------------------------------- */

struct elements {
	struct buf *out;
	unsigned count;
	bool (*is_shown)(const struct fact *fact); /* NULL: all */
};

/* render_fact ends the line: as an element of a list it must not. */
static int append_element(void *ctx, const struct fact *fact)
{
	struct elements *elements = ctx;
	struct buf *out = elements->out;

	if (elements->is_shown && !elements->is_shown(fact))
		return 0;
	if (elements->count++ == HOSTVIEW_LIST_MAX)
		return ENOUGH;
	if (out->data[out->len - 1] != '[')
		buf_append_byte(out, ',');
	render_fact(out, fact, NULL);
	out->len--;
	return 0;
}

static bool may_log_in(const struct fact *fact)
{
	return fact->kind != FACT_USER || slice_is(fact->field[USER_LOGIN], "yes");
}

static void append_list(
        struct kv_txn *txn, uint32_t host, enum fact_kind kind, const char *name, struct buf *out)
{
	struct elements elements = {.out = out, .is_shown = may_log_in};

	buf_printf(out, ",\"%s\":[", name);
	picture_facts(txn, host, kind, append_element, &elements);
	buf_append_byte(out, ']');
}

static int count_kind(void *ctx, const struct fact *fact)
{
	((uint64_t *)ctx)[fact->kind]++;
	return 0;
}

static void append_counts(struct kv_txn *txn, uint32_t host, struct buf *out)
{
	uint64_t counts[FACT_KIND_MAX + 1] = {0};

	picture_facts(txn, host, 0, count_kind, counts);
	buf_append_text(out, ",\"counts\":{");
	for (unsigned kind = 1; kind <= FACT_KIND_MAX; kind++)
		buf_printf(out, "%s\"%s\":%" PRIu64, kind > 1 ? "," : "",
		        fact_kind_name((enum fact_kind)kind), counts[kind]);
	buf_append_byte(out, '}');
}

void hostview_append_all(
        struct api *api, struct kv_txn *txn, const struct host_record *host, struct buf *out)
{
	static const struct {
		enum fact_kind kind;
		const char *name;
	} lists[] = {
	        {FACT_OS, "os_release"},
	        {FACT_KERNEL, "kernels"},
	        {FACT_LIVEPATCH, "livepatches"},
	        {FACT_RESTART, "restarts"},
	        {FACT_ADDRESS, "addresses"},
	        {FACT_SOCKET, "sockets"},
	        {FACT_USER, "login_accounts"},
	};

	append_common(api, txn, host, out);
	buf_printf(out, ",\"files\":%" PRIu64, picture_count_files(txn, host->id));
	append_counts(txn, host->id, out);
	append_pairs(txn, host->id, FACT_HOST, "facts", out);
	append_pairs(txn, host->id, FACT_MITIGATION, "mitigations", out);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		append_list(txn, host->id, lists[i].kind, lists[i].name, out);
	buf_append_text(out, "}\n");
}
