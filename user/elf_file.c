/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* a program or library, open ──> [elf_file] ──> elf_symbols, elf_unwind, usdt, go_binary, prologue: see elf_file.h.
 */
#include "elf_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file_pages.h"

enum {
	MAX_HEADERS = 1024, /* of sections, of segments: programs have some dozens */
	MAX_NOTES = 256,
	SECTION_NAME_BYTES = 64,
};

struct elf_file {
	struct file_pages *pages;
	Elf64_Ehdr header;
	Elf64_Shdr *sections; /* header.e_shnum */
	Elf64_Phdr *segments; /* header.e_phnum */
};

/* ---- Headers ------------------------------------------------------------------------------------------------- */

static int check(const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOTSUP;
	if (header->e_machine != EM_X86_64 && header->e_machine != EM_AARCH64)
		return -ENOTSUP;
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return -ENOTSUP;
	/* Numbers too large for their member stand elsewhere (PN_XNUM, SHN_XINDEX): no program has so many. */
	if (header->e_shnum > MAX_HEADERS || header->e_phnum > MAX_HEADERS || (header->e_shoff && !header->e_shnum))
		return -ENOTSUP;
	if ((header->e_shnum && header->e_shentsize != sizeof(Elf64_Shdr)) ||
	    (header->e_phnum && header->e_phentsize != sizeof(Elf64_Phdr)))
		return -ENOEXEC;
	return 0;
}

static int read_table(struct elf_file *file, void **out, __u64 offset, size_t n, size_t size)
{
	if (!n)
		return 0;
	*out = calloc(n, size);
	return *out ? file_pages_read(file->pages, offset, *out, n * size) : -ENOMEM;
}

static int read_headers(struct elf_file *file)
{
	int err = file_pages_read(file->pages, 0, &file->header, sizeof(file->header));

	if (!err)
		err = check(&file->header);
	if (!err)
		err = read_table(file, (void **)&file->sections, file->header.e_shoff, file->header.e_shnum,
				 sizeof(Elf64_Shdr));
	if (!err)
		err = read_table(file, (void **)&file->segments, file->header.e_phoff, file->header.e_phnum,
				 sizeof(Elf64_Phdr));
	return err;
}

int elf_file_open(struct elf_file **out, int fd)
{
	struct elf_file *file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return -ENOMEM;
	err = file_pages_open(&file->pages, fd);
	if (!err)
		err = read_headers(file);
	if (err) {
		elf_file_close(file);
		return err;
	}
	*out = file;
	return 0;
}

void elf_file_close(struct elf_file *file)
{
	if (!file)
		return;
	file_pages_close(file->pages);
	free(file->sections);
	free(file->segments);
	free(file);
}

__u16 elf_file_machine(const struct elf_file *file)
{
	return file->header.e_machine;
}

__u64 elf_file_entry(const struct elf_file *file)
{
	return file->header.e_entry;
}

const Elf64_Shdr *elf_file_section_at(const struct elf_file *file, size_t index)
{
	return index < file->header.e_shnum ? &file->sections[index] : NULL;
}

const Elf64_Phdr *elf_file_segment_at(const struct elf_file *file, size_t index)
{
	return index < file->header.e_phnum ? &file->segments[index] : NULL;
}

const Elf64_Shdr *elf_file_section(struct elf_file *file, const char *name)
{
	const Elf64_Shdr *names = elf_file_section_at(file, file->header.e_shstrndx), *section;
	char found[SECTION_NAME_BYTES];

	for (size_t i = 1; names && (section = elf_file_section_at(file, i)); i++)
		if (elf_file_string(file, names->sh_offset + section->sh_name, found, sizeof(found)) >= 0 &&
		    !strcmp(found, name))
			return section;
	return NULL;
}

/* ---- Bytes --------------------------------------------------------------------------------------------------- */

int elf_file_read(struct elf_file *file, __u64 offset, void *out, size_t size)
{
	return file_pages_read(file->pages, offset, out, size);
}

int elf_file_string(struct elf_file *file, __u64 offset, char *out, size_t size)
{
	return file_pages_string(file->pages, offset, out, size);
}

