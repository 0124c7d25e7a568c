/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hook ──> connection ──> window ──> classify ──> parser ──> record: one call of one socket, step by step.
 *
 * on_io() is the handler of every hook; nothing from here on knows which hook fired.
 */
#ifndef TAPSTAT_FOLLOW_H
#define TAPSTAT_FOLLOW_H

#include "recognise.h"
#include "tls_object.h"

enum {
	LOCK_TRIES = 1 << 20, /* for the other thread to finish: some 10 ms, since its virtual CPU may be stopped */
	GAP_EVENTS = 64,      /* events in a row with bytes untold before they are taken for lost */
};

/* Whether exchange_walk() follows the direction. */
static __always_inline bool stream_exchanges(const struct stream *s)
{
	return s->mode == STREAM_HTTP || s->mode == STREAM_EXCHANGE;
}

/* Whether io_walk() follows the connection. */
static __always_inline bool conn_parsed(struct conn *conn)
{
	return conn->protocol == PROTOCOL_UNDECIDED || conn->protocol == PROTOCOL_HTTP ||
	       conn->protocol == PROTOCOL_WEBSOCKET;
}

static __always_inline bool conn_watched(struct conn *conn)
{
	return conn_parsed(conn) || is_exchange(conn->protocol);
}

/* Lets begin what the walk found (enum turn). A global function, so that the verifier looks at it once. */
__noinline int conn_turn(CALL_PARAMS)
{
	struct io on_stack, *io = &on_stack;
	__u32 turn;

	CALL_ENTER
	if (!conn || !scratch)
		return 0;
	io_init(io, conn, scratch, scratch->call.dir);
	turn = io->call->turn;
	io->call->turn = TURN_NONE;
	if (turn == TURN_ASKED)
		websocket_asked(io);
	else if (turn == TURN_OPENED)
		websocket_opened(io);
	else if (turn == TURN_READY)
		candidate_ready(io);
	else if (turn == TURN_PATH)
		http_path_learn(io);
	else if (turn == TURN_RECOGNISE)
		stream_recognise(io);
	return 0;
}

/* Begins a step in a function of its own: the bytes at the current offset, or NULL. */
static __always_inline const __u8 *step_begin(struct io *io, struct conn *conn, struct scratch *scratch, __u32 *avail)
{
	if (!conn || !scratch)
		return NULL;
	io_init(io, conn, scratch, scratch->call.dir);
	return window_at(io, avail);
}

/* One step of everything but data frames and candidates: a global function, so that the verifier looks at it once.
 * 1: the call is done. */
__noinline int slow_step(CALL_PARAMS)
{
	struct io on_stack, *io = &on_stack;
	const __u8 *p;
	__u32 avail;

	CALL_ENTER
	p = step_begin(io, conn, scratch, &avail);
	if (!p)
		return 1;
	switch (io->stream->mode) {
	case STREAM_FRAMES:
		websocket_step(io, p, avail);
		break;
	case STREAM_NEW:
		stream_classify(io, p, avail);
		break;
	default:
		return 1;
	}
	return io->call->fault || io->call->turn || !conn_parsed(io->conn) || stream_exchanges(io->stream);
}

/* One step in STREAM_CANDIDATE; global like slow_step(), so that the verifier does not multiply the two. */
__noinline int candidate_step(CALL_PARAMS)
{
	struct io on_stack, *io = &on_stack;
	const __u8 *p;
	__u32 avail;

	CALL_ENTER
	p = step_begin(io, conn, scratch, &avail);
	if (!p)
		return 1;
	candidate_follow(io, p, avail);
	return io->call->turn || !conn_parsed(io->conn) || stream_exchanges(io->stream);
}

/* 1: the call is done. */
static long io_step(__u32 i, struct io *io)
{
	if (io->call->off >= io->call->len)
		return !window_next_segment(io);
	if (likely(io->stream->mode == STREAM_FRAMES)) {
		if (!io->series)
			io->series = conn_series(io->conn);
		if (websocket_payload_step(io, io->call->dir) || websocket_data_step(io, io->call->dir))
			return 0;
	}
	if (io->stream->mode == STREAM_CANDIDATE)
		return candidate_step(CALL_ARGS(io->conn, io->scratch)) ? 1 : 0;
	return slow_step(CALL_ARGS(io->conn, io->scratch)) ? 1 : 0;
}
DEFINE_CALL_STEP(io_step)

