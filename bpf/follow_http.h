/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * protocol parser ──> [what a head means] ──> record: the opening handshake, from the request to the 101 or its
 * refusal.
 */
#ifndef TAPSTAT_FOLLOW_HTTP_H
#define TAPSTAT_FOLLOW_HTTP_H

#include "follow_websocket.h"

static __always_inline void conn_flag(struct conn *conn, __u8 flag)
{
	conn->flags |= flag;
}

/*
 * What a step found to begin. The walk stops, and the handler lets it begin (conn_turn()): naming the service takes
 * more of the stack than is left inside the walk.
 */
enum turn {
	TURN_NONE,
	TURN_ASKED,  /* an upgrade request is complete */
	TURN_OPENED, /* the 101 is */
	TURN_READY,  /* the evidence for WebSocket in mid-stream is */
};

/* The connection has become WebSocket, in whichever way. */
static __always_inline void websocket_begins(struct io *io, struct series *to)
{
	struct conn *conn = io->conn;

	conn->protocol = PROTOCOL_WEBSOCKET;
	conn->opened_ns = io->call->now;
	conn->last_data = io->call->now >> 30;
	conn->early_answer_us = 0;
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

/* A request head is complete. */
static __always_inline void request_complete(struct io *io)
{
	if (http_asks_for_websocket(io->stream->http.head))
		io->call->turn = TURN_ASKED;
	else
		http_after_head(io->stream, io->call->len - io->call->off + io->call->rest);
}

/* A request asks for WebSocket. */
static __always_inline void websocket_asked(struct io *io)
{
	struct conn *conn = io->conn;
	__u8 role = io->call->dir == DIRECTION_RECEIVED ? ROLE_SERVER : ROLE_CLIENT;

	if (conn->protocol != PROTOCOL_WEBSOCKET) { /* else its 101 was read by another thread before this event */
		if (conn->flags & CONN_UPGRADE_PENDING) /* asked again without an answer */
			record_refused(conn->series, 0);
		conn_fix_service(conn, io->scratch, role);
		conn_flag(conn, CONN_UPGRADE_PENDING);
	}
	/* What follows are frames or, if the answer is no, another request. */
	stream_frames(io->stream);
}

/* A response head is complete. */
static __always_inline void response_complete(struct io *io)
{
	struct conn *conn = io->conn;
	__u32 head = io->stream->http.head, status = io->stream->http.status;
	bool pending = conn->flags & CONN_UPGRADE_PENDING;

	if (status == 101 && (pending || (head & HTTP_UPGRADE_WEBSOCKET))) {
		io->call->turn = TURN_OPENED;
		return;
	}
	http_after_head(io->stream, io->call->len - io->call->off + io->call->rest);
	if (status >= 200 && pending) {
		record_refused(conn->series, status);
		conn->flags &= ~CONN_UPGRADE_PENDING;
	}
}

/* The answer is a 101. */
static __always_inline void websocket_opened(struct io *io)
{
	struct conn *conn = io->conn;
	__u8 role = io->call->dir == DIRECTION_SENT ? ROLE_SERVER : ROLE_CLIENT;
	struct series *to = conn_fix_service(conn, io->scratch, role);

	if (!to)
		return;
	cell_add(to, CELL_WS_CONNECTIONS + CONNECTION_STATUS_OPENED, 1);
	if ((conn->flags & CONN_UPGRADE_PENDING) && conn->opened_ns)
		record_handshake(to, io->call->now - conn->opened_ns);
	conn->flags = (conn->flags & ~CONN_UPGRADE_PENDING) |
		      (io->stream->http.head & HTTP_RSV1_EXTENSION ? CONN_RSV1_ALLOWED : 0);
	stream_frames(io->stream);
	websocket_begins(io, to);
	io->call->opened = 1;
}

/* One step in STREAM_HTTP. */
static __always_inline void http_follow(struct io *io, const __u8 *p, __u32 avail)
{
	struct stream *s = io->stream;
	enum http_event event;
	enum verdict verdict;
	__u64 consumed;

	if (s->http.state == HTTP_OPAQUE) { /* to the end of the call, which may have more segments */
		s->http.state = HTTP_START;
		io->call->off = io->call->len;
		io->call->rest = 0;
		return;
	}
	verdict = http_step(s, p, avail, io->call->len - io->call->off, &consumed, &event);
	if (verdict == INCOMPLETE) {
		window_carry(io, p, avail);
		return;
	}
	io->call->off += consumed;
	if (event == HTTP_HEAD_BEGINS && (s->http.head & HTTP_IS_REQUEST) &&
	    !(io->conn->flags & CONN_UPGRADE_PENDING) && io->conn->protocol == PROTOCOL_HTTP)
		io->conn->opened_ns = io->call->now;
	if (event == HTTP_HEAD_COMPLETE) {
		if (s->http.head & HTTP_IS_REQUEST)
			request_complete(io);
		else
			response_complete(io);
	}
}

#endif
