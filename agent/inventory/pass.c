#include "agent/host/sources.h"
#include "agent/pkgdb/sources.h"
#include "agent/running/sources.h"
#include "agent/inventory/pass.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/inventory/formerly.h"
#include "agent/state/factbook.h"
#include "common/base/clock.h"
#include "common/base/mem.h"

#define ARENA_BYTES (256u << 20) /* a cap; 1000 packages need half a MiB */

const struct source SOURCES[] = {
        {
                .name = "dpkg",
                .scopes = {{FACT_PACKAGE, "dpkg"}, {FACT_INSTALL, "dpkg"}},
                .triggers = {{"/var/lib/dpkg", "status"}},
                .read = src_dpkg_read,
        },
        {
                .name = "rpm",
                .scopes = {{FACT_PACKAGE, "rpm"}, {FACT_INSTALL, "rpm"}},
                /* Not the log of rpmdb.sqlite, which whoever only asks closes as well; and the
                 * lock, since it is let go when a transaction is over. */
                .triggers =
                        {
                                {"/var/lib/rpm", "rpmdb.sqlite"},
                                {"/var/lib/rpm", ".rpm.lock"},
                                {"/var/lib/rpm", "Packages.db"},
                                {"/var/lib/rpm", "Packages"},
                                {"/usr/lib/sysimage/rpm", "rpmdb.sqlite"},
                                {"/usr/lib/sysimage/rpm", ".rpm.lock"},
                                {"/usr/lib/sysimage/rpm", "Packages.db"},
                                {"/usr/lib/sysimage/rpm", "Packages"},
                                {"/usr/share/rpm", "rpmdb.sqlite"},
                                {"/usr/share/rpm", ".rpm.lock"},
                                {"/usr/share/rpm", "Packages.db"},
                                {"/usr/share/rpm", "Packages"},
                                {"/etc/dnf/plugins", "versionlock.list"},
                                {"/etc/yum/pluginconf.d", "versionlock.list"},
                                {"/etc/dnf", "versionlock.toml"},
                                {"/etc/dnf", "dnf.conf"},
                                {"/etc", "yum.conf"},
                                {"/etc/zypp", "locks"},
                        },
                .read = src_rpm_read,
        },
        {
                .name = "apk",
                .scopes = {{FACT_PACKAGE, "apk"}},
                .triggers = {{"/lib/apk/db", "installed"}, {"/usr/lib/apk/db", "installed"},
                        {"/var/lib/apk/db", "installed"}, {"/etc/apk", "world"}},
                .read = src_apk_read,
        },
        {
                .name = "pacman",
                .scopes = {{FACT_PACKAGE, "pacman"}, {FACT_INSTALL, "pacman"}},
                /* Removed when a transaction is over; only those take it. */
                .triggers = {{"/var/lib/pacman", "db.lck"}, {"/etc", "pacman.conf"}},
                .read = src_pacman_read,
        },
        {
                .name = "kernel",
                .scopes = {{FACT_KERNEL, NULL}},
                .read = src_kernel_read,
        },
        {
                .name = "kernel_state",
                .scopes = {{FACT_MODULE, NULL}, {FACT_LIVEPATCH, NULL}, {FACT_MITIGATION, NULL}},
                .read = src_kernel_state_read,
        },
        {
                .name = "system",
                .scopes = {{FACT_OS, NULL}, {FACT_HOST, NULL}},
                .triggers = {{"/etc", "hostname"}},
                .read = src_system_read,
        },
        {
                .name = "accounts",
                .scopes = {{FACT_USER, NULL}, {FACT_GROUP, NULL}},
                .triggers = {{"/etc", "passwd"}, {"/etc", "group"}, {"/etc", "shadow"}},
                .read = src_account_read,
        },
        {
                .name = "addresses",
                .scopes = {{FACT_ADDRESS, NULL}},
                .read = src_address_read,
        },
        {
                .name = "sockets",
                .scopes = {{FACT_SOCKET, NULL}},
                .read = src_socket_read,
        },
        {
                .name = "units",
                .scopes = {{FACT_UNIT, NULL}},
                .triggers = {{"/etc/systemd/system", NULL},
                        {"/etc/systemd/system/multi-user.target.wants", NULL},
                        {"/etc/systemd/system/sockets.target.wants", NULL},
                        {"/etc/systemd/system/timers.target.wants", NULL},
                        {"/usr/lib/systemd/system", NULL}},
                .read = src_unit_read,
        },
        {
                .name = "cron",
                .scopes = {{FACT_CRON, NULL}},
                .triggers = {{"/etc", "crontab"}, {"/etc", "anacrontab"}, {"/etc/cron.d", NULL},
                        {"/etc/cron.hourly", NULL}, {"/etc/cron.daily", NULL},
                        {"/etc/cron.weekly", NULL}, {"/etc/cron.monthly", NULL},
                        {"/var/spool/cron", NULL}, {"/var/spool/cron/crontabs", NULL}},
                .read = src_cron_read,
        },
        {
                .name = "restart",
                .scopes = {{FACT_RESTART, NULL}},
                .is_read_again = true,
                .read = src_restart_read,
        },
        {0},
};
_Static_assert(sizeof(SOURCES) / sizeof(SOURCES[0]) <= 64, "pass.rows has a bit for each");

/* Each further source that fails is only counted in the log of its own pass: one sentence is
 * shown. */
static void note_trouble(struct pass *pass, const char *why)
{
	if (!pass->status.why[0])
		snprintf(pass->status.why, sizeof(pass->status.why), "%s", why);
}

/* One reading under way. */
struct reading {
	struct pass *pass;
	struct fact_list facts;
	struct fact_scope *scopes; /* that could be read */
	size_t scope_count;
	uint64_t unsure; /* bits of the scopes of which more may be there than was found */
};

