/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The scan over all live sockets that hold state: gauges that are not worth a counter on the hot path, minutes that
 * ended in silence, and AF_UNIX sockets, whose end no hook tells. It emits nothing: resuming an iterator skips or
 * repeats.
 */
#ifndef TAPSTAT_SCAN_H
#define TAPSTAT_SCAN_H

#include "tls_object.h"

#define IDLE_AFTER (300 * SECOND_NS >> 30) /* units of struct conn.last_data */

/* A peer of a series is alive. */
static __always_inline void scan_peer(struct peer_key *key, struct scan_series *result)
{
	__u32 number = shared.scan_number, *seen;

	seen = bpf_map_lookup_elem(&scan_by_peer, key);
	if (seen && *seen == number)
		return;
	if (bpf_map_update_elem(&scan_by_peer, key, &number, BPF_ANY))
		record_dropped(DROPPED_MAX_PEERS);
	else
		__sync_fetch_and_add(&result->peers, 1);
}

/* What is outstanding on a connection of requests and answers. */
static __always_inline void scan_requests(struct conn *conn, struct scan_series *result, __u32 protocol)
{
	__u32 backend = protocol - PROTOCOL_REDIS;

	if (protocol == PROTOCOL_HTTP) {
		result->http_in_flight += conn_waiting(conn);
	} else if (backend < BACKEND_COUNT && (conn->flags & CONN_CONFIRMED)) {
		if (conn_waiting(conn) || exchange_in_transaction(conn))
			result->pool_active[backend]++;
		else
			result->pool_idle[backend]++;
	}
}

/* A connection that speaks nothing known belongs to the service of its first I/O's process, once that has one. */
static __always_inline void scan_unknown(struct sock *sk, struct conn *conn)
{
	__u32 tgid = conn->first_tgid, key;
	struct process *process;
	struct scan_series *result;

	if ((conn->flags & CONN_UNIX) || conn->protocol >= PROTOCOL_REDIS || conn->protocol == PROTOCOL_HTTP ||
	    sk_read(sk, __sk_common.skc_state) != TCP_ESTABLISHED)
		return;
	process = bpf_map_lookup_elem(&processes, &tgid);
	if (!process || process->service > SERVICE_OTHER)
		return;
	key = SERIES_INDEX(process->service, ROLE_SERVER);
	result = bpf_map_lookup_elem(&scan_by_series, &key);
	if (result)
		result->established++;
}

/* A scan runs in the process that reads its iterator. */
static __always_inline void scan_begins(void)
{
	shared.self_tgid = bpf_get_current_pid_tgid() >> 32;
}

/* The minutes of a WebSocket connection that are over, and what waits on it. */
static __always_inline void scan_websocket(struct conn *conn, struct series *to, struct scan_series *result,
					   __u64 now)
{
	__s64 age = now - SECOND_NS - conn->opened_ns; /* a second late: a hook may still be in the old minute */
	__u32 minute;

	if ((__s32)((__u32)(now >> 30) - conn->last_data) >= (__s32)IDLE_AFTER)
		result->idle++;
	result->pings_outstanding += (__u16)(conn->pings_sent - conn->pings_answered);
	if (age > (__s64)MINUTE_NS) {
		minute = (__u64)age / MINUTE_NS;
		minute_flush(to, &conn->stream[DIRECTION_RECEIVED], DIRECTION_RECEIVED, minute);
		minute_flush(to, &conn->stream[DIRECTION_SENT], DIRECTION_SENT, minute);
	}
}

static __always_inline struct scan_total *scan_counted(__u32 protocol)
{
	__u32 key = 0;
	struct scan_total *total = bpf_map_lookup_elem(&scan_totals, &key);

	if (total && protocol < PROTOCOL_COUNT)
		total->protocol[protocol]++;
	return total;
}

static __always_inline int scan_socket(struct sock *sk, struct conn *conn)
{
	__u64 now = bpf_ktime_get_ns();
	struct scan_total *total;
	struct scan_series *result;
	struct series *to;
	__u32 key = 0, protocol = conn->protocol, state = conn->unix_state;

	total = bpf_map_lookup_elem(&scan_totals, &key);
	if (!total)
		return 0;
	total->listed++;
	/* A closed AF_UNIX socket stays listed while its peer refers to it. */
	if (!sk_read(sk, sk_socket)) {
		to = conn_series(conn);
		if ((conn->flags & CONN_UNIX) && protocol == PROTOCOL_WEBSOCKET && to)
			conn_unix_lifetime(conn, to, now);
		if (conn->flags & CONN_UNIX)
			return 0;
	}
	scan_counted(protocol);
	to = conn_series(conn);
	key = conn->series;
	result = bpf_map_lookup_elem(&scan_by_series, &key);
	if (!to) {
		scan_unknown(sk, conn);
		return 0;
	}
	if (!result)
		return 0;
	if (!(conn->flags & CONN_UNIX))
		result->established += sk_read(sk, __sk_common.skc_state) == TCP_ESTABLISHED;
	if (protocol != PROTOCOL_WEBSOCKET) {
		scan_requests(conn, result, protocol);
		return 0;
	}
	if ((conn->flags & CONN_UNIX) && state < UNIX_STATE_COUNT)
		result->unix_alive[state]++;
	if ((conn->flags & CONN_UNIX) && !(conn->flags & CONN_LIFETIME_DONE)) {
		result->unix_unsampled++;
		result->unix_opened_us += conn->opened_ns / 1000;
	}
	scan_websocket(conn, to, result, now);
	if (is_tcp(sk)) {
		struct peer_key peer;

		peer_key_fill(&peer, sk, conn->series, 0);
		scan_peer(&peer, result);
	}
	return 0;
}

/* A connection inside TLS, by the key of its object. */
static __always_inline int scan_tls(__u64 key, struct hashed_conn *hashed)
{
	struct tls_object *object = bpf_map_lookup_elem(&tls_objects, &key);
	__u32 tgid = tls_key_tgid(key), series_index = hashed->conn.series, protocol = hashed->conn.protocol;
	struct process *process = bpf_map_lookup_elem(&processes, &tgid);
	struct scan_series *result;
	struct scan_total *total;
	struct series *to;

	if (process && (process->ended || process_generation(process) != hashed->generation)) {
		tls_end(key);
		return 0;
	}
	total = scan_counted(protocol);
	if (!total)
		return 0;
	total->listed++;
	to = conn_series(&hashed->conn);
	result = bpf_map_lookup_elem(&scan_by_series, &series_index);
	if (!to || !result)
		return 0;
	if (protocol != PROTOCOL_WEBSOCKET) {
		scan_requests(&hashed->conn, result, protocol);
		return 0;
	}
	scan_websocket(&hashed->conn, to, result, bpf_ktime_get_ns());
	if (object && object->socket.sock && !object->socket.is_unix) {
		struct peer_key peer;

		tls_peer_key(&peer, object, &hashed->conn);
		peer.port = 0;
		scan_peer(&peer, result);
	}
	return 0;
}

/* The same for a state in the hash, by its key. */
static __always_inline int scan_hashed(__u64 key)
{
	struct sock *sk = (void *)key;
	struct hashed_conn *hashed = bpf_map_lookup_elem(&conns_by_key, &key);

	if (!hashed)
		return 0;
	if (is_tls_key(key))
		return scan_tls(key, hashed);
	if (!HASHED)
		return 0;
	if ((hashed->conn.flags & CONN_UNIX) && hashed->generation != sock_generation(sk)) {
		conn_of_another(key);
		return 0;
	}
	return scan_socket(sk, &hashed->conn);
}

#endif
