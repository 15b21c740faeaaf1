/*
 * install - when a package came, as a fact beside that of the package.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_PKGDB_INSTALL_H
#define TSUJIBAN_AGENT_PKGDB_INSTALL_H

#include <stdint.h>
#include <stdio.h>

#include "common/model/factlist.h"

/* A time that cannot be, 0 or before, is none. ERR_LIMIT when the arena is full. */
static inline int install_add(struct fact_list *out, const struct fact *package, int64_t time_s)
{
	char text[24];
	struct fact fact = {.kind = FACT_INSTALL};
	if (time_s <= 0)
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)time_s);
	fact.field[INSTALL_MANAGER] = package->field[PACKAGE_MANAGER];
	fact.field[INSTALL_NAME] = package->field[PACKAGE_NAME];
	fact.field[INSTALL_ARCH] = package->field[PACKAGE_ARCH];
	fact.field[INSTALL_INSTANCE] = package->field[PACKAGE_INSTANCE];
	fact.field[INSTALL_TIME] = slice_text(text);
	return fact_list_add(out, &fact);
}

#endif
