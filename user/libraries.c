/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* elf_symbols, prologue ──> [libraries] ──> attacher: see libraries.h. */
#include "libraries.h"

#include <errno.h>
#include <string.h>

#include "elf_symbols.h"
#include "elf_vtable.h"
#include "function_returns.h"
#include "go_binary.h"
#include "go_prologue.h"
#include "library_rows.h"
#include "prologue.h"
#include "rustls_binary.h"
#include "tapstat/abi.h"

enum { MAX_NAMES = 192 };

static const char *const program_at_return[] = {"ts_tls_return", "ts_storage_return"}; /* by enum library_kind */

/* A pair of wrappers around one function: the probes of both go there, with the program of the first. */
static const struct {
	const char *plain, *outer; /* the one leaves its own fourth argument, the other hands on its caller's */
} pairs[] = {{"SSL_read", "SSL_read_ex"}, {"SSL_write", "SSL_write_ex"}};

const char *const libraries_usual[] = {"libssl.so.3", "libssl.so.1.1", "libgnutls.so.30", "libsqlite3.so.0"};
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
	for (size_t i = 0; i < LIBRARY_ROWS; i++) {
		for (size_t j = 0; j < 3 && library_rows[i].shows[j]; j++)
			names_add(names, library_rows[i].shows[j]);
		for (size_t j = 0; library_rows[i].function && library_rows[i].function[j].name; j++)
			names_add(names, library_rows[i].function[j].name);
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
	return true;
}

/* ---- Places -----------------------------------------------------------------------------------------------------
 */

static __u64 cookie_of(const struct library_row *row, const struct library_function *what)
{
	__u64 cookie = row->which;

	_Static_assert(sizeof(what->storage) == sizeof(cookie), "a cookie holds it");
	if (row->kind == LIBRARY_OF_STORAGE)
		memcpy(&cookie, &what->storage, sizeof(cookie));
	return cookie;
}

