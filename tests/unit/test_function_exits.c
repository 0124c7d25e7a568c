/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ways out of a function: returns, jumps to other functions, and jumps that only look like them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "elf_image.h"
#include "function_exits.h"

enum {
	MAX_CODE = 16,
	AWAY = 0x40, /* where the other range begins; the function does at the start of the code */
	EXITS = 4,
	TABLE = 0x100, /* of exceptions, in the data */
	FRAMES = 0x180,
};

/* Bytes of code, and how many. */
#define CODE(...)                                                  \
	{                                                          \
		{__VA_ARGS__}, sizeof((const __u8[]){__VA_ARGS__}) \
	}
#define RET 0xc3
#define NOP 0x90
/* From the place `at` of a jump of so many bytes to the other range. */
#define TO_AWAY(at, bytes) (AWAY - (at) - (bytes)), 0, 0, 0
#define JMP_AWAY(at) 0xe9, TO_AWAY(at, 5)
#define JE_AWAY(at) 0x0f, 0x84, TO_AWAY(at, 6)
#define JMP_RAX 0xff, 0xe0
#define BACK(at, to) 0xeb, (__u8)((to) - (AWAY + (at)) - 2)

struct way {
	const char *what;
	struct code {
		__u8 byte[MAX_CODE];
		size_t size;
	} code, away;
	const char *away_name; /* NULL: it has no symbol */
	int n;                 /* exits, or the error */
	struct {
		int at;
		bool is_tail_call;
	} exit[EXITS];
};

static const struct way ways[] = {
	{"a return", CODE(RET, NOP), CODE(RET), NULL, 1, {{0, false}}},
	{"a jump away", CODE(NOP, JMP_AWAY(1), RET), CODE(RET), "other", 2, {{6, false}, {1, true}}},
	{"a jump away in a stripped file", CODE(NOP, JMP_AWAY(1), RET), CODE(RET), NULL, 2, {{6, false}, {1, true}}},
	{"a conditional jump away", CODE(NOP, JE_AWAY(1), RET), CODE(RET), "other", -EXDEV, {{0}}},
	{"... in a stripped file", CODE(NOP, JE_AWAY(1), RET), CODE(RET), NULL, -EXDEV, {{0}}},
	{"to a part that returns",
	 CODE(NOP, JE_AWAY(1), RET),
	 CODE(NOP, RET),
	 "main.cold",
	 2,
	 {{7, false}, {AWAY + 1, false}}},
	{"to a part that comes back", CODE(NOP, JE_AWAY(1), RET), CODE(NOP, BACK(1, 7)), NULL, 1, {{7, false}}},
	{"to what never returns", CODE(NOP, JE_AWAY(1), RET), CODE(0x0f, 0x0b, 0xeb, 0xfc), NULL, 1, {{7, false}}},
	{"to nothing known", CODE(NOP, 0xe9, 0x7f, 0, 0, 0, RET), CODE(RET), NULL, 2, {{6, false}, {1, true}}},
	{"through the GOT", CODE(0xff, 0x25, 0, 0, 0, 0), CODE(RET), NULL, 1, {{0, true}}},
	{"through a method's address", CODE(0xff, 0x60, 8, RET), CODE(RET), NULL, 2, {{3, false}, {0, true}}},
	{"by a table", CODE(0xff, 0x24, 0xc5, 0, 0, 0, 0, RET), CODE(RET), NULL, 1, {{7, false}}},
	/* movslq (%rdx,%rax,4),%rax; add %rdx,%rax; jmp *%rax; ret */
	{"by a table of distances",
	 CODE(0x48, 0x63, 0x04, 0x82, 0x48, 0x01, 0xd0, JMP_RAX, RET),
	 CODE(RET),
	 NULL,
	 1,
	 {{9, false}}},
	/* mov (%rdx,%rax,8),%rax */
	{"by an address out of a table",
	 CODE(0x48, 0x8b, 0x04, 0xc2, JMP_RAX, RET),
	 CODE(RET),
	 NULL,
	 1,
	 {{6, false}}},
	/* mov 8(%rdi),%rax */
	{"to an address out of a structure",
	 CODE(0x48, 0x8b, 0x47, 8, JMP_RAX, RET),
	 CODE(RET),
	 NULL,
	 2,
	 {{6, false}, {4, true}}},
	{"to an argument", CODE(0xff, 0xe7, RET), CODE(RET), NULL, 2, {{2, false}, {0, true}}},
	/* mov %rdi,%rax */
	{"to a copied argument", CODE(0x48, 0x89, 0xf8, JMP_RAX, RET), CODE(RET), NULL, 2, {{5, false}, {3, true}}},
	/* notrack jmp *%rdi */
	{"marked as one by a table", CODE(0x3e, 0xff, 0xe7, RET), CODE(RET), NULL, 1, {{3, false}}},
	/* xor %eax,%eax */
	{"to a number", CODE(0x31, 0xc0, JMP_RAX, RET), CODE(RET), NULL, -ENOTSUP, {{0}}},
	{"to its own entry", CODE(NOP, 0xeb, 0xfd, RET), CODE(RET), NULL, 1, {{3, false}}},
	{"more than fit", CODE(RET, RET, RET, RET, RET), CODE(RET), NULL, -E2BIG, {{0}}},
	{"what is no code", CODE(RET, 0x06, RET), CODE(RET), NULL, -EILSEQ, {{0}}},
};

