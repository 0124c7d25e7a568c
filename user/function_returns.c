/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* a function of an ELF file ──> [function_returns] ──> uprobes: see function_returns.h. */
#include "function_returns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "instructions.h"

/* Arm ARM, C6.2: RET to any register, RETAA and RETAB. */
enum { RET = 0xd65f0000, RET_MASK = 0xfffffc1f, RETAA = 0xd65f0bff, RETAB = 0xd65f0fff };

struct returns {
	__u64 *offsets;
	size_t n, max;
};

static int add(struct returns *found, __u64 offset)
{
	if (found->n == found->max)
		return -E2BIG;
	found->offsets[found->n++] = offset;
	return 0;
}

/* ---- x86-64 -------------------------------------------------------------------------------------------------- */

/* What a linear decoding passed: instructions and targets of jumps, marked by their distance from the entry. */
struct marks {
	__u8 *starts, *targets;
};

static int decode(struct instructions *code, const struct elf_function *function, const struct marks *marks,
		  struct returns *found)
{
	while (instructions_next(code)) {
		__u64 at = code->now->address - function->address, target;

		marks->starts[at] = 1;
		if (instruction_jump(code, &target) == JUMP_DIRECT && target - function->address < function->size)
			marks->targets[target - function->address] = 1;
		if (instruction_returns(code)) {
			int err = add(found, function->offset + at);

			if (err)
				return err;
		}
	}
	if (code->left)
		return -EILSEQ;
	for (__u64 i = 0; i < function->size; i++)
		if (marks->targets[i] && !marks->starts[i])
			return -EILSEQ;
	return 0;
}

static int find_x86(struct elf_file *file, const struct elf_function *function, struct returns *found)
{
	struct instructions code;
	struct marks marks;
	int err = instructions_open(&code, file, function->address, function->size);

	if (err)
		return err;
	marks.starts = calloc(2, function->size);
	err = marks.starts ? 0 : -ENOMEM;
	if (!err) {
		marks.targets = marks.starts + function->size;
		err = decode(&code, function, &marks, found);
	}
	free(marks.starts);
	instructions_close(&code);
	return err;
}

/* ---- aarch64 ------------------------------------------------------------------------------------------------- */

static bool is_return(__u32 word)
{
	return (word & RET_MASK) == RET || word == RETAA || word == RETAB;
}

static int find_arm64(struct elf_file *file, const struct elf_function *function, struct returns *found)
{
	__u32 word;

	if (function->size > INSTRUCTIONS_MAX_BYTES)
		return -E2BIG;
	for (__u64 at = 0; at + sizeof(word) <= function->size; at += sizeof(word)) {
		int err = elf_file_read_address(file, function->address + at, &word, sizeof(word));

		if (!err && is_return(word))
			err = add(found, function->offset + at);
		if (err)
			return err;
	}
	return 0;
}

int function_returns(struct elf_file *file, const struct elf_function *function, __u64 offsets[], size_t max)
{
	struct returns found = {.max = max};
	int err;

	if (!function->size)
		return -EINVAL;
	found.offsets = calloc(max ? max : 1, sizeof(offsets[0]));
	if (!found.offsets)
		return -ENOMEM;
	err = elf_file_machine(file) == EM_X86_64 ? find_x86(file, function, &found)
						  : find_arm64(file, function, &found);
	if (!err)
		memcpy(offsets, found.offsets, found.n * sizeof(offsets[0]));
	free(found.offsets);
	return err ? err : (int)found.n;
}
