/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* elf_symbols ──> [demangle_name] ──> uprobes: the name of a C++ or Rust function as its author wrote it, by
 * libiberty. */
#ifndef TAPSTAT_DEMANGLE_NAME_H
#define TAPSTAT_DEMANGLE_NAME_H

#include <stddef.h>

/*
 * "rocksdb::DBImpl::Put", "core::fmt::write": without parameters, and without the hash that Rust appends. The length;
 * -ENOENT: not such a name; -ENAMETOOLONG: it does not fit with its NUL. On failure *out is untouched.
 *
 * Short names can be made that stand for endless ones: the work ends with the space.
 */
int demangle_name(const char *symbol, char *out, size_t size);

#endif
