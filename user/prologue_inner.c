/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* a function of an ELF file ──> [prologue] ──> uprobes: which function a thin wrapper calls. See prologue.h. */
#include "prologue.h"

#include <errno.h>

#include "effect.h"
#include "elf_symbols.h"
#include "elf_unwind.h"

enum {
	WRAPPER_BYTES = 128, /* before the call */
	STUB_BYTES = 16,     /* of the PLT: endbr64 and a jump */
};

/* A relative relocation stands where the symbol is bound at link time: a static or hidden function. */
static int function_in_slot(struct elf_file *file, __u64 slot, struct elf_function *out)
{
	struct elf_function found = {0};
	int err = elf_symbols_slot(file, slot, &found);

	if (err == -ENOENT) {
		err = elf_symbols_relative(file, slot, &found.address);
		if (!err)
			err = elf_file_offset(file, found.address, true, &found.offset);
	}
	if (!err)
		*out = found;
	return err;
}

/* Whether there is a stub of the PLT at `address`, and through which word it jumps. */
static bool is_stub(struct elf_file *file, __u64 address, __u64 *slot)
{
	__u64 size = elf_file_bytes_from(file, address);
	struct instructions code;
	bool found;

	if (instructions_open(&code, file, address, size < STUB_BYTES ? size : STUB_BYTES))
		return false;
	found = instructions_next(&code);
	if (found && code.now->id == X86_INS_ENDBR64)
		found = instructions_next(&code);
	found = found && instruction_jump(&code, slot) == JUMP_SLOT;
	instructions_close(&code);
	return found;
}

static int function_at(struct elf_file *file, __u64 address, struct elf_function *out)
{
	struct elf_function found = {.address = address}, range;
	__u64 slot;
	int err;

	if (is_stub(file, address, &slot)) {
		err = function_in_slot(file, slot, &found);
	} else {
		err = elf_file_offset(file, address, true, &found.offset);
	}
	if (err)
		return err;
	if (!found.size && !elf_unwind_find(file, found.address, &range) && range.address == found.address)
		found.size = range.size;
	*out = found;
	return 0;
}

/* movslq %edx,%rdx or mov %edx,%edx: `int` to `size_t`. */
static bool extends_third(const cs_insn *now)
{
	const cs_x86_op *to = &now->detail->x86.operands[0], *from = &now->detail->x86.operands[1];

	if (from->type != X86_OP_REG || from->reg != X86_REG_EDX)
		return false;
	return (now->id == X86_INS_MOVSXD && to->reg == X86_REG_RDX) ||
	       (now->id == X86_INS_MOV && to->reg == X86_REG_EDX);
}

/* mov %rsp,%rcx or lea n(%rsp),%rcx */
static enum fourth_argument fourth_from(const cs_insn *now)
{
	const cs_x86_op *to = &now->detail->x86.operands[0], *from = &now->detail->x86.operands[1];

	if (to->reg == X86_REG_RCX &&
	    ((now->id == X86_INS_MOV && from->type == X86_OP_REG && from->reg == X86_REG_RSP) ||
	     (now->id == X86_INS_LEA && from->mem.base == X86_REG_RSP && from->mem.index == X86_REG_INVALID)))
		return FOURTH_ON_STACK;
	return FOURTH_OTHER;
}

/* One instruction on the way to the call. False: the function does more than hand on its arguments. */
static bool passes_on(const struct instructions *code, enum fourth_argument *fourth)
{
	struct effect effect;

	if (!effect_of(code, &effect))
		return false;
	switch (effect.written) {
	case ARGUMENT_RDI:
	case ARGUMENT_RSI:
		return false;
	case ARGUMENT_RDX:
		return extends_third(code->now);
	case ARGUMENT_RCX:
		*fourth = fourth_from(code->now);
		return true;
	case ARGUMENT_R8:
	case ARGUMENT_R9:
	case ARGUMENT_NONE:
		break;
	}
	return true;
}

static int find_inner(struct elf_file *file, struct instructions *code, struct inner *out)
{
	struct inner inner = {.fourth = FOURTH_UNTOUCHED};

	while (instructions_next(code)) {
		__u64 target;
		enum instruction_jump jump = instruction_jump(code, &target);
		bool conditional = jump != JUMP_NONE && code->now->id != X86_INS_JMP;

		if (conditional)
			continue;
		if (jump == JUMP_NONE)
			jump = instruction_call(code, &target);
		if (jump == JUMP_NONE) {
			if (!passes_on(code, &inner.fourth))
				return -ENOENT;
			continue;
		}
		if (jump != JUMP_DIRECT && jump != JUMP_SLOT)
			return -ENOENT;
		if (jump == JUMP_DIRECT ? function_at(file, target, &inner.function)
					: function_in_slot(file, target, &inner.function))
			return -ENOENT;
		*out = inner;
		return 0;
	}
	return -ENOENT;
}

int function_inner(struct elf_file *file, const struct elf_function *function, struct inner *out)
{
	__u64 size = elf_file_bytes_from(file, function->address);
	struct instructions code;
	int err;

	if (elf_file_machine(file) != EM_X86_64)
		return -ENOTSUP;
	if (function->size && function->size < size)
		size = function->size;
	err = instructions_open(&code, file, function->address, size < WRAPPER_BYTES ? size : WRAPPER_BYTES);
	if (err)
		return err;
	err = find_inner(file, &code, out);
	instructions_close(&code);
	return err;
}
