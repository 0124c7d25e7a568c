/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the fuzzers of requests and answers share: a conversation as its calls come, and with each call cut, must give
 * the same operations. What a step may do is judged by dialogue_call().
 *
 * Input: a byte that says how to cut, then calls: a byte (its lowest bit: 1 answers), two of length (little endian),
 * so many bytes.
 */
#ifndef TAPSTAT_TESTS_DIALOGUE_H
#define TAPSTAT_TESTS_DIALOGUE_H

#include "exchanges.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n);

static inline void dialogue_cut(struct dialogue *d, int side, const __u8 *bytes, size_t n, __u8 seed)
{
	__u32 state = seed * 2654435761u + 1;
	size_t from, size;

	for (from = 0; from < n; from += size) {
		state = state * 1664525 + 1013904223;
		size = min_u64(1 + (state >> 24) % (seed & 1 ? 5 : 60), n - from);
		dialogue_call(d, side, bytes + from, size);
	}
}

static inline void dialogue_fuzz(const struct exchange_protocol *protocol, bool by_id, const __u8 *data, size_t n)
{
	static struct dialogue whole, cut;
	size_t at = 1, length;

	if (n < 4)
		return;
	dialogue_begin(&whole, protocol);
	dialogue_begin(&cut, protocol);
	whole.by_id = cut.by_id = by_id;
	cut.poison = data[0];
	while (at + 3 < n) {
		int side = data[at] & 1;

		length = min_u64(data[at + 1] | data[at + 2] << 8, n - at - 3);
		dialogue_call(&whole, side, data + at + 3, length);
		dialogue_cut(&cut, side, data + at + 3, length, data[0]);
		at += 3 + length;
	}
	require(dialogue_same(&whole, &cut));
}

/* What is said of first bytes depends on the valid ones alone. */
static inline void starts_fuzz(starts_function *starts, const __u8 *data, size_t n)
{
	__u32 avail = min_u64(n, LOOK_BYTES);
	__u8 one[LOOK_BYTES] = {}, other[LOOK_BYTES];
	enum starts said;

	if (!n)
		return;
	memset(other, 0xff, sizeof(other));
	memcpy(one, data, avail);
	memcpy(other, data, avail);
	said = starts(one, avail);
	require(said == starts(other, avail));
	require(said != STARTS_SHORT || avail < LOOKAHEAD);
}

#endif
