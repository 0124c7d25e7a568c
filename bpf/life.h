/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hook ──> [connection]: begin and end of what a socket carries, and what a peer's return means.
 */
#ifndef TAPSTAT_LIFE_H
#define TAPSTAT_LIFE_H

#include "outstanding.h"
#include "process.h"

#define SECOND_NS 1000000000ULL
#define MINUTE_NS (60 * SECOND_NS)
#define RECONNECT_WINDOW_NS (60 * SECOND_NS)

static __always_inline bool is_tcp(struct sock *sk)
{
	return sk_read(sk, __sk_common.skc_family) != AF_UNIX;
}

static __always_inline struct series *conn_series(struct conn *conn)
{
	return conn->series == SERIES_NONE ? NULL : series_lookup(conn->series);
}

/* ---- State by socket --------------------------------------------------------------------------------------- */

/* What distinguishes a socket from others that were at its address: the number of its inode, 0 once it has none. */
static __always_inline __u64 sock_generation(struct sock *sk)
{
	struct socket_alloc *alloc = (void *)BPF_CORE_READ(sk, sk_socket);

	return alloc ? BPF_CORE_READ(alloc, vfs_inode.i_ino) : 0;
}

/* The state of a socket that user space holds. */
static __always_inline struct conn *conn_find(struct sock *sk)
{
	if (HASHED) {
		__u64 key = (__u64)sk;
		struct hashed_conn *hashed = bpf_map_lookup_elem(&conns_by_key, &key);

		return hashed && hashed->generation == sock_generation(sk) ? &hashed->conn : NULL;
	}
	return bpf_sk_storage_get(&conns, sk, 0, 0);
}

/* The state of a socket that may be an orphan already. */
static __always_inline struct conn *conn_of_any(struct sock *sk)
{
	if (HASHED) {
		__u64 key = (__u64)sk;
		struct hashed_conn *hashed = bpf_map_lookup_elem(&conns_by_key, &key);

		return hashed ? &hashed->conn : NULL;
	}
	return bpf_sk_storage_get(&conns, sk, 0, 0);
}

/* The state ends before its socket's memory is given back. */
static __always_inline void conn_remove(struct sock *sk)
{
	__u64 key = (__u64)sk;

	if (HASHED && !bpf_map_delete_elem(&conns_by_key, &key))
		__sync_fetch_and_add(&shared.states_live, -1);
}

/* ---- Sequence numbers -------------------------------------------------------------------------------------- */

static __always_inline struct tcp_sock *tcp_of(struct sock *sk)
{
	return HASHED ? (struct tcp_sock *)sk : bpf_skc_to_tcp_sock(sk);
}

/* Behind the last byte that user space wrote to, or read from, the stream. */
static __always_inline __u32 tcp_position(struct tcp_sock *tp, __u32 dir)
{
	return dir == DIRECTION_SENT ? sk_read(tp, write_seq) : sk_read(tp, copied_seq);
}

/*
 * Whether the `len` bytes just passed were the first ones of the direction. The SYN counts in the acknowledged bytes
 * of the active opener, a FIN in rcv_nxt: one more or less is still the first.
 */
static __always_inline bool tcp_is_start(struct tcp_sock *tp, __u32 dir, __u32 len)
{
	__u32 at;

	if (dir == DIRECTION_SENT)
		at = sk_read(tp, write_seq) - (sk_read(tp, snd_una) - (__u32)sk_read(tp, bytes_acked));
	else
		at = (__u32)sk_read(tp, bytes_received) - (sk_read(tp, rcv_nxt) - sk_read(tp, copied_seq));
	return at - len + 1 <= 2;
}

/* ---- Peers and reconnections ------------------------------------------------------------------------------- */

/* The peer's address; of IPv4 as the IPv4-mapped one that a dual-stack socket shows. */
static __always_inline void peer_address(__u32 addr[4], struct sock *sk)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		addr[0] = addr[1] = 0;
		addr[2] = __builtin_bswap32(0xffff);
		addr[3] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	} else {
		BPF_CORE_READ_INTO((__u32(*)[4])addr, sk, __sk_common.skc_v6_daddr);
	}
}

static __always_inline void peer_key_fill(struct peer_key *key, struct sock *sk, __u32 series_index, __u16 port)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->series = series_index;
	key->port = port;
	peer_address(key->addr, sk);
}

/* A client's peer is a server's address and port; a server's peer comes back from another port. */
static __always_inline __u16 conn_peer_port(struct conn *conn)
{
	return conn_role(conn) == ROLE_CLIENT ? conn->peer_port : 0;
}

