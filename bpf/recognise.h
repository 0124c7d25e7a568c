/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * window ──> [classify] ──> protocol parser: what a direction speaks, from its first bytes or, in mid-stream, from
 * frames that chain.
 */
#ifndef TAPSTAT_RECOGNISE_H
#define TAPSTAT_RECOGNISE_H

#include "classify.h"
#include "follow_exchange.h"

/* Counts the frames of the chain that were held back. */
static __always_inline void held_count(struct io *io, struct series *to, __u32 held)
{
	struct ws_event event = {};

	ws_held_event(held, &event);
	if (!event.frame)
		return;
	cell_add(to, CELL_WS_FRAMES_RECEIVED + io->call->dir * OPCODE_COUNT + opcode_label(event.opcode), 1);
	if (event.opcode & WS_CONTROL) {
		cell_add(to,
			 CELL_WS_MESSAGES_RECEIVED + io->call->dir * MESSAGE_TYPE_COUNT + message_label(event.opcode),
			 1);
	} else if (event.message && event.message_opcode) {
		cell_add(to,
			 CELL_WS_MESSAGES_RECEIVED + io->call->dir * MESSAGE_TYPE_COUNT +
				 message_label(event.message_opcode),
			 1);
		record_message_size(to, io->call->dir, event.message_bytes);
	}
}

/* The header at the current offset completed the evidence. */
static __always_inline void candidate_ready(struct io *io)
{
	struct conn *conn = io->conn;
	struct stream *s = io->stream;
	__u64 held = s->ws.minute;
	struct series *to = io->series;

	if (conn->protocol != PROTOCOL_WEBSOCKET) {
		bool server = (s->masked & 1) == (io->call->dir == DIRECTION_RECEIVED);

		to = conn_fix_service(conn, io->scratch, server ? ROLE_SERVER : ROLE_CLIENT, SEEN_WEBSOCKET);
		io->series = to;
		if (!to)
			return;
		conn_flag(conn, CONN_JOINED);
		cell_add(to, CELL_WS_CONNECTIONS_JOINED, 1);
		self_add(SELF_JOINED + PROTOCOL_WEBSOCKET, 1);
		websocket_begins(io, to);
	}
	if (!to)
		return;
	held_count(io, to, held >> 32);
	held_count(io, to, (__u32)held);
	s->ws.minute = 0;
	s->mode = STREAM_FRAMES;
}

/* A direction of a storage protocol begins. */
static __always_inline void stream_exchange(struct stream *s)
{
	__builtin_memset(&s->rq, 0, sizeof(s->rq));
	s->key_row = 0;
	s->mode = STREAM_EXCHANGE;
}

/* One step in STREAM_CANDIDATE. */
static __always_inline void candidate_follow(struct io *io, const __u8 *p, __u32 avail)
{
	struct conn *conn = io->conn;
	struct stream *s = io->stream, *other = &conn->stream[(io->call->dir ^ 1) & 1];
	struct ws_candidate *c = &io->scratch->candidate;
	enum verdict verdict;

	if (conn->protocol == PROTOCOL_HTTP) { /* the other direction said so meanwhile */
		stream_http(s);
		return;
	}
	if (is_exchange(conn->protocol)) {
		stream_exchange(s);
		return;
	}
	c->known = is_zero(conn->protocol ^ PROTOCOL_WEBSOCKET);
	c->masked = goes_to_server(conn, io->call->dir);
	c->other_silent = is_zero(other->mode ^ STREAM_NEW) & is_zero(other->flags & STREAM_FAILED);
	c->other_failed = other->flags & STREAM_FAILED;
	c->other_masked = other->masked & 1;
	c->other_chain = other->chain & -is_zero(other->mode ^ STREAM_CANDIDATE);
	c->call_left = io->call->len - io->call->off + io->call->rest;
	spare_stack();
	verdict = ws_candidate_step(s, c, p, avail, io->call->len - io->call->off);
	if (verdict == INCOMPLETE) {
		window_carry(io, p, avail);
		return;
	}
	if (verdict == MALFORMED) {
		ws_candidate_reset(s);
		if (c->known && (s->flags & STREAM_CHAIN))
			record_unparsed(UNPARSED_OUT_OF_STEP, io->call->len - io->call->off + io->call->rest);
		s->flags = (s->flags & ~STREAM_CHAIN) | STREAM_FAILED;
		io->call->off = io->call->len;
		io->call->rest = 0;
		if (c->known)
			return;
		s->mode = STREAM_NEW;
		if (++conn->attempts >= CANDIDATE_ATTEMPTS)
			conn->protocol = PROTOCOL_OTHER;
		return;
	}
	s->flags &= ~STREAM_FAILED;
	io->call->off += c->consumed;
	if (c->ready)
		io->call->turn = TURN_READY;
}

