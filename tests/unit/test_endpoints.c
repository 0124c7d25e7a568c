/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Configured routes: which path has which label. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "endpoints.h"

static struct config config;

static void add(const char *service, const char *method, const char *path, const char *name)
{
	struct config_route *route = &config.endpoints.route[config.endpoints.n_routes++];

	*route = (struct config_route){0};
	snprintf(route->service, sizeof(route->service), "%s", service);
	snprintf(route->method, sizeof(route->method), "%s", method);
	snprintf(route->path, sizeof(route->path), "%s", path);
	snprintf(route->name, sizeof(route->name), "%s", name);
}

static void segments_match_one_by_one(void **state)
{
	static const struct {
		const char *route, *path;
		bool matches;
	} rows[] = {
		{"/", "/", true},
		{"/", "/a", false},
		{"/a", "/a", true},
		{"/a", "/", false},
		{"/a", "/ab", false},
		{"/ab", "/a", false},
		{"/a", "/A", false},
		{"/a", "/a/", false},
		{"/a/", "/a/", true},
		{"/a/", "/a", false},
		{"/a/", "/a/b", false},
		{"/a/b", "/a/b", true},
		{"/a/b", "/a/c", false},
		{"/a/b", "/a", false},
		{"/a/b", "/a/b/c", false},
		{"/a//b", "/a//b", true},
		{"/a//b", "/a/x/b", false},

		{"/{id}", "/7", true},
		{"/{id}", "/{id}", true},
		{"/{id}", "/{other}", true},
		{"/{id}", "/", false},
		{"/{id}", "/7/", false},
		{"/{id}", "/7/8", false},
		{"/users/{id}", "/users/7", true},
		{"/users/{id}", "/users/{id}", true},
		{"/users/{id}", "/users/", false},
		{"/users/{id}", "/users", false},
		{"/users/{id}/orders", "/users/{user}/orders", true},
		{"/users/{id}/orders", "/users/7/orders", true},
		{"/users/{id}/orders", "/users//orders", false},
		{"/users/{id}/orders", "/users/7/8/orders", false},
		{"/{a}/{b}", "/x/y", true},
		{"/{a}/{b}", "/x", false},
		{"/users/me", "/users/{id}", false},
		{"/users/me", "/users/me", true},

		{"/*", "/", true},
		{"/*", "/a", true},
		{"/*", "/a/b/", true},
		{"/a/*", "/a/b", true},
		{"/a/*", "/a/b/{c}/d", true},
		{"/a/*", "/a/", true},
		{"/a/*", "/a", false},
		{"/a/*", "/b/c", false},
		{"/{a}/*", "/x/y", true},
		{"/{a}/*", "/x", false},
		{"/api/users/{id}/orders/*", "/api/users/{id}/orders/{order}/items", true},
		{"/api/users/{id}/orders/*", "/api/users/{id}/orders", false},

		{"/*", "*", false},
		{"/*", "other", false},
		{"/{a}", "other", false},
		{"/*", "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		config.endpoints.n_routes = 0;
		add("", "", rows[i].route, "label");
		if (!!endpoint_route(&config, "shop", "GET", rows[i].path) != rows[i].matches)
			fail_msg("route %s and path %s: expected %s", rows[i].route, rows[i].path,
				 rows[i].matches ? "a match" : "none");
	}
}

static void service_and_method_narrow_a_route(void **state)
{
	static const struct {
		const char *service, *method, *label;
	} rows[] = {
		{"shop", "GET", "read"},    {"shop", "POST", "any method"}, {"shop", "get", "any method"},
		{"shop-2", "GET", "shops"}, {"shop-2", "PUT", "shops"},     {"bishop", "GET", NULL},
		{"", "GET", NULL},          {"blog", "DELETE", "deleted"},
	};

	(void)state;
	config.endpoints.n_routes = 0;
	add("shop", "GET", "/a", "read");
	add("shop", "", "/a", "any method");
	add("shop*", "", "/a", "shops");
	add("", "DELETE", "/a", "deleted");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *label = endpoint_route(&config, rows[i].service, rows[i].method, "/a");

		if (!rows[i].label)
			assert_null(label);
		else
			assert_string_equal(label, rows[i].label);
	}
}

static void the_first_match_wins_and_its_path_is_the_label_by_default(void **state)
{
	(void)state;
	config.endpoints.n_routes = 0;
	assert_null(endpoint_route(&config, "shop", "GET", "/"));
	add("", "", "/users/me", "");
	add("", "", "/users/{id}", "user");
	add("", "", "/users/*", "");
	add("", "", "/*", "rest");
	assert_string_equal(endpoint_route(&config, "shop", "GET", "/users/me"), "/users/me");
	assert_string_equal(endpoint_route(&config, "shop", "GET", "/users/you"), "user");
	assert_string_equal(endpoint_route(&config, "shop", "GET", "/users/{id}/orders"), "/users/*");
	assert_string_equal(endpoint_route(&config, "shop", "GET", "/users"), "rest");
}

static void paths_of_routes_are_checked(void **state)
{
	static const struct {
		const char *path, *said; /* NULL: valid */
	} rows[] = {
		{"/", NULL},
		{"/*", NULL},
		{"/{id}", NULL},
		{"/a/{b}/c/*", NULL},
		{"/a//b/", NULL},
		{"/caf\xc3\xa9/%20", NULL},
		{"", "is no path"},
		{"*", "is no path"},
		{"a/b", "is no path"},
		{"http://host/a", "is no path"},
		{"/a?b=c", "has a query"},
		{"/a#b", "has a query"},
		{"/a b", "has a query"},
		{"/*/a", "has a *"},
		{"/*/", "has a *"},
		{"/**", "has a *"},
		{"/a*", "has a *"},
		{"/{*}", "has a *"},
		{"/{}", "has braces"},
		{"/{", "has braces"},
		{"/}", "has braces"},
		{"/{a", "has braces"},
		{"/a}", "has braces"},
		{"/{a}b", "has braces"},
		{"/{a}{b}", "has braces"},
		{"/a/{b/c}", "has braces"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char why[256] = "";
		int err = endpoint_route_check(rows[i].path, why, sizeof(why));

		if (err != (rows[i].said ? -EINVAL : 0) ||
		    (rows[i].said && strncmp(why, rows[i].said, strlen(rows[i].said)) != 0))
			fail_msg("%s: %d \"%s\"", rows[i].path, err, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_match_one_by_one),
		cmocka_unit_test(service_and_method_narrow_a_route),
		cmocka_unit_test(the_first_match_wins_and_its_path_is_the_label_by_default),
		cmocka_unit_test(paths_of_routes_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
