/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * protocol parser ──> [record] ──> maps: the one writer of metric maps.
 *
 * Cells are per CPU. Those that only the socket hooks write are added to plainly, unless a hook may be preempted by
 * another run of itself. Those that the end of a connection (softirq) or the scan (a task) write too are added to
 * atomically, by everybody.
 */
#ifndef TAPSTAT_RECORD_H
#define TAPSTAT_RECORD_H

#include "maps.h"

static __always_inline void self_add(__u64 cell, __u64 n) /* enum self_cell */
{
	__u32 key = 0;
	struct self_counters *counters = bpf_map_lookup_elem(&self, &key);

	opaque(cell);
	if (counters && cell < SELF_CELL_COUNT)
		__sync_fetch_and_add(&counters->cell[cell], n);
}

static __always_inline void record_unparsed(enum label_unparsed reason, __u64 bytes)
{
	if (bytes)
		self_add(SELF_UNPARSED + (__u64)reason, bytes);
}

static __always_inline void record_dropped(enum label_dropped reason)
{
	self_add(SELF_DROPPED + (__u64)reason, 1);
}

static __always_inline struct series *series_lookup(__u32 index)
{
	return bpf_map_lookup_elem(&series, &index);
}

static __always_inline void cell_add(struct series *to, __u32 cell, __u64 n)
{
	opaque(cell);
	if (cell >= SERIES_CELL_COUNT)
		return;
	opaque(n); /* the compiler makes an atomic "or" of adding 0, which 5.10 lacks */
	if (settings.preemptible)
		__sync_fetch_and_add(&to->cell[cell], n);
	else
		to->cell[cell] += n;
}

static __always_inline void cell_add_shared(struct series *to, __u32 cell, __u64 n)
{
	opaque(cell);
	if (cell < SERIES_CELL_COUNT)
		__sync_fetch_and_add(&to->cell[cell], n);
}

/* The bucket of a value: how many bounds it exceeds, without a branch. Values and bounds stay below 2^63. */
#define BUCKET_STEP(bound) bucket += ((__u64)(bound)-value) >> 63;
#define DEFINE_BUCKET(shape)                                     \
	static __always_inline __u32 bucket_##shape(__u64 value) \
	{                                                        \
		__u64 bucket = 0;                                \
                                                                 \
		opaque(value);                                   \
		BOUNDS_##shape(BUCKET_STEP) return bucket;       \
	}
DEFINE_BUCKET(DURATION)
DEFINE_BUCKET(LIFETIME)
DEFINE_BUCKET(SIZE)
DEFINE_BUCKET(PER_MINUTE)

#define record_sample(add, to, first, shape, value)                   \
	do {                                                          \
		__u64 sample = (value);                               \
		add(to, (first) + bucket_##shape(sample), 1);         \
		add(to, (first) + SHAPE_##shape##_CELLS - 1, sample); \
	} while (0)

static __always_inline void record_latency(struct series *to, enum label_latency_type type, __u64 ns)
{
	record_sample(cell_add, to, CELL_WS_MESSAGE_LATENCY + type * SHAPE_DURATION_CELLS, DURATION, ns);
}

static __always_inline void record_message_size(struct series *to, __u32 dir, __u64 bytes)
{
	record_sample(cell_add, to, CELL_MESSAGE_SIZE + dir * SHAPE_SIZE_CELLS, SIZE, bytes);
}

static __always_inline void record_handshake(struct series *to, __u64 ns)
{
	record_sample(cell_add, to, CELL_WS_HANDSHAKE_DURATION, DURATION, ns);
}

static __always_inline void record_lifetime(struct series *to, __u64 ns)
{
	record_sample(cell_add_shared, to, CELL_WS_CONNECTION_DURATION, LIFETIME, ns);
}

static __always_inline void record_minute(struct series *to, __u32 dir, __u32 messages)
{
	record_sample(cell_add_shared, to, CELL_WS_CONNECTION_MESSAGES_PER_MINUTE + dir * SHAPE_PER_MINUTE_CELLS,
		      PER_MINUTE, messages);
}

static __always_inline void record_refused(__u32 series_index, __u32 code)
{
	struct refused_key key = {.series = series_index, .code = code};
	__u64 none = 0, *count = bpf_map_lookup_elem(&refused_by_code, &key);

	if (!count) {
		bpf_map_update_elem(&refused_by_code, &key, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&refused_by_code, &key);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		record_dropped(DROPPED_MAX_REFUSED_CODES);
}

/* An AF_UNIX connection owes (1) or has given (-1) the sample of its duration; see CELL_UNIX_UNSAMPLED. */
static __always_inline void record_unix_unsampled(struct series *to, __s64 n, __u64 opened_ns)
{
	cell_add_shared(to, CELL_UNIX_UNSAMPLED, n);
	cell_add_shared(to, CELL_UNIX_OPENED_US, n * (__s64)(opened_ns / 1000));
}

/* Moves an AF_UNIX connection to another state; see CELL_UNIX_STATE. */
static __always_inline void record_unix_state(struct series *to, int from, int state)
{
	if (from >= 0)
		cell_add_shared(to, CELL_UNIX_STATE + from, -1);
	cell_add_shared(to, CELL_UNIX_STATE + state, 1);
}

/* The end of an AF_UNIX connection in this state. */
static __always_inline void record_unix_end(struct series *to, enum label_unix_state state)
{
	cell_add_shared(to, CELL_UNIX_STATE + state, -1);
	if (state == UNIX_STATE_CLOSING) {
		cell_add_shared(to, CELL_WS_CONNECTIONS + CONNECTION_STATUS_CLOSED, 1);
		return;
	}
	cell_add_shared(to, CELL_WS_CONNECTIONS + CONNECTION_STATUS_ERROR, 1);
	cell_add_shared(
		to, CELL_WS_ERRORS + (state == UNIX_STATE_UNANSWERED ? WS_ERROR_TIMEOUT : WS_ERROR_CONNECTION_LOST),
		1);
}

#endif
