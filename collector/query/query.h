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
 *   package:NAME             holds it; package:NAME<V (or `package:NAME version<V`): a version of
 * it that compares so in its manager's order version OP V, version:V  only directly behind a
 * package term of the same conjunction os:ID, os:"ID VERSION"   os-release's ID, or ID and
 * VERSION_ID ("debian 12"); also matched against the pretty name and codename kernel:RELEASE
 * running kernel; kernel<RELEASE and the like in dpkg's order host:NAME                by name;
 * arch:NAME label.K:V                by label VALUE alone              host name or package name
 * Fields for events
 *   path: action: kind: cause: host: seq OP N, package:NAME, and the host fields above (for the
 * event's host, as it is now)
 *
 * Errors   ERR_FORMAT with the column and what was expected; at most QUERY_BYTES_MAX bytes,
 * QUERY_TERMS_MAX terms, QUERY_DEPTH_MAX parentheses. Thread   the loop's (evaluation); parsing
 * any.
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

struct query;

/* The empty text matches everything. */
int query_parse(
        struct slice text, enum query_about about, struct query **out, struct reason *out_why);
void query_free(struct query *query);
/* The query as it was understood, with all parentheses; for tests and messages. */
void query_print(const struct query *query, struct buf *out);

/* The hosts that match; the caller's. */
struct hostset *query_hosts(const struct query *query, const struct index *index);
/* Why a host matched: the facts of package and kernel terms that are not negated, of this host.
 * Until `each` answers false. */
void query_each_reason(const struct query *query, const struct index *index, uint32_t host,
        bool (*each)(void *ctx, const struct fact *fact), void *ctx);

bool query_matches_event(const struct query *query, const struct index *index, uint32_t host,
        const struct event *event);
/* The one host that every match must be of (a plain host: term that must hold), UINT32_MAX if there
 * is no such. Lets a listing skip the others. */
uint32_t query_only_host(const struct query *query, const struct index *index);

#endif
