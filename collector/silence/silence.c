#include "collector/silence/silence.h"

#include <stdlib.h>
#include <string.h>

#include "collector/silence/dues.h"
#include "collector/silence/verdict.h"
#include "collector/store/hosts.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define RETRY_MS 5000
/* A wake-up that comes later than this tells that the collector itself stood still. */
#define LATE_MS 5000

/* What the loop knows of a host, and so what its record is to say. Beside it stands its place among
 * the dues: away, when it becomes silent; otherwise, when its record is tried again. */
struct known {
	int64_t heard_ns; /* away */
	uint8_t state;    /* enum presence_state; 0: nothing is expected of it */
	bool is_owed;     /* the store did not take it */
};

struct silence {
	struct silence_options options;
	int64_t started_ns;
	struct known *known;
	size_t room;
	struct dues dues;
	uint64_t wake_ms; /* that was asked for; UINT64_MAX: none */
	uint64_t now_ms;  /* as told last */
};

struct silence_job {
	struct store_job job;
	struct silence *silence;
	struct verdict verdict;
	bool has_told;
	int64_t after_ns;
	uint64_t heard_ms;
};

static struct known *known_of(struct silence *silence, uint32_t host)
{
	size_t room = silence->room ? silence->room : 64;

	if (host >= silence->room) {
		while (room <= host)
			room *= 2;
		silence->known = mem_resize(silence->known, room * sizeof(*silence->known));
		for (size_t i = silence->room; i < room; i++)
			silence->known[i] = (struct known){0};
		silence->room = room;
	}
	return &silence->known[host];
}

static void ask_to_be_woken(struct silence *silence)
{
	uint64_t at_ms;
	uint32_t host;

	if (!dues_first(&silence->dues, &host, &at_ms) || at_ms == silence->wake_ms)
		return;
	silence->wake_ms = at_ms;
	silence->options.wake_at(silence->options.ctx, at_ms);
}

static void set_due(struct silence *silence, uint32_t host, uint64_t at_ms)
{
	dues_set(&silence->dues, host, at_ms);
	ask_to_be_woken(silence);
}

/* --- records ---------------------------------------------------------------------------------- */

static int apply(struct store_job *base, struct kv_txn *txn, struct reason *out_why)
{
	struct silence_job *job = (struct silence_job *)base;
	int rc = verdict_write(txn, &job->verdict);

	job->has_told = rc > 0;
	if (rc >= 0 && job->verdict.now.state == PRESENCE_AWAY)
		rc = verdict_after(
		        txn, job->verdict.host, job->silence->options.config, &job->after_ns);
	return rc < 0 ? fail(out_why, rc, "cannot write that a host is here or away: %s",
	                        err_text(rc))
	              : 0;
}

static void done(struct store_job *base, int code, const struct reason *why)
{
	struct silence_job *job = (struct silence_job *)base;
	struct silence *silence = job->silence;
	const struct verdict *verdict = &job->verdict;
	bool is_still_so = known_of(silence, verdict->host)->state == verdict->now.state;

	if (code < 0) {
		log_warn("%s", why->text);
		if (is_still_so) {
			known_of(silence, verdict->host)->is_owed = true;
			set_due(silence, verdict->host, silence->now_ms + RETRY_MS);
		}
	} else if (verdict->now.state == PRESENCE_AWAY && is_still_so && job->after_ns > 0) {
		set_due(silence, verdict->host,
		        job->heard_ms + (uint64_t)(job->after_ns / NS_PER_MS));
	}
	if (job->has_told && code == 0)
		silence->options.told(silence->options.ctx);
	free(job);
}

static void write_record(
        struct silence *silence, uint32_t host, struct slice address, uint64_t heard_ms)
{
	const struct known *known = known_of(silence, host);
	struct silence_job *job = mem_new(sizeof(*job));

	job->job = (struct store_job){.apply = apply, .done = done};
	job->silence = silence;
	job->heard_ms = heard_ms;
	job->verdict = (struct verdict){
	        .host = host,
	        .started_ns = silence->started_ns,
	        .now = {.state = (enum presence_state)known->state, .heard_ns = known->heard_ns},
	};
	if (address.len > 0 && address.len < PRESENCE_ADDRESS_BYTES)
		memcpy(job->verdict.now.address, address.ptr, address.len);
	store_submit(silence->options.store, &job->job);
}

/* --- what happens to hosts -------------------------------------------------------------------- */

