/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* config ──> [endpoints] ──> labels: see endpoints.h. */
#include "endpoints.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "glob_match.h"

/* Both begin behind a slash. */
static bool path_matches(const char *route, const char *path)
{
	for (;;) {
		size_t wanted = strcspn(route, "/"), given = strcspn(path, "/");

		if (!strcmp(route, "*"))
			return true;
		if (*route == '{' ? !given : wanted != given || memcmp(route, path, given) != 0)
			return false;
		route += wanted;
		path += given;
		if (!*route || !*path)
			return *route == *path;
		route++;
		path++;
	}
}

static bool route_matches(const struct config_route *route, const char *service, const char *method, const char *path)
{
	return (!*route->method || !strcmp(route->method, method)) && path_matches(route->path + 1, path + 1) &&
	       (!*route->service || glob_match(route->service, service));
}

const char *endpoint_route(const struct config *config, const char *service, const char *method,
			   const char *path_template)
{
	if (*path_template != '/')
		return NULL;
	for (unsigned int i = 0; i < config->endpoints.n_routes; i++) {
		const struct config_route *route = &config->endpoints.route[i];

		if (route_matches(route, service, method, path_template))
			return *route->name ? route->name : route->path;
	}
	return NULL;
}

/* What is wrong with one segment, or NULL. */
static const char *segment_fault(const char *segment, size_t n, bool last)
{
	if (memchr(segment, '*', n) && !(n == 1 && last))
		return "has a * that is not the last segment: valid is {name} for one segment, * for all the rest";
	if (n > 2 && *segment == '{' && segment[n - 1] == '}') {
		segment++;
		n -= 2;
	}
	if (memchr(segment, '{', n) || memchr(segment, '}', n))
		return "has braces within a segment: valid is {name} as a whole segment";
	return NULL;
}

int endpoint_route_check(const char *path, char *why, size_t size)
{
	const char *fault = NULL;

	if (*path != '/')
		fault = "is no path: valid starts with /";
	else if (path[strcspn(path, "?# ")])
		fault = "has a query, a fragment or a space: valid is a path alone";
	while (!fault && *path) {
		size_t n = strcspn(++path, "/");

		fault = segment_fault(path, n, !path[n]);
		path += n;
	}
	if (!fault)
		return 0;
	snprintf(why, size, "%s", fault);
	return -EINVAL;
}
