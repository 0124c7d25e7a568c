/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * serve ──> [attacher] ──> kernel: a process of its own that puts probes on the functions of running programs and
 * libraries, and takes them off. It keeps the capabilities that this needs, so that the one that talks to the network
 * can give them up; it reads nothing but the kernel's records, /proc and ELF files.
 */
#ifndef TAPSTAT_ATTACHER_H
#define TAPSTAT_ATTACHER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "tapstat/abi.h"

struct attachment;
struct attacher;

/* What it tells of itself, as it changes. */
struct attacher_state {
	__u32 files;  /* with probes on */
	__u32 failed; /* files in which a library's or a function probe's places could not be taken */
	__u32 probe_files[MAX_PROBES]; /* of each configured function probe */
};

/*
 * Starts the process, and waits until it has looked at everything that runs. `theirs`: n descriptors that are not for
 * it, or -1. 0, or a negative errno and `why` (size bytes) for people: nothing is left behind then. Before privileges
 * are dropped, and before there is a second thread.
 */
int attacher_start(struct attacher **out, const struct attachment *att, const int *theirs, size_t n, char *why,
		   size_t size);

/* Begins to end it, which takes the kernel a while. NULL: nothing to do. */
void attacher_end(struct attacher *attacher);

/* Ends it and waits until all of its probes are off. NULL: nothing to do. */
void attacher_stop(struct attacher *attacher);

/* A descriptor that becomes readable when the process has ended, the attacher's. */
int attacher_fd(const struct attacher *attacher);

/* The attacher's; lives as long. */
const struct attacher_state *attacher_state(const struct attacher *attacher);

#endif
