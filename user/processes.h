/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * /proc, map `processes` ──> [processes] ──> snapshot: what the processes of the watched services use. Reads
 * /proc/PID/stat, which needs no capability.
 */
#ifndef TAPSTAT_PROCESSES_H
#define TAPSTAT_PROCESSES_H

#include <linux/types.h>

#include "tapstat/abi.h"

#define PROCESSES_PROC "/proc"
#define PROCESSES_BUDGET_NS 50000000ULL /* of a scrape; some 3,000 processes */

/* What the processes of one service use together. */
struct service_usage {
	__u64 cpu_nanocores; /* CPU time over elapsed time: 10^9 is one core */
	__u64 memory_bytes;  /* resident; pages that processes share count in each */
};

/* The processes known and their last readings. */
struct processes;

/*
 * Whether `proc` shows the processes of others, by the pids that the kernel side knows. 0; -ENOENT or -EACCES: it is
 * not mounted, or hides them (hidepid=); -EXDEV: tapstat is in an inner pid namespace. Without CAP_SYS_PTRACE only
 * what it says is what readings will find: ask once capabilities are dropped.
 */
int processes_visible(const char *proc);

/*
 * Reads from `proc` later on, for `budget_ns` at a time: what is left then shows its last reading until the next one
 * goes on there. NULL: out of memory. processes_free() takes NULL.
 */
struct processes *processes_new(const char *proc, __u64 budget_ns);
void processes_free(struct processes *processes);

/* Notes a process for the next reading; the latest note of a pid counts. Beyond MAX_PROCESSES: left out. */
void processes_note(struct processes *processes, __u32 tgid, const struct process *process);

/* Notes those in the kernel's map. 0, or a negative errno with some noted. */
int processes_note_map(struct processes *processes, int fd);

/*
 * Reads every process that was noted once and still runs, and sums by service. `now_ns`: since boot, suspension
 * included. CPU usage is that since the reading before, or, if that was less than a second ago, the same as then. Of
 * a process read for the first time it is 0, unless it began after the last reading. A process that ended meanwhile
 * adds nothing. 0, or a negative errno: `usage` is then untouched.
 */
int processes_read(struct processes *processes, __u64 now_ns, struct service_usage usage[MAX_SERVICES + 1]);

#endif
