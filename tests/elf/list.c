/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What tapstat makes of an ELF file, a line for each function, for tests that know it from elsewhere:
 *   list landings FILE   address, size, landing, bytes that the stack moved, emulated, landing for returns, name
 *   list exits FILE      address, size, addresses of the exits, those of tail calls with "t", or the error, name
 *   list go FILE         address, size, addresses of the returns or "?", name
 *   list inner FILE NAME... the function that each wrapper calls, its size, what the fourth argument is
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_symbols.h"
#include "function_exits.h"
#include "function_returns.h"
#include "go_binary.h"
#include "prologue.h"

enum { MAX_RETURNS = 4096, ALL_ARGUMENTS = 6 };

static int print_landing(void *context, const char *name, const struct elf_function *function)
{
	struct landing entry, at_return;
	int err = prologue_landing(context, function, ALL_ARGUMENTS, false, &entry);

	if (!err)
		err = prologue_landing(context, function, ALL_ARGUMENTS, true, &at_return);
	if (!err)
		printf("%llx %llx %llx %u %d %llx %s\n", function->address, function->size, entry.address,
		       entry.stack_moved, entry.emulated, at_return.address, name);
	return err;
}

static int print_exits(void *context, const char *name, const struct elf_function *function)
{
	static struct function_exit exits[MAX_RETURNS];
	int n = function_exits(context, function, exits, MAX_RETURNS);

	printf("%llx %llx ", function->address, function->size);
	for (int i = 0; i < n; i++)
		printf("%s%llx%s", i ? "," : "", function->address + (exits[i].offset - function->offset),
		       exits[i].is_tail_call ? "t" : "");
	if (n < 0)
		printf("?%d", -n);
	printf("%s %s\n", n ? "" : "-", name);
	return 0;
}

static int print_go(void *context, const char *name, const struct elf_function *function)
{
	static __u64 offsets[MAX_RETURNS];
	int n = function_returns(context, function, offsets, MAX_RETURNS);

	printf("%llx %llx ", function->address, function->size);
	for (int i = 0; i < n; i++)
		printf("%s%llx", i ? "," : "", function->address + (offsets[i] - function->offset));
	printf("%s %s\n", n < 0 ? "?" : n ? "" : "-", name);
	return 0;
}

static int list_go(struct elf_file *file)
{
	struct go_binary go;
	int err = go_binary_read(&go, file);

	return err ? err : go_binary_each(&go, print_go, file);
}

static int list_inner(struct elf_file *file, char *names[], int n)
{
	static const char *const fourth[] = {"untouched", "stack", "other"};
	struct elf_function *functions = calloc((size_t)n, sizeof(*functions));
	int err = functions ? elf_symbols_find(file, (const char *const *)names, functions, (size_t)n) : -1;

	for (int i = 0; err > 0 && i < n; i++) {
		struct inner inner;

		if (functions[i].address && !function_inner(file, &functions[i], &inner))
			printf("%s %llx %llx %s\n", names[i], inner.function.address, inner.function.size,
			       fourth[inner.fourth]);
	}
	free(functions);
	return err < 0 ? err : 0;
}

int main(int argc, char *argv[])
{
	struct elf_file *file;
	int err, fd;

	if (argc < 3)
		return 2;
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	err = elf_file_open(&file, fd);
	if (!err) {
		if (!strcmp(argv[1], "go"))
			err = list_go(file);
		else if (!strcmp(argv[1], "exits"))
			err = elf_symbols_each(file, print_exits, file);
		else if (!strcmp(argv[1], "inner"))
			err = list_inner(file, argv + 3, argc - 3);
		else
			err = elf_symbols_each(file, print_landing, file);
		elf_file_close(file);
	}
	if (err)
		fprintf(stderr, "%s: %s\n", argv[2], strerror(-err));
	return err != 0;
}
