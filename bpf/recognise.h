/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * window ──> [classify] ──> protocol parser: what a direction speaks, from its first bytes or, in mid-stream, from
 * frames that chain.
 */
#ifndef TAPSTAT_RECOGNISE_H
#define TAPSTAT_RECOGNISE_H

#include "classify.h"
#include "follow_http.h"

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

		to = conn_fix_service(conn, io->scratch, server ? ROLE_SERVER : ROLE_CLIENT);
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
		if (conn->flags & CONN_FRESH) {
			conn->protocol = PROTOCOL_OTHER;
			return;
		}
		ws_candidate_reset(s);
		s->mode = STREAM_CANDIDATE;
		return;
	}
	conn->protocol = protocol;
	if (protocol == PROTOCOL_HTTP)
		stream_http(s);
	else if (protocol == PROTOCOL_TLS)
		self_add(SELF_TLS, 1);
}

#endif
