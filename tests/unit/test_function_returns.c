/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Return instructions of both machines, and what looks like them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "elf_image.h"
#include "function_returns.h"

static int returns_of(__u16 machine, const void *code, size_t size, __u64 offsets[4], size_t max)
{
	const struct elf_function function = {IMAGE_CODE, IMAGE_CODE_OFFSET, size};
	struct elf_file *file;
	struct image image;
	int n;

	image_begin(&image, machine, code, size);
	image_finish(&image);
	assert_int_equal(image_open(&image, &file), 0);
	n = function_returns(file, &function, offsets, max);
	elf_file_close(file);
	return n;
}

static void each_return_is_found_and_no_operand(void **state)
{
	/* mov $0xc3,%eax; ret; repz ret; ret $8; int3 up to the next function */
	static const __u8 code[] = {0xb8, 0xc3, 0, 0, 0, 0xc3, 0xf3, 0xc3, 0xc2, 8, 0, 0xcc, 0xcc};
	__u64 offsets[4] = {0};

	(void)state;
	assert_int_equal(returns_of(EM_X86_64, code, sizeof(code), offsets, 4), 3);
	assert_int_equal(offsets[0], IMAGE_CODE_OFFSET + 5);
	assert_int_equal(offsets[1], IMAGE_CODE_OFFSET + 6);
	assert_int_equal(offsets[2], IMAGE_CODE_OFFSET + 8);
	assert_int_equal(offsets[3], 0);
}

static void data_among_the_code_is_refused(void **state)
{
	static const __u8 undecodable[] = {0xc3, 0x06, 0xc3};
	/* jmp over one byte that swallows the next four, and the return there */
	static const __u8 swallowed[] = {0xeb, 0x01, 0xb8, 0xc3, 0x90, 0x90, 0x90, 0xc3};
	__u64 offsets[4] = {42};

	(void)state;
	assert_int_equal(returns_of(EM_X86_64, undecodable, sizeof(undecodable), offsets, 4), -EILSEQ);
	assert_int_equal(returns_of(EM_X86_64, swallowed, sizeof(swallowed), offsets, 4), -EILSEQ);
	assert_int_equal(offsets[0], 42);
}

static void more_than_fit_are_refused(void **state)
{
	static const __u8 code[] = {0xc3, 0xc3, 0xc3};
	__u64 offsets[4] = {42};

	(void)state;
	assert_int_equal(returns_of(EM_X86_64, code, sizeof(code), offsets, 2), -E2BIG);
	assert_int_equal(returns_of(EM_X86_64, code, 0, offsets, 2), -EINVAL);
	assert_int_equal(offsets[0], 42);
	assert_int_equal(returns_of(EM_X86_64, code, sizeof(code), offsets, 3), 3);
}

static void words_of_aarch64_that_return_are_found(void **state)
{
	/* casal w27,w6,[x4]; ret; br x30; retaa; ret x1; zeroes up to the next function */
	static const __u32 code[] = {0x88fbfc86, 0xd65f03c0, 0xd61f03c0, 0xd65f0bff, 0xd65f0020, 0, 0};
	__u64 offsets[4] = {0};

	(void)state;
	assert_int_equal(returns_of(EM_AARCH64, code, sizeof(code), offsets, 4), 3);
	assert_int_equal(offsets[0], IMAGE_CODE_OFFSET + 4);
	assert_int_equal(offsets[1], IMAGE_CODE_OFFSET + 12);
	assert_int_equal(offsets[2], IMAGE_CODE_OFFSET + 16);
}

static void a_size_past_the_end_of_the_code_is_refused(void **state)
{
	static const __u8 code[] = {0xc3};
	struct elf_function function = {IMAGE_CODE, IMAGE_CODE_OFFSET, 4096};
	struct elf_file *file;
	struct image image;
	__u64 offsets[4];

	(void)state;
	image_begin(&image, EM_X86_64, code, sizeof(code));
	image_finish(&image);
	assert_int_equal(image_open(&image, &file), 0);
	assert_int_equal(function_returns(file, &function, offsets, 4), -ENOEXEC);
	function.size = ~0ULL;
	assert_int_equal(function_returns(file, &function, offsets, 4), -E2BIG);
	elf_file_close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_return_is_found_and_no_operand),
		cmocka_unit_test(data_among_the_code_is_refused),
		cmocka_unit_test(more_than_fit_are_refused),
		cmocka_unit_test(words_of_aarch64_that_return_are_found),
		cmocka_unit_test(a_size_past_the_end_of_the_code_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
