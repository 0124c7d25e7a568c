/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hook ──> [connection]: begin and end of what a socket carries, and what a peer's return means.
 */
#ifndef TAPSTAT_LIFE_H
#define TAPSTAT_LIFE_H

#include "process.h"
#include "record.h"

#define SECOND_NS 1000000000ULL
#define MINUTE_NS (60 * SECOND_NS)
#define RECONNECT_WINDOW_NS (60 * SECOND_NS)

static __always_inline bool is_tcp(struct sock *sk)
{
	return sk->__sk_common.skc_family != AF_UNIX;
}

static __always_inline struct series *conn_series(struct conn *conn)
{
	return conn->series == SERIES_NONE ? NULL : series_lookup(conn->series);
}

/* ---- Sequence numbers -------------------------------------------------------------------------------------- */

/* Behind the last byte that user space wrote to, or read from, the stream. */
static __always_inline __u32 tcp_position(struct tcp_sock *tp, __u32 dir)
{
	return dir == DIRECTION_SENT ? tp->write_seq : tp->copied_seq;
}

/*
 * Whether the `len` bytes just passed were the first ones of the direction. The SYN counts in the acknowledged bytes
 * of the active opener, a FIN in rcv_nxt: one more or less is still the first.
 */
static __always_inline bool tcp_is_start(struct tcp_sock *tp, __u32 dir, __u32 len)
{
	__u32 at;

	if (dir == DIRECTION_SENT)
		at = tp->write_seq - (tp->snd_una - (__u32)tp->bytes_acked);
	else
		at = (__u32)tp->bytes_received - (tp->rcv_nxt - tp->copied_seq);
	return at - len + 1 <= 2;
}

/* ---- Peers and reconnections ------------------------------------------------------------------------------- */

static __always_inline void peer_key_fill(struct peer_key *key, struct sock *sk, __u32 series_index, __u16 port)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->series = series_index;
	key->port = port;
	if (sk->__sk_common.skc_family == AF_INET) { /* as the IPv4-mapped address that a dual-stack socket shows */
		key->addr[2] = __builtin_bswap32(0xffff);
		key->addr[3] = sk->__sk_common.skc_daddr;
	} else {
		BPF_CORE_READ_INTO(&key->addr, sk, __sk_common.skc_v6_daddr);
	}
}

/* A client's peer is a server's address and port; a server's peer comes back from another port. */
static __always_inline __u16 conn_peer_port(struct conn *conn)
{
	return conn_role(conn) == ROLE_CLIENT ? conn->peer_port : 0;
}

/* Notes an abnormal end on top of the peer's stack of them. */
static __always_inline void reconnection_expect(struct sock *sk, struct conn *conn,
						enum label_reconnect_reason reason)
{
	struct abnormal_end end = {.at_ns = bpf_ktime_get_ns(), .reason = reason};
	struct peer_key key;
	__u32 none = 0, *depth;

	peer_key_fill(&key, sk, conn->series, conn_peer_port(conn));
	depth = bpf_map_lookup_elem(&ends_by_peer, &key);
	if (!depth) {
		bpf_map_update_elem(&ends_by_peer, &key, &none, BPF_NOEXIST);
		depth = bpf_map_lookup_elem(&ends_by_peer, &key);
	}
	if (!depth) {
		record_dropped(DROPPED_MAX_ABNORMAL_ENDS);
		return;
	}
	key.depth = __sync_fetch_and_add(depth, 1) + 1;
	if (bpf_map_update_elem(&end_by_peer, &key, &end, BPF_ANY))
		record_dropped(DROPPED_MAX_ABNORMAL_ENDS);
}

/* Takes the newest end off the stack, if it is young enough; an older one buries all below it. */
static __always_inline void reconnection_match(struct sock *sk, struct conn *conn, __u64 now)
{
	struct series *to = conn_series(conn);
	struct abnormal_end *end;
	struct peer_key key;
	__u32 *depth, top;

	if (!to)
		return;
	peer_key_fill(&key, sk, conn->series, conn_peer_port(conn));
	depth = bpf_map_lookup_elem(&ends_by_peer, &key);
	if (!depth)
		return;
	top = *depth;
	if (!top || __sync_val_compare_and_swap(depth, top, top - 1) != top)
		return;
	key.depth = top;
	end = bpf_map_lookup_elem(&end_by_peer, &key);
	if (end && now - end->at_ns <= RECONNECT_WINDOW_NS && end->reason < RECONNECT_REASON_COUNT)
		cell_add(to, CELL_WS_RECONNECTIONS + end->reason, 1);
	else
		__sync_val_compare_and_swap(depth, top - 1, 0);
	bpf_map_delete_elem(&end_by_peer, &key);
}

