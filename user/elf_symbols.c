/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* elf_file ──> [elf_symbols] ──> uprobes: see elf_symbols.h. */
#include "elf_symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "name_set.h"

enum {
	VERSION_HIDDEN = 0x8000,   /* in .gnu.version: not the version that a linker takes by default */
	MAX_SYMBOLS = 1 << 21,     /* of a table; node has 110,000, a browser half a million */
	MAX_RELOCATIONS = 1 << 22, /* of a section */
};

static bool to_function(struct elf_file *file, const Elf64_Sym *symbol, struct elf_function *out)
{
	__u64 offset;

	if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF)
		return false;
	if (elf_file_offset(file, symbol->st_value, true, &offset))
		return false;
	*out = (struct elf_function){symbol->st_value, offset, symbol->st_size};
	return true;
}

/* ---- Walking ------------------------------------------------------------------------------------------------- */

struct symbols {
	const Elf64_Shdr *table, *names;
	const Elf64_Shdr *versions; /* .gnu.version of .dynsym; NULL: none */
};

/* The table of that type with its strings. */
static bool find_table(const struct elf_file *file, __u32 type, struct symbols *out)
{
	const Elf64_Shdr *section;

	*out = (struct symbols){0};
	for (size_t i = 1; (section = elf_file_section_at(file, i)); i++) {
		if (section->sh_type == type && !out->table)
			out->table = section;
		if (section->sh_type == SHT_GNU_versym && type == SHT_DYNSYM)
			out->versions = section;
	}
	if (out->table)
		out->names = elf_file_section_at(file, out->table->sh_link);
	return out->names && out->names->sh_type == SHT_STRTAB;
}

/* Cuts "@VERSION" off. Whether it is a version that nobody links with any more. */
static bool cut_version(struct elf_file *file, const struct symbols *symbols, __u64 index, char *name)
{
	char *version = strchr(name, '@');
	__u16 number;

	if (version) {
		bool old = version[1] != '@';

		*version = '\0';
		return old;
	}
	return symbols->versions &&
	       !elf_file_read(file, symbols->versions->sh_offset + index * sizeof(number), &number, sizeof(number)) &&
	       (number & VERSION_HIDDEN);
}

typedef int visit_version(void *context, const char *name, const struct elf_function *function, bool old);

static int walk_table(struct elf_file *file, const struct symbols *symbols, visit_version *visit, void *context)
{
	__u64 n = symbols->table->sh_size / sizeof(Elf64_Sym);
	char name[ELF_NAME_BYTES];

	if (n > MAX_SYMBOLS)
		return -ENOTSUP;
	for (__u64 i = 1; i < n; i++) {
		struct elf_function function;
		Elf64_Sym symbol;
		bool old;
		int err =
			elf_file_read(file, symbols->table->sh_offset + i * sizeof(symbol), &symbol, sizeof(symbol));

		if (err)
			return err;
		if (!to_function(file, &symbol, &function) || symbol.st_name >= symbols->names->sh_size)
			continue;
		if (elf_file_string(file, symbols->names->sh_offset + symbol.st_name, name, sizeof(name)) <= 0)
			continue;
		old = cut_version(file, symbols, i, name);
		err = visit(context, name, &function, old);
		if (err)
			return err;
	}
	return 0;
}

static int walk(struct elf_file *file, visit_version *visit, void *context)
{
	static const __u32 types[] = {SHT_DYNSYM, SHT_SYMTAB};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct symbols symbols;
		int err;

		if (!find_table(file, types[i], &symbols))
			continue;
		err = walk_table(file, &symbols, visit, context);
		if (err)
			return err;
	}
	return 0;
}

struct each {
	elf_function_visit *visit;
	void *context;
};

static int each_version(void *context, const char *name, const struct elf_function *function, bool old)
{
	const struct each *each = context;

	(void)old;
	return each->visit(each->context, name, function);
}

