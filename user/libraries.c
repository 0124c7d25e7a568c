/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* elf_symbols, prologue ──> [libraries] ──> attacher: see libraries.h. */
#include "libraries.h"

#include <errno.h>
#include <string.h>

#include "elf_symbols.h"
#include "function_returns.h"
#include "go_binary.h"
#include "go_prologue.h"
#include "prologue.h"

/* ---- The table --------------------------------------------------------------------------------------------------
 */

enum { MAX_FUNCTIONS = 16, MAX_NAMES = 128 };

/* Which programs go to a function: one to its entry and, if `returns`, ts_tls_return to its return. */
struct library_function {
	const char *name;
	const char *program;
	int arguments; /* that the program reads */
	bool returns;
};

struct library_row {
	enum label_library library;
	const char *shows[3]; /* functions that all must be there for the file to hold this library */
	const char *lacks;    /* ... and one that must not; NULL: any may */
	struct library_function function[MAX_FUNCTIONS]; /* none: its plaintext can't be seen */
};

/*
 * Readings that only look ahead (SSL_peek) are left out, and so is whatever ends up in one of these functions.
 * What the programs make of arguments and results is in bpf/tls.h.
 */
/* clang-format off: a table */
#define OPENSSL_FUNCTIONS                                                                                        \
	{"SSL_read_ex", "ts_tls_read_ex", 4, true}, {"SSL_read", "ts_tls_read", 2, true},                        \
		{"SSL_write_ex", "ts_tls_write_ex", 4, true}, {"SSL_write", "ts_tls_write", 2, true},            \
		{"SSL_sendfile", "ts_tls_sendfile", 1, true}, {"SSL_do_handshake", "ts_tls_handshake", 1, true}, \
		{"SSL_new", "ts_tls_new", 0, true}, {"SSL_clear", "ts_tls_clear", 1, false},                     \
	{                                                                                                        \
		"SSL_free", "ts_tls_free", 1, false                                                              \
	}
static const struct library_row rows[] = {
	{LIBRARY_OPENSSL, {"SSL_read", "SSL_write", "SSL_new"}, "BORINGSSL_self_test", {OPENSSL_FUNCTIONS}},
	{LIBRARY_BORINGSSL, {"SSL_read", "SSL_write", "BORINGSSL_self_test"}, NULL, {OPENSSL_FUNCTIONS}},
	{LIBRARY_GNUTLS,
	 {"gnutls_record_recv", "gnutls_record_send", "gnutls_init"},
	 NULL,
	 {{"gnutls_record_recv", "ts_tls_read", 2, true},
	  {"gnutls_record_recv_seq", "ts_tls_read", 2, true},
	  {"gnutls_record_send2", "ts_tls_write", 2, true},
	  {"gnutls_record_send", "ts_tls_write", 2, true},
	  {"gnutls_handshake", "ts_tls_handshake", 1, true},
	  {"gnutls_record_uncork", "ts_tls_handshake", 1, true},
	  {"gnutls_init", "ts_tls_new_at", 1, true},
	  {"gnutls_deinit", "ts_tls_free", 1, false}}},
	{LIBRARY_NSS, {"SSL_ImportFD", "SSL_ForceHandshake"}, NULL, {{NULL}}},
	{LIBRARY_JAVA, {"JNI_CreateJavaVM", "JVM_GC"}, NULL, {{NULL}}},
	{LIBRARY_MBEDTLS, {"mbedtls_ssl_read", "mbedtls_ssl_write"}, NULL, {{NULL}}},
	{LIBRARY_WOLFSSL, {"wolfSSL_read", "wolfSSL_write"}, NULL, {{NULL}}},
};
/* clang-format on */

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* The methods of Go's tls.Conn (crypto/tls/conn.go). */
static const struct library_function go_functions[] = {
	{"crypto/tls.(*Conn).Read", "ts_go_read", 2, true},
	{"crypto/tls.(*Conn).Write", "ts_go_write", 2, true},
	{"crypto/tls.(*Conn).clientHandshake", "ts_go_begin", 1, false},
	{"crypto/tls.(*Conn).serverHandshake", "ts_go_begin", 1, false},
	{"crypto/tls.(*Conn).Close", "ts_go_end", 1, false},
};