/* All steps of the call that are left. */
DEFINE_WALK(io_walk, io_step)

/*
 * Bytes that passed unseen. Inside a payload they are skipped like any others of it, and nothing is lost; else the
 * direction is out of step.
 */
__noinline int stream_skip(CALL_PARAMS, __u64 bytes, __u32 reason)
{
	struct io on_stack, *io = &on_stack;
	struct stream *s;

	CALL_ENTER
	if (!conn || !scratch)
		return 0;
	io_init(io, conn, scratch, scratch->call.dir);
	s = io->stream;

	if (s->mode == STREAM_FRAMES || s->mode == STREAM_CANDIDATE) {
		bool control = s->frame & WS_CONTROL;

		if (s->ws.payload_left > bytes && !control) {
			s->ws.payload_left -= bytes;
			return 0;
		}
		if (s->ws.payload_left == bytes && !control && !s->carry_len && s->mode == STREAM_FRAMES) {
			struct ws_event event = {};

			s->ws.payload_left = 0;
			if (ws_frame_complete(s, &event) == CONSUMED && event.frame && io->series)
				frame_complete(io, io->series, &event);
			return 0;
		}
	}
	if (stream_exchanges(s) && s->rq.left > bytes) {
		s->rq.left -= bytes;
		return 0;
	}
	if (is_exchange(io->conn->protocol))
		exchange_lost(io);
	record_unparsed(reason, bytes);
	if (io->conn->protocol == PROTOCOL_WEBSOCKET) {
		if (s->mode == STREAM_FRAMES || s->mode == STREAM_HTTP)
			stream_out_of_step(io);
	} else if (!is_exchange(io->conn->protocol)) {
		s->carry_len = 0;
		if (s->mode == STREAM_HTTP)
			http_lost(io);
		if (io->conn->protocol == PROTOCOL_UNDECIDED) {
			io->conn->flags &= ~CONN_FRESH;
			s->mode = STREAM_NEW;
		}
	}
	if (s->mode == STREAM_CANDIDATE)
		ws_candidate_reset(s);
	return 0;
}

/*
 * Compares the stream's position with what the events told. Bytes that no event told of were read or written by
 * splice, by a run that was lost, or by another thread whose event is still to come: only at a boundary between
 * frames can that be waited for.
 */
static __always_inline void stream_check_gap(struct io *io, struct sock *sk, __u32 len)
{
	struct stream *s = io->stream;
	struct tcp_sock *tp;
	__u32 at, gap;

	tp = tcp_of(sk);
	if (!tp)
		return;
	at = tcp_position(tp, io->call->dir) - io->call->later;
	gap = at - s->seq - len;
	if (unlikely(!(s->flags & STREAM_SEQ_KNOWN) || (__s32)gap < 0)) {
		s->flags |= STREAM_SEQ_KNOWN;
		s->seq = at;
		return;
	}
	s->seq += len;
	if (unlikely(gap == 1) && io->call->dir == DIRECTION_RECEIVED) { /* the FIN was read with the last bytes */
		s->seq = at;
		gap = 0;
	}
	if (likely(!gap)) {
		s->gap_events = 0;
		return;
	}
	if (s->mode == STREAM_FRAMES && !s->ws.payload_left && !s->carry_len && s->gap_events < GAP_EVENTS) {
		s->gap_events++;
		return;
	}
	s->seq = at;
	if (s->gap_events) { /* the gap lies somewhere behind, at a boundary: nothing is out of step */
		s->gap_events = 0;
		record_unparsed(UNPARSED_GAP, gap);
		return;
	}
	stream_skip(CALL_ARGS(io->conn, io->scratch), gap, UNPARSED_GAP);
}

static long lock_step(__u32 i, struct io *io)
{
	io->call->locked = try_lock(&io->stream->lock);
	return io->call->locked;
}
DEFINE_CALL_STEP(lock_step)

/* Another thread is at work on the same direction; it runs on another CPU and is done soon. 1: it is. */
__noinline int stream_wait(CALL_PARAMS)
{
	struct io io;

	CALL_ENTER
	if (!conn || !scratch)
		return 0;
	io_init(&io, conn, scratch, scratch->call.dir);
	repeat_call(LOCK_TRIES, lock_step, &io);
	return io.call->locked;
}

