/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * elf_file ──> [usdt] ──> uprobes: the static probes (USDT) that a program declares in .note.stapsdt, and where each
 * keeps its arguments (systemtap wiki, "UserSpaceProbeImplementation"; arguments are written as the compiler's
 * assembler writes operands).
 */
#ifndef TAPSTAT_USDT_H
#define TAPSTAT_USDT_H

#include "elf_file.h"

enum { USDT_NAME_BYTES = 128, USDT_ARGUMENTS_BYTES = 512, USDT_MAX_ARGUMENTS = 12 };

struct usdt_probe {
	char provider[USDT_NAME_BYTES], name[USDT_NAME_BYTES];
	char arguments[USDT_ARGUMENTS_BYTES];
	__u64 address, offset;  /* of a nop */
	__u64 semaphore_offset; /* of the counter that turns the probe on; 0: none */
};

/* What the walk calls for each probe; anything but 0 ends the walk. */
typedef int usdt_visit(void *context, const struct usdt_probe *probe);

/*
 * All probes, in the order of the notes; one name often stands at several places. Those that lie in no code or have
 * longer texts are passed over. 0, what `visit` returned, or -ENOEXEC.
 */
int usdt_each(struct elf_file *file, usdt_visit *visit, void *context);

enum usdt_place {
	USDT_UNSUPPORTED, /* a symbol, a floating-point register, a form not known here */
	USDT_CONSTANT,
	USDT_REGISTER,
	USDT_MEMORY /* at base + index * scale + value */
};

enum { USDT_NO_REGISTER = -1 };

struct usdt_argument {
	enum usdt_place place;
	bool is_signed;
	__u8 size; /* 1, 2, 4 or 8 bytes */
	__u8 scale;
	__s16 base, index; /* offset in struct pt_regs (aarch64: user_pt_regs), or USDT_NO_REGISTER */
	__s64 value;       /* the constant, or the displacement */
};

/*
 * Reads an argument string of `machine`. The number of arguments, those unsupported included; -EINVAL: no argument
 * string; -E2BIG: more than `max`. On failure arguments[] is undefined.
 */
int usdt_arguments_parse(__u16 machine, const char *text, struct usdt_argument arguments[], size_t max);

#endif
