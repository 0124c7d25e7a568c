// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* elf_file ──> [elf_vtable] ──> libraries: see elf_vtable.h. */
#include "elf_vtable.h"

#include <errno.h>
#include <string.h>

#include "elf_symbols.h"
#include "elf_unwind.h"

enum {
	WORD = 8,
	CHUNK = 4096,
	MAX_NAME = 256,
	MAX_RELOCATIONS = 1 << 22, /* of a section */
};

/* ---- Pointers ------------------------------------------------------------------------------------------------- */

/* The place of the next word that a relative relocation of the section fills with `address`, or 0. The search begins
 * at *from, and goes on there. */
static __u64 next_pointer(struct elf_file *file, const Elf64_Shdr *section, __u64 address, __u64 *from)
{
	__u32 relative = elf_file_machine(file) == EM_X86_64 ? R_X86_64_RELATIVE : R_AARCH64_RELATIVE;
	Elf64_Rela relocation;

	for (; *from + sizeof(relocation) <= section->sh_size; *from += sizeof(relocation)) {
		if (elf_file_read(file, section->sh_offset + *from, &relocation, sizeof(relocation)))
			return 0;
		if (ELF64_R_TYPE(relocation.r_info) == relative && (__u64)relocation.r_addend == address) {
			*from += sizeof(relocation);
			return relocation.r_offset;
		}
	}
	return 0;
}

/* What is done with the place of a pointer; 0: it is what was looked for. */
typedef int pointer_visit(struct elf_file *file, __u64 place, unsigned int slot, struct elf_function *out);

static int pointers_visit(struct elf_file *file, __u64 address, pointer_visit *visit, unsigned int slot,
			  struct elf_function *out)
{
	const Elf64_Shdr *section;

	for (size_t i = 1; (section = elf_file_section_at(file, i)); i++) {
		__u64 from = 0, place;

		if (section->sh_type != SHT_RELA || !(section->sh_flags & SHF_ALLOC) ||
		    section->sh_size / sizeof(Elf64_Rela) > MAX_RELOCATIONS)
			continue;
		while ((place = next_pointer(file, section, address, &from)))
			if (!visit(file, place, slot, out))
				return 0;
	}
	return -ENOENT;
}

/* ---- The table ------------------------------------------------------------------------------------------------ */

/* A pointer to the typeinfo. In a table it stands behind the offset of the object that it is the table of, 0 but for
 * bases, and in front of the functions. */
static int try_table(struct elf_file *file, __u64 place, unsigned int slot, struct elf_function *out)
{
	__u64 offset_to_top, address, offset;
	struct elf_function whole;
	int err;

	if (elf_file_read_address(file, place - WORD, &offset_to_top, sizeof(offset_to_top)) || offset_to_top ||
	    !elf_symbols_relative(file, place - WORD, &address))
		return -ENOENT;
	err = elf_symbols_relative(file, place + WORD + (__u64)slot * WORD, &address);
	if (!err)
		err = elf_file_offset(file, address, true, &offset);
	if (err)
		return err;
	*out = (struct elf_function){.address = address, .offset = offset};
	if (!elf_unwind_find(file, address, &whole) && whole.address == address)
		out->size = whole.size;
	return 0;
}

/* A pointer to the name. In a typeinfo it is the second word. */
static int try_typeinfo(struct elf_file *file, __u64 place, unsigned int slot, struct elf_function *out)
{
	return pointers_visit(file, place - WORD, try_table, slot, out);
}

/* ---- The name ------------------------------------------------------------------------------------------------- */

/* Where a string stands next in a section between two NULs, from *from on; its address, or 0. */
static __u64 next_string(struct elf_file *file, const Elf64_Shdr *section, const char *string, __u64 *from)
{
	char pattern[MAX_NAME + 2] = "", chunk[CHUNK];
	size_t bytes = strlen(string) + 2;

	memcpy(pattern + 1, string, bytes - 2);
	while (*from + bytes <= section->sh_size) {
		size_t n = section->sh_size - *from < CHUNK ? (size_t)(section->sh_size - *from) : CHUNK;
		const char *found;

		if (elf_file_read(file, section->sh_offset + *from, chunk, n))
			return 0;
		found = memmem(chunk, n, pattern, bytes);
		if (found) {
			*from += (__u64)(found - chunk) + 1;
			return section->sh_addr + *from;
		}
		*from += n - bytes + 1;
	}
	return 0;
}

int elf_vtable_function(struct elf_file *file, const char *name, unsigned int slot, struct elf_function *out)
{
	const Elf64_Shdr *section;

	if (strlen(name) > MAX_NAME)
		return -ENOENT;
	for (size_t i = 1; (section = elf_file_section_at(file, i)); i++) {
		__u64 from = 0, address;

		if (section->sh_type != SHT_PROGBITS || !(section->sh_flags & SHF_ALLOC) ||
		    section->sh_flags & (SHF_EXECINSTR | SHF_WRITE))
			continue;
		while ((address = next_string(file, section, name, &from)))
			if (!pointers_visit(file, address, try_typeinfo, slot, out))
				return 0;
	}
	return -ENOENT;
}
