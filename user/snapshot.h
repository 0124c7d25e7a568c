/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * maps ──> [snapshot] ──> labels ──> exposition: one consistent reading of the kernel's maps, plain data, no libbpf.
 */
#ifndef TAPSTAT_SNAPSHOT_H
#define TAPSTAT_SNAPSHOT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "processes.h"
#include "tapstat/abi.h"

struct attachment;     /* attach.h */
struct probe_families; /* probe_families.h */

/* One service in one role, summed over the CPUs. */
struct series_snapshot {
	char service[SERVICE_NAME_BYTES];
	enum role role;
	__u32 index;                   /* SERIES_INDEX in the kernel */
	__u64 cell[SERIES_CELL_COUNT]; /* ends of AF_UNIX connections included */
	__u32 seen;                    /* 1 << enum label_protocol */
	struct scan_series scan;
};

/* One operation or endpoint of a series, summed over the CPUs and over the rows that have these labels. */
struct row_snapshot {
	__u32 series; /* position in snapshot.series */
	__u32 number; /* of its first row in the kernel */
	struct row_info info;
	__u64 cell[ROW_CELL_COUNT];
};

/* A status of a row that has no cell. */
struct code_snapshot {
	__u32 row; /* position in snapshot.rows */
	__u32 code;
	__u64 count;
};

struct refused_snapshot {
	__u32 series; /* position in snapshot.series */
	__u32 code;   /* HTTP status, 0: none */
	__u64 count;
};

/* The length of a queue, all its keys together. */
struct queue_snapshot {
	char service[SERVICE_NAME_BYTES];
	char queue_type[QUEUE_TYPE_BYTES];
	__u64 depth;
};

/* What a function probe counts of one service and value of its argument's label, summed over the CPUs. */
struct function_snapshot {
	__u32 probe; /* its number */
	__u32 value; /* of its argument's label; the configured ones and above: other */
	char service[SERVICE_NAME_BYTES];
	__u64 cell[FUNCTION_CELL_COUNT];
};

struct hook_snapshot {
	const char *name; /* static */
	bool attached;
	bool has_stats; /* the kernel keeps runs and time */
	__u64 runs, run_ns;
};

struct map_snapshot {
	const char *name; /* static */
	__u64 entries, max_entries;
};

enum { SNAPSHOT_MAX_HOOKS = 16, SNAPSHOT_MAX_MAPS = 32 };

/* Owned by the caller; snapshot_take() reuses its memory, snapshot_free() gives it back. Zero it before first use. */
struct snapshot {
	struct series_snapshot *series; /* of each service and role seen, in the order of their first sight */
	size_t n_series, cap_series;
	struct row_snapshot *rows; /* by series, protocol, method, operation, endpoint */
	size_t n_rows, cap_rows;
	struct code_snapshot *codes; /* by row and code */
	size_t n_codes, cap_codes;
	struct refused_snapshot *refused;
	size_t n_refused, cap_refused;
	struct queue_snapshot *queues; /* by service and type */
	size_t n_queues, cap_queues;
	const struct probe_families *probes; /* of the configuration; NULL: it has none */
	struct function_snapshot *functions;
	size_t n_functions, cap_functions;
	__u64 unmatched[MAX_PROBES][PROBE_SIDE_COUNT]; /* by probe */
	struct hook_snapshot hook[SNAPSHOT_MAX_HOOKS];
	size_t n_hooks;
	struct map_snapshot map[SNAPSHOT_MAX_MAPS];
	size_t n_maps;
	struct service_usage usage[MAX_SERVICES + 1]; /* by service index: snapshot_take_usage() */
	bool has_usage;
	__u64 self[SELF_CELL_COUNT];
	struct scan_total total;
	bool unix_open;         /* AF_UNIX connections are open: their ends want to be looked for soon */
	__u64 recursion_misses; /* runs that the kernel skipped because the program was already running on the CPU */
	__u64 kretprobe_misses; /* returns that the kernel did not follow: too many calls at once */
	__u64 memory_ceiling_bytes;
};

/* Scans the live sockets and reads every map. 0, or a negative errno: *snap is then incomplete until the next
 * success. */
int snapshot_take(struct attachment *att, struct snapshot *snap);

/* Adds what the services' processes use, where /proc shows it. 0, or a negative errno and no usage. */
int snapshot_take_usage(struct attachment *att, struct snapshot *snap);

void snapshot_free(struct snapshot *snap);

#endif
