/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Inside snapshot: what its files share: snapshot.c (series, the scan), snapshot_rows.c (operations, endpoints),
 * snapshot_queues.c and snapshot_functions.c.
 */
#ifndef TAPSTAT_SNAPSHOT_READ_H
#define TAPSTAT_SNAPSHOT_READ_H

#include "attachment.h"
#include "snapshot.h"

/* Sums `cells` 64-bit cells of a per-CPU value over the CPUs. 0 or a negative errno. */
int percpu_sum(struct attachment *att, int fd, __u32 key, __u64 *sum, size_t cells);

/* Grows *array, of elements of `size` bytes, to hold one more than n. 0 or -ENOMEM. */
int reserve(void **array, size_t *capacity, size_t n, size_t size);

/* Reads the rows and their uncommon statuses; the series have been read. 0 or a negative errno. */
int rows_read(struct attachment *att, struct snapshot *snap);

/* Reads what function probes counted. 0 or a negative errno. */
int functions_read(struct attachment *att, struct snapshot *snap);

/* Reads the lengths of queues. 0 or a negative errno. */
int queues_read(struct attachment *att, struct snapshot *snap);

/* Sorts them and adds up those of equal labels. */
void queues_merge(struct snapshot *snap);

#endif
