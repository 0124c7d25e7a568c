/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* elf_file, elf_symbols ──> [rustls_binary] ──> libraries: see rustls_binary.h. */
#include "rustls_binary.h"

#include <ctype.h>
#include <string.h>

#include "elf_symbols.h"

enum {
	BLOCK_BYTES = 8192,
	PATH_BYTES = 64,                  /* room for what is looked for, with a version */
	MAX_CONSTANTS = 64 * 1024 * 1024, /* bytes of .rodata that are looked through */
};

/* ---- Symbols ----------------------------------------------------------------------------------------------------
 */

bool rustls_binary_symbol(const char *name)
{
	static const char old[] = "_ZN6rustls", crate[] = "_6rustls"; /* behind the crate's hash */

	if (!strncmp(name, old, sizeof(old) - 1))
		return true;
	return !strncmp(name, "_R", 2) && strstr(name, crate);
}

static int visit(void *context, const char *name, const struct elf_function *function)
{
	(void)context;
	(void)function;
	return rustls_binary_symbol(name);
}

/* ---- Constants --------------------------------------------------------------------------------------------------
 */

/* "/rustls-0.23.5/src/" of a registry, "/rustls/src/" of a tree of its own. */
static bool is_source(const char at[PATH_BYTES])
{
	static const char crate[] = "/rustls", source[] = "/src/";
	size_t n = sizeof(crate) - 1;

	if (memcmp(at, crate, n) != 0)
		return false;
	if (at[n] == '-' && isdigit((unsigned char)at[n + 1]))
		while (n < PATH_BYTES - sizeof(source) && at[n] > ' ' && at[n] != '/')
			n++;
	return !memcmp(at + n, source, sizeof(source) - 1);
}

/* Blocks overlap by a path; the bytes behind the end are zero. */
static int constants_have(struct elf_file *file, const Elf64_Shdr *section)
{
	char block[BLOCK_BYTES + PATH_BYTES];
	__u64 size = section->sh_size < MAX_CONSTANTS ? section->sh_size : MAX_CONSTANTS;

	for (__u64 start = 0; start < size; start += BLOCK_BYTES) {
		size_t n = size - start < sizeof(block) ? size - start : sizeof(block);
		int err;

		memset(block, 0, sizeof(block));
		err = elf_file_read(file, section->sh_offset + start, block, n);
		if (err)
			return err;
		for (const char *at = block; (at = memchr(at, '/', (size_t)(block + BLOCK_BYTES - at))); at++)
			if (is_source(at))
				return 1;
	}
	return 0;
}

int rustls_binary_has(struct elf_file *file)
{
	const Elf64_Shdr *constants = elf_file_section(file, ".rodata");

	if (elf_file_section(file, ".symtab"))
		return elf_symbols_each(file, visit, NULL);
	return constants && constants->sh_type == SHT_PROGBITS ? constants_have(file, constants) : 0;
}