/* .eh_frame_hdr with two ranges (LSB Core, "Exception Frames"). */
static void add_unwind_table(struct image *image, const struct way *way)
{
	const __u64 base = IMAGE_DATA + TABLE, frames = IMAGE_DATA + FRAMES;
	const __u64 starts[] = {IMAGE_CODE, IMAGE_CODE + AWAY}, sizes[] = {way->code.size, way->away.size};
	struct {
		__u8 version, frame_encoding, count_encoding, table_encoding;
		__s32 frame;
		__u32 count;
		__s32 entry[2][2];
	} header = {1, 0x1b, 0x03, 0x3b, 0, 2, {{0}}};

	for (int i = 0; i < 2; i++) {
		__u64 at = frames + (__u64)i * 16;
		__s32 frame[4] = {12, 0, (__s32)(starts[i] - (at + 8)), (__s32)sizes[i]};

		header.entry[i][0] = (__s32)(starts[i] - base);
		header.entry[i][1] = (__s32)(at - base);
		image_data(image, FRAMES + (size_t)i * 16, frame, sizeof(frame));
	}
	image_data(image, TABLE, &header, sizeof(header));
	image_segment(image, PT_GNU_EH_FRAME, base, sizeof(header));
}

static void make_image(const struct way *way, struct image *image)
{
	const struct image_symbol symbols[] = {{"main", STT_FUNC, IMAGE_CODE, way->code.size},
					       {way->away_name, STT_FUNC, IMAGE_CODE + AWAY, way->away.size}};
	__u8 code[AWAY + MAX_CODE];

	memset(code, NOP, sizeof(code));
	memcpy(code, way->code.byte, way->code.size);
	memcpy(code + AWAY, way->away.byte, way->away.size);
	image_begin(image, EM_X86_64, code, sizeof(code));
	add_unwind_table(image, way);
	image_symbols(image, SHT_SYMTAB, symbols, way->away_name ? 2 : 1);
	image_finish(image);
}

static int exits_of(const struct way *way, struct function_exit exits[EXITS])
{
	const struct elf_function function = {IMAGE_CODE, IMAGE_CODE_OFFSET, way->code.size};
	struct elf_file *file;
	struct image image;
	int n;

	make_image(way, &image);
	assert_int_equal(image_open(&image, &file), 0);
	n = function_exits(file, &function, exits, EXITS);
	elf_file_close(file);
	return n;
}

static void each_way_out_is_found_and_no_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct function_exit exits[EXITS] = {{0}};
		int n = exits_of(&ways[i], exits);

		if (n != ways[i].n)
			fail_msg("%s: %d", ways[i].what, n);
		for (int j = 0; j < n; j++)
			if (exits[j].offset != (__u64)(IMAGE_CODE_OFFSET + ways[i].exit[j].at) ||
			    exits[j].is_tail_call != ways[i].exit[j].is_tail_call)
				fail_msg("%s: exit %d at %lld", ways[i].what, j, exits[j].offset - IMAGE_CODE_OFFSET);
	}
}

static void words_of_aarch64_that_leave_are_found(void **state)
{
	/* cbz x0,+8; b away; add x1,x1,x2; br x1; br x16; ret */
	static const __u32 code[] = {0xb4000040, 0x1400001f, 0x8b020021, 0xd61f0020, 0xd61f0200, 0xd65f03c0};
	static const __u32 conditional[] = {0xb4000400, 0xd65f03c0}; /* cbz x0,away; ret */
	struct elf_function function = {IMAGE_CODE, IMAGE_CODE_OFFSET, sizeof(code)};
	struct function_exit exits[EXITS];
	struct elf_file *file;
	struct image image;

	(void)state;
	image_begin(&image, EM_AARCH64, code, sizeof(code));
	image_finish(&image);
	assert_int_equal(image_open(&image, &file), 0);
	assert_int_equal(function_exits(file, &function, exits, EXITS), 3);
	assert_int_equal(exits[0].offset, IMAGE_CODE_OFFSET + 20);
	assert_false(exits[0].is_tail_call);
	assert_int_equal(exits[1].offset, IMAGE_CODE_OFFSET + 4);
	assert_int_equal(exits[2].offset, IMAGE_CODE_OFFSET + 16);
	assert_true(exits[1].is_tail_call && exits[2].is_tail_call);
	elf_file_close(file);

	function.size = sizeof(conditional);
	image_begin(&image, EM_AARCH64, conditional, sizeof(conditional));
	image_finish(&image);
	assert_int_equal(image_open(&image, &file), 0);
	assert_int_equal(function_exits(file, &function, exits, EXITS), -EXDEV);
	elf_file_close(file);
}

static void look(int fd)
{
	const struct elf_function function = {IMAGE_CODE, IMAGE_CODE_OFFSET, MAX_CODE};
	struct function_exit exits[EXITS];
	struct elf_file *file;
	int n;

	if (elf_file_open(&file, fd))
		return;
	n = function_exits(file, &function, exits, EXITS);
	assert_true(n <= EXITS);
	elf_file_close(file);
}

static void hostile_files_do_no_harm(void **state)
{
	struct image image;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!ways[i].away_name)
			continue;
		make_image(&ways[i], &image);
		image_in_hostile_hands(image.bytes, image.size, look);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_out_is_found_and_no_other),
		cmocka_unit_test(words_of_aarch64_that_leave_are_found),
		cmocka_unit_test(hostile_files_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
