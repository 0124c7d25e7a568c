// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf/endpoint.h: from a path to its template. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "paths.h"

#define UUID "123e4567-e89b-12d3-a456-426614174000"

static const struct {
	const char *path, *template;
} rows[] = {
	{"/", "/"},
	{"/users", "/users"},
	{"/users/", "/users/"},
	{"/users/42", "/users/{id}"},
	{"/users/42/", "/users/{id}/"},
	{"/users/42/orders/7", "/users/{id}/orders/{id}"},
	{"/0", "/{id}"},
	{"/1/2/3", "/{id}/{id}/{id}"},
	{"//1//", "//{id}//"},
	{"/18446744073709551616", "/{id}"},
	{"/-1", "/-1"},
	{"/1.5", "/1.5"},
	{"/v1", "/v1"},
	{"/42a", "/42a"},
	{"/a42", "/a42"},
	{"/x/" UUID, "/x/{uuid}"},
	{"/x/123E4567-E89B-12D3-A456-426614174000/y", "/x/{uuid}/y"},
	{"/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "/{uuid}"},
	{"/" UUID "0", "/" UUID "0"},
	{"/123e4567-e89b-12d3-a456-42661417400", "/123e4567-e89b-12d3-a456-42661417400"},
	{"/123e4567e-89b-12d3-a456-426614174000", "/123e4567e-89b-12d3-a456-426614174000"},
	{"/123e4567-e89b-12d3-a456-42661417400g", "/123e4567-e89b-12d3-a456-42661417400g"},
	{"/log/2024-02-29", "/log/{date}"},
	{"/log/2024-02-29T00", "/log/2024-02-29T00"},
	{"/log/2024-2-29", "/log/2024-2-29"},
	{"/log/2024/02/29", "/log/{id}/{id}/{id}"},
	{"/deadbee1", "/{hex}"},
	{"/DEADBEE1", "/{hex}"},
	{"/deadbee", "/deadbee"},
	{"/dead1ee", "/dead1ee"},
	{"/deadbeef", "/deadbeef"},
	{"/d41d8cd98f00b204e9800998ecf8427e.css", "/d41d8cd98f00b204e9800998ecf8427e.css"},
	{"/d41d8cd98f00b204e9800998ecf8427e", "/{hex}"},
	{"/12345678", "/{id}"},
	{"/1234567a", "/{hex}"},
	{"/%34%32", "/%34%32"},
	{"/caf\xc3\xa9/1", "/caf\xc3\xa9/{id}"},
	{"*", "*"},
	{"12", "{id}"},
	{"/a:b", "/a:b"},
	{"/a;v=1/2", "/a;v=1/{id}"},
	{"/{id}", "/{id}"},
	{"/ag12345678", "/ag12345678"},
	{"/:12345678", "/:12345678"},
	{"/@2345678", "/@2345678"},
	{"/`2345678", "/`2345678"},
	{"/g2345678", "/g2345678"},
};

static struct target one, other;

static void segments_become_what_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece <= 16; piece++) {
			const char *template;

			path_add(&one, rows[i].path, piece);
			assert_int_equal(one.bytes, strlen(rows[i].path));
			assert_memory_equal(one.text, rows[i].path, one.bytes);
			template = path_template(&one);
			assert_non_null(template);
			assert_string_equal(template, rows[i].template);
		}
}

static __u64 hash_of_template(const char *path)
{
	path_add(&other, path, 16);
	assert_non_null(path_template(&other));
	return other.template_hash;
}

static void paths_of_one_template_have_one_hash_and_others_another(void **state)
{
	(void)state;
	assert_true(hash_of_template("/users/1/x") == hash_of_template("/users/98765432109/x"));
	assert_true(hash_of_template("/a/" UUID) == hash_of_template("/a/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++)
			if (strchr(rows[i].path, '{') || strchr(rows[j].path, '{'))
				continue; /* a literal that looks like a variable is another template */
			else
				assert_int_equal(hash_of_template(rows[i].path) == hash_of_template(rows[j].path),
						 !strcmp(rows[i].template, rows[j].template));
}

/* The hash of a path depends on its pieces of 16, not on what lies behind them. */
static void paths_have_hashes_of_their_own(void **state)
{
	char path[TARGET_BYTES + 1] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t j = 0; j <= i; j++) {
			path_add(&one, rows[i].path, 16);
			path_add(&other, rows[j].path, 16);
			assert_int_equal(one.hash == other.hash, i == j);
		}
	/* Of every length, and with every byte told. */
	for (size_t n = 1; n < TARGET_BYTES; n++) {
		path[n - 1] = 'a';
		path_add(&one, path, 16);
		path[n - 1] = 'b';
		path_add(&other, path, 16);
		assert_true(one.hash != other.hash);
		path[n - 1] = 'a';
		path[n / 2] ^= 1;
		path_add(&other, path, 16);
		path[n / 2] ^= 1;
		assert_true(one.hash != other.hash);
	}
}

static void what_is_too_long_is_told(void **state)
{
	static char path[TARGET_BYTES + 40];

	(void)state;
	for (size_t n = 1; n < sizeof(path); n++) {
		const char *template;

		memset(path, 'x', sizeof(path));
		path[0] = '/';
		path[n] = 0;
		for (size_t piece = 1; piece <= 16; piece += 5) {
			path_add(&one, path, piece);
			assert_int_equal(one.bytes, n <= TARGET_BYTES ? n : TARGET_BYTES + 1);
			template = path_template(&one);
			assert_int_equal(template != NULL, n < ENDPOINT_BYTES);
			if (template)
				assert_string_equal(template, path);
		}
		/* Variables are shorter than what they stand for, but for {id}. */
		for (size_t i = 1; i < n; i++)
			path[i] = i % 2 ? '1' : '/';
		path_add(&one, path, 16);
		template = path_template(&one);
		if (template)
			assert_in_range(strlen(template), 1, ENDPOINT_BYTES + VARIABLE_BYTES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_become_what_they_are),
		cmocka_unit_test(paths_of_one_template_have_one_hash_and_others_another),
		cmocka_unit_test(paths_have_hashes_of_their_own),
		cmocka_unit_test(what_is_too_long_is_told),
	};

	return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
