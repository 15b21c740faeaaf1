#include "agent/inventory/formerly.h"

#include "agent/state/factbook.h"
#include "agent/state/former.h"
#include "common/base/clock.h"
#include "common/base/text.h"

/* --- upgrades --------------------------------------------------------------------------------- */

static bool is_of(const struct fact *install, const struct fact *package)
{
	return install->kind == FACT_INSTALL &&
	       slice_equal(install->field[INSTALL_MANAGER], package->field[PACKAGE_MANAGER]) &&
	       slice_equal(install->field[INSTALL_NAME], package->field[PACKAGE_NAME]) &&
	       slice_equal(install->field[INSTALL_ARCH], package->field[PACKAGE_ARCH]) &&
	       slice_equal(install->field[INSTALL_INSTANCE], package->field[PACKAGE_INSTANCE]);
}

/* A look at all of them: few packages change at once. */
static uint64_t installed_at(const struct fact_list *facts, const struct fact *package)
{
	uint64_t time_s = 0;
	for (size_t i = 0; i < facts->count; i++)
		if (is_of(&facts->fact[i], package) &&
		        text_parse_u64(facts->fact[i].field[INSTALL_TIME], INT64_MAX, &time_s))
			return time_s;
	return 0;
}

static int keep_one(struct state_txn *txn, const struct fact_list *facts, const struct fact *fact,
        uint64_t now_s)
{
	struct buf name = BUF_INIT;
	struct fact before;
	int rc = factbook_find(state_txn_kv(txn), fact, &before);
	if (rc < 0)
		return rc == ERR_MISSING ? 0 : rc;
	if (before.field[PACKAGE_VERSION].len == 0 ||
	        slice_equal(before.field[PACKAGE_VERSION], fact->field[PACKAGE_VERSION]))
		return 0;
	uint64_t until_s = installed_at(facts, fact);
	buf_append_slice(&name, fact->field[PACKAGE_MANAGER]);
	buf_append_byte(&name, ':');
	buf_append_slice(&name, fact->field[PACKAGE_NAME]);
	rc = former_add(txn, buf_slice(&name), before.field[PACKAGE_VERSION],
	        until_s > 0 && until_s < now_s ? until_s : now_s);
	buf_fini(&name);
	return rc;
}

int formerly_keep(struct state_txn *txn, const struct fact_list *facts, int64_t now_ns)
{
	uint64_t now_s = (uint64_t)now_ns / NS_PER_S;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < facts->count; i++)
		if (facts->fact[i].kind == FACT_PACKAGE)
			rc = keep_one(txn, facts, &facts->fact[i], now_s);
	return rc;
}

/* --- what runs -------------------------------------------------------------------------------- */

static int tell_one(struct state_txn *txn, struct arena *arena, struct fact *fact)
{
	struct slice runs = {0};
	struct buf since = BUF_INIT;
	uint64_t since_s;
	if (!text_parse_u64(fact->field[RESTART_SINCE], INT64_MAX, &since_s))
		return 0;
	int rc = former_at(state_txn_kv(txn), fact->field[RESTART_PACKAGE], since_s, &runs);
	buf_printf(&since, "%llu", (unsigned long long)since_s / 60 * 60);
	fact->field[RESTART_RUNS] = arena_copy(arena, runs);
	fact->field[RESTART_SINCE] = arena_copy(arena, buf_slice(&since));
	buf_fini(&since);
	return rc == ERR_MISSING ? 0 : rc;
}

int formerly_tell(struct state_txn *txn, struct fact_list *facts)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < facts->count; i++)
		if (facts->fact[i].kind == FACT_RESTART)
			rc = tell_one(txn, facts->arena, &facts->fact[i]);
	return rc;
}
