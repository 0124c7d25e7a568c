/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* a function of a Go program ──> [go_prologue] ──> uprobes: see go_prologue.h. */
#include "go_prologue.h"

#include "instructions.h"

enum {
	STACK_GUARD = 16,       /* offset of stackguard0 in struct g, src/runtime/runtime2.go */
	CHECK_BYTES = 48,       /* the longest check, of a very large frame */
	CHECK_WORDS = 10,       /* likewise, of aarch64 */
	LDR_GUARD = 0xf9400b90, /* ldr x16, [x28, #16] */
	B_LS = 0x54000009,
	B_LS_MASK = 0xff00001f,
};

static __u64 smaller(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

/* cmp 0x10(%r14), REGISTER: the lowest address that the stack may reach. */
static bool compares_guard(const struct instructions *code)
{
	const cs_x86 *x86 = &code->now->detail->x86;
	const cs_x86_op *memory = &x86->operands[1];

	return code->now->id == X86_INS_CMP && x86->op_count == 2 && memory->type == X86_OP_MEM &&
	       memory->mem.base == X86_REG_R14 && memory->mem.index == X86_REG_INVALID &&
	       memory->mem.disp == STACK_GUARD;
}

/* How far behind the entry the check ends; 0: there is none. */
static __u64 check_x86(struct instructions *code, __u64 entry)
{
	while (instructions_next(code)) {
		if (!compares_guard(code))
			continue;
		return instructions_next(code) && code->now->id == X86_INS_JBE ? code->address - entry : 0;
	}
	return 0;
}

static int find_x86(struct elf_file *file, const struct elf_function *function, __u64 size, __u64 *bytes)
{
	struct instructions code;
	int err = instructions_open(&code, file, function->address, smaller(size, CHECK_BYTES));

	if (err)
		return err;
	*bytes = check_x86(&code, function->address);
	instructions_close(&code);
	return 0;
}

/* Where the stack is nearly at address 0, another jump is before the one that counts. */
static int find_arm64(struct elf_file *file, const struct elf_function *function, __u64 size, __u64 *bytes)
{
	__u32 word[CHECK_WORDS];
	__u64 n = smaller(size / sizeof(word[0]), CHECK_WORDS);
	int err = elf_file_read_address(file, function->address, word, n * sizeof(word[0]));

	*bytes = 0;
	for (__u64 i = 1; !err && i < n && word[0] == LDR_GUARD && !*bytes; i++)
		if ((word[i] & B_LS_MASK) == B_LS)
			*bytes = (i + 1) * sizeof(word[0]);
	return err;
}

int go_prologue_entry(struct elf_file *file, const struct elf_function *function, __u64 *offset)
{
	__u64 size = smaller(function->size, elf_file_bytes_from(file, function->address)), bytes;
	int err = elf_file_machine(file) == EM_X86_64 ? find_x86(file, function, size, &bytes)
						      : find_arm64(file, function, size, &bytes);

	if (!err)
		*offset = function->offset + (bytes < size ? bytes : 0);
	return err;
}
