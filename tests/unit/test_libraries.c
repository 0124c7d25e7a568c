// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of user/libraries.c: which functions of a file are probed, by which programs; on files made by hand, and on
 * the libraries of this machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>

#include "elf_image.h"
#include "elf_symbols.h"
#include "libraries.h"
#include "skip.h"
#include "tapstat/abi.h"

enum {
	EACH = 32,       /* bytes of code of a function */
	NAMES = 15,      /* of one file */
	PUSH_RBP = 0x55, /* the kernel emulates it: a probe goes there */
	RET = 0xc3,
};

/* ---- Files made by hand -----------------------------------------------------------------------------------------
 */

static int examine(struct elf_file *file, struct library_finding *out)
{
	return libraries_examine(file, (struct library_wish){.tls = true}, out);
}

static __u64 code_at(size_t function)
{
	return IMAGE_CODE_OFFSET + EACH * function;
}

/* Functions of these names, which end at NULL, one behind the other, with this code. */
static void make(struct image *image, const char *const names[], const __u8 (*code)[EACH])
{
	struct image_symbol symbols[NAMES];
	size_t n;

	for (n = 0; names[n]; n++)
		symbols[n] = (struct image_symbol){names[n], STT_FUNC, IMAGE_BASE + code_at(n), EACH};
	image_begin(image, EM_X86_64, code, EACH * n);
	image_symbols(image, SHT_DYNSYM, symbols, n);
	image_finish(image);
}

static struct library_finding find_in(const struct image *image)
{
	struct library_finding finding = {0};
	struct elf_file *file;

	assert_int_equal(image_open(image, &file), 0);
	assert_int_equal(examine(file, &finding), 0);
	elf_file_close(file);
	return finding;
}

/* The same with the code of a usual function, a push and what may follow. */
static struct library_finding find_by_names(const char *const names[])
{
	static __u8 code[NAMES][EACH];
	struct image image;

	for (size_t i = 0; i < NAMES; i++) {
		code[i][0] = PUSH_RBP;
		code[i][EACH - 1] = RET;
	}
	make(&image, names, code);
	return find_in(&image);
}

/* Which program goes to the entry of a function, whose return is probed or not; NULL: none does. */
static const char *program_at(const struct library_finding *finding, __u64 offset, bool *at_return)
{
	const char *program = NULL;

	*at_return = false;
	for (size_t i = 0; i < finding->n; i++) {
		const struct probe_place *place = &finding->place[i];

		assert_int_equal(place->cookie & COOKIE_LIBRARY, finding->library);
		if (place->offset != offset)
			continue;
		if (place->at_return) {
			assert_string_equal(place->program, "ts_tls_return");
			assert_false(*at_return);
			*at_return = true;
		} else {
			assert_null(program);
			program = place->program;
		}
	}
	return program;
}

