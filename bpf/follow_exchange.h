/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * protocol parser ──> [what a request and an answer mean] ──> record: operations of storage protocols, matched in
 * order or by id.
 *
 * An operation is counted when its answer is complete. A connection that was open before tapstat is *tentative* until
 * an answer has parsed, and *unsure* until it is known that nothing from before is outstanding: its operations have
 * no duration until then.
 */
#ifndef TAPSTAT_FOLLOW_EXCHANGE_H
#define TAPSTAT_FOLLOW_EXCHANGE_H

#include "follow_http.h"
#include "outstanding.h"
#include "proto/memcached.h"
#include "proto/mongodb.h"
#include "proto/mysql.h"
#include "proto/postgresql.h"
#include "proto/redis.h"
#include "queue_rows.h"

/* The protocols of requests and answers, in the order of their labels: label, parser. */
#define EXCHANGES(E) \
	E(REDIS, redis) E(POSTGRESQL, postgresql) E(MYSQL, mysql) E(MONGODB, mongodb) E(MEMCACHED, memcached)

/* ---- Events ---------------------------------------------------------------------------------------------------- */

/* What an operation of the connection counts in; `other` where it has no name. */
static __always_inline __u32 exchange_row(struct conn *conn, __u32 operation)
{
	return operation_row(conn->series, operation ? operation : operation_other(conn_backend(conn)));
}

/* The row of a request that is complete: that of its key, where it has one. */
static __always_inline __u32 exchange_asked_row(struct io *io, struct exchange *x)
{
	__u32 row = 0;

	if (settings.queues && io->conn->protocol == PROTOCOL_REDIS) {
		row = io->stream->key_row;
		io->stream->key_row = 0;
		if (unlikely(x->key.whole) && !row)
			row = queue_row(io->scratch->slot, io->conn->series, x->operation);
		exchange_key_clear(&x->key);
	}
	return row ? row : exchange_row(io->conn, x->operation);
}

/* A connection becomes what it was taken for. */
static __always_inline void exchange_confirm(struct io *io)
{
	struct conn *conn = io->conn;
	__u32 service = conn->series / ROLE_COUNT, protocol = conn->protocol;
	struct service *entry = bpf_map_lookup_elem(&services, &service);

	if (entry)
		entry->seen[conn_role(conn) & 1] |= 1U << (protocol & 31);
	if (conn->series >= SERIES_INDEX(SERVICE_OTHER, 0))
		self_add(SELF_FOLDED_CONNECTIONS, 1);
	if (conn->flags & CONN_JOINED)
		self_add(SELF_JOINED + (__u64)(protocol & 15), 1);
	conn->flags |= CONN_CONFIRMED;
}

/* Counts `n` operations that were asked together. */
static __always_inline void exchange_record(struct io *io, __u32 row, bool failed, __u64 time, __u32 n)
{
	if (unlikely(!(io->conn->flags & CONN_CONFIRMED)))
		exchange_confirm(io);
	if (unlikely(!time))
		self_add(SELF_DROPPED + DROPPED_UNTIMED, n);
	record_row(row, failed ? OPERATION_STATUS_FAILED : OPERATION_STATUS_SUCCESS, run_duration(io, time), n);
}

