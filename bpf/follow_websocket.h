/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * protocol parser ──> [what a frame means] ──> record: messages, sizes, latencies, pings of one WebSocket connection.
 */
#ifndef TAPSTAT_FOLLOW_WEBSOCKET_H
#define TAPSTAT_FOLLOW_WEBSOCKET_H

#include "life.h"
#include "proto/http.h"
#include "proto/websocket.h"
#include "window.h"

enum {
	EARLY_ANSWER_US = 100, /* an answer's event this much before its question's was its answer all the same */
};

/* Opcodes 0, 1, 2, 8, 9, 10 to label_opcode. */
static __always_inline __u32 opcode_label(__u32 opcode)
{
	return (opcode & 3) + (opcode >> 3) * 3;
}

/* Opcodes 1, 2, 8, 9, 10 to label_message_type. */
static __always_inline __u32 message_label(__u32 opcode)
{
	return opcode_label(opcode) - 1;
}

static __always_inline __u32 close_label(__u16 code)
{
	if (code == WS_NO_CODE)
		return CLOSE_CODE_NONE;
	if (code >= 3000)
		return CLOSE_CODE_OTHER;
	return code <= 1003 ? CLOSE_CODE_1000 + code - 1000 : CLOSE_CODE_1007 + code - 1007;
}

/* Whether the direction leads from the client to the server: its frames are masked, its messages ask. */
static __always_inline bool goes_to_server(struct conn *conn, __u32 dir)
{
	_Static_assert(DIRECTION_SENT == 1, "a client sends to the server");
	return (is_zero(conn->flags & CONN_CLIENT) ^ dir) & 1;
}

/* Microseconds, 32 bits: differences up to 71 minutes. */
static __always_inline __u32 coarse_us(__u64 ns)
{
	return ns >> 10; /* 1.024 µs */
}

static __always_inline __u64 coarse_ns(__u32 us)
{
	return (__u64)us << 10;
}

static __always_inline void ping_sent(struct io *io, struct series *to, __u32 hash)
{
	struct conn *conn = io->conn;
	__u32 now = coarse_us(io->call->now);
	__u16 number = conn->pings_sent;
	volatile __u64 *slot = &conn->ping[number & (PING_SLOTS - 1)];
	__u64 early = *slot;

	*slot = (__u64)hash << 32 | ((now & ~1U) ?: 2);
	conn->pings_sent = number + 1;
	if ((early & 1) && early >> 32 == hash &&
	    (now - (__u32)early < EARLY_ANSWER_US || (__s32)((__u32)early - coarse_us(io->call->entered)) >= 0)) {
		/* Its pong was read by another thread before this event. */
		conn->pings_answered = number + 1;
		record_latency(to, LATENCY_TYPE_PING, 0);
	}
	conn_unix_state(conn, to, false);
}

/* A pong answers the newest ping of equal payload and all older ones. */
static __always_inline void pong_received(struct io *io, struct series *to, __u32 hash)
{
	struct conn *conn = io->conn;
	__u16 sent = conn->pings_sent, outstanding = sent - conn->pings_answered;
	__u32 now = coarse_us(io->call->now);

#pragma clang loop unroll(full)
	for (__u32 back = 1; back <= PING_SLOTS; back++) {
		__u64 ping = *(volatile __u64 *)&conn->ping[(sent - back) & (PING_SLOTS - 1)];

		if (back <= outstanding && ping >> 32 == hash) {
			conn->pings_answered = sent - back + 1;
			record_latency(to, LATENCY_TYPE_PING, coarse_ns(now - (__u32)ping));
			conn_unix_state(conn, to, false);
			return;
		}
	}
	if (outstanding < PING_SLOTS)
		*(volatile __u64 *)&conn->ping[sent & (PING_SLOTS - 1)] = (__u64)hash << 32 | now | 1;
}

