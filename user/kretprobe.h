/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tracefs ──> [kretprobe] ──> attach, snapshot: probes at the return of functions that follow 4096 calls at once.
 * Those that perf makes by itself follow twice as many as there are CPUs, and a server with a thread for each
 * connection has more than that waiting in a receive call; what is not followed is lost, and not counted either.
 *
 * Documentation/trace/kprobetrace.rst. The events are ours alone: group tapstat_PID, event FUNCTION_PID.
 */
#ifndef TAPSTAT_KRETPROBE_H
#define TAPSTAT_KRETPROBE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct kretprobes;

enum { KRETPROBE_MAX_ACTIVE = 4096 /* KRETPROBE_MAXACTIVE_MAX of the kernel */ };

/*
 * Opens tracefs and removes what tapstat processes that are gone left there. Files stay open: neither removing the
 * probes nor reading what they missed needs any privilege later. 0, or a negative errno and `why`.
 */
int kretprobes_open(struct kretprobes **out, char *why, size_t size);

/* Makes a probe at the return of a function. A perf event for a BPF program, the caller's, or a negative errno. */
int kretprobes_add(struct kretprobes *probes, const char *function);

/* Calls of all the probes' functions that were not followed. */
__u64 kretprobes_misses(struct kretprobes *probes);

/* Removes the probes, whose perf events must be closed, and frees. NULL: nothing to do. */
void kretprobes_close(struct kretprobes *probes);

/* How many calls at once the probes follow that perf makes. */
int kretprobe_perf_max_active(int cpus);

/* ---- For tests ----------------------------------------------------------------------------------------------- */

enum { KRETPROBE_NAME_BYTES = 64 };

/* One line of kprobe_events: whether tapstat made it, and if so which process and which event. */
bool kretprobe_event_parse(const char *line, pid_t *pid, char event[KRETPROBE_NAME_BYTES]);

/* Sum of the misses in kprobe_profile of the events FUNCTION_PID. */
__u64 kretprobe_profile_misses(const char *profile, pid_t pid);

#endif