enum { GO_FUNCTIONS = sizeof(go_functions) / sizeof(go_functions[0]) };

/* A pair of wrappers around one function: the probes of both go there, with the program of the first. */
static const struct {
	const char *plain, *outer; /* the one leaves its own fourth argument, the other hands on its caller's */
} pairs[] = {{"SSL_read", "SSL_read_ex"}, {"SSL_write", "SSL_write_ex"}};

const char *const libraries_usual[] = {"libssl.so.3", "libssl.so.1.1", "libgnutls.so.30"};
const size_t libraries_n_usual = sizeof(libraries_usual) / sizeof(libraries_usual[0]);

/* ---- What a file defines ----------------------------------------------------------------------------------------
 */

struct names {
	const char *name[MAX_NAMES];
	struct elf_function function[MAX_NAMES];
	size_t n;
};

static void names_add(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->name[i], name))
			return;
	if (names->n < MAX_NAMES)
		names->name[names->n++] = name;
}

static void names_of_rows(struct names *names)
{
	for (size_t i = 0; i < ROWS; i++) {
		for (size_t j = 0; j < 3 && rows[i].shows[j]; j++)
			names_add(names, rows[i].shows[j]);
		if (rows[i].lacks)
			names_add(names, rows[i].lacks);
		for (size_t j = 0; j < MAX_FUNCTIONS && rows[i].function[j].name; j++)
			names_add(names, rows[i].function[j].name);
	}
}

/* NULL: the file does not define it. */
static const struct elf_function *find(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->name[i], name))
			return names->function[i].address ? &names->function[i] : NULL;
	return NULL;
}

static bool matches(const struct library_row *row, const struct names *names)
{
	for (size_t i = 0; i < 3 && row->shows[i]; i++)
		if (!find(names, row->shows[i]))
			return false;
	return !row->lacks || !find(names, row->lacks);
}

/* ---- Places -----------------------------------------------------------------------------------------------------
 */

/* 0, or a negative errno with nothing added. */
static int place(struct elf_file *file, const struct elf_function *function, const struct library_function *what,
		 struct library_finding *out)
{
	struct landing landing;
	int err = prologue_landing(file, function, what->arguments, what->returns, &landing);

	if (err)
		return err;
	for (size_t i = 0; i < out->n; i++)
		if (out->place[i].offset == landing.offset)
			return 0; /* the other name of the same, or where it leads */
	if (out->n + 2 > LIBRARY_MAX_PLACES)
		return -E2BIG;
	out->place[out->n++] = (struct probe_place){what->program, landing.offset, out->library, false, 0};
	if (what->returns)
		out->place[out->n++] = (struct probe_place){"ts_tls_return", landing.offset, out->library, true, 0};
	return 0;
}

/* The function that both of a pair lead to, if the probe costs less there than at either. */
static bool pair_inner(struct elf_file *file, const struct names *names, size_t pair, struct elf_function *out)
{
	const struct elf_function *plain = find(names, pairs[pair].plain), *outer = find(names, pairs[pair].outer);
	struct inner of_plain, of_outer;
	struct landing landing;

	if (!plain || !outer || function_inner(file, plain, &of_plain) || function_inner(file, outer, &of_outer))
		return false;
	if (of_plain.function.address != of_outer.function.address || of_plain.fourth != FOURTH_ON_STACK ||
	    of_outer.fourth != FOURTH_UNTOUCHED)
		return false;
	if (prologue_landing(file, &of_outer.function, 4, true, &landing) || !landing.emulated)
		return false;
	*out = of_outer.function;
	return true;
}

/* Whether it only hands its arguments to another function of the row. */
static bool leads_to_another(struct elf_file *file, const struct library_row *row, const struct names *names,
			     const struct elf_function *function)
{
	struct inner inner;

	if (function_inner(file, function, &inner))
		return false;
	for (size_t i = 0; i < MAX_FUNCTIONS && row->function[i].name; i++) {
		const struct elf_function *other = find(names, row->function[i].name);

		if (other && other->address == inner.function.address)
			return true;
	}
	return false;
}

