/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* elf_file ──> [go_binary] ──> uprobes: see go_binary.h. */
#include "go_binary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "go_version.h"
#include "name_set.h"

enum {
	MAGIC_1_16 = 0xfffffffa,
	MAGIC_1_18 = 0xfffffff0,
	MAGIC_1_20 = 0xfffffff1,
	ALIGNMENT = 8, /* of the table, at least */
	MAX_SEARCH_BYTES = 1 << 26,
	MAX_FUNCTIONS = 1 << 21, /* large programs have 200,000 */
	REGISTERS_AMD64 = 17,
	REGISTERS_ARM64 = 18,
};

/* runtime.pcHeader; the offsets are from its own place. */
struct header {
	__u32 magic;
	__u8 zero[2], quantum, pointer_bytes;
	__u64 functions, files;
	__u64 word[6];
};

/* 1.16 has no word for the start of the text, the others have it first. */
struct layout {
	int names, list;
};

static const struct layout layout_1_16 = {0, 4}, layout_1_18 = {1, 5};

/* ---- The table ----------------------------------------------------------------------------------------------- */

static bool is_header(const struct header *header)
{
	return (header->magic == MAGIC_1_16 || header->magic == MAGIC_1_18 || header->magic == MAGIC_1_20) &&
	       !header->zero[0] && !header->zero[1] && header->pointer_bytes == sizeof(__u64);
}

/* Where in the section the table begins, at one of the places `step` apart up to `limit`. */
static int find_header(struct go_binary *go, const Elf64_Shdr *section, __u64 step, __u64 limit, __u64 *address)
{
	struct header header;

	if (section->sh_type == SHT_NOBITS ||
	    __builtin_add_overflow(section->sh_offset, section->sh_size, &go->table_end))
		return -ENOENT;
	for (__u64 at = 0; at < limit && at + sizeof(header) <= section->sh_size; at += step) {
		int err = elf_file_read(go->file, section->sh_offset + at, &header, 8);

		if (err)
			return err;
		if (!is_header(&header))
			continue;
		go->table = section->sh_offset + at;
		*address = section->sh_addr + at;
		return 0;
	}
	return -ENOTSUP;
}

/* Linkers of C put the table of a position-independent program among other data. */
static int find_table(struct go_binary *go, __u64 *address)
{
	static const char *const own[] = {".gopclntab", ".data.rel.ro.gopclntab"};
	const Elf64_Shdr *section;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		section = elf_file_section(go->file, own[i]);
		if (section)
			return find_header(go, section, sizeof(struct header), 1, address);
	}
	section = elf_file_section(go->file, ".data.rel.ro");
	return section ? find_header(go, section, ALIGNMENT, MAX_SEARCH_BYTES, address) : -ENOENT;
}

static int lay_out(struct go_binary *go, const struct header *header)
{
	__u64 size = go->table_end - go->table;
	const struct layout *layout;

	go->narrow = header->magic != MAGIC_1_16;
	layout = go->narrow ? &layout_1_18 : &layout_1_16;
	if (header->functions > MAX_FUNCTIONS || header->word[layout->names] > size ||
	    header->word[layout->list] > size)
		return -ENOEXEC;
	go->count = header->functions;
	go->names = go->table + header->word[layout->names];
	go->functions = go->table + header->word[layout->list];
	return 0;
}

static int is_entry(void *context, const char *name, const struct elf_function *function)
{
	const struct go_binary *go = context;

	if (strncmp(name, "_rt0_", 5) != 0)
		return 0;
	return function->address == elf_file_entry(go->file) ? 1 : 0;
}

/*
 * Where runtime.text is. The header has it, in position-independent programs by a relocation. Versions that leave it
 * out: Go's own linker puts it at the start of .text. Another linker puts the code of C before it, and a probe at a
 * wrong address would break the program; but then the program does not start in Go's code.
 */
static int find_text(struct go_binary *go, const struct header *header, __u64 header_address)
{
	const Elf64_Shdr *text;

	if (!go->narrow)
		return 0;
	go->text = header->word[0];
	if (go->text || !elf_symbols_relative(go->file, header_address + offsetof(struct header, word), &go->text))
		return 0;
	text = elf_file_section(go->file, ".text");
	if (!text)
		return -ENOTSUP;
	go->text = text->sh_addr;
	return go_binary_each(go, is_entry, go) == 1 ? 0 : -ENOTSUP;
}

