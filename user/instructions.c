/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* code of an ELF file ──> [instructions] ──> effect, prologue: see instructions.h. */
#include "instructions.h"

#include <errno.h>
#include <stdlib.h>

int instructions_open(struct instructions *out, struct elf_file *file, __u64 address, __u64 size)
{
	struct instructions code = {.left = (size_t)size, .address = address};
	int err;

	if (size > INSTRUCTIONS_MAX_BYTES)
		return -E2BIG;
	code.code = malloc(size ? size : 1);
	if (!code.code)
		return -ENOMEM;
	code.next = code.code;
	err = elf_file_read_address(file, address, code.code, size);
	if (!err && cs_open(CS_ARCH_X86, CS_MODE_64, &code.decoder))
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

static enum instruction_jump target_of(const struct instructions *code, __u64 *target)
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

/* capstone 4 has LOOP in no group of jumps, but in that of relative branches; calls, too. */
enum instruction_jump instruction_jump(const struct instructions *code, __u64 *target)
{
	if (in_group(code, CS_GRP_CALL) || !(in_group(code, CS_GRP_JUMP) || in_group(code, CS_GRP_BRANCH_RELATIVE)))
		return JUMP_NONE;
	return target_of(code, target);
}

enum instruction_jump instruction_call(const struct instructions *code, __u64 *target)
{
	return in_group(code, CS_GRP_CALL) ? target_of(code, target) : JUMP_NONE;
}

bool instruction_returns(const struct instructions *code)
{
	return in_group(code, CS_GRP_RET);
}
