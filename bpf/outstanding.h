/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * connection ──> [outstanding requests] ──> record: the queue of a connection (proto/queue.h) with the runs that have
 * no place in it.
 */
#ifndef TAPSTAT_OUTSTANDING_H
#define TAPSTAT_OUTSTANDING_H

#include "http_rows.h"
#include "proto/http.h"
#include "window.h"

static __always_inline bool is_exchange(__u32 protocol)
{
	return protocol >= PROTOCOL_REDIS && protocol <= PROTOCOL_MEMCACHED;
}

static __always_inline __u32 conn_backend(struct conn *conn)
{
	return conn->protocol - PROTOCOL_REDIS;
}

enum {
	EARLY_ANSWER_COARSE =
		100, /* µs: an answer's event this much before its question's was its answer all the same */
};

/* The current time as runs have it. */
static __always_inline __u64 coarse_now(struct io *io)
{
	return io->call->now >> RUN_COARSE_SHIFT;
}

/* Whether an answer that came when nothing was outstanding belongs to what the call sends, whose event comes late. */
static __always_inline bool is_answered_early(struct io *io, __u32 early)
{
	__u32 entered = io->call->entered >> RUN_COARSE_SHIFT;

	return (__u32)coarse_now(io) - early < EARLY_ANSWER_COARSE || (__s32)(early - entered) >= 0;
}

/* How long it took, from `begun`; 0: it was there before, as far as that is known. */
static __always_inline __u32 early_took(__u32 early, __u64 begun)
{
	__s32 took = early - (__u32)begun;

	return took > 0 ? took : 0;
}

/* A moment of the last 70 minutes by its low bits. */
static __always_inline __u64 coarse_begun(struct io *io, __u32 begun)
{
	__u64 now = coarse_now(io);

	return now - (__u32)((__u32)now - begun);
}

/* From the time of a run until now, in ns; TIME_NONE: it is not to be timed. */
static __always_inline __u64 run_duration(struct io *io, __u64 time)
{
	return time ? ((coarse_now(io) - time) & RUN_TIME_MASK) << RUN_COARSE_SHIFT : TIME_NONE;
}

/* ---- What is outstanding --------------------------------------------------------------------------------------- */

static __always_inline struct run_key run_key(__u64 sock, __u32 number, bool by_id)
{
	struct run_key key = {.sock = sock, .number = number, .by_id = by_id};

	return key;
}

/* Adds a request that found no place in the connection. */
static __always_inline void run_spill(struct io *io, __u64 run, __u32 id, bool by_id)
{
	struct queue *q = &io->conn->queue;
	struct run_key key = run_key(io->scratch->sock, by_id ? id : q->tail - 1, by_id);
	__u64 *last;

	if (!by_id) {
		last = bpf_map_lookup_elem(&runs, &key);
		if (last && run_alike(*last, run)) {
			*(volatile __u64 *)last += 1;
			return;
		}
		key.number = q->tail;
	}
	if (bpf_map_update_elem(&runs, &key, &run, BPF_ANY)) /* it counts as `other` when it is answered */
		record_dropped(DROPPED_UNTIMED);
	*(volatile __u32 *)&q->tail = q->tail + 1;
}

static __always_inline void run_push(struct io *io, __u64 run)
{
	if (unlikely(!queue_push(&io->conn->queue, run)))
		run_spill(io, run, 0, false);
}

/* The run of the oldest request; false: nothing is outstanding. */
static __always_inline bool run_oldest(struct io *io, __u64 *run)
{
	struct queue *q = &io->conn->queue;
	struct run_key key;
	__u64 *spilled;

#pragma clang loop unroll(full)
	for (int i = 0; i < 2; i++) {
		__u32 head = q->head;
		bool is_spilled;

		if (head == *(volatile __u32 *)&q->tail)
			return false;
		*run = *queue_place(q, head);
		is_spilled = !run_is_here(*run);
		key = run_key(io->scratch->sock, head, false);
		if (unlikely(is_spilled)) {
			spilled = bpf_map_lookup_elem(&runs, &key);
			*run = spilled ? *spilled : 1;
		}
		if (run_has_more(q, *run))
			return true;
		if (head + 1 == *(volatile __u32 *)&q->tail)
			return false;
		if (unlikely(is_spilled))
			bpf_map_delete_elem(&runs, &key);
		queue_next(q);
	}
	return false;
}

