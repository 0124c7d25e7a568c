/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * attacher ──> [binary_probes] ──> uprobe: puts programs on places of a file, as many with one call as go to one
 * program, and takes them off.
 */
#ifndef TAPSTAT_BINARY_PROBES_H
#define TAPSTAT_BINARY_PROBES_H

#include <stdbool.h>
#include <stddef.h>

#include "binaries.h"
#include "libraries.h"

struct attachment;

/*
 * Attaches all of the `n` places of the file at `path`, or none: 0, or a negative errno. Before Linux 5.15 programs
 * do without the cookies.
 */
int binary_attach(const struct attachment *att, struct binary *binary, const char *path,
		  const struct probe_place place[], size_t n);

/* Descriptors of probes that are to be taken off together, since that takes the kernel its time (uprobe.h). */
struct probes_off {
	int *fd; /* owned */
	size_t n;
};

/* Takes everything off the file: at the latest when probes_off_now() is called. */
void binary_detach(struct binary *binary, struct probes_off *off);

/* Takes them off, and frees what `off` holds. */
void probes_off_now(struct probes_off *off);

#endif
