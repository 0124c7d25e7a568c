/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side as attach.c leaves it and snapshot.c reads it. Nobody else looks inside.
 */
#ifndef TAPSTAT_ATTACHMENT_H
#define TAPSTAT_ATTACHMENT_H

#include <stdbool.h>

#include "tapstat/abi.h"
#include "tapstat.skel.h"

enum { ATTACHMENT_MAX_HOOKS = 8 };

struct attached_hook {
	const char *name; /* static */
	bool attached;
	int program_fd[2];
	struct bpf_link *link[2]; /* owned */
};

/* AF_UNIX connections of a series that were found ended, by how; never goes back. */
struct series_unix {
	__u64 closed, lost, timeout;
	__u64 sampled, sampled_opened_us;     /* those that vanished without a sample, and the sum of their begins */
	__u64 lifetime[SHAPE_LIFETIME_CELLS]; /* their durations */
};

struct attachment {
	struct tapstat_bpf *skel; /* owned */
	struct attached_hook hook[ATTACHMENT_MAX_HOOKS];
	int n_hooks;
	__u64 memory_ceiling_bytes;
	unsigned int max_connections;
	/* snapshot.c: */
	struct series_unix *series_unix; /* MAX_SERIES of them, owned */
	__u64 scanned_ns;                /* when the last scan was, monotonic */
	void *percpu;                    /* one value of the largest per-CPU map, owned */
};

#endif
