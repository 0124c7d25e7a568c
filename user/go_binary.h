/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * elf_file ──> [go_binary] ──> uprobes: programs built by Go, stripped or not: their version (as Go's debug/buildinfo
 * reads it) and their functions by the table that Go's runtime keeps for tracebacks (debug/gosym/pclntab.go and
 * runtime/symtab.go), which no linker option leaves out. Tables of Go 1.16 and later.
 */
#ifndef TAPSTAT_GO_BINARY_H
#define TAPSTAT_GO_BINARY_H

#include "elf_file.h"
#include "elf_symbols.h"

enum { GO_VERSION_BYTES = 64 };

struct go_binary {
	struct elf_file *file;          /* the caller's */
	char version[GO_VERSION_BYTES]; /* "go1.19.8" */
	/* The table, .gopclntab. Offsets are of the file. */
	__u64 table, table_end;
	__u64 names, functions; /* of the names; of the list of functions, which their descriptions follow */
	__u64 count;
	__u64 text;  /* address that entries of the list count from */
	bool narrow; /* 1.18 and later: entries of 4 bytes, counted from `text`; before, addresses of 8 */
};

/*
 * Reads what finds everything else; nothing is allocated. `file` has to outlive it. 0, or with *out untouched
 * -ENOENT: not a Go program; -ENOTSUP: older or newer than what is known here; -ENOEXEC: broken.
 */
int go_binary_read(struct go_binary *out, struct elf_file *file);

/* Whether functions get their arguments in registers (ABIInternal): amd64 since 1.17, arm64 since 1.18. */
bool go_binary_has_register_abi(const struct go_binary *go);

/*
 * All functions. Their size goes up to the next one and may hold padding, which decodes. 0, what `visit` returned, or
 * -ENOEXEC.
 */
int go_binary_each(const struct go_binary *go, elf_function_visit *visit, void *context);

/*
 * Looks up `n` different names ("crypto/tls.(*Conn).Read") in one pass. functions[i] is of names[i]; those not found
 * have address 0. Of several of one name (functions in assembler have wrappers that are called the same) it is the
 * first. The number found, or a negative errno with functions[] untouched.
 */
int go_binary_find(const struct go_binary *go, const char *const names[], struct elf_function functions[], size_t n);

#endif
