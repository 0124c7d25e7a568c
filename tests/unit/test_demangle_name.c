/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of C++ and Rust functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "demangle_name.h"

static void names_are_as_their_authors_wrote_them(void **state)
{
	static const struct {
		const char *symbol, *name;
	} names[] = {
		{"_ZN7rocksdb6DBImpl3PutERKNS_12WriteOptionsERKNS_5SliceES6_", "rocksdb::DBImpl::Put"},
		{"_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"},
		{"_RNvCs15kBYyAo9fc_7mycrate7example", "mycrate::example"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[64];

		assert_int_equal(demangle_name(names[i].symbol, name, sizeof(name)), strlen(names[i].name));
		assert_string_equal(name, names[i].name);
	}
}

static void other_names_are_told_apart(void **state)
{
	char name[8] = "before";

	(void)state;
	assert_int_equal(demangle_name("SSL_write", name, sizeof(name)), -ENOENT);
	assert_int_equal(demangle_name("_Zthis_is_none", name, sizeof(name)), -ENOENT);
	assert_int_equal(demangle_name("_ZN7rocksdb6DBImpl3PutEv", name, sizeof(name)), -ENAMETOOLONG);
	assert_string_equal(name, "before");
}

/* Arguments of a template, each of which is twice the one before: a<int, int>, f<S1_, S1_>, f<S2_, S2_>, ... */
static void names_without_end_are_given_up(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char symbol[512] = "_Z1fI1aIiiE", name[4096];

	(void)state;
	for (int i = 1; i < 34; i++) {
		const char step[] = {'S', '_', 'I', 'S', digits[i], '_', 'S', digits[i], '_', 'E', '\0'};

		strcat(symbol, step);
		if (i == 2)
			assert_true(demangle_name(strcat(strcpy(name, symbol), "Evv"), name, sizeof(name)) > 0);
	}
	strcat(symbol, "Evv");
	assert_int_equal(demangle_name(symbol, name, sizeof(name)), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_as_their_authors_wrote_them),
		cmocka_unit_test(other_names_are_told_apart),
		cmocka_unit_test(names_without_end_are_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
