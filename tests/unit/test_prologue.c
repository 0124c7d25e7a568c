/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Prologues as compilers write them, and as they could mislead. What real libraries have: tests/elf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "elf_image.h"
#include "elf_symbols.h"
#include "prologue.h"

#define BYTES(...)                           \
	sizeof((const __u8[]){__VA_ARGS__}), \
	{                                    \
		__VA_ARGS__                  \
	}

#define SUB_24 0x48, 0x83, 0xec, 0x18                      /* sub $24,%rsp */
#define CANARY 0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0 /* mov %fs:0x28,%rax */
#define TEST_EDX 0x85, 0xd2
#define RET 0xc3
#define NOP 0x90

struct prologue {
	const char *what;
	size_t size;
	__u8 code[40];
	int arguments;
	int entry, entry_moved; /* where a probe goes, from the entry; how far the stack pointer has moved there */
	int at_return;          /* likewise for a uretprobe */
	bool emulated;          /* the one for the entry */
};

static const struct prologue prologues[] = {
	{"push at the entry", BYTES(0x55, RET), 6, 0, 0, 0, true},
	{"push of a new register", BYTES(0x41, 0x54, RET), 6, 0, 0, 0, true},
	{"nop", BYTES(NOP, RET), 6, 0, 0, 0, true},
	{"endbr64 before push", BYTES(0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x5d, RET), 6, 4, 0, 4, true},
	{"stack, then call: not for a uretprobe", BYTES(SUB_24, 0xe8, 0, 0, 0, 0, RET), 6, 4, 24, 0, true},
	{"add $-128", BYTES(0x48, 0x83, 0xc4, 0x80, 0x70, 0, RET), 6, 4, 128, 0, true},
	{"stack, canary, test, then js", BYTES(SUB_24, CANARY, TEST_EDX, 0x78, 0, RET), 6, 15, 24, 0, true},
	{"test, then long je", BYTES(TEST_EDX, 0x0f, 0x84, 0, 0, 0, 0, RET), 6, 2, 0, 2, true},
	{"push of a constant counts for the stack", BYTES(0x6a, 1, 0x53, RET), 6, 2, 8, 0, true},
	{"an argument written", BYTES(0x31, 0xff, 0x55, RET), 6, 0, 0, 0, false},
	{"a part of an argument written", BYTES(0xb1, 1, 0x55, RET), 6, 0, 0, 0, false},
	{"a register of no argument of this function written", BYTES(0x31, 0xc9, 0x55, RET), 3, 2, 0, 2, true},
	{"shifted by an argument, none written", BYTES(0xd3, 0xe0, 0x55, RET), 6, 2, 0, 2, true},
	{"multiplication writes %rdx", BYTES(0xf7, 0xe0, 0x55, RET), 6, 0, 0, 0, false},
	{"exchange writes its source", BYTES(0x87, 0xc7, 0x55, RET), 6, 0, 0, 0, false},
	{"rep stos writes %rdi", BYTES(0xf3, 0x48, 0xab, 0x55, RET), 6, 0, 0, 0, false},
	{"pop moves the stack up", BYTES(0x58, 0x50, RET), 6, 0, 0, 0, false},
	{"the stack aligned by an unknown number", BYTES(0x48, 0x83, 0xe4, 0xf0, 0x55, RET), 6, 0, 0, 0, false},
	{"behind a return", BYTES(0x31, 0xc0, RET, 0x55, RET), 6, 0, 0, 0, false},
	{"a loop's head between", BYTES(0x31, 0xc0, 0xff, 0xc0, 0x75, 0xfc, RET), 6, 0, 0, 0, false},
	{"a loop back to the landing", BYTES(0x31, 0xc0, 0x74, 4, 0xff, 0xc0, 0xeb, 0xfa, RET), 6, 0, 0, 0, false},
	{"a loop behind the landing", BYTES(0x31, 0xc0, 0x55, 0xff, 0xc0, 0x75, 0xfc, 0x5d, RET), 6, 2, 0, 2, true},
	{"a loop back to the entry", BYTES(0x31, 0xc0, 0x74, 2, 0xeb, 0xfa, RET), 6, 2, 0, 2, true},
	{"loop counts as a jump", BYTES(0x31, 0xc0, 0x90, 0xe2, 0xfd, RET), 6, 0, 0, 0, false},
	{"a table of jumps may lead anywhere", BYTES(0x31, 0xc0, 0x55, 0xff, 0xe0), 6, 0, 0, 0, false},
	{"a jump through a table likewise", BYTES(0x31, 0xc0, 0x55, 0xff, 0x24, 0xc5, 0, 0, 0, 0), 6, 0, 0, 0, false},
	{"a method's address in an object", BYTES(0x31, 0xc0, 0x55, 0xff, 0x60, 8), 6, 2, 0, 2, true},
	{"another file's function by the GOT", BYTES(0x31, 0xc0, 0x74, 6, 0xff, 0x25, 0, 0, 0, 0, RET), 6, 2, 0, 2,
	 true},
	{"a byte that is no instruction", BYTES(0x31, 0xc0, 0x55, 0x06, RET), 6, 0, 0, 0, false},
	{"a jump out to where nothing is known", BYTES(0x31, 0xc0, 0x74, 0x60, RET), 6, 0, 0, 0, false},
	{"16-bit call", BYTES(0x66, 0xe8, 0, 0, 0x90, RET), 6, 0, 0, 0, false},
};