static const Elf64_Phdr *segment_of(const struct elf_file *file, __u64 address)
{
	for (size_t i = 0; i < file->header.e_phnum; i++) {
		const Elf64_Phdr *segment = &file->segments[i];

		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz)
			return segment;
	}
	return NULL;
}

int elf_file_offset(const struct elf_file *file, __u64 address, bool code, __u64 *offset)
{
	const Elf64_Phdr *segment = segment_of(file, address);
	__u64 at;

	if (!segment || (code && !(segment->p_flags & PF_X)))
		return -ENOENT;
	at = segment->p_offset + (address - segment->p_vaddr);
	if (at >= file_pages_size(file->pages))
		return -ENOENT;
	*offset = at;
	return 0;
}

__u64 elf_file_bytes_from(const struct elf_file *file, __u64 address)
{
	const Elf64_Phdr *segment = segment_of(file, address);

	return segment ? segment->p_filesz - (address - segment->p_vaddr) : 0;
}

int elf_file_read_address(struct elf_file *file, __u64 address, void *out, size_t size)
{
	__u64 offset;

	if (elf_file_bytes_from(file, address) < size || elf_file_offset(file, address, false, &offset))
		return -ENOEXEC;
	return elf_file_read(file, offset, out, size);
}

/* ---- What it is called --------------------------------------------------------------------------------------- */

static int build_id_in(struct elf_file *file, __u64 offset, __u64 size, __u8 id[ELF_BUILD_ID_BYTES])
{
	Elf64_Nhdr note;

	for (int i = 0; i < MAX_NOTES && size >= sizeof(note); i++) {
		char name[sizeof(ELF_NOTE_GNU)];
		__u64 length;
		int err = elf_file_read(file, offset, &note, sizeof(note));

		if (err)
			return err;
		length = sizeof(note) + (((__u64)note.n_namesz + 3) & ~3ULL) + (((__u64)note.n_descsz + 3) & ~3ULL);
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(name) && note.n_descsz &&
		    note.n_descsz <= ELF_BUILD_ID_BYTES &&
		    !elf_file_read(file, offset + sizeof(note), name, sizeof(name)) &&
		    !memcmp(name, ELF_NOTE_GNU, sizeof(name))) {
			__u8 found[ELF_BUILD_ID_BYTES];

			err = elf_file_read(file, offset + sizeof(note) + sizeof(name), found, note.n_descsz);
			if (err)
				return err;
			memcpy(id, found, note.n_descsz);
			return (int)note.n_descsz;
		}
		if (length > size)
			break;
		offset += length;
		size -= length;
	}
	return -ENOENT;
}

int elf_file_build_id(struct elf_file *file, __u8 id[ELF_BUILD_ID_BYTES])
{
	for (size_t i = 0; i < file->header.e_phnum; i++) {
		const Elf64_Phdr *segment = &file->segments[i];
		int n;

		if (segment->p_type != PT_NOTE)
			continue;
		n = build_id_in(file, segment->p_offset, segment->p_filesz, id);
		if (n != -ENOENT)
			return n;
	}
	return -ENOENT;
}

/* The value of a tag in .dynamic, or 0. */
static __u64 dynamic_value(struct elf_file *file, const Elf64_Phdr *segment, __s64 tag)
{
	for (__u64 at = 0; at + sizeof(Elf64_Dyn) <= segment->p_filesz; at += sizeof(Elf64_Dyn)) {
		Elf64_Dyn entry;

		if (elf_file_read(file, segment->p_offset + at, &entry, sizeof(entry)) || entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == tag)
			return entry.d_un.d_val;
	}
	return 0;
}

int elf_file_soname(struct elf_file *file, char *name, size_t size)
{
	for (size_t i = 0; i < file->header.e_phnum; i++) {
		const Elf64_Phdr *segment = &file->segments[i];
		__u64 strings, soname, offset;

		if (segment->p_type != PT_DYNAMIC)
			continue;
		soname = dynamic_value(file, segment, DT_SONAME);
		strings = dynamic_value(file, segment, DT_STRTAB);
		if (!soname || !strings)
			return -ENOENT;
		if (elf_file_offset(file, strings, false, &offset))
			return -ENOEXEC;
		return elf_file_string(file, offset + soname, name, size);
	}
	return -ENOENT;
}
