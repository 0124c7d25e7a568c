/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * protocol parser ──> [outstanding requests] ──> record: what has been asked on one connection and not answered yet,
 * in the order in which answers come. Pure.
 *
 * Equal requests of one call are one *run* with a count, so that a pipeline of a hundred GETs is a single one. The
 * oldest QUEUE_INLINE runs are in the connection; where more are outstanding, the caller keeps the others by number.
 *
 * One thread at a time asks and one answers, on whichever CPUs: a place belongs to the asking side until the run's
 * number is below `tail`, then to the answering side, but for its count.
 */
#ifndef TAPSTAT_PROTO_QUEUE_H
#define TAPSTAT_PROTO_QUEUE_H

#include "../conn.h"

enum {
	RUN_COUNT_BITS = 12,
	RUN_ROW_BITS = 12,
	RUN_FLAG_BITS = 4, /* enum asked_flags */
	RUN_ROW_SHIFT = RUN_COUNT_BITS,
	RUN_FLAG_SHIFT = RUN_ROW_SHIFT + RUN_ROW_BITS,
	RUN_TIME_SHIFT = RUN_FLAG_SHIFT + RUN_FLAG_BITS, /* 36 bits of 1.024 µs: 19 hours */
	RUN_COUNT_MAX = (1 << RUN_COUNT_BITS) - 1,
};
#define RUN_TIME_MASK ((1ULL << (64 - RUN_TIME_SHIFT)) - 1)

_Static_assert(QUEUE_INLINE == 4, "queue_place() masks by it");
_Static_assert(MAX_ROWS <= 1 << RUN_ROW_BITS, "a row's number does not fit into a run");

/* A run of one request. `time`: in 1.024 µs, 0: not to be timed. */
static __always_inline __u64 run_make(__u64 time, __u32 row, __u32 flags)
{
	return (time & RUN_TIME_MASK) << RUN_TIME_SHIFT | (__u64)flags << RUN_FLAG_SHIFT |
	       (__u64)row << RUN_ROW_SHIFT | 1;
}

static __always_inline __u32 run_count(__u64 run)
{
	return run & RUN_COUNT_MAX;
}

static __always_inline __u32 run_row(__u64 run)
{
	return run >> RUN_ROW_SHIFT & ((1 << RUN_ROW_BITS) - 1);
}

static __always_inline __u32 run_flags(__u64 run)
{
	return run >> RUN_FLAG_SHIFT & ((1 << RUN_FLAG_BITS) - 1);
}

static __always_inline __u64 run_time(__u64 run)
{
	return run >> RUN_TIME_SHIFT;
}

static __always_inline volatile __u64 *queue_place(struct queue *q, __u32 number)
{
	__u64 place = number;

	clamp_mask(place, 3);
	return &q->run[place];
}

/* Whether what is found at a number's place is its run; else that one is kept elsewhere. A place is emptied when its
 * run has been answered, and only the QUEUE_INLINE oldest numbers use theirs. */
static __always_inline bool run_is_here(__u64 run)
{
	return run_count(run);
}

/* Whether both are requests of the same row and flags, asked in the same call: one run. */
static __always_inline bool run_alike(__u64 a, __u64 b)
{
	return !((a ^ b) >> RUN_ROW_SHIFT) && run_count(a) < RUN_COUNT_MAX;
}

/* Adds a request. False: there is no place for it here; the caller keeps it as number q->tail, and adds 1 to that. */
static __always_inline bool queue_push(struct queue *q, __u64 run)
{
	__u32 tail = q->tail, n = tail - *(volatile __u32 *)&q->head;
	volatile __u64 *place = queue_place(q, tail - 1);

	if (n && n <= QUEUE_INLINE && run_is_here(*place) && run_alike(*place, run)) {
		*place += 1;
		return true;
	}
	if (n >= QUEUE_INLINE)
		return false;
	*queue_place(q, tail) = run;
	*(volatile __u32 *)&q->tail = tail + 1;
	return true;
}

/* How many more requests the newest run can take; 0: it is not here. */
static __always_inline __u32 queue_room(struct queue *q)
{
	__u32 n = q->tail - *(volatile __u32 *)&q->head;
	__u64 run = *queue_place(q, q->tail - 1);

	return n && n <= QUEUE_INLINE && run_is_here(run) ? RUN_COUNT_MAX - run_count(run) : 0;
}

/* Adds `n` requests like the newest one, for which there is room. */
static __always_inline void queue_add(struct queue *q, __u32 n)
{
	*queue_place(q, q->tail - 1) += n;
}

/* Whether the oldest run, of which `taken` requests are answered, has another one. */
static __always_inline bool run_has_more(const struct queue *q, __u64 run)
{
	return q->taken < run_count(run);
}

/* So many requests of the oldest run are answered. */
static __always_inline void queue_take(struct queue *q, __u32 n)
{
	q->taken += n;
}

/* The oldest run is answered to its end and another one is behind it. */
static __always_inline void queue_next(struct queue *q)
{
	*queue_place(q, q->head) = 0;
	q->taken = 0;
	q->head++;
}

/* Forgets everything that is outstanding. */
static __always_inline void queue_clear(struct queue *q)
{
	__builtin_memset(q->run, 0, sizeof(q->run));
	q->taken = 0;
	q->head = q->tail;
}

#endif
