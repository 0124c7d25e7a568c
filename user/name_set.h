/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * names of functions to probe ──> [name_set] ──> elf_symbols, go_binary: the few names that are wanted, to be asked
 * for each of the many that a file has.
 */
#ifndef TAPSTAT_NAME_SET_H
#define TAPSTAT_NAME_SET_H

#include <stddef.h>

struct name_set;

/* Of `n` different names, which have to outlive it. 0, or a negative errno. */
int name_set_make(struct name_set **out, const char *const names[], size_t n);

/* The place of the name of `length` bytes in names[], or -1. */
long name_set_find(const struct name_set *set, const char *name, size_t length);

void name_set_free(struct name_set *set);

#endif
