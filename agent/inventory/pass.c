#include "agent/inventory/pass.h"

#include <stdio.h>

#include "agent/state/factbook.h"
#include "common/base/clock.h"

#define ARENA_BYTES (256u << 20) /* a cap; 1000 packages need half a MiB */

const struct source SOURCES[] = {
        {
                .name = "dpkg",
                .kinds = 1u << FACT_PACKAGE,
                .trigger_dir = "/var/lib/dpkg",
                .trigger_name = "status",
                .read = src_dpkg_read,
        },
        {
                .name = "kernel",
                .kinds = 1u << FACT_KERNEL,
                .read = src_kernel_read,
        },
        {
                .name = "system",
                .kinds = 1u << FACT_OS | 1u << FACT_HOST,
                .trigger_dir = "/etc",
                .trigger_name = "hostname",
                .read = src_system_read,
        },
        {0},
};

/* Each further source that fails is only counted in the log of its own pass: one sentence is
 * shown. */
static void note_trouble(struct pass *pass, const char *why)
{
	if (!pass->status.why[0])
		snprintf(pass->status.why, sizeof(pass->status.why), "%s", why);
}

/* A source that fails leaves nothing behind of what it had found: its facts stay as they were. */
static void read_source(struct pass *pass, const struct source *source, struct fact_list *facts)
{
	struct reason why = {""};
	size_t before = facts->count;
	int rc = source->read(pass->options->root, facts, &why);
	if (rc == 0 || rc == ERR_MISSING) {
		pass->kinds |= source->kinds;
		return;
	}
	facts->count = before;
	note_trouble(pass, why.text[0] ? why.text : err_text(rc));
}

static void read_labels(struct pass *pass, struct fact_list *facts)
{
	const struct inventory_options *options = pass->options;
	for (size_t i = 0; i < options->label_count; i++) {
		struct fact fact = {.kind = FACT_LABEL};
		fact.field[PAIR_NAME] = slice_text(options->label_name[i]);
		fact.field[PAIR_VALUE] = slice_text(options->label_value[i]);
		if (fact_list_add(facts, &fact) < 0) {
			note_trouble(pass, "cannot keep all labels: they are too large");
			return;
		}
	}
	pass->kinds |= 1u << FACT_LABEL;
}

static void count_facts(struct pass *pass, const struct fact_list *facts)
{
	for (size_t i = 0; i < facts->count; i++) {
		pass->status.packages += facts->fact[i].kind == FACT_PACKAGE;
		pass->status.kernels += facts->fact[i].kind == FACT_KERNEL;
	}
}

static int commit(struct pass *pass, const struct fact_list *facts, struct reason *out_why)
{
	struct state_txn *txn = NULL;
	int rc = state_begin(pass->state, &txn, out_why);
	if (rc < 0)
		return rc;
	int events = factbook_sync(txn, pass->kinds, facts->fact, facts->count, pass->cause,
	        pass->status.last_pass_ns);
	if (events < 0) {
		state_abort(txn);
		return fail(out_why, events, "cannot write the inventory: %s", err_text(events));
	}
	rc = state_commit(txn, out_why);
	if (rc == 0)
		pass->events = (uint64_t)events;
	return rc;
}

void pass_run(struct pass *pass)
{
	struct fact_list facts = {.arena = arena_new(ARENA_BYTES)};
	struct reason why = {""};
	pass->status.last_pass_ns = clock_wall_ns();
	for (const struct source *source = SOURCES; source->name; source++)
		read_source(pass, source, &facts);
	read_labels(pass, &facts);
	count_facts(pass, &facts);
	pass->rc = commit(pass, &facts, &why);
	if (pass->rc < 0)
		note_trouble(pass, why.text[0] ? why.text : err_text(pass->rc));
	arena_free(facts.arena);
}
