/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* code of an ELF file ──> [instructions] ──> effect, prologue: one instruction after the other, by
 * capstone. */
#ifndef TAPSTAT_INSTRUCTIONS_H
#define TAPSTAT_INSTRUCTIONS_H

#include <capstone/capstone.h>

#include "elf_file.h"

enum { INSTRUCTIONS_MAX_BYTES = 1 << 20 /* of one function; sqlite3VdbeExec() has 40 KiB */ };

struct instructions {
	csh decoder;
	cs_insn *now;     /* what instructions_next() decoded, valid until it is called again */
	__u8 *code;       /* all of it */
	const __u8 *next; /* what is not decoded yet: `left` bytes at `address` */
	size_t left;
	uint64_t address; /* not __u64: capstone takes a pointer to it */
};

/* `size` bytes at `address`. 0; -ENOEXEC: they are not in the file; -E2BIG: too many; -ENOMEM. */
int instructions_open(struct instructions *out, struct elf_file *file, __u64 address, __u64 size);

/* Decodes one. False: none is left, or (left != 0) the next bytes are none. */
bool instructions_next(struct instructions *code);

void instructions_close(struct instructions *code);

enum instruction_jump {
	JUMP_NONE,
	JUMP_DIRECT,  /* conditional or not, to *target */
	JUMP_SLOT,    /* through the word at the fixed address *target: of the GOT */
	JUMP_POINTER, /* through a pointer in a structure: what is there may not be known, but it is a function */
	JUMP_COMPUTED /* anywhere: a table of the function's own places, or a function */
};

/* Whether the instruction jumps (calls and returns don't), and where to. */
enum instruction_jump instruction_jump(const struct instructions *code, __u64 *target);

/* Likewise for a call. */
enum instruction_jump instruction_call(const struct instructions *code, __u64 *target);

bool instruction_returns(const struct instructions *code);

#endif
