/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * a function of an ELF file ──> [function_exits] ──> uprobes: every instruction at which it is left, by a return or
 * by a jump to another function that returns in its place. Those of the parts that the compiler put elsewhere
 * (NAME.cold) belong to it.
 */
#ifndef TAPSTAT_FUNCTION_EXITS_H
#define TAPSTAT_FUNCTION_EXITS_H

#include "elf_file.h"

struct function_exit {
	__u64 offset;
	bool is_tail_call;
};

/*
 * The number; or a negative errno with exits[] untouched. -EXDEV: a conditional jump leaves the function, and whether
 * it is taken can't be told by a probe on it; -ENOTSUP: it is not clear where a computed jump leads; else as
 * function_returns().
 *
 * A jump by a table is told from one through a pointer to a function by how the address came into its register. Where
 * a stripped file does not say what a jump leads to, what jumps back into the function is a part of it, and so is
 * what never returns.
 */
int function_exits(struct elf_file *file, const struct elf_function *function, struct function_exit exits[],
		   size_t max);

#endif