/* The first bytes of the call are those of a request or of a status line. */
static __always_inline void http_begins(struct io *io, const __u8 *p)
{
	struct conn *conn = io->conn;
	bool answers = load32(p) == HTTP_HALF('H', 'T', 'T', 'P');

	__builtin_memset(&conn->queue, 0, sizeof(conn->queue));
	conn->flags |= (io->call->dir == DIRECTION_SENT) == answers ? 0 : CONN_CLIENT;
	stream_http(io->stream);
}

enum { RECOGNISED_JOINED = 1 << 8 }; /* with enum starts: in mid-stream */

/* The first bytes of the call are those of a storage protocol. */
static __always_inline void exchange_begins(struct io *io, enum label_protocol protocol, __u32 recognised)
{
	struct conn *conn = io->conn;
	bool asks = (recognised & ~RECOGNISED_JOINED) == STARTS_ASKING;

	__builtin_memset(&conn->queue, 0, sizeof(conn->queue));
	conn->flags |= (io->call->dir == DIRECTION_RECEIVED) == asks ? 0 : CONN_CLIENT;
	conn->flags |= recognised & RECOGNISED_JOINED ? CONN_JOINED | CONN_UNSURE : CONN_FRESH;
	conn->protocol = protocol;
	stream_exchange(io->stream);
	exchange_named(io);
}

/*
 * What the bytes at the current offset say about a protocol: enum starts, with RECOGNISED_JOINED. Of an AF_UNIX
 * connection nobody knows whether these are its first. A global function for each, so that the verifier looks at it
 * once.
 */
#define DEFINE_RECOGNITION(label, name)                                               \
	__noinline int name##_recognise(CALL_PARAMS)                                  \
	{                                                                             \
		__u32 starts = STARTS_NOT, avail;                                     \
		const __u8 *p;                                                        \
		CALL_ENTER                                                            \
                                                                                      \
		if (!conn || !scratch)                                                \
			return STARTS_NOT;                                            \
		p = window_shown(scratch);                                            \
		avail = scratch->exchange.avail;                                      \
		if (conn->flags & (CONN_FRESH | CONN_UNIX))                           \
			starts = name##_starts(p, avail);                             \
		if (starts != STARTS_NOT || (conn->flags & CONN_FRESH))               \
			return starts;                                                \
		starts = name##_starts_joined(p, avail);                              \
		return starts >= STARTS_ASKING ? starts | RECOGNISED_JOINED : starts; \
	}
EXCHANGES(DEFINE_RECOGNITION)

/* Begins the storage protocol that the bytes at the current offset belong to. STARTS_NOT: none begins like that. */
static __always_inline __u32 exchange_classify(struct io *io)
{
	__u32 starts, all = STARTS_NOT;

	io->scratch->exchange.left = io->call->len - io->call->off;
	exchange_look(io, &io->scratch->exchange);
#define CLASSIFY_EXCHANGE(label, name)                               \
	starts = name##_recognise(CALL_ARGS(io->conn, io->scratch)); \
	if (starts >= STARTS_ASKING) {                               \
		exchange_begins(io, PROTOCOL_##label, starts);       \
		return starts;                                       \
	}                                                            \
	all = starts == STARTS_SHORT ? STARTS_SHORT : all;
	EXCHANGES(CLASSIFY_EXCHANGE)
#undef CLASSIFY_EXCHANGE
	return all;
}

/* The same where classify() knows none: a storage protocol, WebSocket in mid-stream, or nothing known. */
static __always_inline void stream_recognise(struct io *io)
{
	struct conn *conn = io->conn;
	__u64 left = io->call->len - io->call->off;
	__u32 starts = exchange_classify(io);

	if (starts >= STARTS_ASKING)
		return;
	if (starts == STARTS_SHORT && left <= CARRY_BYTES) {
		window_carry(io, window_shown(io->scratch), left);
	} else if (conn->flags & CONN_FRESH) {
		conn->protocol = PROTOCOL_OTHER;
	} else {
		ws_candidate_reset(io->stream);
		io->stream->mode = STREAM_CANDIDATE;
	}
}

/* One step in STREAM_NEW: what do the first bytes of the call say? */
static __always_inline void stream_classify(struct io *io, const __u8 *p, __u32 avail)
{
	struct conn *conn = io->conn;
	struct stream *s = io->stream;
	enum label_protocol protocol;

	if (conn->protocol == PROTOCOL_HTTP) { /* the other direction said so */
		stream_http(s);
		return;
	}
	if (is_exchange(conn->protocol)) {
		stream_exchange(s);
		return;
	}
	if (avail < CLASSIFY_BYTES) {
		window_carry(io, p, avail);
		return;
	}
	if (conn->protocol == PROTOCOL_WEBSOCKET) { /* the 101 was seen, not yet or never the request */
		if (http_starts(p))
			stream_http(s);
		else
			stream_frames(s);
		return;
	}
	protocol = classify(p);
	if (protocol == PROTOCOL_UNDECIDED) {
		io->call->turn = TURN_RECOGNISE;
		return;
	}
	conn->protocol = protocol;
	if (protocol == PROTOCOL_HTTP)
		http_begins(io, p);
	else if (protocol == PROTOCOL_TLS)
		conn_encrypted(conn);
}

#endif
