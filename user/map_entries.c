/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* kernel maps ──> [map_entries] ──> snapshot: see map_entries.h. */
#include "map_entries.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { BATCH = 256 };

/* 1 for an entry that stays, 0 for one that was removed. */
static int keep(const struct map_shape *map, const char *key, const char *value, const __u32 *stale)
{
	__u32 first;

	memcpy(&first, value, sizeof(first));
	if (!stale || first == *stale)
		return 1;
	bpf_map_delete_elem(map->fd, key);
	return 0;
}

/* 0 and *total, or a negative errno: then nothing was looked at. */
static int count_batches(const struct map_shape *map, const __u32 *stale, __u64 *total)
{
	static char keys[BATCH * MAP_ENTRIES_BYTES], values[BATCH * MAP_ENTRIES_BYTES];
	__u32 in = 0, out = 0;
	int err = 0;

	*total = 0;
	for (bool first = true; !err; first = false, in = out) {
		__u32 n = BATCH;

		err = bpf_map_lookup_batch(map->fd, first ? NULL : &in, &out, keys, values, &n, NULL);
		if (err && err != -ENOENT) /* -ENOENT: these were the last */
			return first ? err : 0;
		for (__u32 i = 0; i < n; i++)
			*total += (__u64)keep(map, keys + i * map->key_bytes, values + i * map->value_bytes, stale);
	}
	return 0;
}

static __u64 count_singly(const struct map_shape *map, const __u32 *stale)
{
	char key[MAP_ENTRIES_BYTES], next[MAP_ENTRIES_BYTES], value[MAP_ENTRIES_BYTES];
	bool more = !bpf_map_get_next_key(map->fd, NULL, key);
	__u64 total = 0;

	while (more) {
		more = !bpf_map_get_next_key(map->fd, key, next); /* before the key may be removed */
		if (!stale)
			total++;
		else if (!bpf_map_lookup_elem(map->fd, key, value))
			total += (__u64)keep(map, key, value, stale);
		memcpy(key, next, map->key_bytes);
	}
	return total;
}

__u64 map_entries(const struct map_shape *map, const __u32 *stale)
{
	__u64 total;

	if (map->key_bytes > MAP_ENTRIES_BYTES || map->value_bytes > MAP_ENTRIES_BYTES)
		return 0;
	return count_batches(map, stale, &total) ? count_singly(map, stale) : total;
}