/* ---- Begin ------------------------------------------------------------------------------------------------- */

/* Fixes the service of the connection: the current process, in this role. */
static __always_inline struct series *conn_fix_service(struct conn *conn, enum role role)
{
	__u32 service = service_current(bpf_get_current_task_btf());
	struct service *entry = bpf_map_lookup_elem(&services, &service);

	if (entry && role < ROLE_COUNT)
		entry->seen[role] = 1;
	conn->flags |= role == ROLE_CLIENT ? CONN_CLIENT : 0;
	conn->series = SERIES_INDEX(service, role);
	return series_lookup(conn->series);
}

static __always_inline bool port_selected(struct sock *sk)
{
	__u16 local = sk->__sk_common.skc_num, remote = __builtin_bswap16(sk->__sk_common.skc_dport);
	__u64 match = 0;

	if (!selectors.ports)
		return true;
	if (!is_tcp(sk))
		return false;
	for (__u32 i = 0; i < SELECTOR_MAX; i++)
		if (i < selectors.ports)
			match |= is_zero(selectors.port[i] ^ local) | is_zero(selectors.port[i] ^ remote);
	return match;
}

/* State for a socket that does its first I/O, if it is wanted. */
static __always_inline struct conn *conn_create(struct sock *sk, struct task_struct *task, __u32 dir, __u32 len)
{
	struct conn fresh = {.series = SERIES_NONE}, *conn;

	if (selecting) {
		if (!port_selected(sk))
			return NULL;
		if (selecting_process) {
			struct process *process = process_current(task, false);

			if (!process || !process->selected)
				return NULL;
		}
	}
	if (states_live >= max_connections) {
		record_dropped(DROPPED_MAX_CONNECTIONS);
		return NULL;
	}
	if (!is_tcp(sk)) {
		fresh.flags = CONN_UNIX;
	} else {
		struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

		fresh.peer_port = __builtin_bswap16(sk->__sk_common.skc_dport);
		if (tp && tcp_is_start(tp, dir, len))
			fresh.flags = CONN_FRESH;
	}
	conn = bpf_sk_storage_get(&conns, sk, &fresh, BPF_SK_STORAGE_GET_F_CREATE);
	if (!conn) {
		record_dropped(DROPPED_NO_MEMORY);
		return NULL;
	}
	__sync_fetch_and_add(&states_live, 1);
	return conn;
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
	if (__sync_val_compare_and_swap(&s->ws.minute, minute, 0) == minute)
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
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!tp)
		return;
	for (__u32 dir = 0; dir < DIRECTION_COUNT; dir++) {
		struct stream *s = &conn->stream[dir];
		__u32 gap = tcp_position(tp, dir) - s->seq;

		if (s->gap_events && (__s32)gap > 1)
			record_unparsed(UNPARSED_GAP, gap - 1); /* the FIN counts as a byte */
	}
}

/* A TCP socket is destroyed: the one place where its connection is judged. */
static __always_inline void conn_end(struct sock *sk, struct conn *conn)
{
	enum label_reconnect_reason reason;
	struct series *to;

	__sync_fetch_and_add(&states_live, -1);
	to = conn_series(conn);
	if (!to)
		return;
	if (conn->protocol != PROTOCOL_WEBSOCKET) {
		if (conn->flags & CONN_UPGRADE_PENDING)
			record_refused(conn->series, 0);
		return;
	}
	conn_record_gap(sk, conn);
	conn_record_lifetime(conn, to, bpf_ktime_get_ns());
	minute_flush(to, &conn->stream[DIRECTION_RECEIVED], DIRECTION_RECEIVED, -1);
	minute_flush(to, &conn->stream[DIRECTION_SENT], DIRECTION_SENT, -1);
	if (conn_close_seen(conn)) {
		cell_add_shared(to, CELL_WS_CONNECTIONS + CONNECTION_STATUS_CLOSED, 1);
		return;
	}
	reason = conn_ping_unanswered(conn) || (conn->flags & CONN_TIMED_OUT) || sk->sk_err == ETIMEDOUT
			 ? RECONNECT_REASON_HEARTBEAT_TIMEOUT
			 : RECONNECT_REASON_CONNECTION_LOST;
	cell_add_shared(to, CELL_WS_CONNECTIONS + CONNECTION_STATUS_ERROR, 1);
	cell_add_shared(to,
			CELL_WS_ERRORS + (reason == RECONNECT_REASON_HEARTBEAT_TIMEOUT ? WS_ERROR_TIMEOUT
										       : WS_ERROR_CONNECTION_LOST),
			1);
	reconnection_expect(sk, conn, reason);
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

#endif
