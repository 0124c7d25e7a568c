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

/* Takes everything off the file. */
void binary_detach(struct binary *binary);

#endif