/* Server: incoming messages ask, outgoing ones answer; client: the other way round. */
static __always_inline void message_latency(struct io *io, struct series *to, __u32 dir, __u8 opcode)
{
	struct conn *conn = io->conn;
	__u64 pending;

	if (goes_to_server(conn, dir)) {
		if (conn_role(conn) == ROLE_CLIENT && conn->early_answer_us &&
		    (coarse_us(io->call->now) - conn->early_answer_us < EARLY_ANSWER_US ||
		     (__s32)(conn->early_answer_us - coarse_us(io->call->entered)) >= 0) &&
		    conn->early_answer_pid != (__u32)bpf_get_current_pid_tgid()) {
			/* Its answer was read by another thread before this event. */
			conn->early_answer_us = 0;
			record_latency(to, opcode == WS_BINARY ? LATENCY_TYPE_BINARY : LATENCY_TYPE_TEXT, 0);
			return;
		}
		conn->pending_ns = (io->call->now & ~1ULL) | (opcode == WS_BINARY);
		return;
	}
	pending = conn->pending_ns;
	if (pending) {
		conn->pending_ns = 0;
		record_latency(to, pending & 1 ? LATENCY_TYPE_BINARY : LATENCY_TYPE_TEXT,
			       io->call->now > pending ? io->call->now - pending : 0);
	} else if (conn_role(conn) == ROLE_CLIENT) {
		conn->early_answer_us = coarse_us(io->call->now) ?: 1;
		conn->early_answer_pid = bpf_get_current_pid_tgid();
	}
}

/* Counts a message into the minute of the connection's life. */
static __always_inline void minute_count(struct io *io, struct series *to, __u32 dir)
{
	struct stream *s = io->stream;
	__u64 minute = s->ws.minute, age = io->call->now - io->conn->opened_ns;

	if (likely(age - (minute >> 32) * MINUTE_NS < MINUTE_NS)) { /* cheaper than the division */
		s->ws.minute = minute + 1;
		return;
	}
	age /= MINUTE_NS;
	minute_flush(to, s, dir, age);
	s->ws.minute = age << 32 | 1;
}

static __always_inline void data_frame_complete(struct io *io, struct series *to, __u32 dir,
						const struct ws_event *event)
{
	/* Data opcodes are their own labels. */
	cell_add(to, CELL_WS_FRAMES_RECEIVED + dir * OPCODE_COUNT + event->opcode, 1);
	if (!event->message)
		return;
	cell_add(to, CELL_WS_MESSAGES_RECEIVED + dir * MESSAGE_TYPE_COUNT + event->message_opcode - 1, 1);
	record_message_size(to, dir, event->message_bytes);
	if (unlikely(io->conn->protocol != PROTOCOL_WEBSOCKET)) {
		/* Before the 101, while the place is the queue's: for websocket_begins(). */
		io->conn->opened_ns = (io->call->now & ~1ULL) | (event->message_opcode == WS_BINARY);
		return;
	}
	minute_count(io, to, dir);
	io->conn->last_data = io->call->now >> 30;
	message_latency(io, to, dir, event->message_opcode);
}

static __always_inline void frame_complete(struct io *io, struct series *to, const struct ws_event *event)
{
	__u32 dir = io->call->dir, opcode = event->opcode;

	if (!(opcode & WS_CONTROL)) {
		data_frame_complete(io, to, dir, event);
		return;
	}
	cell_add(to, CELL_WS_FRAMES_RECEIVED + dir * OPCODE_COUNT + opcode_label(opcode), 1);
	cell_add(to, CELL_WS_MESSAGES_RECEIVED + dir * MESSAGE_TYPE_COUNT + message_label(opcode), 1);
	if (opcode == WS_CLOSE) {
		cell_add(to, CELL_WS_CLOSES + dir * CLOSE_CODE_COUNT + close_label(event->code), 1);
		io->stream->flags |= STREAM_CLOSE_SEEN;
	}
	if (unlikely(io->conn->protocol != PROTOCOL_WEBSOCKET))
		return;
	if (opcode == WS_CLOSE) {
		conn_unix_state(io->conn, to, false);
		if (io->conn->stream[(dir ^ 1) & 1].flags & STREAM_CLOSE_SEEN)
			conn_unix_lifetime(io->conn, to, io->call->now);
	} else if (opcode == WS_PING && dir == DIRECTION_SENT) {
		ping_sent(io, to, event->hash);
	} else if (opcode == WS_PONG && dir == DIRECTION_RECEIVED) {
		pong_received(io, to, event->hash);
	}
}

