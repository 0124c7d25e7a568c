/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * elf_file, elf_symbols ──> [rustls_binary] ──> libraries: whether the Rust code of a file has rustls in it, which
 * has no function with a name of its own choice. With symbols their mangled names tell (rustc book, "Symbol
 * Mangling"; its older form like C++), without them the source files that panics would name.
 */
#ifndef TAPSTAT_RUSTLS_BINARY_H
#define TAPSTAT_RUSTLS_BINARY_H

#include <stdbool.h>

struct elf_file;

/* 1: it has, 0: it has not, or a negative errno: the file is broken. */
int rustls_binary_has(struct elf_file *file);

/* Whether a symbol is of the crate rustls or made from its code. */
bool rustls_binary_symbol(const char *name);

#endif
