/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* a file of another container ──> [file_pages] ──> elf_file: see file_pages.h. */
#include "file_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tables are walked side by side (symbols, their names, their versions): a page or two for each. */
enum { PAGE_BYTES = 16384, PAGES = 8 };

struct page {
	__u64 start, last_use;
	size_t length;
	__u8 bytes[PAGE_BYTES];
};

struct file_pages {
	int fd;
	__u64 size, uses;
	struct page page[PAGES];
};

int file_pages_open(struct file_pages **out, int fd)
{
	struct file_pages *file;
	struct stat status;

	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -ENOEXEC;
	file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->size = (__u64)status.st_size;
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (file->fd < 0) {
		int err = -errno;

		free(file);
		return err;
	}
	*out = file;
	return 0;
}

__u64 file_pages_size(const struct file_pages *file)
{
	return file->size;
}

static int fill(struct file_pages *file, struct page *page, __u64 start)
{
	size_t length = 0;

	while (length < PAGE_BYTES) {
		ssize_t n = pread(file->fd, page->bytes + length, PAGE_BYTES - length, (off_t)(start + length));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			page->length = 0;
			return -errno;
		}
		if (!n)
			break;
		length += (size_t)n;
	}
	page->start = start;
	page->length = length;
	return 0;
}

/* The page that has the byte at `offset`, which is inside the file. */
static int page_at(struct file_pages *file, __u64 offset, struct page **out)
{
	__u64 start = offset - offset % PAGE_BYTES;
	struct page *oldest = &file->page[0];
	int err;

	for (int i = 0; i < PAGES; i++) {
		struct page *page = &file->page[i];

		if (page->length && page->start == start) {
			page->last_use = ++file->uses;
			*out = page;
			return 0;
		}
		if (page->last_use < oldest->last_use)
			oldest = page;
	}
	err = fill(file, oldest, start);
	if (err)
		return err;
	oldest->last_use = ++file->uses;
	*out = oldest;
	return 0;
}

int file_pages_read(struct file_pages *file, __u64 offset, void *out, size_t size)
{
	if (offset > file->size || size > file->size - offset)
		return -ENOEXEC;
	while (size) {
		size_t inside = (size_t)(offset % PAGE_BYTES), n;
		struct page *page;
		int err = page_at(file, offset, &page);

		if (err)
			return err;
		if (page->length <= inside)
			return -ENOEXEC; /* shortened since */
		n = page->length - inside < size ? page->length - inside : size;
		memcpy(out, page->bytes + inside, n);
		out = (char *)out + n;
		offset += n;
		size -= n;
	}
	return 0;
}

int file_pages_string(struct file_pages *file, __u64 offset, char *out, size_t size)
{
	size_t length = 0;

	while (length < size) {
		size_t inside = (size_t)(offset % PAGE_BYTES), n, here;
		struct page *page;
		int err;

		if (offset >= file->size)
			return -ENOEXEC;
		err = page_at(file, offset, &page);
		if (err)
			return err;
		if (page->length <= inside)
			return -ENOEXEC;
		n = page->length - inside < size - length ? page->length - inside : size - length;
		here = strnlen((const char *)page->bytes + inside, n);
		memcpy(out + length, page->bytes + inside, here < n ? here + 1 : n);
		if (here < n)
			return (int)(length + here);
		length += n;
		offset += n;
	}
	return -ENAMETOOLONG;
}

void file_pages_close(struct file_pages *file)
{
	if (!file)
		return;
	close(file->fd);
	free(file);
}
