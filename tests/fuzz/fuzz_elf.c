// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs and libraries, which belong to whoever runs them, while who reads them has capabilities: whatever a file
 * holds, everything that is found lies inside of it, and reading it ends.
 *
 * Input: the file.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "demangle_name.h"
#include "elf_file.h"
#include "elf_symbols.h"
#include "elf_vtable.h"
#include "function_exits.h"
#include "go_binary.h"
#include "go_prologue.h"
#include "guard.h"
#include "libraries.h"
#include "probe_functions.h"
#include "prologue.h"
#include "usdt.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n);

enum { MAX_FUNCTIONS = 64, MAX_EXITS = 512, MAX_FOUND = 8 };

struct look {
	struct elf_file *file;
	size_t bytes, functions;
};

static void look_at_code(const struct look *look, const struct elf_function *function)
{
	struct function_exit exits[MAX_EXITS];
	struct landing landing;
	struct inner inner;
	__u64 offset;
	int n = function_exits(look->file, function, exits, MAX_EXITS);

	for (int i = 0; i < n && i < MAX_EXITS; i++)
		require(exits[i].offset < look->bytes);
	for (int arguments = 0; arguments < 4; arguments++)
		if (!prologue_landing(look->file, function, arguments, arguments & 1, &landing))
			require(landing.offset < look->bytes);
	function_inner(look->file, function, &inner);
	if (!go_prologue_entry(look->file, function, &offset))
		require(offset < look->bytes);
}

static int on_function(void *context, const char *name, const struct elf_function *function)
{
	struct look *look = context;
	char text[ELF_NAME_BYTES];
	int length = demangle_name(name, text, sizeof(text));

	require(length < 0 || (size_t)length == strlen(text));
	require(strnlen(name, ELF_NAME_BYTES) < ELF_NAME_BYTES);
	require(function->offset < look->bytes);
	look_at_code(look, function);
	return ++look->functions == MAX_FUNCTIONS;
}

static int on_usdt(void *context, const struct usdt_probe *probe)
{
	struct usdt_argument arguments[USDT_MAX_ARGUMENTS];
	struct look *look = context;

	require(probe->offset < look->bytes);
	usdt_arguments_parse(elf_file_machine(look->file), probe->arguments, arguments, USDT_MAX_ARGUMENTS);
	return ++look->functions == MAX_FUNCTIONS;
}

static void look_for_libraries(const struct look *look)
{
	static struct library_finding finding;

	if (libraries_examine(look->file, (struct library_wish){.tls = true, .storage = true}, &finding))
		return;
	require(finding.n <= LIBRARY_MAX_PLACES);
	for (size_t i = 0; i < finding.n; i++)
		require(finding.place[i].program && finding.place[i].offset < look->bytes);
}

static void look_for_names(const struct look *look)
{
	static const char *const names[] = {"SSL_read", "*", "a::*", "main.*", "0x400400"};
	struct probed_function room[MAX_FOUND];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct probed_functions found = {.function = room, .max = MAX_FOUND};

		if (probe_functions_find(look->file, names[i], &found))
			continue;
		for (size_t j = 0; j < found.n && j < MAX_FOUND; j++) {
			require(found.function[j].at.offset < look->bytes);
			require(strnlen(found.function[j].name, PROBED_NAME_BYTES) < PROBED_NAME_BYTES);
		}
	}
}

static void look_at(struct look *look)
{
	__u8 id[ELF_BUILD_ID_BYTES];
	struct elf_function function;
	struct go_binary go;
	char soname[32];

	require(elf_file_build_id(look->file, id) <= ELF_BUILD_ID_BYTES);
	if (elf_file_soname(look->file, soname, sizeof(soname)) >= 0)
		require(strnlen(soname, sizeof(soname)) < sizeof(soname));
	elf_symbols_each(look->file, on_function, look);
	look->functions = 0;
	usdt_each(look->file, on_usdt, look);
	look->functions = 0;
	if (!go_binary_read(&go, look->file))
		go_binary_each(&go, on_function, look);
	if (!elf_vtable_function(look->file, "N1a1bE", 2, &function))
		look_at_code(look, &function);
	look_for_libraries(look);
	look_for_names(look);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n)
{
	static int fd = -1;
	struct look look = {.bytes = n};

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, n, 0) != (ssize_t)n)
		abort();
	if (!elf_file_open(&look.file, fd)) {
		look_at(&look);
		elf_file_close(look.file);
	}
	return 0;
}
