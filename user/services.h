/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * snapshot ──> [services] ──> exposition: what families of a service show, summed over its roles. Pure.
 */
#ifndef TAPSTAT_SERVICES_H
#define TAPSTAT_SERVICES_H

#include <linux/types.h>
#include <stddef.h>

#include "snapshot.h"
#include "tapstat/catalog.h"

struct service_cells {
	const char *name; /* the snapshot's */
	__u64 cell[SERVICE_CELL_COUNT];
};

/* How many services the snapshot has: those that have been seen in any role. */
size_t services_count(const struct snapshot *snap);

/* Sums each of them, in the order of the snapshot; returns how many. */
size_t services_sum(const struct snapshot *snap, struct service_cells out[MAX_SERVICES + 1]);

#endif