static void take_scope(struct reading *reading, struct fact_scope scope, bool is_unsure)
{
	reading->unsure |= (uint64_t)is_unsure << reading->scope_count;
	reading->scopes[reading->scope_count++] = scope;
}

static uint64_t row_of(const struct source *source)
{
	return UINT64_C(1) << (source - SOURCES);
}

/* A source that fails leaves nothing behind of what it had found: its facts stay as they were. */
static void read_source(struct reading *reading, const struct source *source)
{
	struct pass *pass = reading->pass;
	uint64_t row = row_of(source);
	struct reason why = {""};
	size_t before = reading->facts.count;
	uint64_t began_ms = clock_mono_ms();
	int rc = source->read(pass->options->root, &reading->facts, &why);
	if (source->is_read_again)
		pass->again_ms += clock_mono_ms() - began_ms;
	bool is_read = rc >= 0 || rc == ERR_MISSING;
	if (!is_read)
		reading->facts.count = before;
	if (!is_read || rc == SOURCE_PARTIAL || rc == SOURCE_UNSURE)
		note_trouble(pass, why.text[0] ? why.text : err_text(rc));
	pass->read |= is_read ? row : 0;
	pass->found |= reading->facts.count > before ? row : 0;
	for (const struct fact_scope *scope = source->scopes; scope->kind; scope++) {
		if (is_read)
			take_scope(reading, *scope, rc == SOURCE_UNSURE);
		else
			pass->missed |= 1u << scope->kind;
	}
}

static void read_labels(struct reading *reading)
{
	const struct inventory_options *options = reading->pass->options;
	for (size_t i = 0; i < options->label_count; i++) {
		struct fact fact = {.kind = FACT_LABEL};
		fact.field[PAIR_NAME] = slice_text(options->label_name[i]);
		fact.field[PAIR_VALUE] = slice_text(options->label_value[i]);
		if (fact_list_add(&reading->facts, &fact) < 0) {
			note_trouble(reading->pass, "cannot keep all labels: they are too large");
			return;
		}
	}
	take_scope(reading, (struct fact_scope){FACT_LABEL, NULL}, false);
}

static void count_facts(struct pass *pass, const struct fact_list *facts)
{
	for (size_t i = 0; i < facts->count; i++) {
		pass->status.packages += facts->fact[i].kind == FACT_PACKAGE;
		pass->status.kernels += facts->fact[i].kind == FACT_KERNEL;
	}
}

struct keeping {
	struct fact_list *facts;
	const struct fact_scope *scope;
};

static int keep(void *ctx, const struct fact *fact)
{
	struct keeping *keeping = ctx;
	const char *first = keeping->scope->first;
	return first && !slice_is(fact->field[0], first) ? 0 : fact_list_add(keeping->facts, fact);
}

/* Puts what is known of the unsure scopes in front: of two facts with one key the last one counts,
 * which is what was found. */
static int keep_known(struct reading *reading, struct kv_txn *txn)
{
	struct fact_list all = {.arena = reading->facts.arena};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < reading->scope_count; i++) {
		struct keeping keeping = {.facts = &all, .scope = &reading->scopes[i]};
		if (reading->unsure & UINT64_C(1) << i)
			rc = factbook_each(txn, keeping.scope->kind, keep, &keeping);
	}
	for (size_t i = 0; rc == 0 && i < reading->facts.count; i++)
		rc = fact_list_add(&all, &reading->facts.fact[i]);
	reading->facts = all;
	return rc;
}

static int sync_facts(struct reading *reading, struct state_txn *txn)
{
	int rc = formerly_keep(txn, &reading->facts, reading->pass->status.last_pass_ns);
	if (rc == 0)
		rc = formerly_tell(txn, &reading->facts);
	if (rc == 0 && reading->unsure)
		rc = keep_known(reading, state_txn_kv(txn));
	return rc < 0 ? rc
	              : factbook_sync(txn, reading->scopes, reading->scope_count,
	                        reading->facts.fact, reading->facts.count, reading->pass->cause,
	                        reading->pass->status.last_pass_ns);
}

static int commit(struct reading *reading, struct reason *out_why)
{
	struct pass *pass = reading->pass;
	struct state_txn *txn = NULL;
	int rc = state_begin(pass->state, &txn, out_why);
	if (rc < 0)
		return rc;
	int events = sync_facts(reading, txn);
	if (events < 0) {
		state_abort(txn);
		return fail(out_why, events, "cannot write the inventory: %s", err_text(events));
	}
	rc = state_commit(txn, out_why);
	if (rc == 0)
		pass->events = (uint64_t)events;
	return rc;
}

static size_t count_scopes(void)
{
	size_t count = 1; /* the labels' */
	for (const struct source *source = SOURCES; source->name; source++)
		for (const struct fact_scope *scope = source->scopes; scope->kind; scope++)
			count++;
	return count;
}

void pass_run(struct pass *pass)
{
	struct reading reading = {.pass = pass, .facts = {.arena = arena_new(ARENA_BYTES)}};
	struct reason why = {""};
	assert(count_scopes() <= 64); /* reading.unsure */
	reading.scopes = mem_new_array(count_scopes(), sizeof(*reading.scopes));
	pass->status.last_pass_ns = clock_wall_ns();
	for (const struct source *source = SOURCES; source->name; source++)
		if (pass->rows & row_of(source))
			read_source(&reading, source);
	if (pass->rows == PASS_ALL)
		read_labels(&reading);
	count_facts(pass, &reading.facts); /* what was read, not what is kept beside it */
	pass->rc = commit(&reading, &why);
	if (pass->rc < 0)
		note_trouble(pass, why.text[0] ? why.text : err_text(pass->rc));
	free(reading.scopes);
	arena_free(reading.facts.arena);
}
