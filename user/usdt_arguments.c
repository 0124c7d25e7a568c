/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* elf_file ──> [usdt] ──> uprobes: the arguments of a probe, SIZE@OPERAND each. See usdt.h. */
#include "usdt.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { REGISTER_BYTES = 8, ARM64_REGISTERS = 31, ARM64_SP = ARM64_REGISTERS * REGISTER_BYTES };

/* In the order of struct pt_regs; numbers, since either machine's are read on the other, too. */
static const struct x86_register {
	const char *names[4];
	__s16 offset;
} x86_registers[] = {
	{{"r15", "r15d", "r15w", "r15b"}, 0},  {{"r14", "r14d", "r14w", "r14b"}, 8},
	{{"r13", "r13d", "r13w", "r13b"}, 16}, {{"r12", "r12d", "r12w", "r12b"}, 24},
	{{"rbp", "ebp", "bp", "bpl"}, 32},     {{"rbx", "ebx", "bx", "bl"}, 40},
	{{"r11", "r11d", "r11w", "r11b"}, 48}, {{"r10", "r10d", "r10w", "r10b"}, 56},
	{{"r9", "r9d", "r9w", "r9b"}, 64},     {{"r8", "r8d", "r8w", "r8b"}, 72},
	{{"rax", "eax", "ax", "al"}, 80},      {{"rcx", "ecx", "cx", "cl"}, 88},
	{{"rdx", "edx", "dx", "dl"}, 96},      {{"rsi", "esi", "si", "sil"}, 104},
	{{"rdi", "edi", "di", "dil"}, 112},    {{"rip", NULL, NULL, NULL}, 128},
	{{"rsp", "esp", "sp", "spl"}, 152},
};

/* ---- Words --------------------------------------------------------------------------------------------------- */

static bool take(const char **at, char c)
{
	if (**at != c)
		return false;
	++*at;
	return true;
}

static bool take_number(const char **at, __s64 *out)
{
	const char *digits = **at == '-' ? *at + 1 : *at;
	char *end;

	if (!isdigit((unsigned char)*digits))
		return false;
	/* Unsigned constants of 8 bytes have the top bit; the value is the same 64 bits. */
	*out = **at == '-' ? strtoll(*at, &end, 0) : (__s64)strtoull(*at, &end, 0);
	*at = end;
	return true;
}

static size_t word_length(const char *at)
{
	size_t n = 0;

	while (isalnum((unsigned char)at[n]))
		n++;
	return n;
}

static bool take_x86_register(const char **at, __s16 *out)
{
	const char *start = *at;
	size_t n;

	if (!take(at, '%'))
		return false;
	n = word_length(*at);
	for (size_t i = 0; i < sizeof(x86_registers) / sizeof(x86_registers[0]); i++)
		for (int part = 0; part < 4; part++) {
			const char *name = x86_registers[i].names[part];

			if (name && strlen(name) == n && !memcmp(*at, name, n)) {
				*out = x86_registers[i].offset;
				*at += n;
				return true;
			}
		}
	*at = start;
	return false;
}

static bool take_arm64_register(const char **at, __s16 *out)
{
	size_t n = word_length(*at);
	__s64 number;
	const char *digits = *at + 1;

	if (n == 2 && !memcmp(*at, "sp", 2)) {
		*out = ARM64_SP;
		*at += n;
		return true;
	}
	if ((**at != 'x' && **at != 'w') || !take_number(&digits, &number) || number < 0 ||
	    number >= ARM64_REGISTERS || digits != *at + n)
		return false;
	*out = (__s16)(number * REGISTER_BYTES);
	*at = digits;
	return true;
}

/* ---- Operands ------------------------------------------------------------------------------------------------ */

/* DISPLACEMENT(BASE,INDEX,SCALE), each of them optional but one of the registers. */
static bool x86_memory(const char **at, struct usdt_argument *argument)
{
	__s64 scale = 1;

	argument->place = USDT_MEMORY;
	take_number(at, &argument->value);
	if (!take(at, '('))
		return false;
	take_x86_register(at, &argument->base);
	if (take(at, ',')) {
		if (!take_x86_register(at, &argument->index))
			return false;
		if (take(at, ',') && !take_number(at, &scale))
			return false;
	}
	if (scale != 1 && scale != 2 && scale != 4 && scale != 8)
		return false;
	argument->scale = (__u8)scale;
	return take(at, ')') && (argument->base != USDT_NO_REGISTER || argument->index != USDT_NO_REGISTER);
}

static bool x86_operand(const char **at, struct usdt_argument *argument)
{
	if (take(at, '$')) {
		argument->place = USDT_CONSTANT;
		return take_number(at, &argument->value);
	}
	if (**at == '%') {
		argument->place = USDT_REGISTER;
		return take_x86_register(at, &argument->base);
	}
	return x86_memory(at, argument);
}

static bool arm64_operand(const char **at, struct usdt_argument *argument)
{
	if (take(at, '[')) {
		argument->place = USDT_MEMORY;
		argument->scale = 1;
		if (!take_arm64_register(at, &argument->base))
			return false;
		if (take(at, ',')) {
			while (take(at, ' '))
				continue;
			if (!take_number(at, &argument->value))
				return false;
		}
		return take(at, ']');
	}
	argument->place = USDT_REGISTER;
	if (take_arm64_register(at, &argument->base))
		return true;
	argument->place = USDT_CONSTANT;
	return take_number(at, &argument->value);
}

/* ---- Arguments ----------------------------------------------------------------------------------------------- */

/* SIZE@, with `f` behind the size of floating-point numbers. */
static bool take_size(const char **at, struct usdt_argument *argument, bool *floating)
{
	__s64 size;

	argument->is_signed = **at == '-';
	if (!take_number(at, &size))
		return false;
	*floating = take(at, 'f');
	if (size < 0)
		size = -size;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return false;
	argument->size = (__u8)size;
	return take(at, '@');
}

/* Behind an operand that was not understood: to the next space that a size follows. */
static const char *skip_operand(const char *at)
{
	for (; *at; at++) {
		struct usdt_argument next;
		const char *size = at + 1;
		bool floating;

		if (*at == ' ' && take_size(&size, &next, &floating))
			break;
	}
	return at;
}

int usdt_arguments_parse(__u16 machine, const char *text, struct usdt_argument arguments[], size_t max)
{
	const char *at = text;
	size_t n = 0;

	for (;; n++) {
		struct usdt_argument argument = {.base = USDT_NO_REGISTER, .index = USDT_NO_REGISTER};
		const char *operand;
		bool floating;

		while (take(&at, ' '))
			continue;
		if (!*at)
			return (int)n;
		if (n == max)
			return -E2BIG;
		if (!take_size(&at, &argument, &floating))
			return -EINVAL;
		operand = at;
		if (floating || !(machine == EM_X86_64 ? x86_operand : arm64_operand)(&at, &argument) ||
		    (*at && *at != ' ')) {
			argument = (struct usdt_argument){.base = USDT_NO_REGISTER,
							  .index = USDT_NO_REGISTER,
							  .size = argument.size,
							  .is_signed = argument.is_signed};
			at = skip_operand(operand);
		}
		arguments[n] = argument;
	}
}