/* A request is complete. */
static __always_inline void exchange_asked(struct io *io, struct exchange *x, bool by_id)
{
	struct conn *conn = io->conn;
	struct queue *q = &conn->queue;
	bool mark = (x->flags & ASKED_SYNC) && !x->operation;
	__u32 row = mark ? 0 : exchange_asked_row(io, x), early = q->early;
	__u64 time = coarse_begun(io, io->stream->rq.begun), run;

	io->stream->rq.begun = 0;
	/* From its start it is that protocol, but for commands that others know, too. */
	if (unlikely((conn->flags & (CONN_FRESH | CONN_CONFIRMED)) == CONN_FRESH) &&
	    conn->protocol != PROTOCOL_MEMCACHED)
		exchange_confirm(io);
	if (unlikely(conn->flags & CONN_UNSURE)) {
		if (conn_is_waiting(conn))
			time = 0;
		else
			conn->flags &= ~CONN_UNSURE;
		if (!(conn->flags & CONN_CONFIRMED))
			time = 0;
	}
	if (x->event == EXCHANGE_ASKED_ONLY) {
		exchange_record(io, row, false, time, 1);
		return;
	}
	if (unlikely(early)) {
		x->alike.head = 0;
		q->early = 0;
		if (is_answered_early(io, early)) {
			/* Its answer was read by another thread before this event. */
			exchange_record(io, row, q->early_status, coarse_now(io) - early_took(early, time), 1);
			return;
		}
	}
	run = run_make(time, row, x->flags);
	if (by_id)
		run_spill(io, run, x->id, true);
	else
		run_push(io, run);
}

/* An answer is complete. */
static __always_inline void exchange_answered(struct io *io, struct exchange *x, bool by_id)
{
	struct conn *conn = io->conn;
	struct queue *q = &conn->queue;
	__u64 run = 0, *kept;
	struct run_key key;
	bool known;
	__u32 row;

	if (by_id) {
		key = run_key(io->scratch->sock, x->id, true);
		kept = bpf_map_lookup_elem(&runs, &key);
		known = kept;
		if (kept)
			run = *kept;
	} else {
		known = x->asked_any;
		run = x->run;
	}
	if (unlikely(!known)) {
		x->alike.head = 0;
		if (conn_role(conn) == ROLE_CLIENT && !(conn->flags & CONN_UNSURE) && !by_id &&
		    x->event == EXCHANGE_ANSWERED) {
			q->early = (__u32)coarse_now(io) ?: 1;
			q->early_status = x->failed;
		}
		return;
	}
	if (x->event != EXCHANGE_DONE) {
		row = x->operation ? exchange_row(conn, x->operation) : run_row(run);
		if (unlikely(!row)) {
			row = exchange_row(conn, OPERATION_NONE);
			x->alike.head = 0;
		}
		exchange_record(io, row, x->failed, run_time(run), 1);
		if (settings.queues && unlikely(x->length != LENGTH_NONE))
			queue_told(row, x->length);
	}
	if (x->event == EXCHANGE_PART)
		return;
	if (by_id) {
		bpf_map_delete_elem(&runs, &key);
		queue_next(q);
	} else {
		queue_take(q, 1);
		x->asked_any = 0;
	}
}

/* What `n` answers said of a cache. */
static __always_inline void exchange_cached(struct io *io, struct exchange *x, __u32 n)
{
	struct series *to = io->series;

	if (!(x->hits | x->misses) || !to || io->conn->protocol != PROTOCOL_REDIS)
		return;
	if (x->hits)
		cell_add(to, CELL_CACHE_HITS, (__u64)x->hits * n);
	if (x->misses)
		cell_add(to, CELL_CACHE_MISSES, (__u64)x->misses * n);
}

/* Takes the oldest run, up to the mark. 1: that was it. */
static long sync_step(__u32 i, struct io *io)
{
	struct queue *q = &io->conn->queue;
	__u64 run;

	if (!run_oldest(io, &run))
		return 1;
	if (run_flags(run) & ASKED_SYNC) {
		queue_take(q, 1);
		return 1;
	}
	q->taken = run_count(run);
	return 0;
}
DEFINE_CALL_STEP(sync_step)

/* The place in the exchange is lost: nothing that is outstanding can be matched any more. */
static __always_inline void exchange_lost(struct io *io)
{
	struct conn *conn = io->conn;
	struct queue *q = &conn->queue;

	if (conn_is_waiting(conn))
		record_dropped(DROPPED_UNMATCHED);
	queue_clear(q);
	io->scratch->exchange.asked_any = 0;
	conn->flags |= CONN_UNSURE;
	__builtin_memset(&conn->stream[0].rq, 0, sizeof(conn->stream[0].rq));
	__builtin_memset(&conn->stream[1].rq, 0, sizeof(conn->stream[1].rq));
	conn->stream[0].key_row = conn->stream[1].key_row = 0;
	io->stream->carry_len = 0;
}

