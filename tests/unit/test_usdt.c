/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Static probes: their notes and their arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "elf_image.h"
#include "usdt.h"

/* ---- Notes --------------------------------------------------------------------------------------------------- */

struct note {
	Elf64_Nhdr head;
	char owner[8];
	__u64 address, base, semaphore;
	char texts[40]; /* provider, name, arguments */
} __attribute__((packed));

/* Prelink moved the code by 0x10 and left the notes alone. */
static const struct note notes[] = {
	{{8, 64, 3}, "stapsdt", IMAGE_CODE - 0x10, IMAGE_DATA - 0x10, 0, "libfirst\0begin\0-4@%edi 8@(%rsi)"},
	{{8, 64, 3}, "stapsdx", IMAGE_CODE, IMAGE_DATA, 0, "other\0owner\0"},
	{{8, 64, 3}, "stapsdt", IMAGE_CODE + 0x10, IMAGE_DATA - 0x10, IMAGE_DATA + 0xf0, "libfirst\0end\0"},
	{{8, 64, 3}, "stapsdt", IMAGE_DATA, IMAGE_DATA, 0, "libfirst\0in_data\0"},
};

static void make_image(struct image *image)
{
	static const __u8 code[64] = {0x90};

	image_begin(image, EM_X86_64, code, sizeof(code));
	image_section(image, ".stapsdt.base", SHT_PROGBITS, IMAGE_DATA, NULL, 1);
	image_section(image, ".note.stapsdt", SHT_NOTE, 0, notes, sizeof(notes));
	image_finish(image);
}

struct seen {
	struct usdt_probe probe[4];
	int n;
};

static int note_probe(void *context, const struct usdt_probe *probe)
{
	struct seen *seen = context;

	assert_true(seen->n < 4);
	seen->probe[seen->n++] = *probe;
	return 0;
}

static void probes_are_found_where_prelink_moved_them(void **state)
{
	struct seen seen = {.n = 0};
	struct elf_file *file;
	struct image image;

	(void)state;
	make_image(&image);
	assert_int_equal(image_open(&image, &file), 0);
	assert_int_equal(usdt_each(file, note_probe, &seen), 0);
	elf_file_close(file);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.probe[0].provider, "libfirst");
	assert_string_equal(seen.probe[0].name, "begin");
	assert_string_equal(seen.probe[0].arguments, "-4@%edi 8@(%rsi)");
	assert_int_equal(seen.probe[0].offset, IMAGE_CODE_OFFSET);
	assert_int_equal(seen.probe[0].semaphore_offset, 0);
	assert_string_equal(seen.probe[1].name, "end");
	assert_int_equal(seen.probe[1].offset, IMAGE_CODE_OFFSET + 0x20);
	assert_int_equal(seen.probe[1].semaphore_offset, IMAGE_DATA_OFFSET + 0x100);
}

static int stop(void *context, const struct usdt_probe *probe)
{
	(void)context;
	(void)probe;
	return -ENOENT;
}

static void a_visitor_ends_the_walk(void **state)
{
	struct elf_file *file;
	struct image image;

	(void)state;
	make_image(&image);
	assert_int_equal(image_open(&image, &file), 0);
	assert_int_equal(usdt_each(file, stop, NULL), -ENOENT);
	elf_file_close(file);
}

static int ignore(void *context, const struct usdt_probe *probe)
{
	struct usdt_argument arguments[USDT_MAX_ARGUMENTS];

	(void)context;
	usdt_arguments_parse(EM_X86_64, probe->arguments, arguments, USDT_MAX_ARGUMENTS);
	usdt_arguments_parse(EM_AARCH64, probe->arguments, arguments, USDT_MAX_ARGUMENTS);
	return 0;
}

static void look(int fd)
{
	struct elf_file *file;

	if (elf_file_open(&file, fd))
		return;
	usdt_each(file, ignore, NULL);
	elf_file_close(file);
}

static void broken_files_break_nothing_else(void **state)
{
	struct image image;

	(void)state;
	make_image(&image);
	image_in_hostile_hands(image.bytes, image.size, look);
}

/* ---- Arguments ----------------------------------------------------------------------------------------------- */

enum { RBP = 32, RAX = 80, RSI = 104, RDI = 112, NONE = USDT_NO_REGISTER };

struct operands {
	__u16 machine;
	const char *text;
	int n; /* or the error */
	struct usdt_argument argument[4];
};

