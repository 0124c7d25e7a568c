/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* probe_functions, prologue, function_exits, usdt ──> [probe_sites] ──> attacher: see probe_sites.h. */
#include "probe_sites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_probes.h"
#include "function_exits.h"
#include "function_returns.h"
#include "go_prologue.h"
#include "probe_functions.h"
#include "probe_terms.h"
#include "prologue.h"
#include "usdt.h"

struct search {
	struct probes *probes;
	unsigned int number;
	const struct config_probe *probe;
	struct elf_file *file;
	struct probe_sites found;
	char *why; /* PROBE_SITES_WHY_BYTES */
};

#define refuse(search, err, ...) (snprintf((search)->why, PROBE_SITES_WHY_BYTES, __VA_ARGS__), (err))

static int add(struct search *search, const struct probe_site *site)
{
	struct probe_sites *found = &search->found;
	int err;

	if (found->n == found->max) {
		size_t more = found->max ? 2 * found->max : 16;
		struct probe_place *grown = realloc(found->place, more * sizeof(*grown));

		if (!grown)
			return refuse(search, -ENOMEM, "out of memory");
		found->place = grown;
		found->max = more;
	}
	err = probes_site(search->probes, site, &found->place[found->n]);
	if (err == -ERANGE)
		return refuse(search, err, "it does not have an argument or result of that number");
	if (err == -ENOSPC)
		return refuse(search, err, "more than %d kinds of places are probed already", MAX_FUNCTION_PLACES);
	if (err)
		return refuse(search, err, "the map of places cannot be written: %s", strerror(-err));
	found->n++;
	return 0;
}

/* ---- Functions ------------------------------------------------------------------------------------------------ */

/* How many arguments have to be in their registers still. */
static int arguments_read(const struct config_probe *probe)
{
	const char *const texts[] = {probe->argument.of, probe->bytes.of};
	unsigned int most = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct probe_term term;

		if (!probe_term_parse(texts[i], &term) && !term.is_result && term.number > most)
			most = term.number;
	}
	return (int)most;
}

/* The exits of a function, where they are asked for. */
struct exits {
	struct function_exit exit[PROBE_MAX_EXITS];
	int n;
};

static bool has_exit_at(const struct exits *exits, __u64 offset)
{
	for (int i = 0; i < exits->n; i++)
		if (exits->exit[i].offset == offset)
			return true;
	return false;
}

/* Where the entry is probed. Not at an exit: which of two programs at one place runs first is the kernel's choice. */
static int find_entry(struct search *search, const struct probed_function *function, bool by_address,
		      const struct exits *exits, struct probe_site *site)
{
	struct landing landing = {.offset = function->at.offset};
	int err = function->is_go ? go_prologue_entry(search->file, &function->at, &landing.offset)
				  : prologue_landing(search->file, &function->at, arguments_read(search->probe),
						     by_address, &landing);

	if (err)
		return refuse(search, err, "the code of %s cannot be read", function->name);
	if (has_exit_at(exits, landing.offset))
		landing = (struct landing){.offset = function->at.offset};
	if (has_exit_at(exits, landing.offset))
		return refuse(search, -ENOTSUP,
			      "the first instruction of %s leaves it: set returns: address, or measure calls only",
			      function->name);
	site->offset = landing.offset;
	site->stack_moved = (int)landing.stack_moved;
	return 0;
}

static int entry_add(struct search *search, const struct probed_function *function, bool by_address,
		     const struct exits *exits)
{
	struct probe_site site = {.probe = search->number, .side = PROBE_ENTRY, .is_go = function->is_go};
	int err = find_entry(search, function, by_address, exits, &site);

	if (!err)
		err = add(search, &site);
	if (err || !by_address)
		return err;
	site.side = PROBE_RETURN_ADDRESS;
	return add(search, &site);
}

static int refuse_exits(struct search *search, const char *name, int err)
{
	switch (err) {
	case -EXDEV:
		return refuse(
			search, err,
			"%s is left by a conditional jump, of which a probe can't tell whether it is taken: set "
			"returns: address, or measure calls only",
			name);
	case -ENOTSUP:
		return refuse(search, err,
			      "%s has a jump of which its code does not say where it leads: set returns: address, or "
			      "measure calls only",
			      name);
	case -E2BIG:
		return refuse(search, err, "%s is too large, or is left at more than %d places", name,
			      PROBE_MAX_EXITS);
	case -EINVAL:
		return refuse(search, err, "nothing tells the size of %s, to find its returns", name);
	case -EILSEQ:
		return refuse(search, err, "%s holds what is no code, its returns are uncertain", name);
	default:
		return refuse(search, err, "the code of %s cannot be read: %s", name, strerror(-err));
	}
}

/* In Go no function returns in another's place but in the assembler of the runtime. */
static int go_exits(struct search *search, const struct elf_function *function, struct function_exit exits[])
{
	static __u64 returns[PROBE_MAX_EXITS]; /* one thread */
	int n = function_returns(search->file, function, returns, PROBE_MAX_EXITS);

	for (int i = 0; i < n; i++)
		exits[i] = (struct function_exit){returns[i], false};
	return n;
}

