#include "collector/http/route.h"

#include <strings.h>

#include "common/base/text.h"

static bool matches_path(const struct http_route *route, const char *path, const char **out_tail)
{
	size_t len = strlen(route->path);

	if (route->path[len - 1] != '*') {
		*out_tail = "";
		return strcmp(route->path, path) == 0;
	}
	if (strncmp(route->path, path, len - 1) != 0 || path[len - 1] == '\0')
		return false;
	*out_tail = path + len - 1;
	return true;
}

const struct http_route *route_find(const struct http_route *routes, const char *method,
        const char *path, const char **out_tail, int *out_status)
{
	*out_status = 404;
	for (const struct http_route *route = routes; route->method; route++) {
		if (!matches_path(route, path, out_tail))
			continue;
		if (strcmp(route->method, method) == 0)
			return route;
		*out_status = 405;
	}
	return NULL;
}

int route_refuses(const struct http_route *route, enum http_role role)
{
	if (role >= route->role)
		return 0;
	return role == HTTP_NOBODY ? 401 : 403;
}

struct slice route_bearer(struct slice authorization)
{
	static const char scheme[] = "Bearer ";
	size_t len = sizeof(scheme) - 1;

	if (authorization.len <= len ||
	        strncasecmp((const char *)authorization.ptr, scheme, len) != 0)
		return slice_of(NULL, 0);
	return text_trim(slice_of(authorization.ptr + len, authorization.len - len));
}
