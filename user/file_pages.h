/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * a file of another container ──> [file_pages] ──> elf_file: a few pages of a large file, read when asked for.
 *
 * Not mmap: whoever owns the file may shorten it at any time, and the next look at a mapping of it would be a SIGBUS.
 * Not the whole file: a program of 100 MB is looked through in 128 KiB of memory.
 */
#ifndef TAPSTAT_FILE_PAGES_H
#define TAPSTAT_FILE_PAGES_H

#include <linux/types.h>
#include <stddef.h>

struct file_pages;

/* Of a regular file open for reading; `fd` is duplicated and stays the caller's. 0, or a negative errno. */
int file_pages_open(struct file_pages **out, int fd);

__u64 file_pages_size(const struct file_pages *file);

/* Copies `size` bytes from `offset`. -ENOEXEC with *out undefined: they are not all there. */
int file_pages_read(struct file_pages *file, __u64 offset, void *out, size_t size);

/* Copies a string with its NUL. Its length; -ENAMETOOLONG: it takes more than `size` bytes; -ENOEXEC as above. */
int file_pages_string(struct file_pages *file, __u64 offset, char *out, size_t size);

/* NULL: nothing to do. */
void file_pages_close(struct file_pages *file);

#endif
