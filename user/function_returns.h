/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * a function of an ELF file ──> [function_returns] ──> uprobes: where it returns. For functions whose stack a
 * uretprobe would corrupt: Go moves stacks, and finds its way on them by return addresses.
 */
#ifndef TAPSTAT_FUNCTION_RETURNS_H
#define TAPSTAT_FUNCTION_RETURNS_H

#include "elf_file.h"

/*
 * File offsets of all return instructions, in their order. The number; -EINVAL: the size is unknown; -E2BIG: more
 * than `max`, or too large a function; -EILSEQ: not all of its bytes are instructions, or a jump leads between two,
 * so that what look like returns may be data; -ENOEXEC. On failure offsets[] is untouched.
 *
 * aarch64: instructions are words, which can't get out of step; a constant of the function's own that has the bits of
 * a return would be taken for one.
 */
int function_returns(struct elf_file *file, const struct elf_function *function, __u64 offsets[], size_t max);

#endif
