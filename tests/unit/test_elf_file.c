/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ELF files: made by hand, of this machine with libelf beside, and in hostile hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <link.h>
#include <stdio.h>

#include "elf_image.h"
#include "elf_symbols.h"
#include "elf_unwind.h"

static const __u8 code[64] = {0x55, 0xc3};

static const struct image_symbol dynamic[] = {
	{"first", STT_FUNC, IMAGE_CODE, 2},         {"imported", STT_FUNC, 0, 0},
	{"resolver", STT_GNU_IFUNC, IMAGE_CODE, 2}, {"data", STT_OBJECT, IMAGE_DATA, 8},
	{"no_code", STT_FUNC, IMAGE_DATA, 8},       {"twice", STT_FUNC, IMAGE_CODE + 8, 1},
	{"twice", STT_FUNC, IMAGE_CODE + 16, 1},    {"twice", STT_FUNC, IMAGE_CODE + 24, 1},
};
static const __u16 versions[] = {0, 1, 1, 1, 1, 1, 0x8002, 3, 0x8004};

static const struct image_symbol all[] = {
	{"first", STT_FUNC, IMAGE_CODE, 2},
	{"static_one", STT_FUNC, IMAGE_CODE + 32, 4},
	{"versioned@OLD", STT_FUNC, IMAGE_CODE + 40, 4},
	{"versioned@@NEW", STT_FUNC, IMAGE_CODE + 48, 4},
};

static const struct {
	Elf64_Nhdr head;
	char name[4];
	__u8 id[4];
} build_id = {{4, 4, NT_GNU_BUILD_ID}, "GNU", {0xde, 0xad, 0xbe, 0xef}};

/* Everything that elf_file and elf_symbols read. */
static void make_image(struct image *image)
{
	const Elf64_Dyn tags[] = {{DT_STRTAB, {IMAGE_DATA + 256}}, {DT_SONAME, {1}}, {DT_NULL, {0}}};
	const Elf64_Rela relocations[] = {
		{IMAGE_DATA + 0x300, ELF64_R_INFO(6, R_X86_64_JUMP_SLOT), 0},
		{IMAGE_DATA + 0x308, ELF64_R_INFO(2, R_X86_64_JUMP_SLOT), 0},
		{IMAGE_DATA + 0x310, R_X86_64_RELATIVE, IMAGE_CODE + 32},
	};
	int symbols, section;

	image_begin(image, EM_X86_64, code, sizeof(code));
	image_section(image, ".text", SHT_PROGBITS, IMAGE_CODE, NULL, sizeof(code));
	symbols = image_symbols(image, SHT_DYNSYM, dynamic, sizeof(dynamic) / sizeof(dynamic[0]));
	image_section(image, ".gnu.version", SHT_GNU_versym, 0, versions, sizeof(versions));
	image_symbols(image, SHT_SYMTAB, all, sizeof(all) / sizeof(all[0]));
	section = image_section(image, ".rela.plt", SHT_RELA,
				image_data(image, 512, relocations, sizeof(relocations)), NULL, sizeof(relocations));
	image->sections[section].sh_link = (__u32)symbols;
	image_segment(image, PT_NOTE, image_data(image, 0, &build_id, sizeof(build_id)), sizeof(build_id));
	image_segment(image, PT_DYNAMIC, image_data(image, 128, tags, sizeof(tags)), sizeof(tags));
	image_data(image, 256, "\0libfirst.so.1", 15);
	image_finish(image);
}

static struct elf_file *opened(void)
{
	struct image image;
	struct elf_file *file;

	make_image(&image);
	assert_int_equal(image_open(&image, &file), 0);
	return file;
}

static void functions_are_found_in_both_tables_in_one_pass(void **state)
{
	static const char *const names[] = {"static_one", "nowhere", "first"};
	struct elf_file *file = opened();
	struct elf_function found[3];

	(void)state;
	assert_int_equal(elf_symbols_find(file, names, found, 3), 2);
	assert_int_equal(found[0].address, IMAGE_CODE + 32);
	assert_int_equal(found[0].offset, IMAGE_CODE_OFFSET + 32);
	assert_int_equal(found[0].size, 4);
	assert_int_equal(found[1].address, 0);
	assert_int_equal(found[2].address, IMAGE_CODE);
	elf_file_close(file);
}

static void imports_data_and_resolvers_are_no_functions(void **state)
{
	static const char *const names[] = {"imported", "resolver", "data", "no_code"};
	struct elf_file *file = opened();
	struct elf_function found[4];

	(void)state;
	assert_int_equal(elf_symbols_find(file, names, found, 4), 0);
	elf_file_close(file);
}

