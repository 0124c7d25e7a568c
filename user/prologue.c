/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* a function of an ELF file ──> [prologue] ──> uprobes: see prologue.h. */
#include "prologue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "effect.h"
#include "elf_unwind.h"

enum {
	STRAIGHT_BYTES = 128, /* how far behind the entry a landing is looked for */
	MAX_RANGES = 32,      /* of code that one function jumps to */
};

/* ---- Landing ------------------------------------------------------------------------------------------------- */

/* branch_setup_xol_ops() and push_setup_xol_ops() of Linux 5.10: later kernels emulate longer nops, too. */
static bool emulated(const cs_insn *now)
{
	const __u8 *byte = now->bytes;

	switch (byte[0]) {
	case 0x50 ... 0x57: /* push */
	case 0x70 ... 0x7f: /* jcc */
	case 0x90:          /* nop */
	case 0xe8:          /* call */
	case 0xe9:          /* jmp */
	case 0xeb:
		return true;
	case 0x41: /* push %r8 ... %r15 */
		return now->size == 2 && byte[1] >= 0x50 && byte[1] <= 0x57;
	case 0x0f: /* jcc */
		return byte[1] >= 0x80 && byte[1] <= 0x8f;
	}
	return false;
}

static bool is_argument(enum argument argument, int arguments)
{
	return argument != ARGUMENT_NONE && (int)argument < arguments;
}

/* The first emulated instruction on the straight way from the entry. */
static bool find_landing(struct instructions *code, int arguments, bool for_return, struct landing *out)
{
	__u32 moved = 0;

	while (instructions_next(code)) {
		struct effect effect;

		if (emulated(code->now)) {
			out->address = code->now->address;
			out->stack_moved = moved;
			out->emulated = true;
			return true;
		}
		if (!effect_of(code, &effect) || is_argument(effect.written, arguments) ||
		    (for_return && effect.pushed))
			return false;
		moved += effect.pushed;
	}
	return false;
}

/* ---- Proof that no jump leads to it -------------------------------------------------------------------------- */

/* Ranges of code to look through: the function, then whatever it jumps out to. */
struct ranges {
	struct elf_function range[MAX_RANGES];
	size_t n;
};

static bool inside(const struct elf_function *range, __u64 address)
{
	return address - range->address < range->size;
}

static bool add_range(struct elf_file *file, struct ranges *ranges, __u64 target)
{
	for (size_t i = 0; i < ranges->n; i++)
		if (inside(&ranges->range[i], target))
			return true;
	return ranges->n < MAX_RANGES && !elf_unwind_find(file, target, &ranges->range[ranges->n++]);
}

/* No jump in the range leads behind `entry` as far as `landing`. Those out of the function itself are noted. */
static bool range_stays_away(struct elf_file *file, struct ranges *ranges, size_t index, __u64 entry, __u64 landing)
{
	const struct elf_function *range = &ranges->range[index];
	struct instructions code;
	bool away = true;

	if (instructions_open(&code, file, range->address, range->size))
		return false;
	while (away && instructions_next(&code)) {
		__u64 target;

		switch (instruction_jump(&code, &target)) {
		case JUMP_DIRECT:
			away = target <= entry || target > landing;
			if (away && index == 0)
				away = add_range(file, ranges, target);
			break;
		case JUMP_COMPUTED:
			away = false;
			break;
		case JUMP_NONE:
		case JUMP_SLOT:
		case JUMP_POINTER:
			break;
		}
	}
	away = away && !code.left;
	instructions_close(&code);
	return away;
}

/*
 * Compilers move what is rarely run out of a function; from there it may jump back. What else is jumped to are other
 * functions, which do not jump into this one. Handlers of exceptions are not entered from the straight way.
 */
static bool no_jump_leads_there(struct elf_file *file, const struct elf_function *function, __u64 landing)
{
	struct ranges ranges = {.range = {*function}, .n = 1};

	if (!function->size && (elf_unwind_find(file, function->address, &ranges.range[0]) ||
				ranges.range[0].address != function->address))
		return false;
	for (size_t i = 0; i < ranges.n; i++)
		if (!range_stays_away(file, &ranges, i, function->address, landing))
			return false;
	return true;
}

int prologue_landing(struct elf_file *file, const struct elf_function *function, int arguments, bool for_return,
		     struct landing *out)
{
	const struct landing entry = {.address = function->address, .offset = function->offset};
	struct landing landing = entry;
	struct instructions code;
	__u64 size = elf_file_bytes_from(file, function->address);
	int err;

	if (elf_file_machine(file) != EM_X86_64) {
		*out = entry;
		return 0;
	}
	if (function->size && function->size < size)
		size = function->size;
	err = instructions_open(&code, file, function->address, size < STRAIGHT_BYTES ? size : STRAIGHT_BYTES);
	if (err)
		return err;
	if (!find_landing(&code, arguments, for_return, &landing) ||
	    (landing.address != entry.address && !no_jump_leads_there(file, function, landing.address)))
		landing = entry;
	instructions_close(&code);
	landing.offset = function->offset + (landing.address - function->address);
	*out = landing;
	return 0;
}
