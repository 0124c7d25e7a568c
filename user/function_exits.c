/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* a function of an ELF file ──> [function_exits] ──> uprobes: see function_exits.h. */
#include "function_exits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf_symbols.h"
#include "elf_unwind.h"
#include "function_returns.h"
#include "instructions.h"

enum { MAX_PARTS = 16 };

struct search {
	struct elf_file *file;
	struct elf_function part[MAX_PARTS]; /* the function, then what was moved out of it */
	size_t n_parts;
	struct elf_function other; /* the latest range that a jump which is always taken leads away to */
	struct function_exit *exits;
	size_t n, max;
};

/* What an instruction does to the flow. */
struct jump {
	enum { FLOW_ON, FLOW_JUMP, FLOW_AWAY, FLOW_UNKNOWN } flow; /* AWAY: to some function */
	bool conditional;
	__u64 target; /* of FLOW_JUMP */
};

/* Called for each jump of a range; anything but 0 ends the walk. */
typedef int jump_visit(void *context, __u64 at, const struct jump *jump);

static bool inside(const struct elf_function *range, __u64 address)
{
	return address - range->address < range->size;
}

/* ---- x86-64 -------------------------------------------------------------------------------------------------- */

/* What the latest instruction that wrote a register put into it. */
enum origin { ORIGIN_POINTER, ORIGIN_TABLE, ORIGIN_OTHER };

enum { REGISTERS = 16 };

/* The number of a general register of 64 or 32 bits; -1: it is none. */
static int register_number(unsigned int reg)
{
	static const x86_reg wide[REGISTERS] = {X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX,
						X86_REG_RSP, X86_REG_RBP, X86_REG_RSI, X86_REG_RDI,
						X86_REG_R8,  X86_REG_R9,  X86_REG_R10, X86_REG_R11,
						X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15};
	static const x86_reg narrow[REGISTERS] = {X86_REG_EAX,  X86_REG_ECX,  X86_REG_EDX,  X86_REG_EBX,
						  X86_REG_ESP,  X86_REG_EBP,  X86_REG_ESI,  X86_REG_EDI,
						  X86_REG_R8D,  X86_REG_R9D,  X86_REG_R10D, X86_REG_R11D,
						  X86_REG_R12D, X86_REG_R13D, X86_REG_R14D, X86_REG_R15D};

	for (int i = 0; i < REGISTERS; i++)
		if (wide[i] == reg || narrow[i] == reg)
			return i;
	return -1;
}

static enum origin origin_of(const cs_insn *now, const enum origin origins[REGISTERS])
{
	const cs_x86_op *from = &now->detail->x86.operands[1];
	int number;

	if (now->id == X86_INS_ADD) /* the table's address and what it says */
		return ORIGIN_TABLE;
	if (now->id == X86_INS_CALL || now->id == X86_INS_POP)
		return ORIGIN_POINTER;
	if (now->id != X86_INS_MOV && now->id != X86_INS_LEA)
		return ORIGIN_OTHER;
	if (from->type == X86_OP_MEM)
		return from->mem.index == X86_REG_INVALID ? ORIGIN_POINTER : ORIGIN_TABLE;
	number = from->type == X86_OP_REG ? register_number(from->reg) : -1;
	return number < 0 ? ORIGIN_POINTER : origins[number];
}

static void note_origin(const struct instructions *code, enum origin origins[REGISTERS])
{
	const cs_insn *now = code->now;
	cs_regs read, written;
	__u8 n_read, n_written;
	enum origin origin;

	if (now->id == X86_INS_CALL) {
		origins[0] = ORIGIN_POINTER;
		return;
	}
	if (cs_regs_access(code->decoder, now, read, &n_read, written, &n_written))
		return;
	origin = n_written ? origin_of(now, origins) : ORIGIN_OTHER;
	for (__u8 i = 0; i < n_written; i++) {
		int number = register_number(written[i]);

		if (number >= 0)
			origins[number] = origin;
	}
}

enum { PREFIX_NOTRACK = 0x3e }; /* compilers write it in front of jumps by a table alone */

static struct jump jump_of(const struct instructions *code, const enum origin origins[REGISTERS])
{
	const cs_x86 *x86 = &code->now->detail->x86;
	struct jump jump = {.conditional = code->now->id != X86_INS_JMP};
	int number;