/* 0, or a negative errno with nothing added. */
static int place(struct elf_file *file, const struct elf_function *function, const struct library_row *row,
		 const struct library_function *what, struct library_finding *out)
{
	__u64 cookie = cookie_of(row, what);
	struct landing landing;
	int err = prologue_landing(file, function, what->arguments, what->returns, &landing);

	if (err)
		return err;
	for (size_t i = 0; i < out->n; i++)
		if (out->place[i].offset == landing.offset)
			return 0; /* the other name of the same, or where it leads */
	if (out->n + 2 > LIBRARY_MAX_PLACES)
		return -E2BIG;
	out->place[out->n++] = (struct probe_place){what->program, landing.offset, cookie, false, 0};
	if (what->returns)
		out->place[out->n++] =
			(struct probe_place){program_at_return[row->kind], landing.offset, cookie, true, 0};
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
	for (size_t i = 0; row->function[i].name; i++) {
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
	bool before = false; /* one of a chain of alternatives is there */
	int err = 0;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		inner[i] = pair_inner(file, names, i, &of_pair[i]);
	for (size_t i = 0; row->function && row->function[i].name && !err; i++) {
		const struct library_function *what = &row->function[i];
		const struct elf_function *function = what->or_else && before ? NULL : find(names, what->name);
		struct elf_function in_table;

		before = function || (what->or_else && before);
		if (!function && what->class && !elf_vtable_function(file, what->class, what->slot, &in_table))
			function = &in_table;

		for (size_t j = 0; j < sizeof(pairs) / sizeof(pairs[0]) && function; j++) {
			if (inner[j] && !strcmp(what->name, pairs[j].outer))
				function = &of_pair[j];
			else if (inner[j] && !strcmp(what->name, pairs[j].plain))
				function = NULL;
		}
		if (function && !leads_to_another(file, row, names, function))
			err = place(file, function, row, what, out);
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
	const __u64 cookie = LIBRARY_GO | (strcmp(what->program, "ts_go_write") ? 0 : COOKIE_WRITES);
	int n = what->returns ? function_returns(file, function, returns, LIBRARY_MAX_PLACES) : 0;
	int err = n < 0 ? n : go_prologue_entry(file, function, &entry);

	if (err)
		return err;
	if (out->n + 1 + (size_t)n > LIBRARY_MAX_PLACES)
		return -E2BIG;
	out->place[out->n++] = (struct probe_place){what->program, entry, LIBRARY_GO, false, 0};
	for (int i = 0; i < n; i++)
		out->place[out->n++] = (struct probe_place){"ts_tls_return", returns[i], cookie, false, 0};
	return 0;
}

/* 0, also where it is no Go program or one without TLS. */
static int go_examine(struct elf_file *file, struct library_finding *out)
{
	struct elf_function function[LIBRARY_GO_FUNCTIONS];
	const char *name[LIBRARY_GO_FUNCTIONS];
	struct go_binary go;
	int err = go_binary_read(&go, file);

	if (err == -ENOTSUP || (!err && !go_binary_has_register_abi(&go))) {
		*out = (struct library_finding){.library = LIBRARY_GO, .is_tls = true};
		return 0;
	}
	if (err)
		return 0;
	for (size_t i = 0; i < LIBRARY_GO_FUNCTIONS; i++)
		name[i] = library_go[i].name;
	err = go_binary_find(&go, name, function, LIBRARY_GO_FUNCTIONS);
	if (err <= 0)
		return err;
	out->library = LIBRARY_GO;
	out->is_tls = true;
	err = 0;
	for (size_t i = 0; i < LIBRARY_GO_FUNCTIONS && !err; i++)
		if (function[i].address)
			err = go_place(file, &function[i], &library_go[i], out);
	if (err)
		out->n = 0; /* half of them would tell what is not so */
	return 0;
}

/* Of several TLS libraries in a file the first counts, and Go's own before those that come with C code. */
static bool is_wanted(const struct library_row *row, struct library_wish wish, const struct library_finding *so_far)
{
	return row->kind == LIBRARY_OF_STORAGE ? wish.storage : wish.tls && !so_far->is_tls;
}

static int rows_examine(struct elf_file *file, struct library_wish wish, struct library_finding *out)
{
	static struct names names; /* 7 KiB; one thread */
	int found, err = 0;

	names.n = 0;
	names_of_rows(&names);
	found = elf_symbols_find(file, names.name, names.function, names.n);
	if (found < 0)
		return found;
	for (size_t i = 0; i < LIBRARY_ROWS && found && !err; i++) {
		if (!is_wanted(&library_rows[i], wish, out) || !matches(&library_rows[i], &names))
			continue;
		if (library_rows[i].kind == LIBRARY_OF_STORAGE) {
			out->backends |= 1U << library_rows[i].which;
		} else {
			out->is_tls = true;
			out->library = (enum label_library)library_rows[i].which;
		}
		err = places(file, &library_rows[i], &names, out);
	}
	return err;
}

static int rustls_examine(struct elf_file *file, struct library_finding *out)
{
	int has = rustls_binary_has(file);

	if (has < 0)
		return has;
	out->rustls_too = has && out->is_tls;
	if (has && !out->is_tls) {
		out->library = LIBRARY_RUSTLS;
		out->is_tls = true;
	}
	return 0;
}

int libraries_examine(struct elf_file *file, struct library_wish wish, struct library_finding *out)
{
	struct library_finding finding = {.library = LIBRARY_UNKNOWN};
	int err = wish.tls ? go_examine(file, &finding) : 0;

	if (!err && (!finding.is_tls || wish.storage))
		err = rows_examine(file, wish, &finding);
	if (!err && wish.tls && finding.library != LIBRARY_GO)
		err = rustls_examine(file, &finding);
	if (err)
		return err;
	*out = finding;
	return 0;
}