/* The bytes of one successful call; `sk`, `plain` as in io_pass(). */
static __always_inline void io_parse(struct io *io, struct sock *sk, struct task_struct *task, __u32 dir, __u32 len,
				     __u64 plain)
{
	struct payload payload = {};
	struct conn *conn = io->conn;
	struct stream *s = io->stream;
	__u32 fault = 0;
	int err = 0;

	if (sk && sk_read(sk, sk_protocol) == IPPROTO_TCP && is_tcp(sk))
		stream_check_gap(io, sk, len);
	if (s->mode == STREAM_DEAD) {
		record_unparsed(UNPARSED_DECODE, len);
		return;
	}
	if ((stream_exchanges(s) || s->mode == STREAM_HIDDEN) && !exchange_io(io, len))
		return;
	if (stream_exchanges(s) && s->rq.left > len) { /* the middle of a body or of a value */
		s->rq.left -= len;
		exchange_walk_ends(io);
		return;
	}
	if (!task)
		payload.buffer = plain;
	else
		err = payload_find(&payload, task, &io->scratch->msg, dir == DIRECTION_SENT);
	/* The middle of a data frame: nothing to look at. */
	if (s->mode == STREAM_FRAMES && s->ws.payload_left > len && !(s->frame & WS_CONTROL)) {
		s->ws.payload_left -= len;
		return;
	}
	if (unlikely(err) && stream_exchanges(s)) {
		payload.buffer = 0; /* unreadable: what the parser need not look at passes all the same */
		fault = -err - 1;
	} else if (unlikely(err)) {
		stream_skip(CALL_ARGS(io->conn, io->scratch), len, -err - 1);
		return;
	}
	if (s->mode == STREAM_CANDIDATE && conn->protocol == PROTOCOL_WEBSOCKET && !(s->flags & STREAM_CHAIN))
		record_unparsed(UNPARSED_OUT_OF_STEP, len);

	io->call->len = 0;
	io->call->off = 0;
	io->call->segment = 0;
	if (likely(payload.buffer || fault)) {
		io->call->rest = 0;
		io->call->segments = 0;
		window_begin(io, payload.buffer, len);
		if (likely(s->mode == STREAM_FRAMES) && websocket_data_step(io, dir) &&
		    io->call->off >= io->call->len)
			return; /* the common call: one frame */
	} else {
		io->call->rest = len;
		io->call->vector = payload.vector;
		io->call->segments = payload.segments;
	}
#pragma clang loop unroll(disable)
	for (int i = 0; i <= MAX_TURNS; i++) {
		bool exchanges = stream_exchanges(s);

		if (exchanges) {
			exchange_walk_begins(io);
			exchange_walk(CALL_ARGS(conn, io->scratch));
			exchange_walk_ends(io);
		} else {
			io_walk(CALL_ARGS(conn, io->scratch));
		}
		if (unlikely(io->call->turn))
			conn_turn(CALL_ARGS(conn, io->scratch));
		else if (likely(stream_exchanges(s) == exchanges))
			break;
	}
	if (likely(io->call->off >= io->call->len && !io->call->rest) || !conn_watched(conn))
		return;
	if (s->mode == STREAM_DEAD || s->mode == STREAM_HIDDEN)
		return;
	stream_skip(CALL_ARGS(io->conn, io->scratch), io->call->len - io->call->off + io->call->rest,
		    fault             ? fault
		    : io->call->fault ? UNPARSED_FAULT
				      : UNPARSED_CAPPED);
}

/*
 * `len` bytes pass on a connection whose state is `io->conn`: over the socket `sk`, where the syscall that `task`
 * is in has them, or (both NULL) out of a TLS library at `plain`, by a call of `entered_ns`.
 */
