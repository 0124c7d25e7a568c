/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* elf_symbols ──> [demangle_name] ──> uprobes: see demangle_name.h. */
#include "demangle_name.h"

#include <errno.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <string.h>

enum { MAX_SYMBOL_BYTES = 2048, MAX_NAME_BYTES = 4096 };

struct name {
	char text[MAX_NAME_BYTES];
	size_t length;
	jmp_buf full;
};

/*
 * libiberty has no other way to be stopped. Its functions with a callback keep C++ names on the stack alone; of a
 * Rust identifier in Punycode one buffer is lost.
 */
static void append(const char *text, size_t length, void *opaque)
{
	struct name *name = opaque;

	if (length >= sizeof(name->text) - name->length)
		longjmp(name->full, 1);
	memcpy(name->text + name->length, text, length);
	name->length += length;
}

int demangle_name(const char *symbol, char *out, size_t size)
{
	struct name name = {.length = 0};

	if (strncmp(symbol, "_Z", 2) != 0 && strncmp(symbol, "_R", 2) != 0)
		return -ENOENT;
	if (strnlen(symbol, MAX_SYMBOL_BYTES) == MAX_SYMBOL_BYTES)
		return -ENAMETOOLONG;
	if (setjmp(name.full))
		return -ENAMETOOLONG;
	/* Rust first: its older names are valid C++ ones, too. */
	if (!rust_demangle_callback(symbol, DMGL_NO_OPTS, append, &name)) {
		name.length = 0;
		if (!cplus_demangle_v3_callback(symbol, DMGL_NO_OPTS, append, &name))
			return -ENOENT;
	}
	if (name.length >= size)
		return -ENAMETOOLONG;
	memcpy(out, name.text, name.length);
	out[name.length] = '\0';
	return (int)name.length;
}
