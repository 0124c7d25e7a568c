/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * instructions ──> [effect] ──> prologue: what one x86-64 instruction does to the registers that arguments come in
 * (psABI 3.2.3) and to the stack pointer.
 */
#ifndef TAPSTAT_EFFECT_H
#define TAPSTAT_EFFECT_H

#include "instructions.h"

enum argument { ARGUMENT_RDI, ARGUMENT_RSI, ARGUMENT_RDX, ARGUMENT_RCX, ARGUMENT_R8, ARGUMENT_R9, ARGUMENT_NONE };

struct effect {
	enum argument written; /* the one that it writes, in whole or in part */
	__u32 pushed;          /* by how many bytes it lowers the stack pointer */
};

/*
 * False: not known, because the instruction is not one of the plain ones that compilers begin functions with (it
 * jumps, calls, writes registers that it does not name, raises the stack pointer or sets it anew).
 */
bool effect_of(const struct instructions *code, struct effect *out);

/* The argument that the register is, or is a part of. */
enum argument effect_argument(x86_reg reg);

#endif