static __always_inline void io_pass(struct io *io, struct sock *sk, struct task_struct *task, __u32 dir, __u32 len,
				    int flags, __u64 plain, __u64 entered_ns)
{
	struct scratch *scratch = io->scratch;
	struct conn *conn = io->conn;

	io_init(io, conn, scratch, dir);
	io->call->dir = dir;
	if (unlikely(!try_lock(&io->stream->lock)) && !stream_wait(CALL_ARGS(conn, scratch))) {
		record_unparsed(UNPARSED_BUSY_STREAM, len);
		return;
	}
	io->call->turn = TURN_NONE;
	io->call->now = bpf_ktime_get_ns();
	io->call->entered = entered_ns && dir == DIRECTION_SENT ? entered_ns : io->call->now;
	io->call->opened = 0;
	io->call->fault = 0;
	if (unlikely(flags & MSG_TRUNC) && dir == DIRECTION_RECEIVED)
		stream_skip(CALL_ARGS(conn, scratch), len, UNPARSED_DISCARDED);
	else
		io_parse(io, sk, task, dir, len, plain);
	if (is_exchange(conn->protocol))
		exchange_bytes(io, len);
	http_path_keep(io);
	unlock(&io->stream->lock);
}

/* What a negative return means for a WebSocket connection. */
static __always_inline void io_failed(struct conn *conn, struct task_struct *task, __u32 dir, int err)
{
	struct series *to;

	mmsg_failed(task);
	if (conn->protocol != PROTOCOL_WEBSOCKET || err == -EAGAIN || err == -EINTR ||
	    (err <= -ERESTARTSYS && err >= -ERESTART_RESTARTBLOCK))
		return;
	if (err == -ETIMEDOUT)
		conn_flag(conn, CONN_TIMED_OUT);
	if (dir != DIRECTION_SENT || (conn->stream[dir].flags & STREAM_SEND_FAILED))
		return;
	conn->stream[dir].flags |= STREAM_SEND_FAILED;
	to = conn_series(conn);
	if (to)
		cell_add(to, CELL_WS_ERRORS + WS_ERROR_SEND_FAILED, 1);
}

/* Whether the end of the stream means something for what is outstanding. */
static __always_inline bool conn_waits(struct conn *conn)
{
	return (conn->protocol == PROTOCOL_HTTP || is_exchange(conn->protocol)) && conn_is_waiting(conn);
}

/* The peer will send nothing more. */
__noinline int conn_eof(CALL_PARAMS)
{
	CALL_ENTER
	if (conn && scratch)
		conn_abandon(conn, scratch->sock);
	return 0;
}

/* A socket of a kind that can't be followed. */
static __always_inline bool socket_skipped(struct sock *sk, int len)
{
	__u16 family = sk_read(sk, __sk_common.skc_family);

	if (sk_read(sk, sk_type) != SOCK_STREAM)
		return true;
	if (family == AF_UNIX)
		return false;
	if (family != AF_INET && family != AF_INET6)
		return true;
	if (sk_read(sk, sk_protocol) == IPPROTO_TCP)
		return false;
	if (sk_read(sk, sk_protocol) == IPPROTO_MPTCP && len > 0)
		record_unparsed(UNPARSED_MPTCP, len);
	return true;
}

/* A socket that speaks TLS, whose plaintext is nowhere yet. */
static __always_inline bool tls_unjoined(struct conn *conn)
{
	return settings.tls && conn->protocol == PROTOCOL_TLS && !conn->tls_object;
}

/*
 * A call on a socket has ended: `len` bytes were sent or received (enum label_direction), or -errno; `later` more are
 * told of by further events. In the context of the task that made the call.
 */
