/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* user/rustls_binary.c: names of symbols as compilers make them, and files with and without them made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "elf_image.h"
#include "libraries.h"
#include "rustls_binary.h"

static const __u8 code[] = {0xc3, 0xc3, 0xc3};
static struct image image;

static void symbols_are_of_rustls_in_either_mangling(void **state)
{
	static const struct {
		const char *name;
		bool of_rustls;
	} symbols[] = {
		{"_ZN6rustls4conn11CommonState16current_io_state17hcb5d270a4ed7bef7E", true},
		{"_RNvMsa_NtCs4eDMy9CecEo_6rustls4connNtB5_11CommonState16current_io_state", true},
		{"_RINvNtCsgEmfK2I1SDS_4core3ptr13drop_in_placeNtNtCs4eDMy9CecEo_6rustls5error5ErrorEBK_", true},
		{"_ZN12tokio_rustls11TlsAcceptor6accept17h0123456789abcdefE", false},
		{"_ZN14rustls_pemfile7pemfile5certs17h0123456789abcdefE", false},
		{"_RNvCscpyk9Kjbefp_14rustls_pemfile5certs", false},
		{"_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE", false},
		{"a_6rustls", false},
		{"rustls_connection_read", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		if (rustls_binary_symbol(symbols[i].name) != symbols[i].of_rustls)
			fail_msg("%s", symbols[i].name);
}

static void finish_and_expect(bool is_tls)
{
	struct library_finding finding = {0};
	struct elf_file *file;

	image_finish(&image);
	assert_int_equal(image_open(&image, &file), 0);
	assert_int_equal(libraries_examine(file, (struct library_wish){.tls = true}, &finding), 0);
	elf_file_close(file);
	assert_int_equal(finding.is_tls, is_tls);
	assert_int_equal(finding.library, is_tls ? LIBRARY_RUSTLS : LIBRARY_UNKNOWN);
	assert_int_equal(finding.n, 0);
}

static void with_symbol(const char *name, bool is_tls)
{
	struct image_symbol symbols[] = {{"main", STT_FUNC, IMAGE_CODE, 1}, {name, STT_FUNC, IMAGE_CODE, 1}};

	image_begin(&image, EM_X86_64, code, sizeof(code));
	image_symbols(&image, SHT_SYMTAB, symbols, 2);
	finish_and_expect(is_tls);
}

static void a_file_with_a_symbol_of_rustls_has_it(void **state)
{
	(void)state;
	with_symbol("_ZN6rustls4conn11CommonState10wants_read17h0123456789abcdefE", true);
	with_symbol("_ZN12tokio_rustls11TlsAcceptor6accept17h0123456789abcdefE", false);
}

static void a_library_that_can_be_seen_is_no_less_so_beside_rustls(void **state)
{
	static const struct image_symbol symbols[] = {{"SSL_read", STT_FUNC, IMAGE_CODE, 1},
						      {"SSL_write", STT_FUNC, IMAGE_CODE + 1, 1},
						      {"SSL_new", STT_FUNC, IMAGE_CODE + 2, 1},
						      {"_ZN6rustls6server3newE", STT_FUNC, IMAGE_CODE, 1}};

	(void)state;
	for (size_t n = 3; n <= 4; n++) {
		struct library_finding finding = {0};
		struct elf_file *file;

		image_begin(&image, EM_X86_64, code, sizeof(code));
		image_symbols(&image, SHT_SYMTAB, symbols, n);
		image_finish(&image);
		assert_int_equal(image_open(&image, &file), 0);
		assert_int_equal(libraries_examine(file, (struct library_wish){.tls = true}, &finding), 0);
		elf_file_close(file);
		assert_int_equal(finding.library, LIBRARY_OPENSSL);
		assert_int_equal(finding.n, 6);
		assert_int_equal(finding.rustls_too, n == 4);
	}
}

/* A stripped file with this text `at` bytes into its constants. */
static void with_constant(const char *text, size_t at, bool is_tls)
{
	char constants[9000];

	memset(constants, '/', sizeof(constants));
	assert_true(at + strlen(text) <= sizeof(constants));
	memcpy(constants + at, text, strlen(text));
	image_begin(&image, EM_X86_64, code, sizeof(code));
	image_section(&image, ".rodata", SHT_PROGBITS, 0, constants, sizeof(constants));
	finish_and_expect(is_tls);
}

static void a_stripped_file_has_rustls_if_a_panic_would_name_its_source(void **state)
{
	static const char path[] = "/registry/rustls-0.20.8/src/conn.rs";

	(void)state;
	with_constant(path, 0, true);
	with_constant("/vendor/rustls/src/conn.rs", 100, true);
	with_constant("/rustls-0.24.0-dev.1/src/lib.rs", 100, true);
	with_constant("/registry/tokio-rustls-0.23.4/src/lib.rs", 100, false);
	with_constant("/registry/rustls-pemfile-1.0.0/src/lib.rs", 100, false);
	with_constant("/rustls-0.20.8/tests/api.rs", 100, false);
	with_constant("https://github.com/rustls/rustls", 100, false);
}

static void it_may_lie_anywhere_in_the_constants(void **state)
{
	static const char path[] = "/rustls-0.20.8/src/conn.rs";

	(void)state;
	for (size_t at = 8192 - sizeof(path); at < 8192 + 10; at++)
		with_constant(path, at, true);
	with_constant(path, 9000 - strlen(path), true);
	with_constant("/rustls-0.20.8/src", 9000 - strlen("/rustls-0.20.8/src"), false); /* cut */
}

static void look(int fd)
{
	struct elf_file *file;

	if (elf_file_open(&file, fd))
		return;
	assert_true(rustls_binary_has(file) <= 1);
	elf_file_close(file);
}

static void broken_files_are_no_harm(void **state)
{
	(void)state;
	image_begin(&image, EM_X86_64, code, sizeof(code));
	image_section(&image, ".rodata", SHT_PROGBITS, 0, "/rustls/src/", 12);
	image_finish(&image);
	image_in_hostile_hands(image.bytes, image.size, look);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_are_of_rustls_in_either_mangling),
		cmocka_unit_test(a_file_with_a_symbol_of_rustls_has_it),
		cmocka_unit_test(a_library_that_can_be_seen_is_no_less_so_beside_rustls),
		cmocka_unit_test(a_stripped_file_has_rustls_if_a_panic_would_name_its_source),
		cmocka_unit_test(it_may_lie_anywhere_in_the_constants),
		cmocka_unit_test(broken_files_are_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