/* The rest of the call cannot be parsed; counted, and left. */
static __always_inline void io_give_up(struct io *io, enum label_unparsed reason)
{
	record_unparsed(reason, io->call->len - io->call->off + io->call->rest);
	io->call->off = io->call->len;
	io->call->rest = 0;
}

static __always_inline void stream_http(struct stream *s)
{
	__builtin_memset(&s->http, 0, sizeof(s->http));
	s->http_status = s->http_method = 0;
	s->mode = STREAM_HTTP;
}

/* The direction of a WebSocket connection lost its step: it waits for headers that chain. */
static __always_inline void stream_out_of_step(struct io *io)
{
	if (io->series)
		minute_flush(io->series, io->stream, io->call->dir, -1);
	ws_candidate_reset(io->stream);
	io->stream->flags &= ~STREAM_CHAIN;
	io->stream->carry_len = 0;
	io->stream->mode = STREAM_CANDIDATE;
}

static __always_inline struct ws_rules frame_rules(struct io *io, __u32 dir)
{
	struct ws_rules rules = {
		.masked = goes_to_server(io->conn, dir),
		.rsv1_allowed = io->conn->flags & (CONN_RSV1_ALLOWED | CONN_JOINED),
	};

	return rules;
}

/* Payload of a data frame, in a segment of its own as most libraries write it: not looked at. False: it is not that.
 */
static __always_inline bool websocket_payload_step(struct io *io, __u32 dir)
{
	struct stream *s = io->stream;
	struct ws_event event = {};
	__u64 passed;

	if (!s->ws.payload_left || (s->frame & WS_CONTROL) || !io->series)
		return false;
	passed = min_u64(s->ws.payload_left, io->call->len - io->call->off);
	s->ws.payload_left -= passed;
	io->call->off += passed;
	if (!s->ws.payload_left) {
		ws_data_complete(s, &event);
		data_frame_complete(io, io->series, dir, &event);
	}
	return true;
}

/* The common case of websocket_step(): a data frame begins here. False: nothing was done. */
static __always_inline bool websocket_data_step(struct io *io, __u32 dir)
{
	struct ws_rules rules = frame_rules(io, dir);
	struct ws_event event = {};
	__u64 consumed = 0;
	const __u8 *p;
	__u32 avail;

	p = window_at(io, &avail);
	if (!p || !io->series ||
	    !ws_data_step(io->stream, &rules, p, avail, io->call->len - io->call->off, &consumed, &event))
		return false;
	io->call->off += consumed;
	if (event.frame)
		data_frame_complete(io, io->series, dir, &event);
	return true;
}

/* One step in STREAM_FRAMES, of anything but a data frame. */
static __always_inline void websocket_step(struct io *io, const __u8 *p, __u32 avail)
{
	struct ws_rules rules = frame_rules(io, io->call->dir);
	struct ws_event event = {};
	struct series *to = io->series;
	enum verdict verdict;
	__u64 consumed;

	if (!to)
		return;
	verdict = ws_other_step(io->stream, &rules, p, avail, io->call->len - io->call->off, &consumed, &event,
				&io->scratch->candidate.header);
	if (verdict == INCOMPLETE) {
		window_carry(io, p, avail);
		return;
	}
	if (verdict == MALFORMED && io->conn->protocol != PROTOCOL_WEBSOCKET) {
		stream_http(io->stream); /* the upgrade was refused: another request */
		return;
	}
	if (verdict == MALFORMED && io->stream->gap_events) {
		/* Bytes are missing before these: tapstat lost its place, not the peer its manners. */
		io_give_up(io, UNPARSED_GAP);
		stream_out_of_step(io);
		return;
	}
	if (verdict == MALFORMED) {
		cell_add(to, CELL_WS_ERRORS + WS_ERROR_DECODE, 1);
		io->stream->mode = STREAM_DEAD;
		io_give_up(io, UNPARSED_DECODE);
		return;
	}
	io->call->off += consumed;
	if (event.frame)
		frame_complete(io, to, &event);
}

#endif
