/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * protocol parser ──> [what a head means] ──> record: the opening handshake, from the request to the 101 or its
 * refusal.
 */
#ifndef TAPSTAT_FOLLOW_HTTP_H
#define TAPSTAT_FOLLOW_HTTP_H

#include "follow_websocket.h"
#include "http_rows.h"

static __always_inline void conn_flag(struct conn *conn, __u8 flag)
{
	conn->flags |= flag;
}

/* The connection has become WebSocket, in whichever way. */
static __always_inline void websocket_begins(struct io *io, struct series *to)
{
	struct conn *conn = io->conn;

	conn->protocol = PROTOCOL_WEBSOCKET;
	__builtin_memset(&conn->queue, 0, sizeof(conn->queue)); /* which was HTTP's */
	conn->pending_ns = conn->opened_ns;                     /* of a message before the 101 */
	conn->opened_ns = io->call->now;
	conn->last_data = io->call->now >> 30;
	conn_unix_begin(conn, to);
	if (conn->series >= SERIES_INDEX(SERVICE_OTHER, 0))
		self_add(SELF_FOLDED_CONNECTIONS, 1);
	conn_unix_state(conn, to, true);
}

static __always_inline void stream_frames(struct stream *s)
{
	s->mode = STREAM_FRAMES;
	s->message = 0;
	s->frame = 0;
	s->ws.payload_left = 0;
	s->ws.message_bytes = 0;
	s->ws.minute = 0;
}

/* ---- The opening handshake ------------------------------------------------------------------------------------- */

/* A request asks for WebSocket. */
static __always_inline void websocket_asked(struct io *io)
{
	struct conn *conn = io->conn;
	__u8 role = io->call->dir == DIRECTION_RECEIVED ? ROLE_SERVER : ROLE_CLIENT;

	if (conn->protocol != PROTOCOL_WEBSOCKET) { /* else its 101 was read by another thread before this event */
		conn_fix_service(conn, io->scratch, role, SEEN_HTTP | SEEN_WEBSOCKET);
		conn_flag(conn, CONN_UPGRADE_PENDING);
	}
	/* What follows are frames or, if the answer is no, another request. */
	stream_frames(io->stream);
}

/* The answer is a 101. */
static __always_inline void websocket_opened(struct io *io)
{
	struct conn *conn = io->conn;
	__u8 role = io->call->dir == DIRECTION_SENT ? ROLE_SERVER : ROLE_CLIENT;
	struct series *to = conn_fix_service(conn, io->scratch, role, SEEN_WEBSOCKET);

	if (!to)
		return;
	cell_add(to, CELL_WS_CONNECTIONS + CONNECTION_STATUS_OPENED, 1);
	if ((conn->flags & CONN_UPGRADE_PENDING) && io->scratch->exchange.length != LENGTH_NONE)
		record_handshake(to, io->scratch->exchange.length);
	conn->flags = (conn->flags & ~CONN_UPGRADE_PENDING) |
		      (io->stream->http.head & HTTP_RSV1_EXTENSION ? CONN_RSV1_ALLOWED : 0);
	stream_frames(io->stream);
	websocket_begins(io, to);
	io->call->opened = 1;
}

/* ---- Requests and answers -------------------------------------------------------------------------------------- */

static __always_inline void http_path_add(struct io *io, struct http_part part)
{
	__u64 at = part.at;

	clamp_mask(at, 15);
	if (part.bytes)
		target_add(&io->scratch->target, window_shown(io->scratch) + at, part.bytes);
}

/* The path of the request in progress leads to a row; 0: it has to be learnt. */
static __always_inline __u32 http_path_row(struct io *io)
{
	struct conn *conn = io->conn;

	if (conn->series == SERIES_NONE)
		return 0;
	return endpoint_row(&io->scratch->target, conn->series, io->stream->http_method);
}

/* The path is new, or the first one of the connection. */
static __always_inline void http_path_learn(struct io *io)
{
	struct conn *conn = io->conn;

	if (conn->series == SERIES_NONE) {
		__u8 role = io->call->dir == DIRECTION_RECEIVED ? ROLE_SERVER : ROLE_CLIENT;

		io->series = conn_fix_service(conn, io->scratch, role, SEEN_HTTP);
		if (!(conn->flags & (CONN_FRESH | CONN_UNIX)))
			self_add(SELF_JOINED + PROTOCOL_HTTP, 1);
	}
	io->stream->http_row = endpoint_row_learn(io->scratch->slot, conn->series, io->stream->http_method);
}

