/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks of the stack as Go's compiler writes them, and code that looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "elf_image.h"
#include "go_prologue.h"

#define BYTES(...) .code = {__VA_ARGS__}, .size = sizeof((const __u8[]){__VA_ARGS__})

#define CMP_RSP 0x49, 0x3b, 0x66, 0x10                                      /* cmp 0x10(%r14),%rsp */
#define LEA_R12 0x4c, 0x8d, 0x64, 0x24, 0x80                                /* lea -0x80(%rsp),%r12 */
#define CMP_R12 0x4d, 0x3b, 0x66, 0x10                                      /* cmp 0x10(%r14),%r12 */
#define HUGE_R12 0x49, 0x89, 0xe4, 0x49, 0x81, 0xec, 0, 0, 1, 0, 0x72, 0x10 /* mov %rsp,%r12; sub; jb */
#define JBE 0x76, 0x10
#define LONG_JBE 0x0f, 0x86, 0x00, 1, 0, 0
#define PUSH_RBP 0x55
#define RET 0xc3

struct prologue {
	const char *what;
	__u16 machine;
	__u8 code[48];
	size_t size;
	__u64 entry; /* where the probe goes, from the function's entry */
};

static const struct prologue prologues[] = {
	{"small frame", EM_X86_64, BYTES(CMP_RSP, JBE, PUSH_RBP, RET), 6},
	{"small frame, far away", EM_X86_64, BYTES(CMP_RSP, LONG_JBE, 0x48, 0x83, 0xec, 0x18, RET), 10},
	{"larger frame", EM_X86_64, BYTES(LEA_R12, CMP_R12, JBE, PUSH_RBP, RET), 11},
	{"very large frame", EM_X86_64, BYTES(HUGE_R12, CMP_R12, JBE, PUSH_RBP, RET), 18},
	{"no check", EM_X86_64, BYTES(PUSH_RBP, 0x5d, RET), 0},
	{"another member of g", EM_X86_64, BYTES(0x49, 0x3b, 0x66, 0x18, JBE, RET), 0},
	{"another register", EM_X86_64, BYTES(0x49, 0x3b, 0x67, 0x10, JBE, RET), 0},
	{"another condition", EM_X86_64, BYTES(CMP_RSP, 0x74, 0x10, RET), 0},
	{"cut behind the comparison", EM_X86_64, BYTES(CMP_RSP), 0},
	{"nothing behind the check", EM_X86_64, BYTES(CMP_RSP, JBE), 0},
	/* ldr x16,[x28,#16]; cmp sp,x16; b.ls; str x30,[sp,#-16]! */
	{"aarch64, small frame", EM_AARCH64,
	 BYTES(0x90, 0x0b, 0x40, 0xf9, 0xff, 0x63, 0x30, 0xeb, 0x09, 2, 0, 0x54, 0xfe, 0x0f, 0x1f, 0xf8), 12},
	/* ldr; subs x17,sp,#1; b.lo; cmp x17,x16; b.ls; ret */
	{"aarch64, very large frame", EM_AARCH64,
	 BYTES(0x90, 0x0b, 0x40, 0xf9, 0xf1, 0x07, 0x00, 0xf1, 0x43, 2, 0, 0x54, 0x3f, 0x02, 0x10, 0xeb, 0x09, 2, 0,
	       0x54, 0xc0, 0x03, 0x5f, 0xd6),
	 20},
	{"aarch64, no check", EM_AARCH64, BYTES(0xff, 0x63, 0x30, 0xeb, 0x09, 2, 0, 0x54, 0xc0, 0x03, 0x5f, 0xd6), 0},
};

static int entry_of(const struct prologue *test, size_t size, __u64 *offset)
{
	const struct elf_function function = {IMAGE_CODE, IMAGE_CODE_OFFSET, size};
	struct elf_file *file;
	struct image image;
	int err;

	image_begin(&image, test->machine, test->code, sizeof(test->code));
	image_finish(&image);
	assert_int_equal(image_open(&image, &file), 0);
	err = go_prologue_entry(file, &function, offset);
	elf_file_close(file);
	return err;
}

static void the_probe_goes_behind_the_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(prologues) / sizeof(prologues[0]); i++) {
		__u64 offset = 0;

		assert_int_equal(entry_of(&prologues[i], prologues[i].size, &offset), 0);
		if (offset != IMAGE_CODE_OFFSET + prologues[i].entry)
			fail_msg("%s: %lld", prologues[i].what, offset - IMAGE_CODE_OFFSET);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_probe_goes_behind_the_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
