// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* user/templates.c: literals in the place of a variable become {name}, by the hashes of bpf/endpoint.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "paths.h"
#include "templates.h"

/* The prefixes behind which a segment is a variable. */
struct variables {
	__u32 series;
	size_t n, asked;
	__u64 prefix_hash[8];
};

static bool is_variable(__u32 series, __u64 prefix_hash, void *context)
{
	struct variables *known = context;

	known->asked++;
	for (size_t i = 0; i < known->n; i++)
		if (series == known->series && prefix_hash == known->prefix_hash[i])
			return true;
	return false;
}

/* The prefix's hash as the kernel side has it when it comes to the segment behind. */
static __u64 prefix(const char *path)
{
	static struct target t;

	path_add(&t, path, 16);
	assert_non_null(path_template(&t));
	return t.prefix_hash;
}

static const char *folded(const char *template, struct variables *known)
{
	static char endpoint[ENDPOINT_BYTES];

	memset(endpoint, 0, sizeof(endpoint));
	strcpy(endpoint, template);
	template_fold(endpoint, 3, is_variable, known);
	return endpoint;
}

static void without_variables_a_template_stays(void **state)
{
	static const char *const templates[] = {"/",     "*",  "", "/users/{id}", "/a//b/", "/{uuid}/x/{date}/{hex}",
						"/{odd", "/}{"};
	struct variables none = {.series = 3};

	(void)state;
	for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++)
		assert_string_equal(folded(templates[i], &none), templates[i]);
}

static void a_literal_behind_a_known_prefix_becomes_a_name(void **state)
{
	struct variables known = {.series = 3, .n = 1, .prefix_hash = {prefix("/users/anybody")}};

	(void)state;
	assert_string_equal(folded("/users/alice", &known), "/users/{name}");
	assert_string_equal(folded("/users/alice/", &known), "/users/{name}/");
	assert_string_equal(folded("/users/alice/posts/{id}", &known), "/users/{name}/posts/{id}");
	assert_string_equal(folded("/users/{id}", &known), "/users/{id}");
	assert_string_equal(folded("/users/", &known), "/users/");
	assert_string_equal(folded("/users", &known), "/users");
	assert_string_equal(folded("/user/alice", &known), "/user/alice");
	assert_string_equal(folded("/users2/alice", &known), "/users2/alice");
	known.series = 4;
	assert_string_equal(folded("/users/alice", &known), "/users/alice");
}

/* What stands behind a variable has the prefix with the variable in it, as in the kernel. */
static void prefixes_go_on_behind_variables(void **state)
{
	struct variables known = {.series = 3, .n = 2, .prefix_hash = {prefix("/u/42/anything"), prefix("/root")}};

	(void)state;
	assert_string_equal(folded("/u/{id}/x/y", &known), "/{name}/{id}/x/y");
	known.n = 1;
	assert_string_equal(folded("/u/{id}/x/y", &known), "/u/{id}/{name}/y");
	assert_string_equal(folded("/u/{uuid}/x/y", &known), "/u/{uuid}/x/y");
}

static void the_longest_templates_stay_within_their_place(void **state)
{
	struct variables known = {.series = 3, .n = 1, .prefix_hash = {prefix("/a")}};
	char longest[ENDPOINT_BYTES];

	(void)state;
	for (size_t n = ENDPOINT_BYTES - 20; n < ENDPOINT_BYTES; n++) {
		memset(longest, 'x', sizeof(longest));
		longest[0] = longest[2] = '/';
		longest[n] = 0;
		if (n + 5 < ENDPOINT_BYTES) /* {name} is longer than the literal */
			assert_memory_equal(folded(longest, &known), "/{name}/xxx", 11);
		else
			folded(longest, &known);
		assert_in_range(strlen(folded(longest, &known)), n, ENDPOINT_BYTES - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_variables_a_template_stays),
		cmocka_unit_test(a_literal_behind_a_known_prefix_becomes_a_name),
		cmocka_unit_test(prefixes_go_on_behind_variables),
		cmocka_unit_test(the_longest_templates_stay_within_their_place),
	};

	return cmocka_run_group_tests_name("templates", tests, NULL, NULL);
}
