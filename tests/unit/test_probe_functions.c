/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Functions by the names that people give them, and what only looks like them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "elf_image.h"
#include "probe_functions.h"

static const struct image_symbol symbols[] = {
	{"work", STT_FUNC, IMAGE_CODE, 4},
	{"work.part.0", STT_FUNC, IMAGE_CODE + 4, 4},
	{"work.cold", STT_FUNC, IMAGE_CODE + 8, 4},
	{"work_too", STT_FUNC, IMAGE_CODE + 12, 4},
	{"alias_of_work", STT_FUNC, IMAGE_CODE, 4},
	{"work_data", STT_OBJECT, IMAGE_DATA, 4},
	{"_ZN5store6Writer6appendEPKcl", STT_FUNC, IMAGE_CODE + 16, 4},
	{"_ZN5store6Writer6appendEl", STT_FUNC, IMAGE_CODE + 20, 4},
	{"_ZN5store6Writer6appendEl.constprop.0", STT_FUNC, IMAGE_CODE + 24, 4},
	{"_ZN5store6WriteraSERKS0_", STT_FUNC, IMAGE_CODE + 28, 4},
	{"_ZN9functions6Writer6append17h0123456789abcdefE.llvm.77", STT_FUNC, IMAGE_CODE + 32, 4},
};

enum { FOUND = 4 };

static int find(const char *text, struct probed_function found[FOUND], size_t *n)
{
	static const __u8 code[36] = {0xc3};
	struct probed_functions out = {.function = found, .max = FOUND};
	struct elf_file *file;
	struct image image;
	int err;

	image_begin(&image, EM_X86_64, code, sizeof(code));
	image_symbols(&image, SHT_SYMTAB, symbols, sizeof(symbols) / sizeof(symbols[0]));
	image_finish(&image);
	assert_int_equal(image_open(&image, &file), 0);
	err = probe_functions_find(file, text, &out);
	elf_file_close(file);
	*n = out.n;
	return err;
}

static void names_and_patterns_stand_for_functions_and_not_for_their_parts(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		__u64 at[FOUND]; /* from the start of the code */
	} rows[] = {
		{"work", 1, {0}},
		{"work.cold", 1, {8}},
		{"work.part.0", 1, {4}},
		{"work*", 2, {0, 12}},
		{"alias_of_work", 1, {0}},
		{"*work", 1, {0}}, /* one function of two names */
		{"work_data", 0, {0}},
		{"wor", 0, {0}},
		{"store::Writer::append", 2, {16, 20}},
		{"_ZN5store6Writer6appendEl", 1, {20}},
		{"store::Writer::operator=", 1, {28}},
		{"functions::Writer::append", 1, {32}},
		{"*::append", 3, {16, 20, 32}},
		{"0x40040c", 1, {12}},
		{"0x40040d", 0, {0}},
	};

	(void)state;
	_Static_assert(IMAGE_CODE == 0x400400, "addresses in the table");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct probed_function found[FOUND];
		size_t n;

		assert_int_equal(find(rows[i].text, found, &n), 0);
		if (n != rows[i].n)
			fail_msg("%s: %zu", rows[i].text, n);
		for (size_t j = 0; j < n; j++)
			if (found[j].at.address != IMAGE_CODE + rows[i].at[j] || found[j].at.size != 4)
				fail_msg("%s: %zu is at %llx", rows[i].text, j, found[j].at.address);
	}
}

static void more_than_fit_are_counted(void **state)
{
	struct probed_function found[FOUND];
	size_t n;

	(void)state;
	assert_int_equal(find("*", found, &n), 0);
	assert_int_equal(n, 6); /* neither copies nor parts, one alias */
	assert_int_equal(find("0xyz", found, &n), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_patterns_stand_for_functions_and_not_for_their_parts),
		cmocka_unit_test(more_than_fit_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
