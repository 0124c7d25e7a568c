/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables of Go made by hand in each of their forms. Programs that Go built: tests/elf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "elf_image.h"
#include "go_binary.h"
#include "go_version.h"

static const __u8 code[128] = {0xc3};

enum {
	FIRST = IMAGE_CODE + 16, /* runtime.text, and "_rt0_amd64_linux" */
	SECOND = FIRST + 32,
	END = SECOND + 48,
	INFORMATION = 0, /* places in the data */
	TABLE = 0x100,
	VERSION = 0x400,
};

static const char names[] = "_rt0_amd64_linux\0crypto/tls.(*Conn).Read";

/* Of 1.18 and later: numbers of 4 bytes, from runtime.text on. */
struct narrow {
	__u32 magic;
	__u8 zero[2], quantum, pointer_bytes;
	__u64 functions, files, text, names_at, units, files_at, counters, list_at;
	char names[48];
	struct {
		__u32 start, description;
	} list[3];
	struct {
		__u32 start, name;
	} description[2];
};

static const struct narrow narrow = {
	.magic = 0xfffffff1,
	.quantum = 1,
	.pointer_bytes = 8,
	.functions = 2,
	.text = FIRST,
	.names_at = offsetof(struct narrow, names),
	.list_at = offsetof(struct narrow, list),
	.list = {{0, 24}, {SECOND - FIRST, 32}, {END - FIRST, 0}},
	.description = {{0, 0}, {SECOND - FIRST, 17}},
};

/* Of 1.16 and 1.17: addresses. */
struct wide {
	__u32 magic;
	__u8 zero[2], quantum, pointer_bytes;
	__u64 functions, files, names_at, units, files_at, counters, list_at;
	char names[48];
	struct {
		__u64 start, description;
	} list[3];
	struct {
		__u64 start;
		__u32 name, arguments;
	} description[2];
};

static const struct wide wide = {
	.magic = 0xfffffffa,
	.quantum = 1,
	.pointer_bytes = 8,
	.functions = 2,
	.names_at = offsetof(struct wide, names),
	.list_at = offsetof(struct wide, list),
	.list = {{FIRST, 48}, {SECOND, 64}, {END, 0}},
	.description = {{FIRST, 0, 0}, {SECOND, 17, 0}},
};

/* ---- Images -------------------------------------------------------------------------------------------------- */

static void inline_information(struct image *image)
{
	__u8 bytes[48] = "\xff Go buildinf:\x08\x02";

	memcpy(bytes + 32, "\x08go1.19.8", 9);
	image_data(image, INFORMATION, bytes, sizeof(bytes));
	image_section(image, ".go.buildinfo", SHT_PROGBITS, IMAGE_DATA + INFORMATION, NULL, sizeof(bytes));
}

/* As before 1.18, and without the section. */
static void pointed_information(struct image *image)
{
	const __u64 string = IMAGE_DATA + VERSION, header[2] = {IMAGE_DATA + VERSION + 16, 8};
	__u8 bytes[32] = "\xff Go buildinf:\x08";

	memcpy(bytes + 16, &string, sizeof(string));
	image_data(image, INFORMATION + 32, bytes, sizeof(bytes));
	image_data(image, VERSION, header, sizeof(header));
	image_data(image, VERSION + 16, "go1.17.6", 8);
}

static void narrow_table(struct image *image, const struct narrow *table, const char *section)
{
	struct narrow copy = *table;

	memcpy(copy.names, names, sizeof(names));
	image_section(image, section, SHT_PROGBITS, image_data(image, TABLE, &copy, sizeof(copy)), NULL,
		      sizeof(copy));
}

static void begin(struct image *image)
{
	image_begin(image, EM_X86_64, code, sizeof(code));
	image->header->e_entry = FIRST;
}

static int open_go(const struct image *image, struct elf_file **file, struct go_binary *go)
{
	int err;

	assert_int_equal(image_open(image, file), 0);
	err = go_binary_read(go, *file);
	if (err)
		elf_file_close(*file);
	return err;
}

static void assert_found(const struct image *image, const char *version)
{
	static const char *const wanted[] = {"crypto/tls.(*Conn).Read", "crypto/tls.(*Conn).Write",
					     "_rt0_amd64_linux"};
	struct elf_function found[3];
	struct elf_file *file;
	struct go_binary go;

	assert_int_equal(open_go(image, &file, &go), 0);
	assert_string_equal(go.version, version);
	assert_true(go_binary_has_register_abi(&go));
	assert_int_equal(go_binary_find(&go, wanted, found, 3), 2);
	assert_int_equal(found[0].address, SECOND);
	assert_int_equal(found[0].offset, SECOND - IMAGE_CODE + IMAGE_CODE_OFFSET);
	assert_int_equal(found[0].size, END - SECOND);
	assert_int_equal(found[1].address, 0);
	assert_int_equal(found[2].address, FIRST);
	elf_file_close(file);
}

/* ---- Tests --------------------------------------------------------------------------------------------------- */