int elf_symbols_each(struct elf_file *file, elf_function_visit *visit, void *context)
{
	struct each each = {visit, context};

	return walk(file, each_version, &each);
}

/* ---- Looking up ---------------------------------------------------------------------------------------------- */

struct found {
	struct elf_function function;
	bool old;
};

struct lookup {
	struct name_set *set;
	struct found *found; /* one for each name; address 0: not yet */
};

static int take(void *context, const char *name, const struct elf_function *function, bool old)
{
	const struct lookup *lookup = context;
	long place = name_set_find(lookup->set, name, strlen(name));

	if (place < 0)
		return 0;
	if (!lookup->found[place].function.address || (lookup->found[place].old && !old))
		lookup->found[place] = (struct found){*function, old};
	return 0;
}

int elf_symbols_find(struct elf_file *file, const char *const names[], struct elf_function functions[], size_t n)
{
	struct lookup lookup = {.found = calloc(n ? n : 1, sizeof(lookup.found[0]))};
	int err = lookup.found ? name_set_make(&lookup.set, names, n) : -ENOMEM, number = 0;

	if (!err)
		err = walk(file, take, &lookup);
	for (size_t i = 0; !err && i < n; i++) {
		functions[i] = lookup.found[i].function;
		number += functions[i].address != 0;
	}
	name_set_free(lookup.set);
	free(lookup.found);
	return err ? err : number;
}

/* ---- Relocations --------------------------------------------------------------------------------------------- */

/* The relocation of `slot`, and the section it is in. */
static int relocation_of(struct elf_file *file, __u64 slot, Elf64_Rela *out, const Elf64_Shdr **where)
{
	const Elf64_Shdr *section;

	for (size_t i = 1; (section = elf_file_section_at(file, i)); i++) {
		if (section->sh_type != SHT_RELA || !(section->sh_flags & SHF_ALLOC) ||
		    section->sh_size / sizeof(*out) > MAX_RELOCATIONS)
			continue;
		for (__u64 at = 0; at + sizeof(*out) <= section->sh_size; at += sizeof(*out)) {
			Elf64_Rela relocation;

			if (elf_file_read(file, section->sh_offset + at, &relocation, sizeof(relocation)))
				break;
			if (relocation.r_offset == slot) {
				*out = relocation;
				*where = section;
				return 0;
			}
		}
	}
	return -ENOENT;
}

int elf_symbols_relative(struct elf_file *file, __u64 slot, __u64 *address)
{
	__u32 relative = elf_file_machine(file) == EM_X86_64 ? R_X86_64_RELATIVE : R_AARCH64_RELATIVE;
	const Elf64_Shdr *section;
	Elf64_Rela relocation;
	int err = relocation_of(file, slot, &relocation, &section);

	if (err)
		return err;
	if (ELF64_R_TYPE(relocation.r_info) != relative)
		return -ENOENT;
	*address = (__u64)relocation.r_addend;
	return 0;
}

static bool names_function(__u16 machine, __u32 type)
{
	return machine == EM_X86_64 ? type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT
				    : type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT;
}

int elf_symbols_slot(struct elf_file *file, __u64 slot, struct elf_function *function)
{
	const Elf64_Shdr *section, *symbols;
	Elf64_Rela relocation;
	Elf64_Sym symbol;
	__u64 index;
	int err = relocation_of(file, slot, &relocation, &section);

	if (err)
		return err;
	if (!names_function(elf_file_machine(file), ELF64_R_TYPE(relocation.r_info)))
		return -ENOENT;
	symbols = elf_file_section_at(file, section->sh_link);
	index = ELF64_R_SYM(relocation.r_info);
	if (!symbols || symbols->sh_type != SHT_DYNSYM || index >= symbols->sh_size / sizeof(symbol))
		return -ENOEXEC;
	err = elf_file_read(file, symbols->sh_offset + index * sizeof(symbol), &symbol, sizeof(symbol));
	if (err)
		return err;
	return to_function(file, &symbol, function) ? 0 : -ENOENT;
}
