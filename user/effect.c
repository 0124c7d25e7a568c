/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* instructions ──> [effect] ──> prologue: see effect.h. */
#include "effect.h"

enum { MAX_PUSHED = 1 << 20 /* by one instruction: larger frames are touched page by page first */ };

static const x86_reg registers[][4] = {
	[ARGUMENT_RDI] = {X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL},
	[ARGUMENT_RSI] = {X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL},
	[ARGUMENT_RDX] = {X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL},
	[ARGUMENT_RCX] = {X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL},
	[ARGUMENT_R8] = {X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B},
	[ARGUMENT_R9] = {X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B},
};

enum argument effect_argument(x86_reg reg)
{
	if (reg == X86_REG_DH)
		return ARGUMENT_RDX;
	if (reg == X86_REG_CH)
		return ARGUMENT_RCX;
	for (int argument = 0; argument < ARGUMENT_NONE; argument++)
		for (int part = 0; part < 4; part++)
			if (registers[argument][part] == reg)
				return (enum argument)argument;
	return ARGUMENT_NONE;
}

static bool is_stack_pointer(x86_reg reg)
{
	return reg == X86_REG_RSP || reg == X86_REG_ESP || reg == X86_REG_SP || reg == X86_REG_SPL;
}

/* What writes its first operand and nothing else but flags. */
static bool writes_first_operand(unsigned int id)
{
	switch (id) {
	case X86_INS_MOV:
	case X86_INS_MOVABS:
	case X86_INS_MOVZX:
	case X86_INS_MOVSX:
	case X86_INS_MOVSXD:
	case X86_INS_LEA:
	case X86_INS_XOR:
	case X86_INS_ADD:
	case X86_INS_SUB:
	case X86_INS_AND:
	case X86_INS_OR:
	case X86_INS_NOT:
	case X86_INS_NEG:
	case X86_INS_INC:
	case X86_INS_DEC:
	case X86_INS_SHL:
	case X86_INS_SHR:
	case X86_INS_SAR:
	case X86_INS_PXOR:
	case X86_INS_XORPS:
	case X86_INS_MOVAPS:
	case X86_INS_MOVUPS:
	case X86_INS_MOVDQA:
	case X86_INS_MOVDQU:
	case X86_INS_MOVD:
	case X86_INS_MOVQ:
	case X86_INS_MOVSS:
	case X86_INS_MOVHPS:
	case X86_INS_PUNPCKLQDQ:
		return true;
	}
	return false;
}

static bool writes_nothing(unsigned int id)
{
	return id == X86_INS_TEST || id == X86_INS_CMP || id == X86_INS_NOP || id == X86_INS_ENDBR64;
}

/* sub $n,%rsp, or the shorter add $-128,%rsp. */
static bool lowers_stack(const cs_insn *now, __u32 *bytes)
{
	const cs_x86_op *by = &now->detail->x86.operands[1];
	__s64 n;

	if ((now->id != X86_INS_SUB && now->id != X86_INS_ADD) || by->type != X86_OP_IMM)
		return false;
	n = now->id == X86_INS_SUB ? by->imm : -by->imm;
	if (n <= 0 || n > MAX_PUSHED)
		return false;
	*bytes = (__u32)n;
	return true;
}

bool effect_of(const struct instructions *code, struct effect *out)
{
	const cs_x86_op *to = &code->now->detail->x86.operands[0];
	struct effect effect = {.written = ARGUMENT_NONE};

	if (code->now->id == X86_INS_PUSH) {
		if (to->size != sizeof(__u64))
			return false;
		effect.pushed = sizeof(__u64);
	} else if (writes_first_operand(code->now->id)) {
		if (to->type == X86_OP_REG && to->reg == X86_REG_RSP) {
			if (!lowers_stack(code->now, &effect.pushed))
				return false;
		} else if (to->type == X86_OP_REG) {
			if (is_stack_pointer(to->reg))
				return false;
			effect.written = effect_argument(to->reg);
		}
	} else if (!writes_nothing(code->now->id)) {
		return false;
	}
	*out = effect;
	return true;
}