	switch (instruction_jump(code, &jump.target)) {
	case JUMP_NONE:
		jump.flow = FLOW_ON;
		break;
	case JUMP_DIRECT:
		jump.flow = FLOW_JUMP;
		break;
	case JUMP_SLOT:
	case JUMP_POINTER:
		jump.flow = x86->prefix[1] == PREFIX_NOTRACK ? FLOW_ON : FLOW_AWAY;
		break;
	case JUMP_COMPUTED:
		number = x86->op_count && x86->operands[0].type == X86_OP_REG ? register_number(x86->operands[0].reg)
									      : -1;
		if (x86->prefix[1] == PREFIX_NOTRACK || number < 0 || origins[number] == ORIGIN_TABLE)
			jump.flow = FLOW_ON;
		else
			jump.flow = origins[number] == ORIGIN_POINTER ? FLOW_AWAY : FLOW_UNKNOWN;
		break;
	}
	return jump;
}

static int walk_x86(struct elf_file *file, const struct elf_function *range, jump_visit *visit, void *context)
{
	enum origin origins[REGISTERS] = {ORIGIN_POINTER}; /* arguments */
	struct instructions code;
	int err = instructions_open(&code, file, range->address, range->size);

	if (err)
		return err;
	while (!err && instructions_next(&code)) {
		struct jump jump = jump_of(&code, origins);

		note_origin(&code, origins);
		if (jump.flow != FLOW_ON)
			err = visit(context, code.now->address, &jump);
	}
	instructions_close(&code);
	return err;
}

/* ---- aarch64 (Arm ARM, C4.1.66: branches) --------------------------------------------------------------------- */

static __u64 relative(__u64 at, __u32 word, unsigned int shift, unsigned int bits)
{
	__s64 distance = (__s64)((__u64)word << (64 - shift - bits)) >> (64 - bits);

	return at + (__u64)(distance * 4);
}

/* Whether `word` is an ADD that writes the register: of a table's address and what the table says. */
static bool adds_to(__u32 word, __u32 reg)
{
	return (word & 0xff000000) == 0x8b000000 && (word & 31) == reg;
}

static struct jump jump_of_word(__u64 at, __u32 before, __u32 word)
{
	struct jump jump = {.flow = FLOW_JUMP, .conditional = true};

	if ((word & 0xfc000000) == 0x14000000) { /* B */
		jump.conditional = false;
		jump.target = relative(at, word, 0, 26);
	} else if ((word & 0xff000000) == 0x54000000 || (word & 0x7e000000) == 0x34000000) { /* B.cond, CBZ */
		jump.target = relative(at, word, 5, 19);
	} else if ((word & 0x7e000000) == 0x36000000) { /* TBZ */
		jump.target = relative(at, word, 5, 14);
	} else if ((word & 0xfffffc1f) == 0xd61f0000) { /* BR */
		jump.conditional = false;
		jump.flow = adds_to(before, word >> 5 & 31) ? FLOW_ON : FLOW_AWAY;
	} else {
		jump.flow = FLOW_ON;
	}
	return jump;
}

static int walk_arm64(struct elf_file *file, const struct elf_function *range, jump_visit *visit, void *context)
{
	__u32 before = 0, word;
	int err = 0;

	if (range->size > INSTRUCTIONS_MAX_BYTES)
		return -E2BIG;
	for (__u64 at = 0; !err && at + sizeof(word) <= range->size; at += sizeof(word), before = word) {
		struct jump jump;

		err = elf_file_read_address(file, range->address + at, &word, sizeof(word));
		if (err)
			break;
		jump = jump_of_word(range->address + at, before, word);
		if (jump.flow != FLOW_ON)
			err = visit(context, range->address + at, &jump);
	}
	return err;
}

static int walk(struct elf_file *file, const struct elf_function *range, jump_visit *visit, void *context)
{
	return elf_file_machine(file) == EM_X86_64 ? walk_x86(file, range, visit, context)
						   : walk_arm64(file, range, visit, context);
}

/* ---- What is jumped to ---------------------------------------------------------------------------------------- */

enum belonging { BELONGS_TO_PART, BELONGS_TO_OTHER };

struct naming {
	__u64 address;
	enum belonging belonging;
};

static int note_name(void *context, const char *name, const struct elf_function *function)
{
	struct naming *naming = context;

	if (function->address != naming->address)
		return 0;
	naming->belonging = strstr(name, ".cold") ? BELONGS_TO_PART : BELONGS_TO_OTHER;
	return naming->belonging == BELONGS_TO_OTHER;
}