/* Notes an abnormal end on top of the peer's stack of them. */
static __always_inline void reconnection_expect(struct peer_key *key, enum label_reconnect_reason reason)
{
	struct abnormal_end end = {.at_ns = bpf_ktime_get_ns(), .reason = reason};
	__u32 none = 0, *depth;

	depth = bpf_map_lookup_elem(&ends_by_peer, key);
	if (!depth) {
		bpf_map_update_elem(&ends_by_peer, key, &none, BPF_NOEXIST);
		depth = bpf_map_lookup_elem(&ends_by_peer, key);
	}
	if (!depth) {
		record_dropped(DROPPED_MAX_ABNORMAL_ENDS);
		return;
	}
	if (!take_number(depth, none)) {
		record_dropped(DROPPED_MAX_ABNORMAL_ENDS);
		return;
	}
	key->depth = none + 1;
	if (bpf_map_update_elem(&end_by_peer, key, &end, BPF_ANY))
		record_dropped(DROPPED_MAX_ABNORMAL_ENDS);
}

/* Takes the newest end off the stack, if it is young enough; an older one buries all below it. */
static __always_inline void reconnection_match(struct peer_key *key, struct conn *conn, __u64 now)
{
	struct series *to = conn_series(conn);
	struct abnormal_end *end;
	__u32 *depth, top;

	if (!to)
		return;
	depth = bpf_map_lookup_elem(&ends_by_peer, key);
	if (!depth)
		return;
	top = *depth;
	if (!top || !compare_and_swap(depth, top, top - 1))
		return;
	key->depth = top;
	end = bpf_map_lookup_elem(&end_by_peer, key);
	if (end && now - end->at_ns <= RECONNECT_WINDOW_NS && end->reason < RECONNECT_REASON_COUNT)
		cell_add(to, CELL_WS_RECONNECTIONS + end->reason, 1);
	else
		(void)compare_and_swap(depth, top - 1, 0);
	bpf_map_delete_elem(&end_by_peer, key);
}

/* ---- Begin ------------------------------------------------------------------------------------------------- */

/* Fixes the service of the connection: the current process, in this role. `seen`: what is known of it now, see struct
 * service. */
static __always_inline struct series *conn_fix_service(struct conn *conn, struct scratch *scratch, enum role role,
						       __u32 seen)
{
	__u32 service = service_current(current_task_struct(), scratch->slot);
	struct service *entry = bpf_map_lookup_elem(&services, &service);

	if (entry && role < ROLE_COUNT)
		entry->seen[role] |= seen;
	conn->flags |= role == ROLE_CLIENT ? CONN_CLIENT : 0;
	conn->series = SERIES_INDEX(service, role);
	return series_lookup(conn->series);
}

static __always_inline bool port_selected(struct sock *sk)
{
	__u16 local = sk_read(sk, __sk_common.skc_num);
	__u16 remote = __builtin_bswap16(sk_read(sk, __sk_common.skc_dport));
	__u64 match = 0;

	if (!settings.selectors.ports)
		return true;
	if (!is_tcp(sk))
		return false;
	for (__u32 i = 0; i < SELECTOR_MAX; i++)
		if (i < settings.selectors.ports)
			match |= is_zero(settings.selectors.port[i] ^ local) |
				 is_zero(settings.selectors.port[i] ^ remote);
	return match;
}

/* The connection of a socket speaks TLS from here on. */
static __always_inline void conn_encrypted(struct conn *conn)
{
	conn->protocol = PROTOCOL_TLS;
	conn->tls_object = 0;
	conn->tls_events = 0;
	conn->first_tgid = bpf_get_current_pid_tgid() >> 32;
	if (!settings.tls)
		self_add(SELF_TLS + LIBRARY_UNKNOWN * VISIBLE_COUNT + VISIBLE_NO, 1);
}

/* ---- End --------------------------------------------------------------------------------------------------- */

static __always_inline bool conn_close_seen(struct conn *conn)
{
	return (conn->stream[0].flags | conn->stream[1].flags) & STREAM_CLOSE_SEEN;
}

static __always_inline bool conn_ping_unanswered(struct conn *conn)
{
	return conn->pings_sent != conn->pings_answered;
}

/* The messages of a minute that is over. `current`: the minute that still runs. */
static __always_inline void minute_flush(struct series *to, struct stream *s, __u32 dir, __u32 current)
{
	__u64 minute = s->ws.minute;

	if (s->mode == STREAM_CANDIDATE || !(__u32)minute || minute >> 32 >= current)
		return;
	if (compare_and_swap(&s->ws.minute, minute, 0))
		record_minute(to, dir, (__u32)minute);
}

