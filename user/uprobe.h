/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * probe, attacher ──> [uprobe] ──> kernel: one program on one instruction of a file. By a link of the kernel's own
 * for it where there is one (Linux 6.6), else by a perf event, which needs CAP_SYS_ADMIN.
 */
#ifndef TAPSTAT_UPROBE_H
#define TAPSTAT_UPROBE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Which way the program was loaded for; UPROBE_BY_LINK wants expected_attach_type UPROBE_LINK_TYPE. */
enum uprobe_way { UPROBE_BY_EVENT, UPROBE_BY_LINK };

enum { UPROBE_LINK_TYPE = 48 }; /* BPF_TRACE_UPROBE_MULTI of <linux/bpf.h>, unknown to the headers of Debian 12 */

/* Where one program goes in one file. */
struct uprobe_places {
	const char *path;       /* resolved once: the probes stay with the file */
	const __u64 *offset;    /* in the file; n of them */
	const __u64 *cookie;    /* what the program finds at each; NULL: none, as must be before Linux 5.15 */
	const __u64 *semaphore; /* offsets of counters that are raised meanwhile, 0: none; NULL: none at all */
	size_t n;
	bool at_return; /* of the functions that begin there */
};

/*
 * Puts the program on all places, or on none. fds[]: descriptors whose close takes the probes off, at most n. How
 * many, or a negative errno; -ENODEV: the kernel has no uprobe events.
 */
int uprobe_attach(enum uprobe_way way, int program, const struct uprobe_places *places, int fds[]);

/*
 * Closes the n descriptors, by threads: the kernel waits in each close until nobody is inside of the probe (a grace
 * period of RCU), and many take no longer than one.
 */
void uprobe_detach(const int fds[], size_t n);

#endif