/* The first bytes of a storage protocol: its service is whoever sends or reads them. */
static __always_inline void exchange_named(struct io *io)
{
	io->series = conn_fix_service(io->conn, io->scratch, conn_role(io->conn), 0);
}

/* Bytes passed on a connection of a storage protocol. */
static __always_inline void exchange_bytes(struct io *io, __u32 len)
{
	struct series *to = conn_series(io->conn);

	if (to)
		cell_add(to, CELL_STORAGE_BYTES + conn_backend(io->conn) * DIRECTION_COUNT + (io->call->dir & 1),
			 len);
}

/* A call passes on a connection of a storage protocol. False: its bytes are of no use. */
static __always_inline bool exchange_io(struct io *io, __u32 len)
{
	struct conn *conn = io->conn;
	struct stream *s = io->stream;

	if (s->mode == STREAM_HTTP) {
		http_path_resume(io);
		return true;
	}
	if (unlikely(s->mode == STREAM_HIDDEN)) {
		record_unparsed(UNPARSED_HIDDEN, len);
		return false;
	}
	if (unlikely(conn->flags & CONN_UNSURE) && !goes_to_server(conn, io->call->dir) && !conn_is_waiting(conn) &&
	    !s->rq.state && !s->rq.left) {
		record_unparsed(UNPARSED_OUT_OF_STEP, len); /* the answer to something before, perhaps its middle */
		return false;
	}
	return true;
}

/*
 * Takes the messages behind the one that this step took, as long as they are like it: a pipeline of equal requests,
 * or of equal answers to them. A global function, so that the verifier looks at it once.
 */
__noinline int exchange_repeat(CALL_PARAMS)
{
	struct exchange *x;
	struct call *call;
	struct io io;
	__u32 n, most;
	__u64 end;

	CALL_ENTER
	if (!conn || !scratch)
		return 0;
	io_init(&io, conn, scratch, scratch->call.dir);
	x = &scratch->exchange;
	call = io.call;
	x->at = call->off - call->filled_at;
	end = min_u64(call->filled, call->len - call->filled_at);
	most = x->asks ? queue_room(&conn->queue) : run_count(x->run) - conn->queue.taken;
	n = exchange_repeats(x, scratch->window, end, WINDOW_BYTES, most);
	if (!n)
		return 0;
	x->consumed += n * x->consumed;
	if (x->asks) {
		queue_add(&conn->queue, n);
		return 0;
	}
	queue_take(&conn->queue, n);
	exchange_record(&io, run_row(x->run), x->failed, run_time(x->run), n);
	exchange_cached(&io, x, n);
	return 0;
}

/* ---- Steps ----------------------------------------------------------------------------------------------------- */

enum { MALFORMED_MOST = 8 }; /* of a connection that has not been confirmed */

/* The parser broke off. */
static __always_inline long exchange_malformed(struct io *io)
{
	__u64 rest = io->call->len - io->call->off + io->call->rest;

	if (unlikely(io->conn->protocol == PROTOCOL_WEBSOCKET)) { /* the 101 came before what was its request */
		record_unparsed(UNPARSED_DECODE, rest);
		stream_out_of_step(io);
	} else if (io->conn->protocol == PROTOCOL_HTTP && io->conn->series != SERIES_NONE) {
		record_unparsed(UNPARSED_DECODE, rest);
		http_lost(io);
	} else if (io->conn->protocol == PROTOCOL_HTTP) {
		io->conn->protocol = PROTOCOL_OTHER;
	} else if (io->conn->flags & CONN_CONFIRMED) {
		record_unparsed(UNPARSED_DECODE, rest);
		exchange_lost(io);
	} else if (io->conn->flags & CONN_FRESH) {
		io->conn->protocol = PROTOCOL_OTHER;
	} else { /* it was not that, or an answer's middle */
		exchange_lost(io);
		if (++io->conn->queue.early_status > MALFORMED_MOST)
			io->conn->protocol = PROTOCOL_OTHER;
	}
	io->call->off = io->call->len;
	io->call->rest = 0;
	return 1;
}