static __always_inline void conn_record_lifetime(struct conn *conn, struct series *to, __u64 now)
{
	if (!(conn->flags & CONN_JOINED) && conn->opened_ns)
		record_lifetime(to, now - conn->opened_ns);
}

/* Bytes that no event told of and that were still waited for: stream_check_gap(). */
static __always_inline void conn_record_gap(struct sock *sk, struct conn *conn)
{
	struct tcp_sock *tp = tcp_of(sk);

	if (!tp)
		return;
	for (__u32 dir = 0; dir < DIRECTION_COUNT; dir++) {
		struct stream *s = &conn->stream[dir];
		__u32 gap = tcp_position(tp, dir) - s->seq;

		if (s->gap_events && (__s32)gap > 1)
			record_unparsed(UNPARSED_GAP, gap - 1); /* the FIN counts as a byte */
	}
}

/* The end of a WebSocket connection, judged. False: it was a normal one, else *reason says why it was not. */
static __always_inline bool websocket_end(struct conn *conn, struct series *to, bool timed_out,
					  enum label_reconnect_reason *reason)
{
	conn_record_lifetime(conn, to, bpf_ktime_get_ns());
	minute_flush(to, &conn->stream[DIRECTION_RECEIVED], DIRECTION_RECEIVED, -1);
	minute_flush(to, &conn->stream[DIRECTION_SENT], DIRECTION_SENT, -1);
	if (conn_close_seen(conn)) {
		cell_add_shared(to, CELL_WS_CONNECTIONS + CONNECTION_STATUS_CLOSED, 1);
		return false;
	}
	*reason = conn_ping_unanswered(conn) || (conn->flags & CONN_TIMED_OUT) || timed_out
			  ? RECONNECT_REASON_HEARTBEAT_TIMEOUT
			  : RECONNECT_REASON_CONNECTION_LOST;
	cell_add_shared(to, CELL_WS_CONNECTIONS + CONNECTION_STATUS_ERROR, 1);
	cell_add_shared(to,
			CELL_WS_ERRORS + (*reason == RECONNECT_REASON_HEARTBEAT_TIMEOUT ? WS_ERROR_TIMEOUT
											: WS_ERROR_CONNECTION_LOST),
			1);
	return true;
}

/* A TCP socket is destroyed: the one place where its connection is judged. */
static __always_inline void conn_end(struct sock *sk, struct conn *conn)
{
	enum label_reconnect_reason reason = RECONNECT_REASON_CONNECTION_LOST;
	struct peer_key key;
	struct series *to;

	if (!HASHED) /* else by conn_remove() */
		__sync_fetch_and_add(&shared.states_live, -1);
	to = conn_series(conn);
	if (!to)
		return;
	conn_abandon(conn, (__u64)sk);
	if (conn->protocol != PROTOCOL_WEBSOCKET)
		return;
	conn_record_gap(sk, conn);
	if (!websocket_end(conn, to, sk_read(sk, sk_err) == ETIMEDOUT, &reason))
		return;
	peer_key_fill(&key, sk, conn->series, conn_peer_port(conn));
	reconnection_expect(&key, reason);
}

/* An AF_UNIX connection changes how it would be judged if it ended now. */
static __always_inline void conn_unix_state(struct conn *conn, struct series *to, bool first)
{
	int state = conn_close_seen(conn)        ? UNIX_STATE_CLOSING
		    : conn_ping_unanswered(conn) ? UNIX_STATE_UNANSWERED
						 : UNIX_STATE_OPEN;
	int before = conn->unix_state;

	if (!(conn->flags & CONN_UNIX) || (!first && state == before))
		return;
	conn->unix_state = state;
	record_unix_state(to, first ? -1 : before, state);
}

/* An AF_UNIX connection begins: it owes a sample of its duration, unless it was joined. */
static __always_inline void conn_unix_begin(struct conn *conn, struct series *to)
{
	if (!(conn->flags & CONN_UNIX))
		return;
	if (conn->flags & CONN_JOINED)
		conn->flags |= CONN_LIFETIME_DONE;
	else
		record_unix_unsampled(to, 1, conn->opened_ns);
}

/* The last that is seen of many AF_UNIX connections; user space takes those where nothing was. Once each. */
static __always_inline void conn_unix_lifetime(struct conn *conn, struct series *to, __u64 now)
{
	if (!(conn->flags & CONN_UNIX) || (conn->flags & CONN_LIFETIME_DONE))
		return;
	conn->flags |= CONN_LIFETIME_DONE;
	record_unix_unsampled(to, -1, conn->opened_ns);
	conn_record_lifetime(conn, to, now);
}

