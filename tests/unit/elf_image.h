/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ELF files made by hand, in memory: code at IMAGE_CODE, data at IMAGE_DATA, and whatever sections a test adds. And
 * what becomes of them in hostile hands: cut anywhere, with bits turned over.
 */
#ifndef TAPSTAT_TESTS_ELF_IMAGE_H
#define TAPSTAT_TESTS_ELF_IMAGE_H

#include <assert.h>
#include <elf.h>
#include <linux/types.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf_file.h"

enum {
	IMAGE_BASE = 0x400000,
	IMAGE_CODE_OFFSET = 0x400,
	IMAGE_CODE = IMAGE_BASE + IMAGE_CODE_OFFSET,
	IMAGE_DATA_OFFSET = 0x800,
	IMAGE_DATA = 0x600000 + IMAGE_DATA_OFFSET,
	IMAGE_END = 0x1400, /* of both; sections that are not loaded follow */
	IMAGE_BYTES = 0x4000,
	IMAGE_SECTIONS = 16,
	IMAGE_SEGMENTS = 8,
};

struct image {
	__u8 bytes[IMAGE_BYTES];
	size_t size;
	Elf64_Ehdr *header;
	Elf64_Phdr *segments;
	Elf64_Shdr sections[IMAGE_SECTIONS]; /* copied behind everything by image_finish() */
	char names[512];
	size_t names_size;
};

static inline void image_begin(struct image *image, __u16 machine, const void *code, size_t size)
{
	memset(image, 0, sizeof(*image));
	image->header = (Elf64_Ehdr *)image->bytes;
	image->segments = (Elf64_Phdr *)(image->bytes + sizeof(Elf64_Ehdr));
	memcpy(image->header->e_ident, ELFMAG, SELFMAG);
	image->header->e_ident[EI_CLASS] = ELFCLASS64;
	image->header->e_ident[EI_DATA] = ELFDATA2LSB;
	image->header->e_type = ET_EXEC;
	image->header->e_machine = machine;
	image->header->e_phoff = sizeof(Elf64_Ehdr);
	image->header->e_phentsize = sizeof(Elf64_Phdr);
	image->header->e_phnum = 2;
	image->header->e_shentsize = sizeof(Elf64_Shdr);
	image->header->e_shnum = 1;
	image->segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
					  .p_flags = PF_R | PF_X,
					  .p_offset = IMAGE_CODE_OFFSET,
					  .p_vaddr = IMAGE_CODE,
					  .p_filesz = IMAGE_DATA_OFFSET - IMAGE_CODE_OFFSET};
	image->segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
					  .p_flags = PF_R | PF_W,
					  .p_offset = IMAGE_DATA_OFFSET,
					  .p_vaddr = IMAGE_DATA,
					  .p_filesz = IMAGE_END - IMAGE_DATA_OFFSET};
	assert(size <= IMAGE_DATA_OFFSET - IMAGE_CODE_OFFSET);
	memcpy(image->bytes + IMAGE_CODE_OFFSET, code, size);
	image->size = IMAGE_END;
	image->names_size = 1;
}

static inline Elf64_Phdr *image_segment(struct image *image, __u32 type, __u64 address, __u64 size)
{
	Elf64_Phdr *segment = &image->segments[image->header->e_phnum++];

	assert(image->header->e_phnum <= IMAGE_SEGMENTS);
	*segment = (Elf64_Phdr){.p_type = type, .p_flags = PF_R, .p_vaddr = address, .p_filesz = size};
	segment->p_offset = address - IMAGE_DATA + IMAGE_DATA_OFFSET;
	return segment;
}

/* Puts bytes into the data; their address. */
static inline __u64 image_data(struct image *image, size_t at, const void *bytes, size_t size)
{
	assert(IMAGE_DATA_OFFSET + at + size <= IMAGE_END);
	memcpy(image->bytes + IMAGE_DATA_OFFSET + at, bytes, size);
	return IMAGE_DATA + at;
}