static void functions_are_found_in_narrow_tables(void **state)
{
	struct narrow older = narrow;
	struct image image;

	(void)state;
	begin(&image);
	inline_information(&image);
	narrow_table(&image, &narrow, ".gopclntab");
	image_finish(&image);
	assert_found(&image, "go1.19.8");

	older.magic = 0xfffffff0;
	begin(&image);
	inline_information(&image);
	narrow_table(&image, &older, ".data.rel.ro.gopclntab");
	image_finish(&image);
	assert_found(&image, "go1.19.8");
}

static void functions_are_found_in_wide_tables(void **state)
{
	struct wide copy = wide;
	struct image image;

	(void)state;
	memcpy(copy.names, names, sizeof(names));
	begin(&image);
	pointed_information(&image);
	image_section(&image, ".gopclntab", SHT_PROGBITS, image_data(&image, TABLE, &copy, sizeof(copy)), NULL,
		      sizeof(copy));
	image_finish(&image);
	assert_found(&image, "go1.17.6");
}

static void a_table_among_other_data_is_relocated(void **state)
{
	const Elf64_Rela relocation = {IMAGE_DATA + TABLE + offsetof(struct narrow, text), R_X86_64_RELATIVE, FIRST};
	struct narrow unrelocated = narrow;
	struct image image;

	(void)state;
	unrelocated.text = 0;
	memcpy(unrelocated.names, names, sizeof(names));
	begin(&image);
	image.header->e_entry = IMAGE_CODE; /* C's start-up code */
	inline_information(&image);
	image_data(&image, TABLE, &unrelocated, sizeof(unrelocated));
	image_section(&image, ".data.rel.ro", SHT_PROGBITS, IMAGE_DATA, NULL, IMAGE_END - IMAGE_DATA_OFFSET);
	image_section(&image, ".rela.dyn", SHT_RELA, image_data(&image, VERSION, &relocation, sizeof(relocation)),
		      NULL, sizeof(relocation));
	image_finish(&image);
	assert_found(&image, "go1.19.8");
}

static void without_a_start_of_the_text_the_entry_proves_it(void **state)
{
	struct narrow without = narrow;
	struct elf_file *file;
	struct go_binary go;
	struct image image;

	(void)state;
	without.text = 0;
	for (int outer = 0; outer < 2; outer++) {
		begin(&image);
		image.header->e_entry = outer ? IMAGE_CODE : FIRST;
		inline_information(&image);
		image_section(&image, ".text", SHT_PROGBITS, FIRST, NULL, 64);
		narrow_table(&image, &without, ".gopclntab");
		image_finish(&image);
		if (outer)
			assert_int_equal(open_go(&image, &file, &go), -ENOTSUP);
		else
			assert_found(&image, "go1.19.8");
	}
}

static void other_programs_and_other_tables_are_refused(void **state)
{
	struct narrow old = narrow;
	struct elf_file *file;
	struct go_binary go = {.count = 42};
	struct image image;

	(void)state;
	begin(&image);
	image_finish(&image);
	assert_int_equal(open_go(&image, &file, &go), -ENOENT);

	old.magic = 0xfffffffb; /* Go 1.2 to 1.15 */
	begin(&image);
	inline_information(&image);
	narrow_table(&image, &old, ".gopclntab");
	image_finish(&image);
	assert_int_equal(open_go(&image, &file, &go), -ENOTSUP);

	old = narrow;
	old.functions = 1ULL << 40;
	begin(&image);
	inline_information(&image);
	narrow_table(&image, &old, ".gopclntab");
	image_finish(&image);
	assert_int_equal(open_go(&image, &file, &go), -ENOEXEC);
	assert_int_equal(go.count, 42);
}

static void versions_have_a_minor_number(void **state)
{
	(void)state;
	assert_int_equal(go_version_minor("go1.19.8"), 19);
	assert_int_equal(go_version_minor("devel go1.23-0a1b2c3 Mon Jan 1"), 23);
	assert_int_equal(go_version_minor("go1.22rc1"), 22);
	assert_int_equal(go_version_minor("go2"), -EINVAL);
	assert_int_equal(go_version_minor("go1.x"), -EINVAL);
}

static int ignore(void *context, const char *name, const struct elf_function *function)
{
	(void)context;
	(void)name;
	(void)function;
	return 0;
}

static void look(int fd)
{
	struct elf_file *file;
	struct go_binary go;

	if (elf_file_open(&file, fd))
		return;
	if (!go_binary_read(&go, file))
		go_binary_each(&go, ignore, NULL);
	elf_file_close(file);
}

static void broken_files_break_nothing_else(void **state)
{
	struct image image;

	(void)state;
	begin(&image);
	inline_information(&image);
	narrow_table(&image, &narrow, ".gopclntab");
	image_finish(&image);
	image_in_hostile_hands(image.bytes, image.size, look);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found_in_narrow_tables),
		cmocka_unit_test(functions_are_found_in_wide_tables),
		cmocka_unit_test(a_table_among_other_data_is_relocated),
		cmocka_unit_test(without_a_start_of_the_text_the_entry_proves_it),
		cmocka_unit_test(other_programs_and_other_tables_are_refused),
		cmocka_unit_test(versions_have_a_minor_number),
		cmocka_unit_test(broken_files_break_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
