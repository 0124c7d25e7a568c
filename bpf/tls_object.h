/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hook ──> [TLS object] ──> connection: what joins the plaintext of a TLS library to the socket that carries it.
 *
 * The connection inside TLS is that of the library's *object* (an SSL, a gnutls_session_t, a *tls.Conn), since a read
 * of it may need no syscall at all. A socket is joined to the object in whose call its thread is when it does I/O,
 * or, where the service carries the records between the two itself (memory BIO), to the object that is read next
 * behind the socket.
 */
#ifndef TAPSTAT_TLS_OBJECT_H
#define TAPSTAT_TLS_OBJECT_H

#include "life.h"
#include "syscall.h"

enum {
	TLS_BLIND_EVENTS = 64, /* I/O of a socket without object before its plaintext counts as not visible */
	TLS_CLAIM_NS = 100 * 1000 * 1000, /* from the read of a socket to that of its object */
};

/*
 * A user address of a process as one number. Objects lie at multiples of 16 bytes. Addresses of one process that
 * differ in their uppermost bits only would fall together: there are none. Bit 63 is set in kernel addresses only.
 */
static __always_inline __u64 tls_key(__u32 tgid, __u64 address)
{
	return (__u64)tgid << TLS_TGID_SHIFT | (address >> 4 & ((1ULL << TLS_TGID_SHIFT) - 1));
}

static __always_inline __u32 tls_key_tgid(__u64 key)
{
	return key >> TLS_TGID_SHIFT;
}

/* That of the same address in another process. */
static __always_inline __u64 tls_key_of(__u64 key, __u32 tgid)
{
	return (__u64)tgid << TLS_TGID_SHIFT | (key & ((1ULL << TLS_TGID_SHIFT) - 1));
}

static __always_inline bool is_tls_key(__u64 key)
{
	return !(key >> 63);
}

static __always_inline struct conn *tls_conn_find(__u64 key)
{
	struct hashed_conn *hashed = bpf_map_lookup_elem(&conns_by_key, &key);

	return hashed ? &hashed->conn : NULL;
}

/* ---- Counting ------------------------------------------------------------------------------------------------ */

static __always_inline void tls_count(__u32 library, enum label_visible visible)
{
	self_add(SELF_TLS + (__u64)library * VISIBLE_COUNT + visible, 1);
}

static __always_inline __u32 tls_library_of(__u32 tgid)
{
	__u32 *known = bpf_map_lookup_elem(&library_by_process, &tgid);

	return known && *known < LIBRARY_COUNT ? *known : LIBRARY_UNKNOWN;
}

/* The plaintext of a socket is not seen, or no longer waited for. Once each. */
static __always_inline void tls_blind(struct conn *conn)
{
	if (conn->tls_object || conn->tls_events > TLS_BLIND_EVENTS)
		return;
	conn->tls_events = TLS_BLIND_EVENTS + 1;
	tls_count(tls_library_of(conn->first_tgid), VISIBLE_NO);
}

/* ---- Objects ------------------------------------------------------------------------------------------------- */

/*
 * Makes an object known: a new one, or that of the parent, where a process that was forked goes on with it. A global
 * function, so that the verifier looks at it once.
 */
__noinline int tls_object_learn(__u64 key, __u32 library)
{
	struct task_struct *task = current_task_struct(), *parent = task_read(task, real_parent);
	__u64 before = tls_key_of(key, task_read(parent, tgid));
	struct tls_object fresh = {.library = library}, *theirs = bpf_map_lookup_elem(&tls_objects, &before);

	if (theirs && before != key) {
		fresh = *theirs;
		fresh.parent = before;
		if (fresh.socket.sock)
			bpf_map_update_elem(&tls_object_by_sock, &fresh.socket.sock, &key, BPF_ANY);
	}
	if (bpf_map_update_elem(&tls_objects, &key, &fresh, BPF_NOEXIST))
		record_dropped(DROPPED_MAX_TLS_OBJECTS);
	else if (fresh.parent)
		bpf_map_delete_elem(&tls_objects, &before);
	return 0;
}

/* The object, made known if it is not. NULL: no room. */
static __always_inline struct tls_object *tls_object_get(__u64 key, __u32 library)
{
	struct tls_object *object = bpf_map_lookup_elem(&tls_objects, &key);

	if (likely(object))
		return object;
	tls_object_learn(key, library);
	return bpf_map_lookup_elem(&tls_objects, &key);
}

static __always_inline void tls_object_visible(struct tls_object *object)
{
	__u32 library = object->library ?: tls_library_of(bpf_get_current_pid_tgid() >> 32);

	if (object->flags & TLS_COUNTED)
		return;
	object->flags |= TLS_COUNTED;
	tls_count(library < LIBRARY_COUNT ? library : 0, VISIBLE_YES);
}