static const struct operands operands[] = {
	{EM_X86_64, "", 0, {{0}}},
	{EM_X86_64,
	 "-4@%edi 8@-16(%rbp) 4@$5 8@%rax",
	 4,
	 {{USDT_REGISTER, true, 4, 0, RDI, NONE, 0},
	  {USDT_MEMORY, false, 8, 1, RBP, NONE, -16},
	  {USDT_CONSTANT, false, 4, 0, NONE, NONE, 5},
	  {USDT_REGISTER, false, 8, 0, RAX, NONE, 0}}},
	{EM_X86_64,
	 "8@(%rdi,%rsi,4) -8@$-1 2@8(,%rsi,8) 1@%dil",
	 4,
	 {{USDT_MEMORY, false, 8, 4, RDI, RSI, 0},
	  {USDT_CONSTANT, true, 8, 0, NONE, NONE, -1},
	  {USDT_MEMORY, false, 2, 8, NONE, RSI, 8},
	  {USDT_REGISTER, false, 1, 0, RDI, NONE, 0}}},
	{EM_X86_64,
	 "8@$18446744073709551615 8@0x10(%rdi,%rsi)",
	 2,
	 {{USDT_CONSTANT, false, 8, 0, NONE, NONE, -1}, {USDT_MEMORY, false, 8, 1, RDI, RSI, 16}}},
	{EM_X86_64,
	 "4@foo(%rip) 8@%rdi",
	 2,
	 {{USDT_UNSUPPORTED, false, 4, 0, NONE, NONE, 0}, {USDT_REGISTER, false, 8, 0, RDI, NONE, 0}}},
	{EM_X86_64,
	 "8f@%xmm0 8@foo+4(%rip) 1@%ah 8@%fs:16(%rax)",
	 4,
	 {{USDT_UNSUPPORTED, false, 8, 0, NONE, NONE, 0},
	  {USDT_UNSUPPORTED, false, 8, 0, NONE, NONE, 0},
	  {USDT_UNSUPPORTED, false, 1, 0, NONE, NONE, 0},
	  {USDT_UNSUPPORTED, false, 8, 0, NONE, NONE, 0}}},
	{EM_X86_64,
	 "8@(%rdi,%rsi,3) 8@() 8@16",
	 3,
	 {{USDT_UNSUPPORTED, false, 8, 0, NONE, NONE, 0},
	  {USDT_UNSUPPORTED, false, 8, 0, NONE, NONE, 0},
	  {USDT_UNSUPPORTED, false, 8, 0, NONE, NONE, 0}}},
	{EM_X86_64, "3@%rdi", -EINVAL, {{0}}},
	{EM_X86_64, "%rdi", -EINVAL, {{0}}},
	{EM_X86_64, "8@%rdi 8@%rdi 8@%rdi 8@%rdi 8@%rdi", -E2BIG, {{0}}},
	{EM_AARCH64,
	 "-4@x0 8@[sp, 16] 4@5 -8@-5",
	 4,
	 {{USDT_REGISTER, true, 4, 0, 0, NONE, 0},
	  {USDT_MEMORY, false, 8, 1, 248, NONE, 16},
	  {USDT_CONSTANT, false, 4, 0, NONE, NONE, 5},
	  {USDT_CONSTANT, true, 8, 0, NONE, NONE, -5}}},
	{EM_AARCH64,
	 "8@[x29] 4@w30 8@[x1,-8] 8@sp",
	 4,
	 {{USDT_MEMORY, false, 8, 1, 232, NONE, 0},
	  {USDT_REGISTER, false, 4, 0, 240, NONE, 0},
	  {USDT_MEMORY, false, 8, 1, 8, NONE, -8},
	  {USDT_REGISTER, false, 8, 0, 248, NONE, 0}}},
	{EM_AARCH64,
	 "8@[x0, x1, lsl 3] 8f@d0 8@x31 8@[x0",
	 4,
	 {{USDT_UNSUPPORTED, false, 8, 0, NONE, NONE, 0},
	  {USDT_UNSUPPORTED, false, 8, 0, NONE, NONE, 0},
	  {USDT_UNSUPPORTED, false, 8, 0, NONE, NONE, 0},
	  {USDT_UNSUPPORTED, false, 8, 0, NONE, NONE, 0}}},
};

static bool equal(const struct usdt_argument *a, const struct usdt_argument *b)
{
	return a->place == b->place && a->is_signed == b->is_signed && a->size == b->size && a->scale == b->scale &&
	       a->base == b->base && a->index == b->index && a->value == b->value;
}

static void operands_of_both_assemblers_are_understood_or_told_unsupported(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(operands) / sizeof(operands[0]); i++) {
		const struct operands *test = &operands[i];
		struct usdt_argument argument[4];
		int n = usdt_arguments_parse(test->machine, test->text, argument, 4);

		if (n != test->n)
			fail_msg("%s: %d", test->text, n);
		for (int j = 0; j < n; j++)
			if (!equal(&argument[j], &test->argument[j]))
				fail_msg("%s: argument %d: place %d, size %d, base %d, index %d * %d, value %lld",
					 test->text, j, (int)argument[j].place, argument[j].size, argument[j].base,
					 argument[j].index, argument[j].scale, argument[j].value);
	}
}

static void offsets_are_those_of_the_kernel_s_registers(void **state)
{
	(void)state;
#ifdef __x86_64__
	assert_int_equal(offsetof(struct user_regs_struct, rbp), RBP);
	assert_int_equal(offsetof(struct user_regs_struct, rax), RAX);
	assert_int_equal(offsetof(struct user_regs_struct, rsi), RSI);
	assert_int_equal(offsetof(struct user_regs_struct, rdi), RDI);
#else
	assert_int_equal(offsetof(struct user_regs_struct, regs[29]), 232);
	assert_int_equal(offsetof(struct user_regs_struct, sp), 248);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_are_found_where_prelink_moved_them),
		cmocka_unit_test(a_visitor_ends_the_walk),
		cmocka_unit_test(broken_files_break_nothing_else),
		cmocka_unit_test(operands_of_both_assemblers_are_understood_or_told_unsupported),
		cmocka_unit_test(offsets_are_those_of_the_kernel_s_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
