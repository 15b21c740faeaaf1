/*
 * route - which row of the routes answers a request, and whether its role suffices.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COLLECTOR_HTTP_ROUTE_H
#define TSUJIBAN_COLLECTOR_HTTP_ROUTE_H

#include "collector/http/http.h"

/* NULL with 404 (no such path) or 405 (not with this method) in `out_status`. `out_tail` points
 * into `path`. */
const struct http_route *route_find(const struct http_route *routes, const char *method,
        const char *path, const char **out_tail, int *out_status);
/* 0, or 401 (says nobody who it is) or 403. */
int route_refuses(const struct http_route *route, enum http_role role);
/* The token of "Bearer TOKEN" (RFC 6750 section 2.1); absent slice: another scheme or nothing. */
struct slice route_bearer(struct slice authorization);

#endif
