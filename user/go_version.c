/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* elf_file ──> [go_version] ──> go_binary: see go_version.h. */
#include "go_version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_BYTES = 32, /* of the build information, and what it is aligned to is half of that */
	ALIGNMENT = 16,
	SEARCH_BYTES = 65536, /* of the data */
	POINTER_BYTES = 8,
	FLAG_INLINE = 2, /* the strings follow the header, each behind its length */
	LENGTH_BYTES = 10,
};

static const char magic[] = "\xff Go buildinf:";

struct information {
	char magic[sizeof(magic) - 1];
	__u8 pointer_bytes, flags;
	__u64 version; /* address of a string's header, unless the strings are inline */
	__u64 modules;
};

/* Where the data begins that has it, and how much there is to search. */
static bool find_data(struct elf_file *file, __u64 *offset, __u64 *size)
{
	const Elf64_Shdr *section = elf_file_section(file, ".go.buildinfo");
	const Elf64_Phdr *segment;

	if (section && section->sh_type != SHT_NOBITS) {
		*offset = section->sh_offset;
		*size = section->sh_size;
		return true;
	}
	for (size_t i = 0; (segment = elf_file_segment_at(file, i)); i++) {
		if (segment->p_type != PT_LOAD || (segment->p_flags & (PF_X | PF_W)) != PF_W)
			continue;
		*offset = segment->p_offset;
		*size = segment->p_filesz;
		return true;
	}
	return false;
}

static bool find_information(struct elf_file *file, __u64 *at, struct information *out)
{
	__u64 offset, size;

	if (!find_data(file, &offset, &size))
		return false;
	for (__u64 i = 0; i < size && i < SEARCH_BYTES; i += ALIGNMENT) {
		if (elf_file_read(file, offset + i, out, sizeof(*out)))
			return false;
		if (!memcmp(out->magic, magic, sizeof(out->magic))) {
			*at = offset + i;
			return true;
		}
	}
	return false;
}

/* encoding/binary.Uvarint: seven bits a byte, the lowest first. */
static int read_length(struct elf_file *file, __u64 *offset, __u64 *length)
{
	*length = 0;
	for (int i = 0; i < LENGTH_BYTES; i++) {
		__u8 byte;
		int err = elf_file_read(file, (*offset)++, &byte, sizeof(byte));

		if (err)
			return err;
		*length |= (__u64)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return 0;
	}
	return -ENOEXEC;
}

static int find_text(struct elf_file *file, const struct information *information, __u64 at, __u64 *offset,
		     __u64 *length)
{
	__u64 header[2]; /* address and length */
	int err;

	if (information->flags & FLAG_INLINE) {
		*offset = at + HEADER_BYTES;
		return read_length(file, offset, length);
	}
	if (information->pointer_bytes != POINTER_BYTES || information->flags)
		return -ENOTSUP; /* of another byte order */
	err = elf_file_read_address(file, information->version, header, sizeof(header));
	if (!err && elf_file_offset(file, header[0], false, offset))
		err = -ENOEXEC;
	*length = header[1];
	return err;
}

int go_version_read(struct elf_file *file, char *version, size_t size)
{
	struct information information;
	__u64 at, offset, length;
	char text[256];
	int err;

	if (!find_information(file, &at, &information))
		return -ENOENT;
	err = find_text(file, &information, at, &offset, &length);
	if (err)
		return err;
	if (!length)
		return -ENOENT;
	if (length >= size || length >= sizeof(text))
		return -ENAMETOOLONG;
	err = elf_file_read(file, offset, text, length);
	if (err)
		return err;
	memcpy(version, text, length);
	version[length] = '\0';
	return (int)length;
}

int go_version_minor(const char *version)
{
	static const char prefix[] = "go1.";
	const char *at = strstr(version, prefix);

	if (!at || at[sizeof(prefix) - 1] < '0' || at[sizeof(prefix) - 1] > '9')
		return -EINVAL;
	return (int)strtol(at + sizeof(prefix) - 1, NULL, 10) & 0xffff;
}
