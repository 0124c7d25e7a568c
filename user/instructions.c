/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* code of an ELF file ──> [instructions] ──> prologue, function_returns: see instructions.h. */
#include "instructions.h"

#include <errno.h>
#include <stdlib.h>

int instructions_open(struct instructions *out, struct elf_file *file, __u64 address, __u64 size)
{
	struct instructions code = {.machine = elf_file_machine(file), .left = (size_t)size, .address = address};
	bool x86 = code.machine == EM_X86_64;
	int err;

	if (size > INSTRUCTIONS_MAX_BYTES)
		return -E2BIG;
	code.code = malloc(size ? size : 1);
	if (!code.code)
		return -ENOMEM;
	code.next = code.code;
	err = elf_file_read_address(file, address, code.code, size);
	if (!err && cs_open(x86 ? CS_ARCH_X86 : CS_ARCH_ARM64, x86 ? CS_MODE_64 : CS_MODE_ARM, &code.decoder))
		err = -ENOMEM;
	if (!err) {
		cs_option(code.decoder, CS_OPT_DETAIL, CS_OPT_ON);
		code.now = cs_malloc(code.decoder);
		if (!code.now)
			err = -ENOMEM;
	}
	if (err) {
		instructions_close(&code);
		return err;
	}
	*out = code;
	return 0;
}

bool instructions_next(struct instructions *code)
{
	return cs_disasm_iter(code->decoder, &code->next, &code->left, &code->address, code->now);
}

void instructions_close(struct instructions *code)
{
	if (code->now)
		cs_free(code->now, 1);
	if (code->decoder)
		cs_close(&code->decoder);
	free(code->code);
}

static bool in_group(const struct instructions *code, uint8_t group)
{
	return cs_insn_group(code->decoder, code->now, group);
}

static enum instruction_jump x86_target(const struct instructions *code, __u64 *target)
{
	const cs_x86 *x86 = &code->now->detail->x86;
	const cs_x86_op *to = &x86->operands[0];

	if (x86->op_count != 1)
		return JUMP_COMPUTED;
	if (to->type == X86_OP_IMM) {
		*target = (__u64)to->imm;
		return JUMP_DIRECT;
	}
	if (to->type != X86_OP_MEM)
		return JUMP_COMPUTED;
	if (to->mem.base == X86_REG_RIP && to->mem.index == X86_REG_INVALID) {
		*target = code->address + (__u64)to->mem.disp; /* of the next instruction */
		return JUMP_SLOT;
	}
	return to->mem.base != X86_REG_INVALID && to->mem.index == X86_REG_INVALID ? JUMP_POINTER : JUMP_COMPUTED;
}

/* The place is the last operand, behind the register that is tested. */
static enum instruction_jump arm64_target(const struct instructions *code, __u64 *target)
{
	const cs_arm64 *arm64 = &code->now->detail->arm64;

	if (!arm64->op_count || arm64->operands[arm64->op_count - 1].type != ARM64_OP_IMM)
		return JUMP_COMPUTED;
	*target = (__u64)arm64->operands[arm64->op_count - 1].imm;
	return JUMP_DIRECT;
}

static enum instruction_jump target_of(const struct instructions *code, __u64 *target)
{
	return code->machine == EM_X86_64 ? x86_target(code, target) : arm64_target(code, target);
}

/* capstone 4 takes BL and BLR for jumps, and LOOP for none. */
static bool is_call(const struct instructions *code)
{
	if (code->machine == EM_X86_64)
		return in_group(code, CS_GRP_CALL);
	return code->now->id == ARM64_INS_BL || code->now->id == ARM64_INS_BLR;
}

static bool is_jump(const struct instructions *code)
{
	if (code->machine == EM_X86_64)
		return !is_call(code) && (in_group(code, CS_GRP_JUMP) || in_group(code, CS_GRP_BRANCH_RELATIVE));
	switch (code->now->id) {
	case ARM64_INS_B:
	case ARM64_INS_BR:
	case ARM64_INS_CBZ:
	case ARM64_INS_CBNZ:
	case ARM64_INS_TBZ:
	case ARM64_INS_TBNZ:
		return true;
	}
	return false;
}

enum instruction_jump instruction_jump(const struct instructions *code, __u64 *target)
{
	return is_jump(code) ? target_of(code, target) : JUMP_NONE;
}

enum instruction_jump instruction_call(const struct instructions *code, __u64 *target)
{
	return is_call(code) ? target_of(code, target) : JUMP_NONE;
}

bool instruction_returns(const struct instructions *code)
{
	if (code->machine == EM_X86_64)
		return in_group(code, CS_GRP_RET);
	return code->now->id == ARM64_INS_RET;
}
