/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * /proc ──> [process_names] ──> probe_targets: what the kernel side may name a process: its systemd unit, the name it
 * was started by, its executable's, its script's (bpf/process.h). Which of them it is, and what a rule that looks at
 * the name of a thread makes of it, is for the kernel side to say.
 */
#ifndef TAPSTAT_PROCESS_NAMES_H
#define TAPSTAT_PROCESS_NAMES_H

#include <linux/types.h>
#include <stddef.h>
#include <sys/types.h>

#include "tapstat/abi.h"

enum { PROCESS_NAMES = 4 };

struct process_names {
	size_t n;
	char name[PROCESS_NAMES][SERVICE_NAME_BYTES];
};

/*
 * Of a process under `proc` ("/proc"). 0; or a negative errno with *out untouched: it has ended, may not be looked
 * into, or (-EAGAIN) is in the middle of an exec.
 */
int process_names_read(const char *proc, pid_t pid, struct process_names *out);

#endif
