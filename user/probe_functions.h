/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * config, elf_symbols, go_binary ──> [probe_functions] ──> probe_sites: the functions of a file that a configured
 * probe names (probe_terms.h).
 */
#ifndef TAPSTAT_PROBE_FUNCTIONS_H
#define TAPSTAT_PROBE_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "elf_file.h"

enum { PROBED_NAME_BYTES = 128 };

struct probed_function {
	struct elf_function at;       /* of unknown size where nothing tells it */
	bool is_go;                   /* by Go's calling convention */
	char name[PROBED_NAME_BYTES]; /* as the file has it, cut; for people */
};

struct probed_functions {
	struct probed_function *function; /* owned by the caller; room for `max` */
	size_t max;
	size_t n; /* of all that were found: more than `max` are counted, not kept */
};

/*
 * Fills in the functions that `text` stands for, each once whatever it is called. Parts of functions that compilers
 * made into ones of their own (NAME.cold, NAME.part.0), and copies that take other arguments (NAME.constprop.0,
 * NAME.isra.0), only if they are named in full.
 * 0, also for none; -EINVAL: the text is a malformed address; -ENOTSUP: it names Go functions of a version that has
 * its arguments on the stack; -ENOEXEC, -ENOMEM. On failure out->n is undefined.
 */
int probe_functions_find(struct elf_file *file, const char *text, struct probed_functions *out);

#endif
