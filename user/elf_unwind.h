/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * elf_file ──> [elf_unwind] ──> prologue: where functions without a symbol begin and end, by the table that
 * exceptions are unwound with (.eh_frame_hdr: LSB Core, "Exception Frames"; its entries: DWARF 5, 6.4).
 */
#ifndef TAPSTAT_ELF_UNWIND_H
#define TAPSTAT_ELF_UNWIND_H

#include "elf_file.h"

/*
 * The range of code that has the byte at `address`: a function, or the part of one that its compiler moved away.
 * -ENOENT: none; -ENOTSUP: the table is written in another way than compilers of both machines do.
 */
int elf_unwind_find(struct elf_file *file, __u64 address, struct elf_function *function);

#endif
