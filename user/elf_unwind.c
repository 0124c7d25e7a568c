/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* elf_file ──> [elf_unwind] ──> prologue: see elf_unwind.h. */
#include "elf_unwind.h"

#include <errno.h>

/* DW_EH_PE_*: how the header writes its numbers. */
enum { COUNT_UDATA4 = 0x03, FRAMES_PCREL_SDATA4 = 0x1b, TABLE_DATAREL_SDATA4 = 0x3b };

struct header {
	__u8 version, frames_encoding, count_encoding, table_encoding;
	__s32 frames;
	__u32 count;
};

/* Both from the header's address on. The table is sorted by `start`. */
struct entry {
	__s32 start, frame;
};

/* With pointers of 4 bytes relative to themselves, the usual ones. */
struct frame {
	__u32 length, cie;
	__s32 start;
	__u32 size;
};

static int find_header(struct elf_file *file, __u64 *address, struct header *header)
{
	const Elf64_Phdr *segment;

	for (size_t i = 0; (segment = elf_file_segment_at(file, i)); i++) {
		int err;

		if (segment->p_type != PT_GNU_EH_FRAME)
			continue;
		err = elf_file_read_address(file, segment->p_vaddr, header, sizeof(*header));
		if (err)
			return err;
		if (header->version != 1 || header->frames_encoding != FRAMES_PCREL_SDATA4 ||
		    header->count_encoding != COUNT_UDATA4 || header->table_encoding != TABLE_DATAREL_SDATA4)
			return -ENOTSUP;
		*address = segment->p_vaddr;
		return 0;
	}
	return -ENOENT;
}

/* The last entry that starts at or before `address`. */
static int search(struct elf_file *file, __u64 base, __u32 count, __u64 address, struct entry *out)
{
	__u32 low = 0, high = count;
	bool found = false;

	while (low < high) {
		__u32 middle = low + (high - low) / 2;
		struct entry entry;
		int err = elf_file_read_address(file, base + sizeof(struct header) + (__u64)middle * sizeof(entry),
						&entry, sizeof(entry));

		if (err)
			return err;
		if (base + (__u64)(__s64)entry.start > address) {
			high = middle;
			continue;
		}
		*out = entry;
		found = true;
		low = middle + 1;
	}
	return found ? 0 : -ENOENT;
}

int elf_unwind_find(struct elf_file *file, __u64 address, struct elf_function *function)
{
	struct header header;
	struct entry entry;
	struct frame frame;
	__u64 base, start, at, offset;
	int err = find_header(file, &base, &header);

	if (!err)
		err = search(file, base, header.count, address, &entry);
	if (err)
		return err;
	start = base + (__u64)(__s64)entry.start;
	at = base + (__u64)(__s64)entry.frame;
	err = elf_file_read_address(file, at, &frame, sizeof(frame));
	if (err)
		return err;
	/* Its CIE says how pointers are written; that it comes out at the same address says it, too. */
	if (at + offsetof(struct frame, start) + (__u64)(__s64)frame.start != start)
		return -ENOTSUP;
	if (address - start >= frame.size)
		return -ENOENT;
	err = elf_file_offset(file, start, true, &offset);
	if (!err)
		*function = (struct elf_function){start, offset, frame.size};
	return err;
}
