/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * elf_file ──> [elf_vtable] ──> libraries: virtual functions of C++ classes whose symbols a library keeps to itself,
 * by what is there at run time: the name of the class, its typeinfo, its table (Itanium C++ ABI, "Virtual Table
 * Layout", "RTTI Layout").
 */
#ifndef TAPSTAT_ELF_VTABLE_H
#define TAPSTAT_ELF_VTABLE_H

#include "elf_file.h"

/*
 * The function in place `slot`, from 0, of the table of the class whose typeinfo has that mangled `name` ("N1a1bE";
 * of an anonymous namespace with a star in front). -ENOENT: no such class or place, built without RTTI, or a file
 * that is not position-independent.
 */
int elf_vtable_function(struct elf_file *file, const char *name, unsigned int slot, struct elf_function *out);

#endif