static void landings_are_as_compilers_and_loops_allow(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(prologues) / sizeof(prologues[0]); i++) {
		const struct prologue *test = &prologues[i];
		const struct elf_function function = {IMAGE_CODE, IMAGE_CODE_OFFSET, test->size};
		struct landing landing, at_return;
		struct elf_file *file;
		struct image image;

		image_begin(&image, EM_X86_64, test->code, test->size);
		image_finish(&image);
		assert_int_equal(image_open(&image, &file), 0);
		assert_int_equal(prologue_landing(file, &function, test->arguments, false, &landing), 0);
		assert_int_equal(prologue_landing(file, &function, test->arguments, true, &at_return), 0);
		elf_file_close(file);
		if (landing.address - IMAGE_CODE != (__u64)test->entry ||
		    landing.stack_moved != (__u32)test->entry_moved || landing.emulated != test->emulated ||
		    at_return.address - IMAGE_CODE != (__u64)test->at_return || at_return.stack_moved)
			fail_msg("%s: %lld, %u bytes, %semulated; for returns %lld, %u bytes", test->what,
				 landing.address - IMAGE_CODE, landing.stack_moved, landing.emulated ? "" : "not ",
				 at_return.address - IMAGE_CODE, at_return.stack_moved);
		assert_int_equal(landing.offset - IMAGE_CODE_OFFSET, landing.address - IMAGE_CODE);
	}
}

static void without_a_size_only_the_entry_is_certain(void **state)
{
	static const __u8 code[] = {0x55, RET, NOP, NOP, 0x31, 0xc0, 0x55, RET};
	struct elf_function function = {IMAGE_CODE, IMAGE_CODE_OFFSET, 0};
	struct landing landing;
	struct elf_file *file;
	struct image image;

	(void)state;
	image_begin(&image, EM_X86_64, code, sizeof(code));
	image_finish(&image);
	assert_int_equal(image_open(&image, &file), 0);
	assert_int_equal(prologue_landing(file, &function, 6, false, &landing), 0);
	assert_true(landing.emulated);
	function.address += 4;
	function.offset += 4;
	assert_int_equal(prologue_landing(file, &function, 6, false, &landing), 0);
	assert_int_equal(landing.address, IMAGE_CODE + 4);
	assert_false(landing.emulated);
	function.address = IMAGE_BASE;
	assert_int_equal(prologue_landing(file, &function, 6, false, &landing), -ENOEXEC); /* no code to read */
	assert_int_equal(landing.address, IMAGE_CODE + 4);
	elf_file_close(file);
}

/* ---- Code moved out of a function ---------------------------------------------------------------------------- */

static const struct {
	__u8 version, encodings[3];
	__s32 frames;
	__u32 count;
	__s32 table[2][2]; /* code, frame; relative to the header, at IMAGE_DATA */
	struct {
		__u32 length, cie;
		__s32 start;
		__u32 size;
	} frames_of[2];
} unwind = {
	1,
	{0x1b, 0x03, 0x3b},
	0,
	2,
	{{IMAGE_CODE - IMAGE_DATA, 28}, {IMAGE_CODE + 32 - IMAGE_DATA, 44}},
	{{12, 0, IMAGE_CODE - (IMAGE_DATA + 28 + 8), 5}, {12, 0, IMAGE_CODE + 32 - (IMAGE_DATA + 44 + 8), 3}},
};

