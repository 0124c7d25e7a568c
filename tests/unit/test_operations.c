// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* user/operations.c and bpf/operation_names.h: every name is found, among its own backend's alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>

#include "guard.h"
#include "operation_names.h"
#include "operations.h"

static __u32 other_of(__u32 backend)
{
	for (__u32 i = 1; i < OPERATION_COUNT; i++)
		if (operation_backend[i] == backend)
			return i; /* the first of each */
	return OPERATION_NONE;
}

/* Looks the name up with other bytes behind it, at the end of what can be read. */
static __u32 look_up(__u32 backend, const char *name, __u8 poison)
{
	static struct guarded view;
	size_t bytes = strlen(name);
	__u8 *p;

	if (!view.end)
		view = guarded_new(64);
	p = view.end - (bytes > 16 ? bytes : 16);
	memset(p, poison, view.end - p);
	memcpy(p, name, bytes);
	return operation_by_name(backend, other_of(backend), p, bytes);
}

static int fill(void **state)
{
	(void)state;
	return operations_fill(&operations);
}

static void every_backend_has_other_as_its_first(void **state)
{
	(void)state;
	for (__u32 backend = 0; backend < BACKEND_COUNT; backend++)
		assert_string_equal(operation_text[other_of(backend)], "other");
}

static void every_name_is_found_with_its_own_backend_in_any_case(void **state)
{
	(void)state;
	for (__u32 i = 1; i < OPERATION_COUNT; i++) {
		char upper[OPERATION_NAME_BYTES] = "";

		assert_in_range(strlen(operation_text[i]), 1, OPERATION_NAME_BYTES - 1);
		for (size_t j = 0; operation_text[i][j]; j++)
			upper[j] = (char)toupper(operation_text[i][j]);
		assert_int_equal(look_up(operation_backend[i], operation_text[i], 0xa5), i);
		/* `_` has bit 5 clear, as capitals have: names with it are looked up in the case of the table. */
		assert_int_equal(look_up(operation_backend[i], upper, ' '), i);
		assert_int_equal(operations.backend[i], operation_backend[i]);
	}
}

static void a_name_is_none_of_another_backend(void **state)
{
	(void)state;
	for (__u32 i = 1; i < OPERATION_COUNT; i++)
		for (__u32 backend = 0; backend < BACKEND_COUNT; backend++) {
			__u32 found = look_up(backend, operation_text[i], 0);

			assert_int_equal(operation_backend[found], backend);
			if (found != other_of(backend))
				assert_string_equal(operation_text[found], operation_text[i]);
		}
}

static void what_is_no_name_is_other(void **state)
{
	static const char *const names[] = {
		"", "ge", "gett", "xget", "foobar", "get\x01", "georadiusbymember_ro_and_more"};

	(void)state;
	for (__u32 backend = 0; backend < BACKEND_COUNT; backend++)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			assert_int_equal(look_up(backend, names[i], 0xff), other_of(backend));
}

/* The names are told apart by their first 16 bytes and their length. */
static void no_two_names_of_a_backend_look_alike(void **state)
{
	(void)state;
	for (__u32 i = 1; i < OPERATION_COUNT; i++)
		for (__u32 j = 1; j < i; j++)
			if (operation_backend[i] == operation_backend[j] &&
			    strlen(operation_text[i]) == strlen(operation_text[j]))
				assert_int_not_equal(strncmp(operation_text[i], operation_text[j], 16), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_backend_has_other_as_its_first),
		cmocka_unit_test(every_name_is_found_with_its_own_backend_in_any_case),
		cmocka_unit_test(a_name_is_none_of_another_backend),
		cmocka_unit_test(what_is_no_name_is_other),
		cmocka_unit_test(no_two_names_of_a_backend_look_alike),
	};

	return cmocka_run_group_tests_name("operations", tests, fill, NULL);
}
