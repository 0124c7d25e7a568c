/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * probe_functions, prologue, function_exits, usdt ──> [probe_sites] ──> attacher: where the programs of a configured
 * probe go in one file.
 */
#ifndef TAPSTAT_PROBE_SITES_H
#define TAPSTAT_PROBE_SITES_H

#include <stddef.h>

#include "probes.h"

struct elf_file;

enum {
	PROBE_MAX_FUNCTIONS = 64, /* of a file that one probe stands for */
	PROBE_MAX_EXITS = 512,    /* of a function */
	PROBE_SITES_WHY_BYTES = 384,
};

struct probe_sites {
	struct probe_place *place; /* owned */
	size_t n, max;
	size_t functions; /* that they are of; places of a USDT probe */
};

/*
 * All sites of the probe in the file. 0 with *out filled, to be freed by probe_sites_free(); or a negative errno with
 * *out untouched and `why` for people; -ENOENT: the file has no such function.
 */
int probe_sites_find(struct probes *probes, unsigned int probe, struct elf_file *file, struct probe_sites *out,
		     char why[PROBE_SITES_WHY_BYTES]);
void probe_sites_free(struct probe_sites *sites);

#endif
