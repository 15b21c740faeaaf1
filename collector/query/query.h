/*
 * query - the search language, over the fleet (hosts) and over events.
 *
 *   query   = or ;  or = and { "OR" and } ;  and = not { ["AND"] not } ;  not = ["NOT" | "-"] atom
 *   atom    = "(" or ")" | term
 *   term    = FIELD ":" VALUE [ OP VERSION ] | FIELD OP VALUE | VALUE
 *   OP      = "<" | "<=" | "=" | "!=" | ">=" | ">"
 *   VALUE   = word | "quoted text"; * and ? are wildcards in both
 *
 * Fields for hosts
 *   package:NAME        holds it (what dpkg keeps of a removed one does not count)
 *   package:NAME<V      or `package:NAME version<V`: a version of it that compares so in its
 *                       manager's order; where that is not known, never true but of equal
 *                       texts: query_unsure_hosts says of which hosts
 *   FACT:VALUE          module: livepatch: mitigation: restart: listen: address: account: group:
 *                       unit: cron: the row in field.c says which fields of the fact have VALUE
 *   FACT:VALUE F:V      also package:NAME F:V: another field of the same fact, by its name in
 *                       fact.c, and with a dot (.user:root) where a query has a field of that name;
 *                       < and the like compare numbers. Several hold together, of one fact
 *   version OP V        or version:V (as text): of a package, by its manager's order. They are part
 *                       of the term: NOT package:NAME version<V negates both
 *   os:ID               os-release's ID, or "ID VERSION_ID" ("debian 12"); also matched against
 *                       the pretty name and the codename
 *   kernel:RELEASE      the running kernel; kernel<RELEASE and the like in dpkg's order, where
 *                       6.1.0-9-amd64 comes before 6.1.0-28 and 6.1.0-28 stands for any flavour
 *   host:NAME           by name
 *   arch:NAME           by architecture
 *   label.K:V           by label
 *   fact.K:V            by fact of the host (FACT_HOST)
 *   VALUE alone         host name or package name
 * Fields for events
 *   path: action: kind: cause: seq OP N
 *   package:NAME and other facts        the event's fact after the event (before it, if it ended)
 *   host: os: kernel: arch: label.K: fact.K:    as above, for the event's host as it is now
 *   VALUE alone         host name, package name or path
 * A path without wildcards stands for itself and all below it. FIELD=VALUE is FIELD:VALUE, and
 * FIELD!=VALUE its negation, where a field has no order.
 *
 * Errors   ERR_FORMAT with the column and what was expected; at most QUERY_BYTES_MAX bytes,
 *          QUERY_TERMS_MAX terms, QUERY_DEPTH_MAX parentheses.
 * Thread   the loop's (evaluation); parsing any.
 */
#ifndef TSUJIBAN_COLLECTOR_QUERY_QUERY_H
#define TSUJIBAN_COLLECTOR_QUERY_QUERY_H

#include "collector/index/index.h"
#include "common/base/err.h"
#include "common/model/event.h"

#define QUERY_BYTES_MAX 4096
#define QUERY_TERMS_MAX 256
#define QUERY_DEPTH_MAX 32

enum query_about { QUERY_HOSTS, QUERY_EVENTS };

struct kv_txn;
struct query;

/* The empty text matches everything. */
int query_parse(
        struct slice text, enum query_about about, struct query **out, struct reason *out_why);
void query_free(struct query *query);
/* The query as it was understood, with all parentheses; for tests and messages. */
void query_print(const struct query *query, struct buf *out);

/* The hosts that match; the caller's. */
struct hostset *query_hosts(const struct query *query, const struct index *index);
/* Why a host matched: its facts that terms ask for which are not negated (but for os, arch and
 * labels), each once. Those of terms without a plain name are looked for in the store, if there is
 * a transaction. Until `each` answers false. */
void query_each_reason(const struct query *query, const struct index *index, struct kv_txn *txn,
        uint32_t host, bool (*each)(void *ctx, const struct fact *fact), void *ctx);

bool query_matches_event(const struct query *query, const struct index *index, uint32_t host,
        const struct event *event);
/* The one host that every match must be of (a plain host: term that must hold), UINT32_MAX if there
 * is no such. Lets a listing skip the others. */
uint32_t query_only_host(const struct query *query, const struct index *index);

#endif