static void become(struct silence *silence, uint32_t host, unsigned state, int64_t heard_ns)
{
	*known_of(silence, host) = (struct known){.heard_ns = heard_ns, .state = (uint8_t)state};
	dues_remove(&silence->dues, host);
}

void silence_came(struct silence *silence, uint32_t host, const char *address)
{
	const char *port = strrchr(address, ':');

	become(silence, host, PRESENCE_HERE, 0);
	write_record(silence, host,
	        slice_of(address, port ? (size_t)(port - address) : strlen(address)), 0);
}

/* Of a session that was quiet no longer than a session may be: more is the collector's own standing
 * still. */
void silence_left(struct silence *silence, uint32_t host, uint64_t heard_ms, uint64_t now_ms)
{
	uint64_t quiet_ms = now_ms > heard_ms ? now_ms - heard_ms : 0;
	int64_t heard_ns = clock_wall_ns() - (int64_t)quiet_ms * NS_PER_MS;

	silence->now_ms = now_ms;
	if (quiet_ms > silence->options.session_quiet_ms)
		quiet_ms = silence->options.session_quiet_ms;
	become(silence, host, PRESENCE_AWAY, heard_ns);
	write_record(silence, host, slice_of(NULL, 0), now_ms - quiet_ms);
}

void silence_forget(struct silence *silence, uint32_t host)
{
	become(silence, host, 0, 0);
}

void silence_wake(struct silence *silence, uint64_t now_ms)
{
	uint64_t at_ms;
	uint32_t host;

	/* At most since it was told the time, and nobody knows for how much of that. */
	if (silence->wake_ms != UINT64_MAX && now_ms > silence->wake_ms + LATE_MS)
		dues_postpone(&silence->dues, now_ms - silence->now_ms);
	silence->now_ms = now_ms;
	silence->wake_ms = UINT64_MAX;
	while (dues_first(&silence->dues, &host, &at_ms) && at_ms <= now_ms) {
		struct known *known = known_of(silence, host);
		dues_remove(&silence->dues, host);
		if (known->state == PRESENCE_AWAY && !known->is_owed)
			known->state = PRESENCE_SILENT;
		known->is_owed = false;
		write_record(silence, host, slice_of(NULL, 0), now_ms);
	}
	ask_to_be_woken(silence);
}

bool silence_is_silent(const struct silence *silence, uint32_t host)
{
	return host < silence->room && silence->known[host].state == PRESENCE_SILENT;
}

/* --- life ------------------------------------------------------------------------------------- */

struct opening {
	struct silence *silence;
	struct kv_txn *txn;
};

/* A host of a store without such records was connected once if it has a batch there. */
static int take_host(void *ctx, const struct host_record *host)
{
	struct opening *opening = ctx;
	struct silence *silence = opening->silence;
	struct presence presence;
	int64_t after_ns;
	int rc = presence_get(opening->txn, host->id, &presence);

	if (host->is_revoked || (rc == ERR_MISSING && host->last_seen_ns == 0))
		return 0;
	if (rc == 0 && presence.state == PRESENCE_SILENT) {
		become(silence, host->id, PRESENCE_SILENT, 0);
		return 0;
	}
	if (rc < 0 && rc != ERR_MISSING)
		return rc;
	become(silence, host->id, PRESENCE_AWAY, 0);
	rc = verdict_after(opening->txn, host->id, silence->options.config, &after_ns);
	if (rc == 0 && after_ns > 0)
		dues_set(&silence->dues, host->id,
		        silence->now_ms + (uint64_t)(after_ns / NS_PER_MS));
	return rc;
}

int silence_open(const struct silence_options *options, uint64_t now_ms, struct silence **out,
        struct reason *out_why)
{
	struct silence *silence = mem_new(sizeof(*silence));
	struct opening opening = {.silence = silence};
	int rc = kv_begin_read(store_kv(options->store), &opening.txn);

	silence->options = *options;
	silence->started_ns = clock_wall_ns();
	silence->now_ms = now_ms;
	silence->wake_ms = UINT64_MAX;
	if (rc == 0) {
		rc = hosts_each(opening.txn, take_host, &opening);
		kv_abort(opening.txn);
	}
	if (rc < 0) {
		silence_free(silence);
		return fail(out_why, rc, "cannot read which hosts are silent: %s", err_text(rc));
	}
	ask_to_be_woken(silence);
	*out = silence;
	return 0;
}

void silence_free(struct silence *silence)
{
	if (!silence)
		return;
	dues_fini(&silence->dues);
	free(silence->known);
	free(silence);
}
