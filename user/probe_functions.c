/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* config, elf_symbols, go_binary ──> [probe_functions] ──> probe_sites: see probe_functions.h. */
#include "probe_functions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "demangle_name.h"
#include "elf_symbols.h"
#include "elf_unwind.h"
#include "glob_match.h"
#include "go_binary.h"
#include "probe_terms.h"

struct search {
	struct elf_file *file;
	enum probe_function_kind kind;
	__u64 address; /* PROBE_FUNCTION_ADDRESS */
	const char *text;
	char word[ELF_NAME_BYTES]; /* that stands in each mangled name of the text; empty: not known */
	bool is_go;
	struct probed_functions *out;
};

static void take(struct search *search, const char *name, const struct elf_function *function)
{
	struct probed_functions *out = search->out;

	for (size_t i = 0; i < out->n && i < out->max; i++)
		if (out->function[i].at.address == function->address)
			return;
	if (out->n < out->max) {
		out->function[out->n] = (struct probed_function){.at = *function, .is_go = search->is_go};
		snprintf(out->function[out->n].name, sizeof(out->function[0].name), "%s", name);
	}
	out->n++;
}

/* ---- Names ---------------------------------------------------------------------------------------------------- */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The last element of a C++ or Rust name, which mangling leaves as it is. Operators have none. */
static void find_word(struct search *search)
{
	size_t end = strlen(search->text), begin = end;

	if (search->kind != PROBE_FUNCTION_NAME || strstr(search->text, "operator"))
		return;
	while (begin && is_word(search->text[begin - 1]))
		begin--;
	if (begin != end)
		snprintf(search->word, sizeof(search->word), "%s", search->text + begin);
}

/* Whether the symbol is a part of a function, or a copy that a compiler changed: .part.0, .constprop.0 and so on. */
static bool is_clone(const char *symbol)
{
	static const char *const ends[] = {".part.", ".constprop.", ".isra."};

	if (strstr(symbol, ".cold"))
		return true;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const char *at = strstr(symbol, ends[i]);

		if (at && at[strlen(ends[i])] >= '0' && at[strlen(ends[i])] <= '9')
			return true;
	}
	return false;
}

static bool names(const struct search *search, const char *symbol)
{
	char name[ELF_NAME_BYTES];
	const char *readable = name;

	if (search->kind == PROBE_FUNCTION_NAME && !strcmp(symbol, search->text))
		return true;
	if (is_clone(symbol) || !strstr(symbol, search->word))
		return false;
	if (search->is_go || demangle_name(symbol, name, sizeof(name)) < 0)
		readable = symbol;
	return search->kind == PROBE_FUNCTION_NAME ? !strcmp(readable, search->text)
						   : glob_match(search->text, readable);
}

static int visit(void *context, const char *name, const struct elf_function *function)
{
	struct search *search = context;
	bool wanted =
		search->kind == PROBE_FUNCTION_ADDRESS ? function->address == search->address : names(search, name);

	if (!wanted)
		return 0;
	take(search, name, function);
	/* In Go functions in assembler and the wrappers through which others call them have one name: the first. */
	return search->is_go && search->kind == PROBE_FUNCTION_NAME;
}

/* ---- Files ---------------------------------------------------------------------------------------------------- */

/* What begins at the address by the table of exceptions, which stripped files have, too. */
static int find_unnamed(struct search *search)
{
	struct elf_function function;
	char name[32];
	int err = elf_unwind_find(search->file, search->address, &function);

	if (err == -ENOENT || err == -ENOTSUP || (!err && function.address != search->address))
		return 0;
	if (err)
		return err;
	snprintf(name, sizeof(name), "0x%llx", search->address);
	take(search, name, &function);
	return 0;
}

static int find_go(struct search *search)
{
	struct go_binary go;
	int err = go_binary_read(&go, search->file);

	if (err) /* no Go program, or one that only its symbols tell of */
		return 0;
	search->is_go = true;
	err = go_binary_each(&go, visit, search);
	search->is_go = false;
	if (err < 0)
		return err;
	return search->out->n && !go_binary_has_register_abi(&go) ? -ENOTSUP : 0;
}

int probe_functions_find(struct elf_file *file, const char *text, struct probed_functions *out)
{
	struct search search = {.file = file, .text = text, .out = out};
	int err = probe_function_parse(text, &search.kind, &search.address);

	out->n = 0;
	if (err)
		return err;
	find_word(&search);
	err = find_go(&search);
	if (!err && !out->n)
		err = elf_symbols_each(file, visit, &search);
	if (!err && !out->n && search.kind == PROBE_FUNCTION_ADDRESS)
		err = find_unnamed(&search);
	for (size_t i = 0; i < out->n && i < out->max && !err; i++) {
		struct elf_function whole;

		/* Symbols of functions in assembler often have no size. */
		if (!out->function[i].at.size && !elf_unwind_find(file, out->function[i].at.address, &whole) &&
		    whole.address == out->function[i].at.address)
			out->function[i].at.size = whole.size;
	}
	return err;
}