/* A request head is complete. 1: the walk stops. */
static __always_inline long http_asked(struct io *io, struct exchange *x)
{
	struct conn *conn = io->conn;
	struct queue *q = &conn->queue;
	__u32 row = io->stream->http_row, early = q->early;
	__u64 time = coarse_begun(io, io->stream->http.begun);
	struct series *to = conn_series(conn);

	io->stream->http.begun = 0;
	if (to && x->length != LENGTH_NONE)
		record_http_size(to, CELL_HTTP_REQUEST_SIZE, x->length);
	if (unlikely(conn->protocol == PROTOCOL_WEBSOCKET)) { /* its 101 came first */
		stream_frames(io->stream);
		return 1;
	}
	q->early = 0;
	if (unlikely(early) && is_answered_early(io, early)) {
		/* Its answer was read by another thread before this event. */
		record_http(row, q->early_status, (__u64)early_took(early, time) << RUN_COARSE_SHIFT);
		return 0;
	}
	run_push(io, run_make(time, row, x->flags));
	if (x->flags & HTTP_ASKED_WEBSOCKET) {
		io->call->turn = TURN_ASKED;
		return 1;
	}
	return 0;
}

/* A final answer is complete. */
static __always_inline void http_answered(struct io *io, struct exchange *x)
{
	struct conn *conn = io->conn;
	struct queue *q = &conn->queue;
	struct series *to = conn_series(conn);
	__u64 run;

	run = x->run;
	if (!x->asked_any) {
		if (conn_role(conn) == ROLE_CLIENT) {
			q->early = (__u32)coarse_now(io) ?: 1;
			q->early_status = x->id;
		}
		return;
	}
	record_http(run_row(run), x->id, run_duration(io, run_time(run)));
	if (to)
		record_http_size(to, CELL_HTTP_RESPONSE_SIZE, x->length);
	if (run_flags(run) & HTTP_ASKED_WEBSOCKET) {
		record_refused(conn->series, x->id);
		conn->flags &= ~CONN_UPGRADE_PENDING;
	}
	x->asked_any = 0;
	queue_take(q, 1);
}

/* The connection is something else from here on. */
static __always_inline void http_upgraded(struct io *io, struct exchange *x)
{
	struct conn *conn = io->conn;
	__u64 run, ns = TIME_NONE;
	bool websocket = io->stream->http.head & HTTP_UPGRADE_WEBSOCKET;

	if (x->asked_any) {
		run = x->run;
		ns = run_duration(io, run_time(run));
		record_http(run_row(run), x->id, ns);
		websocket |= run_flags(run) & HTTP_ASKED_WEBSOCKET;
		x->asked_any = 0;
		queue_take(&conn->queue, 1);
	}
	if (websocket && x->id == 101) {
		x->length = ns; /* of the handshake */
		io->call->turn = TURN_OPENED;
		return;
	}
	conn->protocol = PROTOCOL_OTHER;
}

/* What the step told. 1: the walk stops. */
static __always_inline long http_apply(struct io *io, struct exchange *x)
{
	struct stream *s = io->stream;
	struct series *to;

	switch (x->event) {
	case EXCHANGE_PATH:
		http_path_add(io, x->part);
		return 0;
	case EXCHANGE_PATH_END:
		http_path_add(io, x->part);
		s->http_row = http_path_row(io);
		if (likely(s->http_row))
			return 0;
		io->call->turn = TURN_PATH;
		return 1;
	case EXCHANGE_ASKED:
		return http_asked(io, x);
	case EXCHANGE_SIZED:
		to = conn_series(io->conn);
		if (to)
			record_http_size(to, CELL_HTTP_REQUEST_SIZE, x->length);
		return 0;
	case EXCHANGE_ANSWERED:
		http_answered(io, x);
		return 0;
	case EXCHANGE_UPGRADED:
		http_upgraded(io, x);
		return 1;
	default:
		return 0;
	}
}

/* The place in the messages is lost. */
static __always_inline void http_lost(struct io *io)
{
	struct conn *conn = io->conn;

	if (conn->queue.head != conn->queue.tail)
		record_dropped(DROPPED_UNMATCHED);
	queue_clear(&conn->queue);
	io->stream->http.left = 0;
	io->stream->http.begun = 0;
	io->stream->http.state = HTTP_START;
}

/* ---- A path that is cut by the end of a call ------------------------------------------------------------------- */

static __always_inline bool http_in_path(const struct stream *s)
{
	return s->mode == STREAM_HTTP && s->http.state >= HTTP_TARGET && s->http.state <= HTTP_VERSION;
}

static __always_inline void http_path_keep(struct io *io)
{
	__u64 key = io->scratch->sock;

	if (unlikely(http_in_path(io->stream)))
		bpf_map_update_elem(&targets, &key, &io->scratch->target, BPF_ANY);
}

static __always_inline void http_path_resume(struct io *io)
{
	__u64 key = io->scratch->sock;
	struct target *kept;

	if (likely(!http_in_path(io->stream)))
		return;
	kept = bpf_map_lookup_elem(&targets, &key);
	if (kept)
		__builtin_memcpy(&io->scratch->target, kept, sizeof(*kept));
	else
		io->scratch->target.bytes = TARGET_BYTES + 1;
	bpf_map_delete_elem(&targets, &key);
}

#endif