static __u64 landing_with_moved_code(const __u8 moved[3])
{
	/* xor %eax,%eax; je +32; ret */
	__u8 code[40] = {0x31, 0xc0, 0x74, 28, RET};
	const struct elf_function function = {IMAGE_CODE, IMAGE_CODE_OFFSET, 0};
	struct landing landing;
	struct elf_file *file;
	struct image image;

	memcpy(code + 32, moved, 3);
	image_begin(&image, EM_X86_64, code, sizeof(code));
	image_segment(&image, PT_GNU_EH_FRAME, image_data(&image, 0, &unwind, sizeof(unwind)), sizeof(unwind));
	image_finish(&image);
	assert_int_equal(image_open(&image, &file), 0);
	assert_int_equal(prologue_landing(file, &function, 6, false, &landing), 0);
	elf_file_close(file);
	return landing.address - IMAGE_CODE;
}

static void a_part_moved_away_may_jump_back_but_not_before_the_landing(void **state)
{
	static const __u8 behind[] = {NOP, 0xeb, (__u8)(4 - 35)}, onto[] = {NOP, 0xeb, (__u8)(2 - 35)};

	(void)state;
	assert_int_equal(landing_with_moved_code(behind), 2);
	assert_int_equal(landing_with_moved_code(onto), 0);
}

/* ---- Wrappers ------------------------------------------------------------------------------------------------ */

struct wrapper {
	const char *what;
	size_t size;
	__u8 code[48];
	int err, inner; /* from the start of the code */
	enum fourth_argument fourth;
};

#define MOVSLQ 0x48, 0x63, 0xd2     /* movslq %edx,%rdx */
#define RCX_IS_RSP 0x48, 0x89, 0xe1 /* mov %rsp,%rcx */
#define CALL_64(at) 0xe8, 64 - (at)-5, 0, 0, 0

static const struct wrapper wrappers[] = {
	{"SSL_write_ex", BYTES(SUB_24, CALL_64(4), RET), 0, 64, FOURTH_UNTOUCHED},
	{"SSL_write", BYTES(SUB_24, CANARY, TEST_EDX, 0x78, 20, RCX_IS_RSP, MOVSLQ, CALL_64(23), RET), 0, 64,
	 FOURTH_ON_STACK},
	{"lea 8(%rsp),%rcx", BYTES(SUB_24, 0x48, 0x8d, 0x4c, 0x24, 8, CALL_64(9), RET), 0, 64, FOURTH_ON_STACK},
	{"mov %edx,%edx", BYTES(0x89, 0xd2, CALL_64(2)), 0, 64, FOURTH_UNTOUCHED},
	{"tail jump, fifth and fourth argument added", BYTES(0x45, 0x31, 0xc0, 0x31, 0xc9, 0xe9, 54, 0, 0, 0), 0, 64,
	 FOURTH_OTHER},
	{"through the PLT", BYTES(SUB_24, 0xe8, 80 - 9, 0, 0, 0), 0, 64, FOURTH_UNTOUCHED},
	{"through the PLT to another file", BYTES(SUB_24, 0xe8, 96 - 9, 0, 0, 0), -ENOENT, 0, FOURTH_UNTOUCHED},
	{"first argument written", BYTES(0x31, 0xff, CALL_64(2)), -ENOENT, 0, FOURTH_UNTOUCHED},
	{"second argument written", BYTES(0x31, 0xf6, CALL_64(2)), -ENOENT, 0, FOURTH_UNTOUCHED},
	{"third argument written", BYTES(0x31, 0xd2, CALL_64(2)), -ENOENT, 0, FOURTH_UNTOUCHED},
	{"through a pointer", BYTES(SUB_24, 0xff, 0xd0), -ENOENT, 0, FOURTH_UNTOUCHED},
	{"through an object", BYTES(0xff, 0x67, 8), -ENOENT, 0, FOURTH_UNTOUCHED},
	{"calls nothing", BYTES(0x31, 0xc0, RET), -ENOENT, 0, FOURTH_UNTOUCHED},
};