/* A section of loaded data (`content` NULL) or one of its own. Its index is returned. */
static inline int image_section(struct image *image, const char *name, __u32 type, __u64 address, const void *content,
				size_t size)
{
	int index = image->header->e_shnum++;
	Elf64_Shdr *section = &image->sections[index];

	assert(index < IMAGE_SECTIONS - 1 && image->names_size + strlen(name) < sizeof(image->names));
	*section = (Elf64_Shdr){.sh_type = type, .sh_addr = address, .sh_size = size};
	section->sh_name = (__u32)image->names_size;
	strcpy(image->names + image->names_size, name);
	image->names_size += strlen(name) + 1;
	if (content) {
		assert(image->size + size < IMAGE_BYTES);
		section->sh_offset = image->size;
		memcpy(image->bytes + image->size, content, size);
		image->size += (size + 7) & ~7UL;
	} else if (address >= IMAGE_DATA) {
		section->sh_flags = SHF_ALLOC;
		section->sh_offset = address - IMAGE_DATA + IMAGE_DATA_OFFSET;
	} else {
		section->sh_flags = SHF_ALLOC;
		section->sh_offset = address - IMAGE_BASE;
	}
	return index;
}

struct image_symbol {
	const char *name;
	__u8 type;
	__u64 value, size; /* value 0: undefined */
};

/* A table of symbols and its strings. The table's index. */
static inline int image_symbols(struct image *image, __u32 type, const struct image_symbol symbols[], size_t n)
{
	Elf64_Sym table[16] = {{0}};
	char names[512] = "";
	size_t used = 1;
	int index;

	for (size_t i = 0; i < n; i++) {
		table[i + 1] = (Elf64_Sym){.st_name = (__u32)used,
					   .st_value = symbols[i].value,
					   .st_size = symbols[i].size,
					   .st_shndx = symbols[i].value ? 1 : SHN_UNDEF,
					   .st_info = ELF64_ST_INFO(STB_GLOBAL, symbols[i].type)};
		strcpy(names + used, symbols[i].name);
		used += strlen(symbols[i].name) + 1;
	}
	image_section(image, type == SHT_SYMTAB ? ".strtab" : ".dynstr", SHT_STRTAB, 0, names, used);
	index = image_section(image, type == SHT_SYMTAB ? ".symtab" : ".dynsym", type, 0, table,
			      (n + 1) * sizeof(table[0]));
	image->sections[index].sh_link = (__u32)index - 1;
	return index;
}

static inline void image_finish(struct image *image)
{
	int names = image_section(image, ".shstrtab", SHT_STRTAB, 0, "", 0);
	size_t bytes;

	image->sections[names].sh_offset = image->size;
	image->sections[names].sh_size = image->names_size;
	memcpy(image->bytes + image->size, image->names, image->names_size);
	image->size += (image->names_size + 7) & ~7UL;
	image->header->e_shstrndx = (__u16)names;
	image->header->e_shoff = image->size;
	bytes = image->header->e_shnum * sizeof(Elf64_Shdr);
	assert(image->size + bytes <= IMAGE_BYTES);
	memcpy(image->bytes + image->size, image->sections, bytes);
	image->size += bytes;
}

/* A file of these bytes, deleted with its descriptor. */
static inline int image_file(const void *bytes, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	return fd;
}

static inline int image_open(const struct image *image, struct elf_file **out)
{
	int fd = image_file(image->bytes, image->size), err = elf_file_open(out, fd);

	close(fd);
	return err;
}

/* Calls `look` with a file of each length, then with bits and bytes changed, at random but the same every time. */
static inline void image_in_hostile_hands(const void *bytes, size_t size, void (*look)(int fd))
{
	__u32 random = 1;
	__u8 *copy = malloc(size);
	int fd;

	assert(copy);
	for (size_t cut = 0; cut < size; cut += 1 + size / 1024) {
		fd = image_file(bytes, cut);
		look(fd);
		close(fd);
	}
	for (int i = 0; i < 4000; i++) {
		memcpy(copy, bytes, size);
		for (int change = 0; change <= i % 3; change++) {
			size_t at;

			random = random * 1664525 + 1013904223;
			at = (random >> 4) % size;
			copy[at] = i & 1 ? 0xff : (__u8)(copy[at] ^ (1 << (random >> 29)));
		}
		fd = image_file(copy, size);
		look(fd);
		close(fd);
	}
	free(copy);
}

#endif
