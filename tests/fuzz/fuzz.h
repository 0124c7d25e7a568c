/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the fuzzers share: how an input is cut into calls.
 */
#ifndef TAPSTAT_TESTS_FUZZ_H
#define TAPSTAT_TESTS_FUZZ_H

#include "stream.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n);

/* The stream in calls of sizes that a byte of the input says; small ones are likely. */
static inline void feed_cut(struct feed *f, const __u8 *bytes, __u64 n, __u8 seed)
{
	__u32 state = seed * 2654435761u + 1;
	__u64 from, size;

	f->poison = seed;
	for (from = 0; from < n; from += size) {
		state = state * 1664525 + 1013904223;
		size = 1 + (state >> 24) % (seed & 1 ? 5 : 60);
		size = min_u64(size, n - from);
		feed_call(f, bytes + from, size);
	}
}

static inline void feed_must_be_same(const struct feed *a, const struct feed *b)
{
	if (feed_same(a, b))
		return;
	feed_print(a);
	fprintf(stderr, "and:\n");
	feed_print(b);
	abort();
}

#endif