int go_binary_read(struct go_binary *out, struct elf_file *file)
{
	struct go_binary go = {.file = file};
	struct header header;
	__u64 address;
	int err = go_version_read(file, go.version, sizeof(go.version));

	if (err < 0)
		return err;
	err = find_table(&go, &address);
	if (!err)
		err = elf_file_read(file, go.table, &header, sizeof(header));
	if (!err)
		err = lay_out(&go, &header);
	if (!err)
		err = find_text(&go, &header, address);
	if (!err)
		*out = go;
	return err;
}

bool go_binary_has_register_abi(const struct go_binary *go)
{
	bool amd64 = elf_file_machine(go->file) == EM_X86_64;

	return go_version_minor(go->version) >= (amd64 ? REGISTERS_AMD64 : REGISTERS_ARM64);
}

/* ---- Functions ----------------------------------------------------------------------------------------------- */

/* An entry of the list: where the function begins, and where its description is. One more ends the list. */
struct entry {
	__u64 address, description;
};

static int read_entry(const struct go_binary *go, __u64 index, struct entry *out)
{
	__u64 wide[2];
	__u32 narrow[2];
	int err;

	if (go->narrow) {
		err = elf_file_read(go->file, go->functions + index * sizeof(narrow), narrow, sizeof(narrow));
		if (!err)
			*out = (struct entry){go->text + narrow[0], narrow[1]};
		return err;
	}
	err = elf_file_read(go->file, go->functions + index * sizeof(wide), wide, sizeof(wide));
	if (!err)
		*out = (struct entry){wide[0], wide[1]};
	return err;
}

/* The description (runtime._func) begins like the entry; the place of the name follows. Its length, or -ENOEXEC. */
static int read_name(const struct go_binary *go, const struct entry *entry, char *name, size_t size)
{
	__u64 at = go->functions + entry->description + (go->narrow ? sizeof(__u32) : sizeof(__u64));
	__u32 place;
	int err;

	if (entry->description >= go->table_end - go->functions)
		return -ENOEXEC;
	err = elf_file_read(go->file, at, &place, sizeof(place));
	if (err)
		return err;
	if (place >= go->table_end - go->names)
		return -ENOEXEC;
	return elf_file_string(go->file, go->names + place, name, size);
}

int go_binary_each(const struct go_binary *go, elf_function_visit *visit, void *context)
{
	char name[ELF_NAME_BYTES];
	struct entry entry, next;
	int err = read_entry(go, 0, &entry);

	for (__u64 i = 0; !err && i < go->count; i++, entry = next) {
		struct elf_function function = {.address = entry.address};

		err = read_entry(go, i + 1, &next);
		if (err)
			return err;
		if (next.address <= entry.address || elf_file_offset(go->file, entry.address, true, &function.offset))
			continue;
		function.size = next.address - entry.address;
		err = read_name(go, &entry, name, sizeof(name));
		if (err == -ENAMETOOLONG) {
			err = 0;
			continue;
		}
		err = err < 0 ? err : visit(context, name, &function);
	}
	return err;
}

struct lookup {
	struct name_set *set;
	struct elf_function *found; /* one for each name */
};

static int take(void *context, const char *name, const struct elf_function *function)
{
	const struct lookup *lookup = context;
	long place = name_set_find(lookup->set, name, strlen(name));

	if (place >= 0 && !lookup->found[place].address)
		lookup->found[place] = *function;
	return 0;
}

int go_binary_find(const struct go_binary *go, const char *const names[], struct elf_function functions[], size_t n)
{
	struct lookup lookup = {.found = calloc(n ? n : 1, sizeof(lookup.found[0]))};
	int err = lookup.found ? name_set_make(&lookup.set, names, n) : -ENOMEM, number = 0;

	if (!err)
		err = go_binary_each(go, take, &lookup);
	for (size_t i = 0; !err && i < n; i++) {
		functions[i] = lookup.found[i];
		number += functions[i].address != 0;
	}
	name_set_free(lookup.set);
	free(lookup.found);
	return err ? err : number;
}