/* Shows the parser what it is told. False: memory could not be read. */
static __always_inline const __u8 *exchange_look(struct io *io, struct exchange *x)
{
	const __u8 *p = window_at(io, &x->avail);
	__u64 valid = io->call->filled_at + io->call->filled - io->call->off;

	valid = min_u64(valid, x->left);
	x->avail = min_u64(valid, LOOK_BYTES);
	return p;
}

static __always_inline void exchange_tell(struct io *io, struct exchange *x, bool asks, bool by_id)
{
	__u64 run;

	x->asks = asks;
	x->verdict = CONSUMED;
	x->consumed = 0;
	x->event = EXCHANGE_NOTHING;
	x->operation = OPERATION_NONE;
	x->failed = x->flags = x->hits = x->misses = x->alike.head = 0;
	x->length = LENGTH_NONE;
	x->wants_keys = settings.queues != 0;
	if (asks || by_id || x->asked_any) /* known from the step before */
		return;
	x->asked_any = run_oldest(io, &run);
	x->asked = OPERATION_NONE;
	x->asked_flags = 0;
	if (x->asked_any) {
		struct row_info *info;

		x->run = run;
		x->asked_flags = run_flags(run);
		if (io->conn->protocol == PROTOCOL_HTTP)
			return;
		info = row_info(run_row(run));
		x->asked = info ? info->operation : OPERATION_NONE;
	}
}

/* What the step told. 1: the walk stops. */
static __always_inline long exchange_apply(struct io *io, struct exchange *x, bool by_id)
{
	exchange_cached(io, x, 1);
	switch (x->event) {
	case EXCHANGE_NOTHING:
		return 0;
	case EXCHANGE_ASKED:
	case EXCHANGE_ASKED_ONLY:
		exchange_asked(io, x, by_id);
		return 0;
	case EXCHANGE_ANSWERED:
	case EXCHANGE_PART:
	case EXCHANGE_DONE:
	case EXCHANGE_SKIPPED:
		exchange_answered(io, x, by_id);
		return 0;
	case EXCHANGE_KEY: /* the rest of the request may come in further calls */
		if (io->conn->series != SERIES_NONE) {
			io->stream->key_row = queue_row(io->scratch->slot, io->conn->series, x->operation);
			exchange_key_clear(&x->key);
		}
		return 0;
	case EXCHANGE_SYNC:
		x->asked_any = 0;
		repeat_call(MAX_STEPS, sync_step, io);
		return 0;
	case EXCHANGE_ENCRYPTED:
		conn_encrypted(io->conn);
		return 1;
	default:
		io->conn->stream[0].mode = io->conn->stream[1].mode = STREAM_HIDDEN;
		return 1;
	}
}

/*
 * The part of a step that is a protocol's own: parses at the current offset, passes over what the parser orders, and
 * asks what is complete. The result is in scratch->exchange. A global function for each protocol, so that the
 * verifier looks at it once.
 */
