/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * a program or library, open ──> [elf_file] ──> elf_symbols, elf_unwind, usdt, go_binary, prologue: what an ELF file
 * of x86-64 or aarch64 says of itself (gABI "Object Files"; psABI of each machine).
 *
 * The file belongs to somebody else: every offset in it is checked, no table is trusted to be sorted or to end, and
 * it may change under way. libelf is not used here: it maps the file or copies whole sections, and its authors do not
 * take files by which it crashes for a fault of security.
 *
 * An `address` is a virtual address as linked; an `offset` is a position in the file, which is what the kernel wants
 * of a uprobe.
 */
#ifndef TAPSTAT_ELF_FILE_H
#define TAPSTAT_ELF_FILE_H

#include <elf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	ELF_NAME_BYTES = 2048, /* of a symbol, with its NUL; functions with a longer name are passed over */
	ELF_BUILD_ID_BYTES = 64,
};

struct elf_file;

struct elf_function {
	__u64 address, offset;
	__u64 size; /* in bytes; 0: unknown */
};

/*
 * Reads the headers. `fd` is duplicated and stays the caller's; its path may be gone.
 * -ENOEXEC: no ELF, or broken; -ENOTSUP: not of 64 bits, little-endian, x86-64 or aarch64, or with more sections than
 * any program has.
 */
int elf_file_open(struct elf_file **out, int fd);

/* NULL: nothing to do. */
void elf_file_close(struct elf_file *file);

__u16 elf_file_machine(const struct elf_file *file); /* EM_X86_64 or EM_AARCH64 */
__u64 elf_file_entry(const struct elf_file *file);   /* e_entry, an address */

/* The raw id, at most ELF_BUILD_ID_BYTES. Its length, -ENOENT without one, or -ENOEXEC. */
int elf_file_build_id(struct elf_file *file, __u8 id[ELF_BUILD_ID_BYTES]);

/* DT_SONAME. Its length; -ENOENT without one; -ENAMETOOLONG: it does not fit. */
int elf_file_soname(struct elf_file *file, char *name, size_t size);

/* ---- For the readers of its parts ---------------------------------------------------------------------------- */

/* The section of that name, or NULL. Its offsets are not checked: elf_file_read() and the others do that. */
const Elf64_Shdr *elf_file_section(struct elf_file *file, const char *name);

/* All sections, by their index; NULL past the last. */
const Elf64_Shdr *elf_file_section_at(const struct elf_file *file, size_t index);

/* All program headers likewise. */
const Elf64_Phdr *elf_file_segment_at(const struct elf_file *file, size_t index);

/* 0, or -ENOEXEC: `size` bytes at `offset` are not all in the file. */
int elf_file_read(struct elf_file *file, __u64 offset, void *out, size_t size);

/* The same by the address: of code (bytes that a segment holds in the file). */
int elf_file_read_address(struct elf_file *file, __u64 address, void *out, size_t size);

/* A string's length; -ENAMETOOLONG: with its NUL it takes more than `size` bytes; -ENOEXEC. */
int elf_file_string(struct elf_file *file, __u64 offset, char *out, size_t size);

/* Where the file has the byte at `address`; -ENOENT: nowhere, or, if `code`, not in an executable segment. */
int elf_file_offset(const struct elf_file *file, __u64 address, bool code, __u64 *offset);

/* How many bytes of its segment the file has from `address` on; 0: none. */
__u64 elf_file_bytes_from(const struct elf_file *file, __u64 address);

#endif