static void a_file_is_the_library_whose_functions_it_shows(void **state)
{
	static const struct {
		const char *names[5];
		enum label_library library;
		size_t places;
	} files[] = {
		{{"SSL_read", "SSL_write", "SSL_new"}, LIBRARY_OPENSSL, 6},
		{{"SSL_new", "SSL_free", "SSL_write", "SSL_read"}, LIBRARY_OPENSSL, 7},
		{{"SSL_read", "SSL_write", "SSL_new", "BORINGSSL_self_test"}, LIBRARY_BORINGSSL, 6},
		{{"SSL_read", "SSL_write", "BORINGSSL_self_test"}, LIBRARY_BORINGSSL, 4},
		{{"SSL_CTX_set_grease_enabled", "SSL_new", "SSL_write", "SSL_read"}, LIBRARY_BORINGSSL, 6},
		{{"gnutls_record_recv", "gnutls_record_send", "gnutls_init"}, LIBRARY_GNUTLS, 6},
		{{"SSL_ImportFD", "SSL_ForceHandshake"}, LIBRARY_NSS, 0},
		{{"JNI_CreateJavaVM", "JVM_GC"}, LIBRARY_JAVA, 0},
		{{"mbedtls_ssl_read", "mbedtls_ssl_write"}, LIBRARY_MBEDTLS, 0},
		{{"wolfSSL_read", "wolfSSL_write"}, LIBRARY_WOLFSSL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct library_finding finding = find_by_names(files[i].names);

		if (!finding.is_tls || finding.library != files[i].library || finding.n != files[i].places)
			fail_msg("%s …: library %d, %zu places", files[i].names[0], (int)finding.library, finding.n);
	}
}

static void a_file_that_shows_only_a_part_of_a_library_is_none(void **state)
{
	static const char *const files[][4] = {
		{"SSL_read", "SSL_write"},
		{"SSL_read", "SSL_new"},
		{"SSL_write", "SSL_new"},
		{"SSL_read", "BORINGSSL_self_test"},
		{"gnutls_record_recv"},
		{"gnutls_record_recv", "gnutls_record_send"},
		{"gnutls_init", "gnutls_deinit"},
		{"SSL_ImportFD"},
		{"JNI_CreateJavaVM"},
		{"mbedtls_ssl_read"},
		{"wolfSSL_write"},
		{"main"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct library_finding finding = find_by_names(files[i]);

		if (finding.is_tls || finding.n)
			fail_msg("%s …: taken for library %d", files[i][0], (int)finding.library);
	}
}

static void a_program_that_only_uses_a_library_is_none(void **state)
{
	static const struct image_symbol imports[] = {{"SSL_read", STT_FUNC, 0, 0},
						      {"SSL_write", STT_FUNC, 0, 0},
						      {"SSL_new", STT_FUNC, 0, 0},
						      {"main", STT_FUNC, IMAGE_CODE, 1}};
	static const __u8 code[] = {RET};
	struct image image;

	(void)state;
	image_begin(&image, EM_X86_64, code, sizeof(code));
	image_symbols(&image, SHT_DYNSYM, imports, 4);
	image_finish(&image);
	assert_false(find_in(&image).is_tls);
}

static void each_function_gets_its_program(void **state)
{
	static const struct {
		const char *names[10];
		const char *programs[10];
		const char *returns; /* 'r': at its return, too */
	} files[] = {
		{{"SSL_read", "SSL_write", "SSL_new", "SSL_sendfile", "SSL_do_handshake", "SSL_clear", "SSL_free"},
		 {"ts_tls_read", "ts_tls_write", "ts_tls_new", "ts_tls_sendfile", "ts_tls_handshake", "ts_tls_clear",
		  "ts_tls_free"},
		 "rrrrr--"},
		{{"gnutls_record_recv", "gnutls_record_recv_seq", "gnutls_record_send2", "gnutls_record_send",
		  "gnutls_handshake", "gnutls_record_uncork", "gnutls_init", "gnutls_deinit"},
		 {"ts_tls_read", "ts_tls_read", "ts_tls_write", "ts_tls_write", "ts_tls_handshake", "ts_tls_uncork",
		  "ts_tls_new_at", "ts_tls_free"},
		 "rrrrrrr-"},
		{{"gnutls_record_recv", "gnutls_record_recv_packet", "gnutls_record_send", "gnutls_record_send_range",
		  "gnutls_init"},
		 {"ts_tls_read", "ts_tls_packet", "ts_tls_write", "ts_tls_write", "ts_tls_new_at"},
		 "rrrrr"},
		{{"SSL_peek", "SSL_read", "SSL_write", "SSL_new", "SSL_get_fd"},
		 {NULL, "ts_tls_read", "ts_tls_write", "ts_tls_new", NULL},
		 "-rrr-"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct library_finding finding = find_by_names(files[i].names);

		for (size_t j = 0; files[i].names[j]; j++) {
			bool at_return;
			const char *program = program_at(&finding, code_at(j), &at_return),
				   *expected = files[i].programs[j];

			if (strcmp(program ?: "none", expected ?: "none") != 0 ||
			    at_return != (files[i].returns[j] == 'r'))
				fail_msg("%s: %s%s", files[i].names[j], program ?: "none",
					 at_return ? ", at its return" : "");
		}
	}
}

/* ---- Functions that lead to others ------------------------------------------------------------------------------
 */

/* A direct call from `at` bytes into function `from` to the beginning of function `to`. */
static __s32 distance(size_t from, size_t at, size_t to)
{
	return (__s32)(EACH * to) - (__s32)(EACH * from + at + 5);
}

/* SSL_read, SSL_read_ex and what both call; and of writing. */
static const char *const paired[] = {"SSL_read",     "SSL_read_ex",        "ssl_read_internal", "SSL_write",
				     "SSL_write_ex", "ssl_write_internal", "SSL_new",           NULL};

/* `first`: of the inner functions. */
static struct library_finding find_pairs(__u8 first)
{
	/* sub $24,%rsp; movslq %edx,%rdx; lea 8(%rsp),%rcx; call … */
	static const __u8 plain[] = {0x48, 0x83, 0xec, 0x18, 0x48, 0x63, 0xd2, 0x48, 0x8d, 0x4c, 0x24, 0x08, 0xe8};
	static const __u8 outer[] = {0x48, 0x83, 0xec, 0x08, 0xe8}; /* sub $8,%rsp; call … */
	__u8 code[7][EACH] = {{0}};
	struct image image;

	for (size_t pair = 0; pair < 6; pair += 3) {
		__s32 to = distance(pair, sizeof(plain) - 1, pair + 2);

		memcpy(code[pair], plain, sizeof(plain));
		memcpy(code[pair] + sizeof(plain), &to, sizeof(to));
		code[pair][sizeof(plain) + sizeof(to)] = RET;
		to = distance(pair + 1, sizeof(outer) - 1, pair + 2);
		memcpy(code[pair + 1], outer, sizeof(outer));
		memcpy(code[pair + 1] + sizeof(outer), &to, sizeof(to));
		code[pair + 1][sizeof(outer) + sizeof(to)] = RET;
		code[pair + 2][0] = first;
		code[pair + 2][1] = RET;
	}
	code[6][0] = PUSH_RBP;
	code[6][1] = RET;
	make(&image, paired, code);
	return find_in(&image);
}

static void a_pair_is_probed_where_both_lead_to(void **state)
{
	struct library_finding finding = find_pairs(PUSH_RBP);
	bool at_return;

	(void)state;
	assert_string_equal(program_at(&finding, code_at(2), &at_return), "ts_tls_read_ex");
	assert_true(at_return);
	assert_string_equal(program_at(&finding, code_at(5), &at_return), "ts_tls_write_ex");
	assert_true(at_return);
	assert_int_equal(finding.n, 6); /* SSL_new, too */
}

static void a_pair_is_probed_itself_where_a_probe_would_cost_no_less_inside(void **state)
{
	static const char *const programs[] = {"ts_tls_read",  "ts_tls_read_ex",  NULL,
					       "ts_tls_write", "ts_tls_write_ex", NULL};
	struct library_finding finding = find_pairs(RET);
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		const char *program = NULL;
		bool at_return = false;

		/* The landing is somewhere in the function. */
		for (__u64 offset = code_at(i); offset < code_at(i + 1) && !program; offset++)
			program = program_at(&finding, offset, &at_return);
		assert_string_equal(program ?: "none", programs[i] ?: "none");
		assert_int_equal(at_return, programs[i] != NULL);
		found += program != NULL;
	}
	assert_int_equal(found, 4);
}

static void a_function_that_leads_to_another_of_the_library_is_not_probed(void **state)
{
	static const char *const names[] = {"gnutls_record_recv", "gnutls_record_send", "gnutls_record_send2",
					    "gnutls_init", NULL};
	__u8 code[4][EACH] = {{PUSH_RBP, RET}, {0xe9}, {PUSH_RBP, RET}, {PUSH_RBP, RET}};
	__s32 to = distance(1, 0, 2);
	struct library_finding finding;
	struct image image;
	bool at_return;

	(void)state;
	memcpy(code[1] + 1, &to, sizeof(to)); /* a jump */
	make(&image, names, code);
	finding = find_in(&image);
	assert_null(program_at(&finding, code_at(1), &at_return));
	assert_string_equal(program_at(&finding, code_at(2), &at_return), "ts_tls_write");
}

static void two_names_of_one_function_are_probed_once(void **state)
{
	static const struct image_symbol symbols[] = {{"SSL_read", STT_FUNC, IMAGE_CODE, 2},
						      {"SSL_read_ex", STT_FUNC, IMAGE_CODE, 2},
						      {"SSL_write", STT_FUNC, IMAGE_CODE + EACH, 2},
						      {"SSL_new", STT_FUNC, IMAGE_CODE + 2 * EACH, 2}};
	static const __u8 code[3][EACH] = {{PUSH_RBP, RET}, {PUSH_RBP, RET}, {PUSH_RBP, RET}};
	struct image image;
	struct library_finding finding;
	bool at_return;

	(void)state;
	image_begin(&image, EM_X86_64, code, sizeof(code));
	image_symbols(&image, SHT_DYNSYM, symbols, 4);
	image_finish(&image);
	finding = find_in(&image);
	assert_non_null(program_at(&finding, IMAGE_CODE_OFFSET, &at_return)); /* asserts that there is one */
	assert_int_equal(finding.n, 6);
}

/* ---- Files that lie ---------------------------------------------------------------------------------------------
 */

static void look(int fd)
{
	struct library_finding finding = {.n = 12345};
	struct elf_file *file;
	int err;

	if (elf_file_open(&file, fd))
		return;
	err = examine(file, &finding);
	assert_true(err ? finding.n == 12345 : finding.n <= LIBRARY_MAX_PLACES);
	elf_file_close(file);
}

static void whatever_a_file_holds_the_finding_is_whole_or_untouched(void **state)
{
	static const __u8 code[7][EACH] = {{PUSH_RBP, RET}, {PUSH_RBP, RET}, {PUSH_RBP, RET}, {PUSH_RBP, RET},
					   {PUSH_RBP, RET}, {PUSH_RBP, RET}, {PUSH_RBP, RET}};
	struct image image;

	(void)state;
	make(&image, paired, code);
	image_in_hostile_hands(image.bytes, image.size, look);
}

/* ---- The libraries of this machine ------------------------------------------------------------------------------
 */

#if defined(__x86_64__)
#define FOLDER "/usr/lib/x86_64-linux-gnu/"
#else
#define FOLDER "/usr/lib/aarch64-linux-gnu/"
#endif

/* False: it is not installed. */
static bool find_installed(const char *path, struct library_finding *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct elf_file *file;

	if (fd < 0)
		return false;
	assert_int_equal(elf_file_open(&file, fd), 0);
	close(fd);
	assert_int_equal(examine(file, out), 0);
	elf_file_close(file);
	return true;
}

static bool has_program(const struct library_finding *finding, const char *program)
{
	for (size_t i = 0; i < finding->n; i++)
		if (!strcmp(finding->place[i].program, program))
			return true;
	return false;
}

static void the_openssl_of_this_machine_is_probed(void **state)
{
	static const char *const programs[] = {"ts_tls_read_ex", "ts_tls_write_ex", "ts_tls_handshake",
					       "ts_tls_new",     "ts_tls_free",     "ts_tls_return"};
	struct library_finding finding;

	(void)state;
	if (!find_installed(FOLDER "libssl.so.3", &finding))
		skip_because("libssl.so.3 is not installed");
	assert_true(finding.is_tls);
	assert_int_equal(finding.library, LIBRARY_OPENSSL);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (!has_program(&finding, programs[i]))
			fail_msg("no place for %s", programs[i]);
}

static void the_gnutls_of_this_machine_is_probed(void **state)
{
	static const char *const programs[] = {"ts_tls_read",   "ts_tls_write", "ts_tls_handshake",
					       "ts_tls_new_at", "ts_tls_free",  "ts_tls_return"};
	struct library_finding finding;

	(void)state;
	if (!find_installed(FOLDER "libgnutls.so.30", &finding))
		skip_because("libgnutls.so.30 is not installed");
	assert_int_equal(finding.library, LIBRARY_GNUTLS);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (!has_program(&finding, programs[i]))
			fail_msg("no place for %s", programs[i]);
}

static void the_c_library_of_this_machine_is_no_tls(void **state)
{
	struct library_finding finding;

	(void)state;
	if (!find_installed(FOLDER "libc.so.6", &finding))
		skip_because("libc.so.6 is elsewhere");
	assert_false(finding.is_tls);
	assert_int_equal(finding.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_the_library_whose_functions_it_shows),
		cmocka_unit_test(a_file_that_shows_only_a_part_of_a_library_is_none),
		cmocka_unit_test(a_program_that_only_uses_a_library_is_none),
		cmocka_unit_test(each_function_gets_its_program),
		cmocka_unit_test(a_pair_is_probed_where_both_lead_to),
		cmocka_unit_test(a_pair_is_probed_itself_where_a_probe_would_cost_no_less_inside),
		cmocka_unit_test(a_function_that_leads_to_another_of_the_library_is_not_probed),
		cmocka_unit_test(two_names_of_one_function_are_probed_once),
		cmocka_unit_test(whatever_a_file_holds_the_finding_is_whole_or_untouched),
		cmocka_unit_test(the_openssl_of_this_machine_is_probed),
		cmocka_unit_test(the_gnutls_of_this_machine_is_probed),
		cmocka_unit_test(the_c_library_of_this_machine_is_no_tls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
