/*
 * fleet - hosts and facts to ask about, for the tests of queries.
 */
#ifndef TSUJIBAN_TESTS_UNIT_COLLECTOR_QUERY_FLEET_H
#define TSUJIBAN_TESTS_UNIT_COLLECTOR_QUERY_FLEET_H

#include "collector/index/index.h"

static inline struct fact fact_of(enum fact_kind kind, const char *const *fields)
{
	struct fact fact = {.kind = kind};
	for (unsigned i = 0; i < fact_field_count(kind); i++)
		fact.field[i] = slice_text(fields[i]);
	return fact;
}

static inline struct fact package_of(
        const char *manager, const char *name, const char *version, const char *status)
{
	const char *fields[] = {
	        manager, name, "amd64", "", version, name, version, status, "", "", "", ""};
	return fact_of(FACT_PACKAGE, fields);
}

static inline struct fact kernel_of(const char *state, const char *release)
{
	const char *fields[] = {state, release, "", ""};
	return fact_of(FACT_KERNEL, fields);
}

static inline struct fact os_of(
        const char *id, const char *version, const char *codename, const char *pretty)
{
	const char *fields[] = {id, version, codename, pretty};
	return fact_of(FACT_OS, fields);
}

static inline struct fact pair_of(enum fact_kind kind, const char *name, const char *value)
{
	const char *fields[] = {name, value};
	return fact_of(kind, fields);
}

#endif
