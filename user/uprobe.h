/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * probe, attacher ──> [uprobe] ──> kernel: one program on one instruction of a file. By a link of the kernel's own
 * for it where there is one (Linux 6.6), else by a perf event, which needs CAP_SYS_ADMIN.
 */
#ifndef TAPSTAT_UPROBE_H
#define TAPSTAT_UPROBE_H

#include <linux/types.h>
#include <stdbool.h>

/* Which way the program was loaded for; UPROBE_BY_LINK wants expected_attach_type UPROBE_LINK_TYPE. */
enum uprobe_way { UPROBE_BY_EVENT, UPROBE_BY_LINK };

enum { UPROBE_LINK_TYPE = 48 }; /* BPF_TRACE_UPROBE_MULTI of <linux/bpf.h>, unknown to the headers of Debian 12 */

struct uprobe_place {
	const char *path; /* resolved once: the probe stays with the file */
	__u64 offset;     /* in the file */
	__u64 cookie;     /* what the program finds; 0: none, as must be before Linux 5.15 */
	bool at_return;   /* of the function that begins there */
};

/* A descriptor, whose close takes the probe off, or a negative errno. -ENODEV: the kernel has no uprobe events. */
int uprobe_attach(enum uprobe_way way, int program, const struct uprobe_place *place);

#endif
