/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * protocol parser ──> [names of operations] ──> record: from a command's name in the payload to its operation. Pure;
 * the table is filled from tapstat/operations.h by user space (or the test) before anything runs.
 */
#ifndef TAPSTAT_OPERATION_NAMES_H
#define TAPSTAT_OPERATION_NAMES_H

#ifdef __bpf__
#include "compat.h"
#endif
#include "portable.h"
#include "tapstat/operations.h"

#ifdef __bpf__
const volatile struct operation_table operations SEC(".rodata.operations") = {};
#else
static struct operation_table operations;
#endif

#define LOWER_CASE \
	0x2020202020202020ULL /* sets the bit that makes letters lower case; names in the table have it, too */

/* The operation of a name of `bytes` bytes, whose first 16 are given in lower case and zeroed behind it; the
 * backend's `other` if it is none. */
static __always_inline __u32 operation_by_words(__u32 backend, __u32 other, __u64 low, __u64 high, __u32 bytes)
{
	__u32 at = operation_hash(low, high, bytes, backend), found = other;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < OPERATION_PROBES; i++) {
		const volatile struct operation_slot *slot = &operations.slot[(at + i) & (OPERATION_SLOTS - 1)];

		if (slot->low == low && slot->high == high && slot->bytes == bytes && slot->backend == backend) {
			found = slot->operation;
			break;
		}
	}
	return found;
}

/* The same for the name at `p`, of which 16 bytes can be read. */
static __always_inline __u32 operation_by_name(__u32 backend, __u32 other, const __u8 *p, __u32 bytes)
{
	__u64 low = load64(p) | LOWER_CASE, high = load64(p + 8) | LOWER_CASE;
	__u32 rest = bytes > 8 ? bytes - 8 : 0;

	if (bytes < 8)
		low &= (1ULL << (8 * bytes)) - 1;
	if (rest < 8)
		high &= (1ULL << (8 * rest)) - 1;
	return operation_by_words(backend, other, low, high, bytes);
}

static __always_inline __u32 operation_flags(__u32 operation)
{
	return operation < OPERATION_COUNT ? operations.flags[operation] : 0;
}

#endif