static int find_exits(struct search *search, const struct probed_function *function, struct exits *out)
{
	out->n = function->is_go ? go_exits(search, &function->at, out->exit)
				 : function_exits(search->file, &function->at, out->exit, PROBE_MAX_EXITS);
	return out->n < 0 ? refuse_exits(search, function->name, out->n) : 0;
}

static int function_add(struct search *search, const struct probed_function *function)
{
	static struct exits exits; /* 8 KiB; one thread */
	bool needs_return = probes_need_return(search->probes, search->number);
	bool by_address = needs_return && !function->is_go && config_probe_replaces_address(search->probe);
	int err = 0;

	exits.n = 0;
	if (needs_return && !by_address)
		err = find_exits(search, function, &exits);
	if (!err)
		err = entry_add(search, function, by_address, &exits);
	for (int i = 0; i < exits.n && !err; i++) {
		const struct probe_site site = {.probe = search->number,
						.side = exits.exit[i].is_tail_call ? PROBE_TAIL_CALL
										   : PROBE_RETURN_INSTRUCTION,
						.is_go = function->is_go,
						.offset = exits.exit[i].offset};

		err = add(search, &site);
	}
	return err;
}

static int functions_add(struct search *search)
{
	static struct probed_function function[PROBE_MAX_FUNCTIONS]; /* 11 KiB; one thread */
	struct probed_functions found = {.function = function, .max = PROBE_MAX_FUNCTIONS};
	int err = probe_functions_find(search->file, search->probe->function, &found);

	if (err == -ENOTSUP)
		return refuse(search, err,
			      "Go before 1.17 (arm64: 1.18), whose functions have no arguments in registers");
	if (err)
		return refuse(search, err, "its table of functions cannot be read");
	if (!found.n)
		return refuse(search, -ENOENT, "it has no such function");
	if (found.n > found.max)
		return refuse(search, -E2BIG, "%zu functions match, more than %d", found.n, PROBE_MAX_FUNCTIONS);
	for (size_t i = 0; i < found.n && !err; i++)
		err = function_add(search, &function[i]);
	search->found.functions = found.n;
	return err;
}

/* ---- USDT ------------------------------------------------------------------------------------------------------ */

static void argument_to_operand(const struct usdt_argument *from, struct operand *out)
{
	static const __u8 kinds[] = {[USDT_UNSUPPORTED] = OPERAND_NONE,
				     [USDT_CONSTANT] = OPERAND_CONSTANT,
				     [USDT_REGISTER] = OPERAND_REGISTER,
				     [USDT_MEMORY] = OPERAND_MEMORY};

	*out = (struct operand){.kind = kinds[from->place],
				.bytes = from->size,
				.is_signed = from->is_signed,
				.base = from->base < 0 ? NO_REGISTER : (__u16)from->base,
				.index = from->index < 0 ? NO_REGISTER : (__u16)from->index,
				.number = from->value};
	while (out->kind == OPERAND_MEMORY && 1 << out->scale < from->scale)
		out->scale++;
}

static bool is_wanted(const struct config_probe *probe, const struct usdt_probe *usdt)
{
	size_t n = strlen(usdt->provider);

	return !strncmp(probe->usdt, usdt->provider, n) && probe->usdt[n] == ':' &&
	       !strcmp(probe->usdt + n + 1, usdt->name);
}

static int visit(void *context, const struct usdt_probe *usdt)
{
	struct usdt_argument arguments[USDT_MAX_ARGUMENTS];
	struct operand operands[USDT_MAX_ARGUMENTS];
	struct search *search = context;
	struct probe_site site = {.probe = search->number,
				  .offset = usdt->offset,
				  .side = PROBE_POINT,
				  .semaphore_offset = usdt->semaphore_offset,
				  .argument = operands};
	int n;

	if (!is_wanted(search->probe, usdt))
		return 0;
	n = usdt_arguments_parse(elf_file_machine(search->file), usdt->arguments, arguments, USDT_MAX_ARGUMENTS);
	if (n < 0)
		return refuse(search, n, "its arguments cannot be understood: %.256s", usdt->arguments);
	for (int i = 0; i < n; i++)
		argument_to_operand(&arguments[i], &operands[i]);
	site.n_arguments = (size_t)n;
	search->found.functions++;
	return add(search, &site);
}

static int points_add(struct search *search)
{
	int err;

	*search->why = '\0';
	err = usdt_each(search->file, visit, search);
	if (err && !*search->why)
		return refuse(search, err, "its USDT probes cannot be read");
	if (!err && !search->found.n)
		return refuse(search, -ENOENT, "it has no such USDT probe");
	return err;
}

int probe_sites_find(struct probes *probes, unsigned int probe, struct elf_file *file, struct probe_sites *out,
		     char why[PROBE_SITES_WHY_BYTES])
{
	struct search search = {
		.probes = probes, .number = probe, .probe = probes_config(probes, probe), .file = file, .why = why};
	int err = *search.probe->usdt ? points_add(&search) : functions_add(&search);

	if (err)
		probe_sites_free(&search.found);
	else
		*out = search.found;
	return err;
}

void probe_sites_free(struct probe_sites *sites)
{
	free(sites->place);
	*sites = (struct probe_sites){0};
}
