/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * elf_file ──> [elf_symbols] ──> uprobes: functions by their names, in .symtab and .dynsym, and by the relocation
 * that fills a slot of the GOT with their address.
 *
 * Functions are defined symbols of type FUNC in an executable segment. IFUNC is none: its address is that of a
 * resolver.
 */
#ifndef TAPSTAT_ELF_SYMBOLS_H
#define TAPSTAT_ELF_SYMBOLS_H

#include "elf_file.h"

/* What a walk calls for each function; anything but 0 ends the walk. `name` has no version and is the walk's. */
typedef int elf_function_visit(void *context, const char *name, const struct elf_function *function);

/*
 * Of .dynsym, then .symtab: most functions of an unstripped library come twice. 0, what `visit`
 * returned, -ENOEXEC, or -ENOTSUP: more symbols than any program has.
 */
int elf_symbols_each(struct elf_file *file, elf_function_visit *visit, void *context);

/*
 * Looks up `n` different names in one pass. functions[i] is of names[i]; those not found have address 0. Of several
 * versions the default one. The number found, or a negative errno with functions[] untouched.
 */
int elf_symbols_find(struct elf_file *file, const char *const names[], struct elf_function functions[], size_t n);

/*
 * What the dynamic linker writes to `slot`, the address of a word: the function of this file that its relocation
 * names. -ENOENT: no relocation, or to another file's symbol.
 */
int elf_symbols_slot(struct elf_file *file, __u64 slot, struct elf_function *function);

/*
 * What a relative relocation (R_*_RELATIVE) puts at `slot`, an address; -ENOENT: there is none. This is how position-
 * independent programs keep addresses in data.
 */
int elf_symbols_relative(struct elf_file *file, __u64 slot, __u64 *address);

#endif
