/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* elf_file ──> [usdt] ──> uprobes: the notes. See usdt.h. */
#include "usdt.h"

#include <errno.h>
#include <string.h>

enum { NOTE_TYPE = 3, MAX_PROBES = 65536 };

static const char owner[] = "stapsdt";

/* How a note's description begins; provider, name and arguments follow as strings. */
struct description {
	__u64 address, base, semaphore;
};

/* Copies one string; `*offset` goes behind it. */
static int next_string(struct elf_file *file, __u64 *offset, __u64 end, char *out, size_t size)
{
	int n = elf_file_string(file, *offset, out, size);

	if (n < 0)
		return n;
	*offset += (__u64)n + 1;
	return *offset <= end ? 0 : -ENOEXEC;
}

/*
 * -ENOENT: a probe that can't be used. Prelink moves code without correcting notes; .stapsdt.base, which it moves as
 * well, tells how far.
 */
static int read_probe(struct elf_file *file, __u64 offset, __u64 size, __u64 base, struct usdt_probe *probe)
{
	struct description description;
	__u64 end = offset + size, moved;

	if (size < sizeof(description) || elf_file_read(file, offset, &description, sizeof(description)))
		return -ENOEXEC;
	offset += sizeof(description);
	if (next_string(file, &offset, end, probe->provider, sizeof(probe->provider)) ||
	    next_string(file, &offset, end, probe->name, sizeof(probe->name)) ||
	    next_string(file, &offset, end, probe->arguments, sizeof(probe->arguments)))
		return -ENOENT;
	moved = base && description.base ? base - description.base : 0;
	probe->address = description.address + moved;
	probe->semaphore_offset = 0;
	if (elf_file_offset(file, probe->address, true, &probe->offset))
		return -ENOENT;
	if (description.semaphore &&
	    elf_file_offset(file, description.semaphore + moved, false, &probe->semaphore_offset))
		return -ENOENT;
	return 0;
}

static bool is_ours(struct elf_file *file, const Elf64_Nhdr *note, __u64 offset)
{
	char name[sizeof(owner)];

	return note->n_type == NOTE_TYPE && note->n_namesz == sizeof(owner) &&
	       !elf_file_read(file, offset, name, sizeof(name)) && !memcmp(name, owner, sizeof(owner));
}

int usdt_each(struct elf_file *file, usdt_visit *visit, void *context)
{
	const Elf64_Shdr *notes = elf_file_section(file, ".note.stapsdt");
	const Elf64_Shdr *base = elf_file_section(file, ".stapsdt.base");
	__u64 offset, left;

	if (!notes || notes->sh_type != SHT_NOTE)
		return 0;
	offset = notes->sh_offset;
	left = notes->sh_size;
	for (int i = 0; i < MAX_PROBES && left >= sizeof(Elf64_Nhdr); i++) {
		struct usdt_probe probe;
		__u64 name_bytes, bytes;
		Elf64_Nhdr note;
		int err = elf_file_read(file, offset, &note, sizeof(note));

		if (err)
			return err;
		name_bytes = ((__u64)note.n_namesz + 3) & ~3ULL;
		bytes = sizeof(note) + name_bytes + (((__u64)note.n_descsz + 3) & ~3ULL);
		if (bytes > left)
			return -ENOEXEC;
		if (is_ours(file, &note, offset + sizeof(note))) {
			err = read_probe(file, offset + sizeof(note) + name_bytes, note.n_descsz,
					 base ? base->sh_addr : 0, &probe);
			err = err == -ENOENT ? 0 : err ? err : visit(context, &probe);
			if (err)
				return err;
		}
		offset += bytes;
		left -= bytes;
	}
	return 0;
}
