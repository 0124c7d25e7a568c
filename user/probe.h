/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * [probe] ──> way, privileges: whether a hook can be used, tried with a program of six instructions that counts its
 * runs while tapstat sends and receives on a socket of its own. A hook can be attached and yet never run: a compiler
 * inlined the function, or kprobes are switched off.
 */
#ifndef TAPSTAT_PROBE_H
#define TAPSTAT_PROBE_H

#include <linux/types.h>
#include <stddef.h>

#include "kernel_types.h"
#include "uprobe.h"

/* How far a probe came. */
enum probe_stage {
	PROBE_WORKS,
	PROBE_NOT_TRIED, /* no map, no socket: the probe itself has no means */
	PROBE_NOT_LOADED,
	PROBE_NOT_ATTACHED,
	PROBE_SILENT, /* attached, but not every call ran it */
};

struct probe_result {
	enum probe_stage stage;
	int err; /* negative errno, 0 at PROBE_WORKS and PROBE_SILENT */
};

/* How often tapstat's own calls run a hook at least: sending and receiving are tried in three ways each. */
enum { PROBE_CALLS = 3 };

/* A program on a tracepoint with BTF, by the id of its type. */
struct probe_result probe_tracepoint(__u32 type, unsigned int least);

/* A program at the end of a function, by the id of its BTF. */
struct probe_result probe_trampoline(__u32 function, unsigned int least);

/* Whether the kernel takes such a program at all: loaded, not attached. 0 or a negative errno. */
int probe_trampoline_load(__u32 function);

/* A kprobe at the start of a function. -ENODEV: the kernel has no kprobe events. */
struct probe_result probe_kprobe(const char *function, unsigned int least);

/* A uprobe on a function of tapstat itself. -ENODEV: the kernel has no uprobe events. */
struct probe_result probe_uprobe(enum uprobe_way way, unsigned int least);

/* A bpf() that needs no more than the call itself: 0 or a negative errno. */
int probe_call(void);

/* A program that reads the kernel's memory by helper. 0 or a negative errno; -EINVAL: the kernel keeps that back. */
int probe_kernel_reads(void);

/* A word of the kernel's memory. 0 or a negative errno. */
int probe_kernel_word(__u64 address, __u32 *out);

/* "the kernel refuses to …: ERROR" about `on`, for people; `result` is none that works. */
void probe_reason(const struct probe_result *result, const char *on, char *out, size_t size);

#endif
