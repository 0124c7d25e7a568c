/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * a function of a Go program ──> [go_prologue] ──> uprobes: where each call comes along once.
 *
 * Most Go functions begin with a check whether the stack has room (cmd/internal/obj/x86/obj6.go, arm64/obj7.go:
 * stacksplit()). If it has not, the stack is moved and the function begins again: a probe on the entry would be hit
 * twice.
 */
#ifndef TAPSTAT_GO_PROLOGUE_H
#define TAPSTAT_GO_PROLOGUE_H

#include "elf_file.h"

/*
 * The file offset of the first instruction behind that check, where arguments, stack pointer and the register of the
 * goroutine are as at the entry; of the entry where there is no check. Of functions with arguments in registers.
 * 0, or a negative errno with *offset untouched: the code can't be read.
 */
int go_prologue_entry(struct elf_file *file, const struct elf_function *function, __u64 *offset);

#endif
