/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * config ──> [endpoints] ──> labels: the name that a configured route gives an endpoint. Pure functions.
 *
 * A path is cut at its slashes; what stands behind a trailing one is an empty segment. A segment of a route is
 *   {anything}   any one segment but an empty one, {…} of a template included
 *   *            as the last one: all segments from here on, of which there is at least one, empty or not
 *   else         the same segment
 */
#ifndef TAPSTAT_ENDPOINTS_H
#define TAPSTAT_ENDPOINTS_H

#include "config.h"

/*
 * The label of the first route that matches, or NULL. `path_template` is an endpoint as tapstat templates it
 * ("/users/{id}", "*", "other"). The label lives as long as *config.
 */
const char *endpoint_route(const struct config *config, const char *service, const char *method,
			   const char *path_template);

/* Whether a path may stand in a route: 0, or -EINVAL and what is wrong and what is valid. */
int endpoint_route_check(const char *path, char *why, size_t size);

#endif