static void make_wrapper(struct image *image, const struct wrapper *test)
{
	static const struct image_symbol symbols[] = {{"inner", STT_FUNC, IMAGE_CODE + 64, 8},
						      {"elsewhere", STT_FUNC, 0, 0}};
	const Elf64_Rela relocations[] = {{IMAGE_DATA + 0x100, ELF64_R_INFO(1, R_X86_64_JUMP_SLOT), 0},
					  {IMAGE_DATA + 0x108, ELF64_R_INFO(2, R_X86_64_GLOB_DAT), 0}};
	__s32 to[2] = {IMAGE_DATA + 0x100 - (IMAGE_CODE + 80 + 10), IMAGE_DATA + 0x108 - (IMAGE_CODE + 96 + 6)};
	__u8 code[112] = {0};
	int dynsym, rela;

	memcpy(code, test->code, test->size);
	memcpy(code + 64, (const __u8[]){0x55, 0x5d, RET}, 3);
	memcpy(code + 80, (const __u8[]){0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25}, 6); /* endbr64; jmp *slot(%rip) */
	memcpy(code + 86, &to[0], 4);
	memcpy(code + 96, (const __u8[]){0xff, 0x25}, 2);
	memcpy(code + 98, &to[1], 4);
	image_begin(image, EM_X86_64, code, sizeof(code));
	dynsym = image_symbols(image, SHT_DYNSYM, symbols, 2);
	rela = image_section(image, ".rela.plt", SHT_RELA, image_data(image, 0, relocations, sizeof(relocations)),
			     NULL, sizeof(relocations));
	image->sections[rela].sh_link = (__u32)dynsym;
	image_finish(image);
}

static void wrappers_lead_to_the_function_that_does_the_work(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		const struct wrapper *test = &wrappers[i];
		const struct elf_function function = {IMAGE_CODE, IMAGE_CODE_OFFSET, test->size};
		struct inner inner = {.fourth = FOURTH_UNTOUCHED};
		struct elf_file *file;
		struct image image;
		int err;

		make_wrapper(&image, test);
		assert_int_equal(image_open(&image, &file), 0);
		err = function_inner(file, &function, &inner);
		elf_file_close(file);
		if (err != test->err || inner.fourth != test->fourth ||
		    inner.function.address != (test->err ? 0 : (__u64)IMAGE_CODE + (__u64)test->inner))
			fail_msg("%s: %d, %llx, %d", test->what, err, inner.function.address, (int)inner.fourth);
	}
}

static void aarch64_is_probed_at_the_entry(void **state)
{
	static const __u32 code[] = {0xa9bf7bfd, 0x94000002, 0xd65f03c0}; /* stp x29,x30,[sp,#-16]!; bl; ret */
	const struct elf_function function = {IMAGE_CODE, IMAGE_CODE_OFFSET, sizeof(code)};
	struct landing landing;
	struct elf_file *file;
	struct image image;
	struct inner inner;

	(void)state;
	image_begin(&image, EM_AARCH64, code, sizeof(code));
	image_finish(&image);
	assert_int_equal(image_open(&image, &file), 0);
	assert_int_equal(prologue_landing(file, &function, 6, false, &landing), 0);
	assert_int_equal(landing.offset, IMAGE_CODE_OFFSET);
	assert_int_equal(landing.stack_moved, 0);
	assert_int_equal(function_inner(file, &function, &inner), -ENOTSUP);
	elf_file_close(file);
}

/* ---- Hostile hands ------------------------------------------------------------------------------------------- */

static void look(int fd)
{
	const struct elf_function function = {IMAGE_CODE, IMAGE_CODE_OFFSET, 33};
	struct landing landing;
	struct elf_file *file;
	struct inner inner;

	if (elf_file_open(&file, fd))
		return;
	prologue_landing(file, &function, 6, false, &landing);
	function_inner(file, &function, &inner);
	elf_file_close(file);
}

static void broken_files_break_nothing_else(void **state)
{
	struct image image;

	(void)state;
	make_wrapper(&image, &wrappers[1]);
	image_in_hostile_hands(image.bytes, image.size, look);
	make_wrapper(&image, &wrappers[5]);
	image_in_hostile_hands(image.bytes, image.size, look);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(landings_are_as_compilers_and_loops_allow),
		cmocka_unit_test(without_a_size_only_the_entry_is_certain),
		cmocka_unit_test(a_part_moved_away_may_jump_back_but_not_before_the_landing),
		cmocka_unit_test(wrappers_lead_to_the_function_that_does_the_work),
		cmocka_unit_test(aarch64_is_probed_at_the_entry),
		cmocka_unit_test(broken_files_break_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