struct leaving {
	const struct elf_function *function, *range;
	bool comes_back, leaves;
};

static int note_jump(void *context, __u64 at, const struct jump *jump)
{
	struct leaving *leaving = context;

	(void)at;
	if (jump->flow == FLOW_JUMP && inside(leaving->function, jump->target) &&
	    jump->target != leaving->function->address)
		leaving->comes_back = true;
	else if (jump->flow != FLOW_JUMP || !inside(leaving->range, jump->target))
		leaving->leaves = true;
	return 0;
}

/* By what its code does. */
static enum belonging belonging_by_code(struct search *search, const struct elf_function *range)
{
	struct leaving leaving = {.function = &search->part[0], .range = range};
	__u64 one;

	if (walk(search->file, range, note_jump, &leaving))
		return BELONGS_TO_OTHER;
	if (leaving.comes_back)
		return BELONGS_TO_PART;
	return !leaving.leaves && !function_returns(search->file, range, &one, 1) ? BELONGS_TO_PART
										  : BELONGS_TO_OTHER;
}

/*
 * Whether the place is in the function. A part of it that was not known before is noted. Symbols are asked only where
 * it matters whether a range that returns by itself is a part: it does not for a jump that is always taken.
 */
static int belongs(struct search *search, __u64 address, bool conditional, bool *out)
{
	struct elf_function range;
	struct naming naming;
	int err;

	*out = true;
	for (size_t i = 0; i < search->n_parts; i++)
		if (inside(&search->part[i], address))
			return 0;
	*out = false;
	if ((!conditional && inside(&search->other, address)) || elf_unwind_find(search->file, address, &range))
		return 0;
	naming = (struct naming){range.address, belonging_by_code(search, &range)};
	if (naming.belonging == BELONGS_TO_OTHER && conditional) {
		err = elf_symbols_each(search->file, note_name, &naming);
		if (err < 0)
			return err;
	}
	if (naming.belonging == BELONGS_TO_OTHER) {
		if (!conditional)
			search->other = range;
		return 0;
	}
	if (search->n_parts == MAX_PARTS)
		return -E2BIG;
	search->part[search->n_parts++] = range;
	*out = true;
	return 0;
}

/* ---- Exits ---------------------------------------------------------------------------------------------------- */

static int exit_add(struct search *search, __u64 offset, bool is_tail_call)
{
	if (search->n == search->max)
		return -E2BIG;
	search->exits[search->n++] = (struct function_exit){offset, is_tail_call};
	return 0;
}

struct walked {
	struct search *search;
	struct elf_function part;
};

static int visit_jump(void *context, __u64 at, const struct jump *jump)
{
	const struct walked *walked = context;
	bool stays = false;
	int err = 0;

	if (jump->flow == FLOW_UNKNOWN)
		return -ENOTSUP;
	if (jump->flow == FLOW_JUMP)
		err = belongs(walked->search, jump->target, jump->conditional, &stays);
	if (err || stays)
		return err;
	if (jump->conditional)
		return -EXDEV;
	return exit_add(walked->search, walked->part.offset + (at - walked->part.address), true);
}

static int part_exits(struct search *search, size_t index)
{
	struct walked walked = {search, search->part[index]};
	__u64 *returns = calloc(search->max + 1, sizeof(*returns));
	int n, err;

	if (!returns)
		return -ENOMEM;
	n = function_returns(search->file, &walked.part, returns, search->max);
	err = n < 0 ? n : 0;
	for (int i = 0; i < n && !err; i++)
		err = exit_add(search, returns[i], false);
	free(returns);
	return err ? err : walk(search->file, &walked.part, visit_jump, &walked);
}

int function_exits(struct elf_file *file, const struct elf_function *function, struct function_exit exits[],
		   size_t max)
{
	struct search search = {.file = file, .part = {*function}, .n_parts = 1, .max = max};
	int err = 0;

	search.exits = calloc(max + 1, sizeof(exits[0]));
	if (!search.exits)
		return -ENOMEM;
	for (size_t i = 0; i < search.n_parts && !err; i++)
		err = part_exits(&search, i);
	if (!err)
		memcpy(exits, search.exits, search.n * sizeof(exits[0]));
	free(search.exits);
	return err ? err : (int)search.n;
}
