/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* kernel maps ──> [map_entries] ──> snapshot: the entries of a hash map, counted by batches where the kernel can. */
#ifndef TAPSTAT_MAP_ENTRIES_H
#define TAPSTAT_MAP_ENTRIES_H

#include <linux/types.h>
#include <stddef.h>

struct map_shape {
	int fd;
	size_t key_bytes, value_bytes; /* at most MAP_ENTRIES_BYTES each */
};

enum { MAP_ENTRIES_BYTES = 256 };

/*
 * How many there are. With `stale`: removes those whose first 32 bits of value differ from it, and counts the rest.
 * What comes and goes meanwhile may be counted or not.
 */
__u64 map_entries(const struct map_shape *map, const __u32 *stale);

#endif
