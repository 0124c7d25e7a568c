/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Entries are counted by batches and one by one alike. The kernel's maps are played by an array here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "map_entries.h"

enum { ENTRIES = 600 };

static struct {
	__u64 key[ENTRIES];
	__u32 value[ENTRIES]; /* 0: removed */
	int batch_err;        /* what a batch look-up answers, 0: it works */
} map;

static void fill(void)
{
	for (__u32 i = 0; i < ENTRIES; i++) {
		map.key[i] = 1000 + i;
		map.value[i] = 1 + i % 3;
	}
}

/* These stand in for libbpf's. */
int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
			 const struct bpf_map_batch_opts *opts)
{
	__u32 at = 0, n = 0;

	(void)fd, (void)opts;
	if (map.batch_err)
		return map.batch_err;
	if (in)
		memcpy(&at, in, sizeof(at));
	for (; at < ENTRIES && n < *count; at++) {
		if (!map.value[at])
			continue;
		memcpy((char *)keys + n * sizeof(__u64), &map.key[at], sizeof(__u64));
		memcpy((char *)values + n * sizeof(__u32), &map.value[at], sizeof(__u32));
		n++;
	}
	*count = n;
	memcpy(out, &at, sizeof(at));
	return at == ENTRIES ? -ENOENT : 0;
}

int bpf_map_get_next_key(int fd, const void *key, void *next)
{
	__u64 last = 0;
	__u32 at = 0;

	(void)fd;
	if (key) {
		memcpy(&last, key, sizeof(last));
		at = (__u32)(last - 1000) + 1;
	}
	while (at < ENTRIES && !map.value[at])
		at++;
	if (at >= ENTRIES)
		return -ENOENT;
	memcpy(next, &map.key[at], sizeof(__u64));
	return 0;
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	__u64 wanted;

	(void)fd;
	memcpy(&wanted, key, sizeof(wanted));
	if (!map.value[wanted - 1000])
		return -ENOENT;
	memcpy(value, &map.value[wanted - 1000], sizeof(__u32));
	return 0;
}

int bpf_map_delete_elem(int fd, const void *key)
{
	__u64 wanted;

	(void)fd;
	memcpy(&wanted, key, sizeof(wanted));
	map.value[wanted - 1000] = 0;
	return 0;
}

static const struct map_shape shape = {-1, sizeof(__u64), sizeof(__u32)};

static void count_with(int batch_err)
{
	const __u32 stale = 2;

	map.batch_err = batch_err;
	fill();
	assert_int_equal(map_entries(&shape, NULL), ENTRIES);
	assert_int_equal(map_entries(&shape, &stale), ENTRIES / 3);
	assert_int_equal(map_entries(&shape, NULL), ENTRIES / 3);
	for (__u32 i = 0; i < ENTRIES; i++)
		assert_true(!map.value[i] || map.value[i] == stale);
	memset(map.value, 0, sizeof(map.value));
	assert_int_equal(map_entries(&shape, &stale), 0);
}

static void batches_count_and_remove(void **state)
{
	(void)state;
	count_with(0);
}

static void maps_without_batches_are_walked_key_by_key(void **state)
{
	(void)state;
	count_with(-EINVAL);
	count_with(-524);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_count_and_remove),
		cmocka_unit_test(maps_without_batches_are_walked_key_by_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