#define DEFINE_EXCHANGE(label, name)                                        \
	__noinline int name##_parse(CALL_PARAMS)                            \
	{                                                                   \
		struct exchange *x;                                         \
		struct stream *s;                                           \
		const __u8 *p;                                              \
		CALL_ENTER                                                  \
                                                                            \
		if (!conn || !scratch)                                      \
			return 0;                                           \
		x = &scratch->exchange;                                     \
		s = &conn->stream[scratch->call.dir & 1];                   \
		p = window_shown(scratch);                                  \
		if (!s->rq.left)                                            \
			x->verdict = name##_message(s, &conn->queue, p, x); \
		if (x->verdict != CONSUMED || exchange_pass(s, x))          \
			return 0;                                           \
		if (x->asks)                                                \
			name##_request_passed(s, &conn->queue, x);          \
		else                                                        \
			name##_answer_passed(s, &conn->queue, x);           \
		return 0;                                                   \
	}

/* Passes over what the parser ordered. Whether more of it is to come in another call. */
static __always_inline bool exchange_pass(struct stream *s, struct exchange *x)
{
	__u64 left = s->rq.left, skip = min_u64(left, x->left - x->consumed);

	s->rq.left = left - skip;
	x->consumed += skip;
	return left != skip;
}

DEFINE_EXCHANGE(HTTP, http)
EXCHANGES(DEFINE_EXCHANGE)

static __always_inline void exchange_parse(struct io *io)
{
	__u32 protocol = io->conn->protocol;

#define EXCHANGE_PARSE(label, name)                             \
	if (protocol == PROTOCOL_##label) {                     \
		name##_parse(CALL_ARGS(io->conn, io->scratch)); \
		return;                                         \
	}
	if (io->stream->mode == STREAM_HTTP) { /* the request of a connection that has become WebSocket, too */
		http_parse(CALL_ARGS(io->conn, io->scratch));
		return;
	}
	EXCHANGES(EXCHANGE_PARSE)
#undef EXCHANGE_PARSE
}

/* One step of a direction. 1: the walk is done. */
static long exchange_step(__u32 i, struct io *io)
{
	bool asks = goes_to_server(io->conn, io->call->dir), by_id = io->conn->protocol == PROTOCOL_MONGODB;
	struct exchange *x = &io->scratch->exchange;
	struct stream *s = io->stream;
	bool http = s->mode == STREAM_HTTP;
	long stop;

	if (io->call->off >= io->call->len)
		return !window_next_segment(io);
	x->left = io->call->len - io->call->off;
	exchange_tell(io, x, asks, by_id);
	if (!s->rq.left) {
		if (!exchange_look(io, x))
			return 1;
		if (asks && (http ? s->http.state == HTTP_START : !s->rq.begun)) {
			s->rq.begun = (__u32)(io->call->entered >> RUN_COARSE_SHIFT) ?: 1;
			target_begin(&io->scratch->target);
		}
	}
	exchange_parse(io);
	if (unlikely(x->verdict == INCOMPLETE)) {
		window_carry(io, window_shown(io->scratch), x->avail);
		return 0;
	}
	if (unlikely(x->verdict == MALFORMED))
		return exchange_malformed(io);
	if (http)
		stop = http_apply(io, x);
	else
		stop = exchange_apply(io, x, by_id);
	if (x->alike.head && (x->event == EXCHANGE_ASKED || x->event == EXCHANGE_ANSWERED))
		exchange_repeat(CALL_ARGS(io->conn, io->scratch));
	io->call->off += x->consumed;
	return stop || (io->call->off >= io->call->len && !io->call->rest);
}
DEFINE_CALL_STEP(exchange_step)

/* All steps of the call that are left. */
DEFINE_WALK(exchange_walk, exchange_step)

/* Before them: what the parsers are told is of this call. */
static __always_inline void exchange_walk_begins(struct io *io)
{
	io->scratch->exchange.asked_any = 0;
	exchange_key_clear(&io->scratch->exchange.key);
}

/* Behind them. */
static __always_inline void exchange_walk_ends(struct io *io)
{
	if (io->stream->mode == STREAM_HTTP && io->stream->http.state == HTTP_TO_CLOSE)
		io->stream->http.begun = (__u32)coarse_now(io); /* the last byte so far: http_closed() */
}

#endif