static __always_inline int on_io_before(struct sock *sk, __u32 dir, int len, int flags, __u32 later)
{
	struct task_struct *task = current_task_struct();
	struct scratch *scratch;
	struct io io = {};

	if ((flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)) || socket_skipped(sk, len))
		return 0;
	if ((__u32)task_read(task, tgid) == shared.self_tgid ||
	    (task_read(task, flags) & (PF_KTHREAD | PF_IO_WORKER)) == PF_KTHREAD)
		return 0;
	io.conn = conn_find(sk);
	if (unlikely(len <= 0)) {
		if (settings.tls && io.conn && len < 0 && io.conn->protocol == PROTOCOL_TLS)
			io.conn = tls_conn_find(io.conn->tls_object);
		if (io.conn && len < 0) {
			io_failed(io.conn, task, dir, len);
		} else if (io.conn && dir == DIRECTION_RECEIVED && conn_role(io.conn) == ROLE_CLIENT &&
			   conn_waits(io.conn)) {
			scratch = scratch_take();
			if (scratch) {
				scratch->sock = (__u64)sk;
				conn_eof(CALL_ARGS(io.conn, scratch));
				scratch_give(scratch);
			}
		} else if (io.conn && dir == DIRECTION_RECEIVED && io.conn->protocol == PROTOCOL_WEBSOCKET) {
			io.series = conn_series(io.conn);
			if (io.series)
				conn_unix_lifetime(io.conn, io.series, bpf_ktime_get_ns());
		}
		return 0;
	}
	if (likely(io.conn) && !conn_watched(io.conn) && !tls_unjoined(io.conn)) {
		if (io.conn->protocol == PROTOCOL_HTTP2)
			record_unparsed(UNPARSED_HTTP2, len);
		return 0;
	}

	scratch = scratch_take();
	if (unlikely(!scratch)) {
		record_unparsed(UNPARSED_BUSY_WINDOW, len);
		return 0; /* the sequence numbers will tell */
	}
	scratch->sock = (__u64)sk;
	scratch->call.later = later;
	if (!io.conn)
		io.conn = conn_create(sk, scratch, task, dir, len + later);
	if (io.conn) {
		io.scratch = scratch;
		scratch->call.dir = dir;
		if (conn_watched(io.conn))
			io_pass(&io, sk, task, dir, len, flags, 0, 0);
		if (unlikely(scratch->call.opened) && is_tcp(sk)) {
			struct peer_key peer;

			scratch->call.opened = 0;
			peer_key_fill(&peer, sk, io.conn->series, conn_peer_port(io.conn));
			reconnection_match(&peer, io.conn, scratch->call.now);
		}
		if (unlikely(tls_unjoined(io.conn)))
			tls_socket_io(CALL_ARGS(io.conn, scratch));
	}
	scratch_give(scratch);
	return 0;
}

static __always_inline int on_io(struct sock *sk, __u32 dir, int len, int flags)
{
	return on_io_before(sk, dir, len, flags, 0);
}

/* splice has taken bytes out of a TCP socket. */
static __always_inline int on_spliced(struct sock *sk, long len)
{
	struct conn *conn = sk ? conn_find(sk) : NULL;
	struct scratch *scratch;
	struct io io;

	if (len <= 0 || !conn || !conn_watched(conn))
		return 0;
	scratch = scratch_take();
	if (!scratch) {
		record_unparsed(UNPARSED_BUSY_WINDOW, len);
		return 0;
	}
	scratch->sock = (__u64)sk;
	scratch->call.dir = DIRECTION_RECEIVED;
	scratch->call.now = bpf_ktime_get_ns();
	io_init(&io, conn, scratch, DIRECTION_RECEIVED);
	if (try_lock(&io.stream->lock)) { /* else the sequence numbers will tell */
		io.stream->seq += len;
		stream_skip(CALL_ARGS(conn, scratch), len, UNPARSED_SPLICE);
		unlock(&io.stream->lock);
	}
	scratch_give(scratch);
	return 0;
}

/* The last process lets go of a socket that may be of AF_UNIX. */
static __always_inline int on_unix_release(struct sock *sk)
{
	struct conn *conn = sk ? conn_find(sk) : NULL;

	if (conn)
		conn_unix_end(sk, conn);
	return 0;
}

/* ---- Functions whose return knows no arguments (kretprobe) ---------------------------------------------------- */

static __always_inline __u64 entered_key(__u32 dir)
{
	return (__u64)(__u32)bpf_get_current_pid_tgid() << 1 | dir;
}

static __always_inline int on_function_entry(struct socket *socket, __u32 dir, __u32 flags)
{
	struct entered_call call = {.sock = (__u64)BPF_CORE_READ(socket, sk), .flags = flags};
	__u64 key = entered_key(dir);

	bpf_map_update_elem(&entered_calls, &key, &call, BPF_ANY);
	return 0;
}

/* False: the entry is not known. */
static __always_inline bool on_function_return(__u32 dir, struct entered_call *call)
{
	__u64 key = entered_key(dir);
	struct entered_call *known = bpf_map_lookup_elem(&entered_calls, &key);

	if (!known)
		return false;
	*call = *known;
	bpf_map_delete_elem(&entered_calls, &key);
	return true;
}

#endif