/* Whether any request is outstanding; reading only. */
static __always_inline bool conn_is_waiting(struct conn *conn)
{
	struct queue *q = &conn->queue;
	__u32 n = q->tail - q->head;
	__u64 run = *queue_place(q, q->head);

	return n > 1 || (n && conn->protocol == PROTOCOL_MONGODB) ||
	       (n == 1 && (!run_is_here(run) || run_has_more(q, run)));
}

/* How many requests are outstanding, as far as the connection itself knows. For the scan, too, which may not read at
 * a place that it computes. */
static __always_inline __u32 conn_waiting(struct conn *conn)
{
	struct queue *q = &conn->queue;
	__u32 n = 0, kept = q->tail - q->head;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < QUEUE_INLINE; i++) {
		__u32 number = q->head + ((i - q->head) & (QUEUE_INLINE - 1));

		if (number - q->head < kept)
			n += run_is_here(q->run[i]) ? run_count(q->run[i]) : 1;
	}
	n += kept > QUEUE_INLINE ? kept - QUEUE_INLINE : 0;
	return n > q->taken ? n - q->taken : 0;
}

/* Whether the answers say that a transaction is open. */
static __always_inline bool exchange_in_transaction(struct conn *conn)
{
	_Static_assert(TOLD_IN_TRANSACTION == 1, "one bit for all protocols");
	return conn->queue.told[1] & TOLD_IN_TRANSACTION;
}

/* ---- The end of what is outstanding ---------------------------------------------------------------------------- */

enum { ABANDON_RUNS = 16 }; /* of one connection; what is behind them is counted as dropped */

/* No answer will come for the oldest run. False: that was the last. */
static __always_inline bool run_abandon(struct conn *conn, __u64 sock)
{
	struct queue *q = &conn->queue;
	struct run_key key = {.sock = sock, .number = q->head};
	__u64 run, *spilled;

	if (q->head == q->tail)
		return false;
	run = *queue_place(q, q->head);
	if (!run_is_here(run)) {
		spilled = bpf_map_lookup_elem(&runs, &key);
		run = spilled ? *spilled : 0;
		bpf_map_delete_elem(&runs, &key);
	}
	if (run_count(run) > q->taken && run_row(run))
		record_unanswered(run_row(run), run_count(run) - q->taken);
	if (run_count(run) > q->taken && conn->protocol == PROTOCOL_HTTP && (run_flags(run) & HTTP_ASKED_WEBSOCKET))
		record_refused(conn->series, 0);
	queue_next(q);
	return q->head != q->tail;
}

static __always_inline void runs_abandon(struct conn *conn, __u64 sock)
{
	bool more = is_exchange(conn->protocol) || conn->protocol == PROTOCOL_HTTP;

#pragma clang loop unroll(disable)
	for (int i = 0; more && i < ABANDON_RUNS; i++)
		more = run_abandon(conn, sock);
	if (more)
		record_dropped(DROPPED_UNMATCHED);
}

/* A body that ends with its connection has ended. */
static __always_inline void http_closed(struct conn *conn)
{
	struct series *to = series_lookup(conn->series);
	struct queue *q = &conn->queue;
	__u32 head = q->head;
	__u64 run, ns;

#pragma clang loop unroll(full)
	for (__u32 dir = 0; dir < DIRECTION_COUNT; dir++) {
		struct stream *s = &conn->stream[dir];

		if (s->mode != STREAM_HTTP || s->http.state != HTTP_TO_CLOSE)
			continue;
		s->http.state = HTTP_START;
		run = *queue_place(q, head);
		if (!to || head == q->tail || !run_is_here(run) || !run_has_more(q, run))
			continue;
		/* To the last byte, of which http.begun has the time. */
		ns = run_time(run) ? (__u64)(s->http.begun - (__u32)run_time(run)) << RUN_COARSE_SHIFT : TIME_NONE;
		record_http(run_row(run), s->http_status, ns);
		record_http_size(to, CELL_HTTP_RESPONSE_SIZE, HTTP_FOREVER - s->http.left);
		if (run_flags(run) & HTTP_ASKED_WEBSOCKET)
			record_refused(conn->series, s->http_status);
		queue_take(q, 1);
	}
}

/* No answer will come any more. */
static __always_inline void conn_abandon(struct conn *conn, __u64 sock)
{
	if (is_exchange(conn->protocol) && !(conn->flags & CONN_CONFIRMED))
		return; /* nothing of a tentative connection is counted */
	if (conn->protocol == PROTOCOL_HTTP)
		http_closed(conn);
	runs_abandon(conn, sock);
}

#endif
