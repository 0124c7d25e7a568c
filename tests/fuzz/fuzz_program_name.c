// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Arguments of a process: whatever they are, the name is the executable's or comes out of one of them, and what lay
 * in the buffers before does not matter.
 *
 * Input: a byte that picks the executable, the arguments with their NULs.
 */
#include "arguments.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n);

/* Whether `name` is a run of bytes inside some argument. */
static bool comes_from(const char *name, const char *arguments, size_t n)
{
	return memmem(arguments, n, name, strlen(name));
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n)
{
	static const char *const exes[] = {"node", "python3.11", "ruby", "perl", "php8.2", "java", "bash", "nginx"};
	static struct identity one, other;
	const char *exe, *name, *arguments = (const char *)data + 1;
	char *copy;

	if (n < 2 || data[n - 1])
		return 0;
	exe = exes[data[0] % 8];
	copy = memcpy(malloc(n - 1), arguments, n - 1); /* with a red zone behind */
	name = name_of(&one, exe, copy, n - 1, 0);
	require(!strcmp(name, name_of(&other, exe, copy, n - 1, data[0])));
	for (size_t i = strlen(name); i < sizeof(one.program.name); i++)
		require(!one.program.name[i]);
	require(*name);
	require(!strchr(name, '/') || one.program.keep_extension);
	require(!strcmp(name, exe) || comes_from(name, copy, n - 1));
	free(copy);
	return 0;
}