static __always_inline void tls_peer_key(struct peer_key *key, struct tls_object *object, struct conn *conn)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->series = conn->series;
	key->port = conn_role(conn) == ROLE_CLIENT ? object->socket.peer_port : 0;
	__builtin_memcpy(key->addr, object->socket.addr, sizeof(key->addr));
}

/*
 * The object is freed, its socket destroyed, or its process gone: the end of what it carries. A global function, so
 * that the verifier looks at it once.
 */
__noinline int tls_end(__u64 key)
{
	struct tls_object *object = bpf_map_lookup_elem(&tls_objects, &key);
	struct conn *conn = tls_conn_find(key);
	enum label_reconnect_reason reason = RECONNECT_REASON_CONNECTION_LOST;
	struct series *to;

	if (conn) {
		to = conn_series(conn);
		if (to)
			conn_abandon(conn, key);
		if (to && conn->protocol == PROTOCOL_WEBSOCKET && websocket_end(conn, to, false, &reason) && object &&
		    object->socket.sock && !object->socket.is_unix) {
			struct peer_key peer;

			tls_peer_key(&peer, object, conn);
			reconnection_expect(&peer, reason);
		}
		if (!bpf_map_delete_elem(&conns_by_key, &key))
			__sync_fetch_and_add(&shared.states_live, -1);
	}
	if (object)
		bpf_map_delete_elem(&tls_objects, &key);
	return 0;
}

/* A socket that speaks TLS is destroyed. */
static __always_inline void tls_socket_end(struct sock *sk, struct conn *conn)
{
	__u64 address = (__u64)sk, key = conn->tls_object, *known;
	struct tls_object *object;

	known = bpf_map_lookup_elem(&tls_object_by_sock, &address);
	if (known) {
		key = *known;
		bpf_map_delete_elem(&tls_object_by_sock, &address);
	}
	if (!key) {
		tls_blind(conn);
		return;
	}
	object = bpf_map_lookup_elem(&tls_objects, &key);
	if (object && object->socket.sock == address) /* else it is another's by now */
		tls_end(key);
}

/* ---- Callers ------------------------------------------------------------------------------------------------- */

/* The goroutine that runs, by its register (Go's ABIInternal), in user mode or in a syscall. */
static __always_inline __u64 goroutine_key(__u32 tgid, struct pt_regs *regs)
{
	return tls_key(tgid, REGS_GOROUTINE(regs));
}

/* Who of the current thread calls a TLS library: the goroutine on it, else the thread itself. NULL: neither does. */
static __always_inline struct tls_caller *tls_caller_current(struct task_struct *task)
{
	__u64 key = (__u32)task_read(task, pid);
	struct tls_caller *caller = bpf_map_lookup_elem(&tls_callers, &key);

	if (caller)
		return caller;
	key = goroutine_key(task_read(task, tgid), task_regs(task));
	return bpf_map_lookup_elem(&tls_callers, &key);
}

/* ---- A socket's I/O ------------------------------------------------------------------------------------------ */

static __always_inline void tls_socket_fill(struct tls_socket *out, struct sock *sk)
{
	out->sock = (__u64)sk;
	out->seen_ns = bpf_ktime_get_ns();
	out->is_unix = BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX;
	if (out->is_unix)
		return;
	peer_address(out->addr, sk);
	out->peer_port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	out->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
}

/* I/O on a socket that speaks TLS and has no object yet. A global function, so that the verifier looks at it once. */
__noinline int tls_socket_io(CALL_PARAMS)
{
	struct task_struct *task = current_task_struct();
	struct tls_object *object;
	struct tls_caller *caller;
	__u64 *claimed, key, sock;

	CALL_ENTER
	if (!conn || !scratch)
		return 0;
	sock = scratch->sock; /* before 6.2 a key has to lie on the stack or in a map that the verifier knows */
	claimed = bpf_map_lookup_elem(&tls_object_by_sock, &sock);
	if (claimed) {
		conn->tls_object = *claimed;
		bpf_map_delete_elem(&tls_object_by_sock, &sock);
		return 0;
	}
	caller = tls_caller_current(task);
	if (caller && !caller->unwanted) {
		key = caller->inside;
		object = key ? tls_object_get(key, caller->call.library) : NULL;
		if (object) {
			tls_socket_fill(&object->socket, (struct sock *)sock);
			tls_object_visible(object);
			conn->tls_object = key;
			return 0;
		}
		if (scratch->call.dir == DIRECTION_RECEIVED)
			tls_socket_fill(&caller->received, (struct sock *)sock);
	}
	if (++conn->tls_events == TLS_BLIND_EVENTS)
		tls_blind(conn);
	return 0;
}

#endif
