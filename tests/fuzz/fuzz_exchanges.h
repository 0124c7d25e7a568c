/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Conversations of one protocol of requests and answers, in one call each way and in many: the same operations. What
 * a step may do to its stream, and that it moves on, is checked by exchanges.h.
 *
 * Input: calls: a byte (1 answers, the rest how to cut), a byte of length, so many bytes; 0: all that are left.
 */
#ifndef TAPSTAT_TESTS_FUZZ_EXCHANGES_H
#define TAPSTAT_TESTS_FUZZ_EXCHANGES_H

#include "exchanges.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n);

static inline void exchanges_call(struct dialogue *d, int side, const __u8 *bytes, __u64 n, __u8 cut)
{
	__u32 state = cut * 2654435761u + 1;
	__u64 from, size;

	for (from = 0; from < n; from += size) {
		state = state * 1664525 + 1013904223;
		size = min_u64(1 + (state >> 24) % (cut & 2 ? 5 : 70), n - from);
		dialogue_call(d, side, bytes + from, size);
	}
}

static inline void exchanges_converse(struct dialogue *d, const struct exchange_protocol *protocol, bool by_id,
				      const __u8 *data, size_t n, bool cut, __u8 poison)
{
	size_t at = 0, length;

	dialogue_begin(d, protocol);
	d->by_id = by_id;
	d->poison = poison;
	while (at + 2 < n) {
		length = min_u64(data[at + 1], n - at - 2);
		if (!length)
			length = n - at - 2;
		if (cut)
			exchanges_call(d, data[at] & 1, data + at + 2, length, data[at]);
		else
			dialogue_call(d, data[at] & 1, data + at + 2, length);
		at += 2 + length;
	}
}

static inline void fuzz_exchanges(const struct exchange_protocol *protocol, bool by_id, const __u8 *data, size_t n)
{
	static struct dialogue whole, cut;
	__u8 first[LOOK_BYTES];

	for (__u32 avail = 0; protocol->starts && n && avail <= LOOK_BYTES && avail <= n; avail++) {
		memset(first, avail, sizeof(first));
		memcpy(first, data, avail);
		require(protocol->starts(first, avail) != STARTS_SHORT || avail < LOOKAHEAD);
	}
	exchanges_converse(&whole, protocol, by_id, data, n, false, 0);
	exchanges_converse(&cut, protocol, by_id, data, n, true, n ? data[n - 1] | 1 : 0);
	if (whole.opaque || cut.opaque) /* to the end of the call, wherever that is */
		return;
	require(dialogue_same(&whole, &cut));
	for (int side = 0; side < 2; side++) { /* the rest may be left over from a step that the other did not need */
		const struct stream *a = &whole.stream[side], *b = &cut.stream[side];

		require((a->rq.left == b->rq.left && a->rq.state == b->rq.state) || whole.broken[side] ||
			whole.hidden);
	}
}

#endif
