/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * [self_metrics] ──> exposition: what tapstat knows of its own process and build, plain data.
 */
#ifndef TAPSTAT_SELF_METRICS_H
#define TAPSTAT_SELF_METRICS_H

#include <linux/types.h>

#include "attacher.h"

struct self_metrics {
	const char *version, *commit, *libbpf; /* of build_info; never NULL */
	__u64 scrape_ns;
	__u64 cpu_ns;
	__u64 open_fds, max_fds;
	__u64 virtual_bytes, resident_bytes;
	__u64 start_ns;                        /* since the epoch */
	const struct attacher_state *attacher; /* NULL: no function of a program or library is probed */
};

/* Reads the figures of the process; leaves the build, scrape_ns and the attacher alone. What cannot be read becomes
 * 0. */
void self_metrics_read(struct self_metrics *self);

#endif
