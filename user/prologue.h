/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * a function of an ELF file ──> [prologue] ──> uprobes: where a probe at its beginning costs least.
 *
 * The kernel emulates some instructions below a uprobe; all others it copies aside and single-steps, at fifteen times
 * the cost (docs/performance.md). On x86-64 it emulates push of a register, nop, and relative jumps and calls
 * (arch/x86/kernel/uprobes.c: push_setup_xol_ops(), branch_setup_xol_ops()). Not endbr64, sub $n,%rsp and mov, with
 * which many functions begin. So the probe goes to the first that is emulated, if that tells the same.
 */
#ifndef TAPSTAT_PROLOGUE_H
#define TAPSTAT_PROLOGUE_H

#include "elf_file.h"

struct landing {
	__u64 address, offset;
	__u32 stack_moved; /* the stack pointer at the entry is so many bytes above that at the probe */
	bool emulated;
};

/*
 * Where a probe is hit exactly when a call of `function` begins, once, with all arguments still in their registers:
 * the first emulated instruction that only straight-line code lies before and no jump leads to, or else the entry
 * itself. for_return: the stack pointer is unmoved, too, since a uretprobe takes the return address from where it
 * points. An instruction before it that faults keeps the probe from being hit.
 *
 * Whether a jump leads there is asked of the whole function and of each range of code that it jumps to; where that
 * can't be said (unknown size, computed jumps, no code) it is the entry. For aarch64 it always is: its kernel
 * simulates branches and nops only, which functions do not begin with.
 * 0, or a negative errno with *out untouched.
 */
int prologue_landing(struct elf_file *file, const struct elf_function *function, int arguments, bool for_return,
		     struct landing *out);

/* ---- Wrappers ------------------------------------------------------------------------------------------------ */

enum fourth_argument {
	FOURTH_UNTOUCHED,
	FOURTH_ON_STACK, /* an address in the wrapper's frame */
	FOURTH_OTHER
};

struct inner {
	struct elf_function function; /* its size is 0 where neither a symbol nor the unwind table tells it */
	enum fourth_argument fourth;
};

/*
 * The function that a thin wrapper hands its arguments to: the first call or jump out on the way that no conditional
 * jump is taken. First and second argument are untouched, the third at most extended from 32 bits. OpenSSL's
 * SSL_write and SSL_write_ex both lead to ssl_write_internal, the former with its own `written` as the fourth
 * argument. Through the PLT it is found where this file defines the symbol.
 *
 * -ENOENT: it is no such wrapper, or leads to another file; -ENOTSUP: not x86-64, the only machine where it pays.
 */
int function_inner(struct elf_file *file, const struct elf_function *function, struct inner *out);

#endif