static void the_default_version_is_taken(void **state)
{
	static const char *const names[] = {"twice", "versioned"};
	struct elf_file *file = opened();
	struct elf_function found[2];

	(void)state;
	assert_int_equal(elf_symbols_find(file, names, found, 2), 2);
	assert_int_equal(found[0].address, IMAGE_CODE + 16);
	assert_int_equal(found[1].address, IMAGE_CODE + 48);
	elf_file_close(file);
}

static void slots_lead_to_functions_of_the_same_file(void **state)
{
	struct elf_file *file = opened();
	struct elf_function found = {0};
	__u64 address = 0;

	(void)state;
	assert_int_equal(elf_symbols_slot(file, IMAGE_DATA + 0x300, &found), 0);
	assert_int_equal(found.address, IMAGE_CODE + 8);
	assert_int_equal(elf_symbols_slot(file, IMAGE_DATA + 0x308, &found), -ENOENT); /* imported */
	assert_int_equal(elf_symbols_slot(file, IMAGE_DATA + 0x310, &found), -ENOENT);
	assert_int_equal(elf_symbols_slot(file, IMAGE_DATA + 0x318, &found), -ENOENT);
	assert_int_equal(found.address, IMAGE_CODE + 8);
	assert_int_equal(elf_symbols_relative(file, IMAGE_DATA + 0x310, &address), 0);
	assert_int_equal(address, IMAGE_CODE + 32);
	assert_int_equal(elf_symbols_relative(file, IMAGE_DATA + 0x300, &address), -ENOENT);
	elf_file_close(file);
}

static void a_file_tells_its_build_id_and_its_name(void **state)
{
	struct elf_file *file = opened();
	__u8 id[ELF_BUILD_ID_BYTES];
	char name[32], small[8] = "before";

	(void)state;
	assert_int_equal(elf_file_build_id(file, id), sizeof(build_id.id));
	assert_memory_equal(id, build_id.id, sizeof(build_id.id));
	assert_int_equal(elf_file_soname(file, name, sizeof(name)), 13);
	assert_string_equal(name, "libfirst.so.1");
	assert_int_equal(elf_file_soname(file, small, sizeof(small)), -ENAMETOOLONG);
	elf_file_close(file);
}

static void other_files_are_refused(void **state)
{
	struct elf_file *file = NULL;
	struct image image;

	(void)state;
	make_image(&image);
	image.header->e_machine = EM_RISCV;
	assert_int_equal(image_open(&image, &file), -ENOTSUP);
	make_image(&image);
	image.header->e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(image_open(&image, &file), -ENOTSUP);
	make_image(&image);
	image.header->e_ident[EI_DATA] = ELFDATA2MSB;
	assert_int_equal(image_open(&image, &file), -ENOTSUP);
	make_image(&image);
	image.header->e_type = ET_REL;
	assert_int_equal(image_open(&image, &file), -ENOTSUP);
	make_image(&image);
	image.header->e_shnum = 0xfff0;
	assert_int_equal(image_open(&image, &file), -ENOTSUP);
	make_image(&image);
	image.header->e_shoff = ~0ULL - 8;
	assert_int_equal(image_open(&image, &file), -ENOEXEC);
	make_image(&image);
	image.header->e_ident[0] = '#';
	assert_int_equal(image_open(&image, &file), -ENOEXEC);
	assert_null(file);
}

static void what_is_no_file_is_refused(void **state)
{
	struct elf_file *file = NULL;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(elf_file_open(&file, ends[0]), -ENOEXEC);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(elf_file_open(&file, ends[0]), -EBADF);
	assert_null(file);
}

static void a_file_that_shrinks_is_an_error_and_no_signal(void **state)
{
	static const char *const names[] = {"first"};
	struct elf_function found = {.address = 42};
	struct elf_file *file;
	struct image image;
	__u8 *big = calloc(1, 1 << 20);
	int fd;

	(void)state;
	assert_non_null(big);
	make_image(&image);
	memcpy(big, image.bytes, image.size);
	((Elf64_Shdr *)(big + image.header->e_shoff))[3].sh_offset = (1 << 20) - 4096; /* .dynsym: not read yet */
	fd = image_file(big, 1 << 20);
	assert_int_equal(elf_file_open(&file, fd), 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(elf_symbols_find(file, names, &found, 1), -ENOEXEC);
	assert_int_equal(found.address, 42);
	elf_file_close(file);
	close(fd);
	free(big);
}

/* ---- Beside libelf ------------------------------------------------------------------------------------------- */

static int add_up(void *context, const char *name, const struct elf_function *function)
{
	__u64 *sum = context;

	sum[0]++;
	sum[1] += function->address * 31 + function->size + strlen(name);
	return 0;
}

static void add_table(Elf *elf, Elf_Scn *section, __u64 sum[2])
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Shdr header;
	GElf_Sym symbol;

	gelf_getshdr(section, &header);
	for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
		const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);

		if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF)
			continue;
		sum[0]++;
		sum[1] += symbol.st_value * 31 + symbol.st_size + strcspn(name, "@");
	}
}