static int places(struct elf_file *file, const struct library_row *row, const struct names *names,
		  struct library_finding *out)
{
	bool inner[sizeof(pairs) / sizeof(pairs[0])];
	struct elf_function of_pair[sizeof(pairs) / sizeof(pairs[0])];
	int err = 0;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		inner[i] = pair_inner(file, names, i, &of_pair[i]);
	for (size_t i = 0; i < MAX_FUNCTIONS && row->function[i].name && !err; i++) {
		const struct elf_function *function = find(names, row->function[i].name);
		const struct library_function *what = &row->function[i];

		for (size_t j = 0; j < sizeof(pairs) / sizeof(pairs[0]) && function; j++) {
			if (inner[j] && !strcmp(what->name, pairs[j].outer))
				function = &of_pair[j];
			else if (inner[j] && !strcmp(what->name, pairs[j].plain))
				function = NULL;
		}
		if (function && !leads_to_another(file, row, names, function))
			err = place(file, function, what, out);
	}
	return err;
}

/* ---- Go ---------------------------------------------------------------------------------------------------------
 */

/* A probe where each call comes along, and one on each return instruction: a uretprobe would corrupt the stack. */
static int go_place(struct elf_file *file, const struct elf_function *function, const struct library_function *what,
		    struct library_finding *out)
{
	__u64 returns[LIBRARY_MAX_PLACES], entry;
	int n = what->returns ? function_returns(file, function, returns, LIBRARY_MAX_PLACES) : 0;
	int err = n < 0 ? n : go_prologue_entry(file, function, &entry);

	if (err)
		return err;
	if (out->n + 1 + (size_t)n > LIBRARY_MAX_PLACES)
		return -E2BIG;
	out->place[out->n++] = (struct probe_place){what->program, entry, LIBRARY_GO, false, 0};
	for (int i = 0; i < n; i++)
		out->place[out->n++] = (struct probe_place){"ts_tls_return", returns[i], LIBRARY_GO, false, 0};
	return 0;
}

/* 0, also where it is no Go program or one without TLS. */
static int go_examine(struct elf_file *file, struct library_finding *out)
{
	struct elf_function function[GO_FUNCTIONS];
	const char *name[GO_FUNCTIONS];
	struct go_binary go;
	int err = go_binary_read(&go, file);

	if (err == -ENOTSUP || (!err && !go_binary_has_register_abi(&go))) {
		*out = (struct library_finding){.library = LIBRARY_GO, .is_tls = true};
		return 0;
	}
	if (err)
		return 0;
	for (size_t i = 0; i < GO_FUNCTIONS; i++)
		name[i] = go_functions[i].name;
	err = go_binary_find(&go, name, function, GO_FUNCTIONS);
	if (err <= 0)
		return err;
	out->library = LIBRARY_GO;
	out->is_tls = true;
	err = 0;
	for (size_t i = 0; i < GO_FUNCTIONS && !err; i++)
		if (function[i].address)
			err = go_place(file, &function[i], &go_functions[i], out);
	if (err)
		out->n = 0; /* half of them would tell what is not so */
	return 0;
}

int libraries_examine(struct elf_file *file, struct library_finding *out)
{
	struct library_finding finding = {.library = LIBRARY_UNKNOWN};
	static struct names names; /* 4 KiB; one thread */
	int found, err = 0;

	err = go_examine(file, &finding);
	if (err || finding.is_tls)
		goto out;
	names.n = 0;
	names_of_rows(&names);
	found = elf_symbols_find(file, names.name, names.function, names.n);
	if (found < 0)
		return found;
	for (size_t i = 0; i < ROWS && found && !err; i++) {
		if (!matches(&rows[i], &names))
			continue;
		finding.is_tls = true;
		finding.library = rows[i].library;
		err = places(file, &rows[i], &names, &finding);
		break;
	}
out:
	if (err)
		return err;
	*out = finding;
	return 0;
}