/* An AF_UNIX connection leaves its last process: what the scan would find later, where nothing tells it. */
static __always_inline void conn_unix_end(struct sock *sk, struct conn *conn)
{
	struct series *to = conn_series(conn);
	__u32 state = conn->unix_state;

	if (!(conn->flags & CONN_UNIX))
		return;
	if (to && conn->protocol == PROTOCOL_WEBSOCKET) {
		conn->protocol = PROTOCOL_OTHER;
		conn_unix_lifetime(conn, to, bpf_ktime_get_ns());
		minute_flush(to, &conn->stream[DIRECTION_RECEIVED], DIRECTION_RECEIVED, -1);
		minute_flush(to, &conn->stream[DIRECTION_SENT], DIRECTION_SENT, -1);
		record_unix_end(to, state);
	}
	if (to)
		conn_abandon(conn, (__u64)sk);
	conn_remove(sk);
}

/* The state of a socket that was at this address and whose end nobody told. A global function, so that the verifier
 * looks at it once. */
__noinline int conn_of_another(__u64 key)
{
	struct hashed_conn *hashed = bpf_map_lookup_elem(&conns_by_key, &key);

	if (!hashed)
		return 0;
	if (hashed->conn.flags & CONN_UNIX)
		conn_unix_end((struct sock *)key, &hashed->conn);
	else
		conn_remove((struct sock *)key);
	return 0;
}

/* Whether there may be one more state. Between two scans the number can be off by a few, and below 0. */
static __always_inline bool states_left(void)
{
	return (__s64)shared.states_live < (__s64)settings.max_connections;
}

/* ---- A socket's first I/O ---------------------------------------------------------------------------------- */

/* A state like scratch->fresh for a socket that has none. */
static __always_inline struct conn *conn_insert(struct sock *sk, struct scratch *scratch)
{
	struct conn *conn;

	if (HASHED) {
		__u64 key = (__u64)sk;
		struct hashed_conn *hashed = bpf_map_lookup_elem(&conns_by_key, &key);

		if (hashed) /* the address from memory: a pointer is not accepted for a number */
			conn_of_another(*(volatile __u64 *)&scratch->sock);
		scratch->fresh.generation = sock_generation(sk);
		if (bpf_map_update_elem(&conns_by_key, &key, &scratch->fresh, BPF_ANY))
			return NULL;
		__sync_fetch_and_add(&shared.states_live, 1);
		hashed = bpf_map_lookup_elem(&conns_by_key, &key);
		return hashed ? &hashed->conn : NULL;
	}
	conn = bpf_sk_storage_get(&conns, sk, &scratch->fresh.conn, BPF_SK_STORAGE_GET_F_CREATE);
	if (conn)
		__sync_fetch_and_add(&shared.states_live, 1);
	return conn;
}

/* State for a socket that does its first I/O, if it is wanted. */
static __always_inline struct conn *conn_create(struct sock *sk, struct scratch *scratch, struct task_struct *task,
						__u32 dir, __u32 len)
{
	struct conn *fresh = &scratch->fresh.conn, *conn;

	if (settings.selecting) {
		if (!port_selected(sk))
			return NULL;
		if (settings.selecting_process) {
			struct process *process = process_current(task, false, scratch->slot);

			if (!process || !process->selected)
				return NULL;
		}
	}
	if (!states_left()) {
		record_dropped(DROPPED_MAX_CONNECTIONS);
		return NULL;
	}
	__builtin_memset(fresh, 0, sizeof(*fresh));
	fresh->series = SERIES_NONE;
	fresh->first_tgid = task_read(task, tgid);
	if (!is_tcp(sk)) {
		fresh->flags = CONN_UNIX;
	} else {
		struct tcp_sock *tp = tcp_of(sk);

		fresh->peer_port = __builtin_bswap16(sk_read(sk, __sk_common.skc_dport));
		if (tp && tcp_is_start(tp, dir, len))
			fresh->flags = CONN_FRESH;
	}
	conn = conn_insert(sk, scratch);
	if (!conn)
		record_dropped(DROPPED_NO_MEMORY);
	return conn;
}

static __always_inline void io_init(struct io *io, struct conn *conn, struct scratch *scratch, __u32 dir)
{
	io->conn = conn;
	io->scratch = scratch;
	io->call = &scratch->call;
	io->stream = &conn->stream[dir & 1];
	io->series = conn_series(conn);
}

#endif
