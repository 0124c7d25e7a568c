/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * uprobe ──> [function_frames] ──> functions: which return belongs to which entry. Plain data, no helpers.
 *
 * A call is known by its probe and by the depth of the stack at its entry, so that calls that never return (longjmp,
 * the end of a coroutine) disturb no other, and coroutines may return in whichever order. An entry where one waits
 * already replaces it: the stack has been there before, so that the former call is over.
 */
#ifndef TAPSTAT_FUNCTION_FRAMES_H
#define TAPSTAT_FUNCTION_FRAMES_H

#include "portable.h"

/* As many calls of probed functions may be inside one another; recursion goes deeper rarely. */
enum { FRAMES = 16, FRAME_NONE = FRAMES };

/* A call that has not returned. */
struct frame {
	__u64 begun_ns; /* monotonic; 0: not in use */
	__u64 depth; /* of a thread: its stack pointer; of a goroutine: how far that is from the end of the stack */
	__u32 row;   /* of `function_cells` */
	__u32 probe;
};

/* The calls of one thread or goroutine, in no order. */
struct frames {
	struct frame frame[FRAMES];
};

/* The searches have no branches: the verifier would follow each way through them. */

static __always_inline __u64 is_same(__u64 a, __u64 b)
{
	a ^= b;
	return is_zero(a >> 1 | (a & 1));
}

static __always_inline __u64 lesser(__u64 a, __u64 b) /* both < 2^63 */
{
	__u64 mask = 0 - exceeds(a, b);

	opaque(mask); /* else the compiler makes a branch of it */
	return a ^ ((a ^ b) & mask);
}

/* 1: the call is under way here. Of a place not in use, the rest may be left from before. */
static __always_inline __u64 frame_is(const struct frame *frame, __u64 depth, __u32 probe)
{
	return is_same(frame->depth, depth) & is_same(frame->probe, probe) & (is_zero(frame->begun_ns) ^ 1);
}

/*
 * The place for a call that begins: that of the one it replaces, else a free one, else that of the oldest. Each place
 * has a rank, whose lowest bits are its number; the lowest rank wins.
 */
static __always_inline __u32 frames_place(const struct frames *frames, __u64 depth, __u32 probe)
{
	__u64 least = ~0ULL >> 1;

	_Static_assert(FRAMES == 16, "numbers take four bits");
	for (__u32 i = 0; i < FRAMES; i++) {
		const struct frame *frame = &frames->frame[i];
		__u64 order = frame->begun_ns >> 5 << 5 | is_zero(frame->begun_ns) << 4;
		__u64 rank = (order & (frame_is(frame, depth, probe) - 1)) | i;

		least = lesser(least, rank);
	}
	return least & (FRAMES - 1);
}

/* The call that returns; FRAME_NONE or more: it is not known. */
static __always_inline __u32 frames_find(const struct frames *frames, __u64 depth, __u32 probe)
{
	__u64 least = FRAME_NONE;

	for (__u32 i = 0; i < FRAMES; i++) {
		__u64 rank = (frame_is(&frames->frame[i], depth, probe) ^ 1) << 4 | i;

		least = lesser(least, rank);
	}
	return least;
}

static __always_inline bool frames_are_empty(const struct frames *frames)
{
	__u64 any = 0;

	for (__u32 i = 0; i < FRAMES; i++)
		any |= frames->frame[i].begun_ns;
	return !any;
}

#endif