static int compare_with_libelf(struct dl_phdr_info *info, size_t size, void *context)
{
	const char *path = *info->dlpi_name ? info->dlpi_name : "/proc/self/exe";
	int fd = open(path, O_RDONLY | O_CLOEXEC), *compared = context;
	__u64 ours[2] = {0}, theirs[2] = {0};
	Elf_Scn *section = NULL;
	struct elf_file *file;
	GElf_Shdr header;
	Elf *elf;

	(void)size;
	if (fd < 0)
		return 0; /* the vDSO */
	assert_int_equal(elf_file_open(&file, fd), 0);
	assert_int_equal(elf_symbols_each(file, add_up, ours), 0);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	assert_non_null(elf);
	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM))
			add_table(elf, section, theirs);
	assert_int_equal(ours[0], theirs[0]);
	assert_int_equal(ours[1], theirs[1]);
	*compared += ours[0] != 0;
	elf_end(elf);
	elf_file_close(file);
	close(fd);
	return 0;
}

static void libelf_reads_the_same_functions_of_all_libraries_loaded(void **state)
{
	int compared = 0;

	(void)state;
	dl_iterate_phdr(compare_with_libelf, &compared);
	assert_true(compared >= 5);
}

static int find_own(void *context, const char *name, const struct elf_function *function)
{
	struct elf_function *own = context;

	if (strcmp(name, "a_file_that_shrinks_is_an_error_and_no_signal") != 0)
		return 0;
	*own = *function;
	return 1;
}

static void the_unwind_table_knows_where_functions_begin_and_end(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf_function own, found;
	struct elf_file *file;

	(void)state;
	assert_int_equal(elf_file_open(&file, fd), 0);
	assert_int_equal(elf_symbols_each(file, find_own, &own), 1);
	assert_int_equal(elf_unwind_find(file, own.address + own.size / 2, &found), 0);
	assert_memory_equal(&found, &own, sizeof(own));
	assert_int_equal(elf_unwind_find(file, 0, &found), -ENOENT);
	assert_int_equal(elf_unwind_find(file, ~0ULL, &found), -ENOENT);
	elf_file_close(file);
	close(fd);
}

/* ---- Hostile hands ------------------------------------------------------------------------------------------- */

static int look_up(void *context, const char *name, const struct elf_function *function)
{
	struct elf_function found;

	(void)name;
	elf_unwind_find(context, function->address + 1, &found);
	return 0;
}

static void look(int fd)
{
	static const char *const names[] = {"first", "versioned"};
	struct elf_function found[2];
	__u8 id[ELF_BUILD_ID_BYTES];
	struct elf_file *file;
	char name[64];
	__u64 address;

	if (elf_file_open(&file, fd))
		return;
	elf_file_build_id(file, id);
	elf_file_soname(file, name, sizeof(name));
	elf_symbols_find(file, names, found, 2);
	elf_symbols_each(file, look_up, file);
	elf_symbols_slot(file, IMAGE_DATA + 0x300, &found[0]);
	elf_symbols_relative(file, IMAGE_DATA + 0x310, &address);
	elf_file_close(file);
}

static void broken_files_break_nothing_else(void **state)
{
	struct image image;

	(void)state;
	make_image(&image);
	image_in_hostile_hands(image.bytes, image.size, look);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found_in_both_tables_in_one_pass),
		cmocka_unit_test(imports_data_and_resolvers_are_no_functions),
		cmocka_unit_test(the_default_version_is_taken),
		cmocka_unit_test(slots_lead_to_functions_of_the_same_file),
		cmocka_unit_test(a_file_tells_its_build_id_and_its_name),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(a_file_that_shrinks_is_an_error_and_no_signal),
		cmocka_unit_test(libelf_reads_the_same_functions_of_all_libraries_loaded),
		cmocka_unit_test(the_unwind_table_knows_where_functions_begin_and_end),
		cmocka_unit_test(broken_files_break_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
