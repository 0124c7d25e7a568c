/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * [probe of a TLS library] ──> TLS object ──> connection ──> window: plaintext, from the calls of the library's
 * functions.
 *
 * The entry of a function notes its arguments, the return tells how many bytes passed. Both meet by caller and stack
 * pointer: a caller is a thread, or a goroutine, which may go on in another thread. What is read in advance by
 * SSL_peek() is no call that counts.
 */
#ifndef TAPSTAT_TLS_H
#define TAPSTAT_TLS_H

#include "follow.h"

/* What a function does, by its arguments (object, buffer, number) and its result. */
enum tls_kind {
	TLS_READ = 1, /* returns the number of bytes */
	TLS_WRITE,
	TLS_READ_EX, /* leaves it where the fourth argument points, and returns 1 */
	TLS_WRITE_EX,
	TLS_SENDFILE,  /* returns the number of bytes, which are in no user memory */
	TLS_PACKET,    /* returns the number of bytes, and leaves where they are where the second argument points */
	TLS_UNCORK,    /* hands on by TLS_WRITE what TLS_WRITE took before */
	TLS_HANDSHAKE, /* no plaintext */
	TLS_NEW,       /* returns the object */
	TLS_NEW_AT,    /* leaves it where the first argument points */
};

/* No record is made smaller than this where there is more (RFC 6066, section 4; SSL_set_max_send_fragment()): such a
 * write can't pass in part, and how much of it did needs no reading. */
enum { TLS_LEAST_FRAGMENT = 512 };

/* ---- Callers ------------------------------------------------------------------------------------------------- */

/* Whether the current process is to be watched. */
static __always_inline bool tls_wanted(struct task_struct *task)
{
	struct process *process;
	struct scratch *scratch;
	bool wanted;

	if (!settings.selecting_process)
		return true;
	process = process_known(task, false);
	if (process)
		return process->selected;
	scratch = scratch_take();
	if (!scratch)
		return false;
	process = process_current(task, false, scratch->slot);
	wanted = process && process->selected;
	scratch_give(scratch);
	return wanted;
}

static const struct tls_caller no_caller;

/* The caller of this key, made known if it is not. NULL: no room. */
static __always_inline struct tls_caller *tls_caller_get(struct task_struct *task, __u64 key)
{
	struct tls_caller *caller = bpf_map_lookup_elem(&tls_callers, &key);

	if (likely(caller))
		return caller;
	if (bpf_map_update_elem(&tls_callers, &key, &no_caller, BPF_NOEXIST))
		record_dropped(DROPPED_MAX_TLS_OBJECTS);
	caller = bpf_map_lookup_elem(&tls_callers, &key);
	if (caller)
		caller->unwanted = !tls_wanted(task);
	return caller;
}

/* A call of `function` (enum tls_kind) begins. What it calls is written behind that, then tls_entered(). NULL: it is
 * not followed. */
static __always_inline struct tls_call *tls_enter(struct tls_caller *caller, __u64 stack, __u32 kind, __u32 library)
{
	struct tls_call *call = &caller->call;

	if (unlikely(call->stack && call->stack != stack))
		call = &caller->nested;
	call->stack = stack;
	call->entered_ns = bpf_ktime_get_ns();
	call->kind = kind;
	call->library = library;
	call->passed = 0;
	return call;
}

static __always_inline void tls_entered(struct tls_caller *caller, __u64 caller_key, struct tls_call *call)
{
	struct tls_nested_key key = {.caller = caller_key, .stack = call->stack};

	if (unlikely(call != &caller->call))
		bpf_map_update_elem(&tls_nested_calls, &key, call, BPF_ANY);
}

/* A call returns: what its entry noted, or NULL. */
static __always_inline struct tls_call *tls_leave(struct tls_caller *caller, __u64 caller_key, __u64 stack)
{
	struct tls_nested_key key = {.caller = caller_key, .stack = stack};
	struct tls_call *call = &caller->call, *nested;

	caller->inside = 0;
	if (likely(call->stack == stack)) {
		call->stack = 0;
		return call;
	}
	nested = bpf_map_lookup_elem(&tls_nested_calls, &key);
	if (!nested)
		return NULL;
	caller->nested = *nested;
	bpf_map_delete_elem(&tls_nested_calls, &key);
	return &caller->nested;
}

/* ---- Objects ------------------------------------------------------------------------------------------------- */

/* The service carries the records itself (memory BIO): the socket that it read last is that of the object read now.
 */
static __always_inline void tls_claim(struct tls_caller *caller, struct tls_object *object, __u64 key)
{
	__u64 sock = caller->received.sock;

	if (likely(object->socket.sock) || !sock)
		return;
	caller->received.sock = 0;
	if (bpf_ktime_get_ns() - caller->received.seen_ns > TLS_CLAIM_NS)
		return;
	object->socket = caller->received;
	object->socket.sock = sock;
	tls_object_visible(object);
	bpf_map_update_elem(&tls_object_by_sock, &sock, &key, BPF_ANY);
}

/* The beginning of an object is seen. */
static __always_inline void tls_begins(__u64 object, __u32 library)
{
	__u64 key = tls_key(bpf_get_current_pid_tgid() >> 32, object);
	struct tls_object *known;

	if (!object || !tls_wanted(current_task_struct()))
		return;
	if (bpf_map_lookup_elem(&tls_objects, &key))
		tls_end(key); /* its end went unnoticed */
	known = tls_object_get(key, library);
	if (known)
		known->flags |= TLS_FRESH;
}

static __always_inline bool tls_port_selected(const struct tls_object *object)
{
	__u64 match = 0;

	if (!settings.selectors.ports)
		return true;
	if (!object->socket.sock || object->socket.is_unix)
		return false;
	for (__u32 i = 0; i < SELECTOR_MAX; i++)
		if (i < settings.selectors.ports)
			match |= is_zero(settings.selectors.port[i] ^ object->socket.local_port) |
				 is_zero(settings.selectors.port[i] ^ object->socket.peer_port);
	return match;
}

/* State for the plaintext of an object that carries its first. */
static __always_inline struct conn *tls_conn_create(struct tls_object *object, struct scratch *scratch,
						    struct task_struct *task)
{
	struct conn *fresh = &scratch->fresh.conn;
	struct process *process;
	__u64 key = scratch->sock;

	if (!tls_port_selected(object))
		return NULL;
	process = process_current(task, false, scratch->slot);
	if (!process || !process->selected)
		return NULL;
	if (!states_left()) {
		record_dropped(DROPPED_MAX_CONNECTIONS);
		return NULL;
	}
	if (object->parent) {
		struct conn *before = tls_conn_find(object->parent);

		if (!before)
			object->parent = 0;
		else
			__builtin_memcpy(fresh, before, sizeof(*fresh));
	}
	if (!object->parent) {
		__builtin_memset(fresh, 0, sizeof(*fresh));
		fresh->series = SERIES_NONE;
		fresh->peer_port = object->socket.peer_port;
		fresh->first_tgid = task_read(task, tgid);
		fresh->flags = object->flags & TLS_FRESH ? CONN_FRESH : 0;
	}
	scratch->fresh.generation = process_generation(process);
	object->flags &= ~TLS_FRESH;
	if (bpf_map_update_elem(&conns_by_key, &key, &scratch->fresh, BPF_ANY)) {
		record_dropped(DROPPED_NO_MEMORY);
		return NULL;
	}
	if (!object->parent)
		__sync_fetch_and_add(&shared.states_live, 1);
	else
		bpf_map_delete_elem(&conns_by_key, &object->parent);
	object->parent = 0;
	return tls_conn_find(key);
}

/* ---- Plaintext ----------------------------------------------------------------------------------------------- */

/* Whether all is known of the object that a connection can learn from it. */
static __always_inline bool tls_settled(struct conn *conn)
{
	return conn->stream[0].flags & STREAM_SETTLED;
}

/* The object whose plaintext passes, joined to its socket where that is known by now. A global function, so that the
 * verifier looks at it once. */
__noinline int tls_settle(__u64 key, __u64 caller_key, __u32 library, __u32 dir)
{
	struct tls_caller *caller = bpf_map_lookup_elem(&tls_callers, &caller_key);
	struct tls_object *object = tls_object_get(key, library);
	struct conn *conn = tls_conn_find(key);

	if (!object)
		return 0;
	if (caller && dir == DIRECTION_RECEIVED)
		tls_claim(caller, object, key);
	if (conn && object->socket.sock) {
		tls_object_visible(object);
		conn->stream[0].flags |= STREAM_SETTLED;
	}
	return 0;
}

/* The first bytes of an object pass: a connection begins for them. Global functions, this and the next, so that their
 * part of the stack is free again behind them. */
__noinline int tls_conn_begin(__u32 slot)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);
	struct tls_object *object;

	if (!scratch)
		return 0;
	object = bpf_map_lookup_elem(&tls_objects, &scratch->sock);
	if (!object)
		return 0;
	tls_object_visible(object);
	tls_conn_create(object, scratch, current_task_struct());
	return 0;
}

/* The connection became WebSocket in this call. */
__noinline int tls_opened(__u64 key)
{
	struct tls_object *object = bpf_map_lookup_elem(&tls_objects, &key);
	struct conn *conn = tls_conn_find(key);
	struct peer_key peer;

	if (!conn || !object || !object->socket.sock || object->socket.is_unix)
		return 0;
	tls_peer_key(&peer, object, conn);
	reconnection_match(&peer, conn, bpf_ktime_get_ns());
	return 0;
}

/*
 * Sees to what is in the plain of the working memory of this number, but for its parsing: whether that is due. A
 * global function, so that its part of the stack is free again behind it.
 */
__noinline int tls_begin(__u32 slot)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);
	struct tls_plain *plain;
	struct conn *conn;
	__u32 len;

	if (!scratch)
		return 0;
	plain = &scratch->plain;
	len = plain->bytes;
	conn = tls_conn_find(plain->object);
	if (!conn || !tls_settled(conn))
		tls_settle(plain->object, plain->caller, plain->library, plain->dir & 1);
	if (!conn && len) {
		tls_conn_begin(slot);
		conn = tls_conn_find(plain->object);
	}
	if (!conn)
		return 0;
	if (!len) {
		if (conn_role(conn) == ROLE_CLIENT && conn_waits(conn))
			conn_eof(CALL_ARGS(conn, scratch));
		return 0;
	}
	if (!conn_watched(conn)) {
		if (conn->protocol == PROTOCOL_HTTP2)
			record_unparsed(UNPARSED_HTTP2, len);
		return 0;
	}
	plain->begun = 1;
	return 1;
}

/* Parses what is in the plain of the working memory of this number. 0: tls_begin() is due before. */
static __always_inline int tls_parse(__u32 slot, __u32 dir)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);
	struct io io = {.scratch = scratch};
	struct tls_plain *plain;

	if (!scratch)
		return 1;
	plain = &scratch->plain;
	scratch->sock = plain->object;
	scratch->call.dir = dir;
	scratch->call.later = 0;
	io.conn = tls_conn_find(plain->object);
	if (unlikely(!io.conn || !plain->bytes || !conn_watched(io.conn)))
		return 0;
	if (unlikely(!tls_settled(io.conn) && !plain->begun))
		return 0;
	io_pass(&io, NULL, NULL, dir, plain->bytes, 0, plain->at, plain->entered_ns);
	return 1;
}

/* Global functions, these two, so that the verifier looks at them once; one for each direction, so that either takes
 * no more of the stack than what it calls leaves. */
__noinline int tls_parse_received(__u32 slot)
{
	return tls_parse(slot, DIRECTION_RECEIVED);
}

__noinline int tls_parse_sent(__u32 slot)
{
	return tls_parse(slot, DIRECTION_SENT);
}

/* What is in the plain of the working memory of this number passes, and the working memory is given back. */
static __always_inline void tls_pass(__u32 slot)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);

	if (!scratch)
		return;
	if (scratch->plain.dir == DIRECTION_RECEIVED) {
		if (unlikely(!tls_parse_received(slot)) && tls_begin(slot))
			tls_parse_received(slot);
	} else {
		if (unlikely(!tls_parse_sent(slot)) && tls_begin(slot))
			tls_parse_sent(slot);
	}
	if (unlikely(scratch->call.opened)) {
		scratch->call.opened = 0;
		tls_opened(scratch->plain.object);
	}
	scratch_give(scratch);
}

/* Where the bytes of a call are that gives no buffer: in the one before, which could not send them (GnuTLS). */
static __always_inline __u64 tls_unsent(__u64 key)
{
	struct tls_object *object = bpf_map_lookup_elem(&tls_objects, &key);

	return object ? object->unsent : 0;
}

static __always_inline void tls_keep_unsent(struct tls_call *call)
{
	struct tls_object *object = bpf_map_lookup_elem(&tls_objects, &call->object);

	if (object && call->buffer)
		object->unsent = call->buffer;
}

/*
 * Where the bytes of a packet are (gnutls_record_recv_packet(); struct mbuffer_st of GnuTLS's lib/gnutls_int.h, which
 * has been so since it has packets). It vouches for itself; 0: it is laid out in another way.
 */
static __always_inline __u64 tls_packet_at(__u64 left, __u32 bytes)
{
	struct {
		__u64 previous, next, mark, data;
		__u32 size, pad;
	} packet;

	if (bpf_probe_read_user(&left, sizeof(left), (void *)left) ||
	    bpf_probe_read_user(&packet, sizeof(packet), (void *)left) || packet.size - packet.mark != bytes)
		return 0;
	return packet.data + packet.mark;
}

/* What a call did: `result` as its function returned it. 1 + the number of the working memory whose plain is to pass;
 * 0: nothing is. */
static __always_inline int tls_called(__u64 caller_key, struct tls_call *call, __u64 result)
{
	__u32 kind = call->kind;
	bool reads = kind == TLS_READ || kind == TLS_READ_EX || kind == TLS_PACKET;
	struct scratch *scratch;
	__s32 bytes = result;
	__u64 n;

	if (kind == TLS_NEW || kind == TLS_NEW_AT) {
		if (kind == TLS_NEW_AT && bpf_probe_read_user(&result, sizeof(result), (void *)call->object))
			return 0;
		tls_begins(result, call->library);
		return 0;
	}
	if (kind == TLS_HANDSHAKE || kind == TLS_UNCORK) {
		tls_settle(call->object, caller_key, call->library, DIRECTION_RECEIVED);
		return 0;
	}
	if (call->passed) {
		n = call->whole;
		if (bytes <= 0 || (!n && bpf_probe_read_user(&n, sizeof(n), (void *)call->passed)))
			return 0;
		bytes = n;
	}
	if (bytes < 0 && kind == TLS_WRITE)
		tls_keep_unsent(call);
	if (bytes < 0 || (!bytes && kind != TLS_READ && kind != TLS_PACKET))
		return 0;
	scratch = scratch_take();
	if (unlikely(!scratch)) {
		record_unparsed(UNPARSED_BUSY_WINDOW, bytes);
		return 0;
	}
	scratch->plain.object = call->object;
	scratch->plain.at = kind == TLS_SENDFILE ? 0 : call->buffer;
	if (kind == TLS_WRITE && unlikely(!call->buffer))
		scratch->plain.at = tls_unsent(call->object);
	if (unlikely(kind == TLS_PACKET && bytes))
		scratch->plain.at = tls_packet_at(call->buffer, bytes);
	scratch->plain.entered_ns = call->entered_ns;
	scratch->plain.caller = caller_key;
	scratch->plain.library = call->library;
	scratch->plain.begun = 0;
	scratch->plain.bytes = bytes;
	scratch->plain.dir = reads ? DIRECTION_RECEIVED : DIRECTION_SENT;
	return 1 + scratch->slot;
}

/* ---- Probes -------------------------------------------------------------------------------------------------- */

/* Whether the current process is tapstat itself. */
static __always_inline bool tls_is_own(__u64 id)
{
	return (__u32)(id >> 32) == shared.self_tgid;
}

/* Whether the thread is inside the library, to hand on what the object took before. */
static __always_inline bool tls_uncorks(const struct tls_caller *caller, __u64 object, __u64 stack)
{
	return caller->call.kind == TLS_UNCORK && caller->call.object == object && caller->call.stack > stack;
}

/* The entry of a function of the C calling convention. */
static __always_inline int on_tls_entry(struct pt_regs *regs, enum tls_kind kind, __u32 library)
{
	__u64 id = bpf_get_current_pid_tgid(), key = (__u32)id, object = tls_key(id >> 32, FUNCTION_ARG1(regs));
	struct tls_caller *caller = tls_is_own(id) ? NULL : tls_caller_get(current_task_struct(), key);
	struct tls_call *call;

	if (!caller || caller->unwanted || (kind == TLS_WRITE && tls_uncorks(caller, object, STACK_POINTER(regs))))
		return 0;
	call = tls_enter(caller, STACK_POINTER(regs), kind, library);
	if (kind == TLS_NEW || kind == TLS_NEW_AT) {
		call->object = FUNCTION_ARG1(regs);
	} else {
		call->object = caller->inside = object;
		call->buffer = FUNCTION_ARG2(regs);
	}
	if (kind == TLS_READ_EX || kind == TLS_WRITE_EX)
		call->passed = FUNCTION_ARG4(regs);
	call->whole = kind == TLS_WRITE_EX && FUNCTION_ARG3(regs) <= TLS_LEAST_FRAGMENT ? FUNCTION_ARG3(regs) : 0;
	tls_entered(caller, key, call);
	return 0;
}

/* The goroutine of this key. One of a process that is not watched is not noted: nothing would forget it. */
static __always_inline struct tls_caller *go_caller_get(__u64 id, __u64 key)
{
	struct task_struct *task = current_task_struct();

	return tls_is_own(id) || !tls_wanted(task) ? NULL : tls_caller_get(task, key);
}

/* The entry of a method of Go's tls.Conn. Where the stack has to grow it runs twice for one call. */
static __always_inline int on_go_entry(struct pt_regs *regs, enum tls_kind kind)
{
	__u64 id = bpf_get_current_pid_tgid(), key = tls_key(id >> 32, GOROUTINE(regs));
	struct tls_caller *caller = go_caller_get(id, key);
	struct tls_call *call;

	if (!caller)
		return 0;
	call = tls_enter(caller, goroutine_depth(GOROUTINE(regs), STACK_POINTER(regs)), kind, LIBRARY_GO);
	call->object = caller->inside = tls_key(id >> 32, GO_ARG1(regs));
	call->buffer = GO_ARG2(regs);
	tls_entered(caller, key, call);
	return 0;
}

/*
 * A call of Go's that began before its entry was probed: (*Conn).Read waits for as long as a connection is idle. Go
 * keeps arguments that came in registers above the return address, in the order of their declaration
 * (abi-internal.md, spill area); both methods need theirs behind other calls, so that they are there. The slice
 * vouches for itself.
 */
static __always_inline bool go_recall(struct pt_regs *regs, struct tls_call *call, bool writes)
{
	struct {
		__u64 object, at, bytes; /* (c *Conn) Read(b []byte), (c *Conn) Write(b []byte) */
	} spilled;
	__u64 result = FUNCTION_RESULT(regs);

	if (bpf_probe_read_user(&spilled, sizeof(spilled), (void *)(STACK_POINTER(regs) + GO_SPILL_OFFSET)))
		return false;
	if (!spilled.object || (spilled.object & 15) || !spilled.at || result > spilled.bytes || spilled.bytes >> 31)
		return false;
	call->object = tls_key(bpf_get_current_pid_tgid() >> 32, spilled.object);
	call->buffer = spilled.at;
	call->passed = call->entered_ns = 0;
	call->kind = writes ? TLS_WRITE : TLS_READ;
	call->library = LIBRARY_GO;
	return true;
}

/*
 * A function of the C calling convention returns to behind its call: as tls_called(). Global functions, these two, so
 * that their part of the stack is free again behind them.
 */
__noinline int tls_returns(struct pt_regs *regs)
{
	__u64 key = (__u32)bpf_get_current_pid_tgid();
	struct tls_caller *caller = bpf_map_lookup_elem(&tls_callers, &key);
	struct tls_call *call;

	if (!caller || caller->unwanted)
		return 0;
	call = tls_leave(caller, key, RETURN_STACK(regs));
	return call ? tls_called(key, call, FUNCTION_RESULT(regs)) : 0;
}

/* The same at a return instruction of Go's. */
__noinline int go_returns(struct pt_regs *regs, bool writes)
{
	__u64 id = bpf_get_current_pid_tgid(), key = tls_key(id >> 32, GOROUTINE(regs));
	struct tls_caller *caller = go_caller_get(id, key);
	struct tls_call *call;
	int taken;

	if (!caller)
		return 0;
	call = tls_leave(caller, key, goroutine_depth(GOROUTINE(regs), STACK_POINTER(regs)));
	if (!call && go_recall(regs, &caller->nested, writes))
		call = &caller->nested;
	taken = call ? tls_called(key, call, FUNCTION_RESULT(regs)) : 0;
	if (!caller->call.stack) /* a goroutine is gone some day: it is known for the length of its calls only */
		bpf_map_delete_elem(&tls_callers, &key);
	return taken;
}

static __always_inline int on_tls_return(struct pt_regs *regs)
{
	int taken = tls_returns(regs);

	if (taken > 0)
		tls_pass(taken - 1);
	return 0;
}

static __always_inline int on_go_return(struct pt_regs *regs, bool writes)
{
	int taken = go_returns(regs, writes);

	if (taken > 0)
		tls_pass(taken - 1);
	return 0;
}

/*
 * An object is freed. What it carries ends with its socket, as without TLS, where that is known and is told: a child
 * may go on with both.
 */
static __always_inline int on_tls_free(__u64 address)
{
	__u64 key = tls_key(bpf_get_current_pid_tgid() >> 32, address);
	struct tls_object *object = bpf_map_lookup_elem(&tls_objects, &key);

	if (object && (!object->socket.sock || object->socket.is_unix))
		tls_end(key);
	return 0;
}

/* An object becomes that of another connection. */
static __always_inline int on_tls_clear(__u64 address, __u32 library)
{
	__u64 key = tls_key(bpf_get_current_pid_tgid() >> 32, address);

	if (bpf_map_lookup_elem(&tls_objects, &key))
		tls_begins(address, library);
	return 0;
}

/* ---- The end of callers and processes ------------------------------------------------------------------------- */

/* A thread ends, in its own context. */
static __always_inline int on_task_exit(struct task_struct *task)
{
	__u64 key = (__u32)task_read(task, pid);
	struct signal_struct *signal = task_read(task, signal);

	bpf_map_delete_elem(&tls_callers, &key);
	if (task_read(signal, live.counter) == 0) /* do_exit() counts before the tracepoint */
		process_ended(task_read(task, tgid));
	return 0;
}

/* Another program runs in the process: the calls of the old one never return. */
static __always_inline int on_task_exec(struct task_struct *task)
{
	__u64 key = (__u32)task_read(task, pid);

	bpf_map_delete_elem(&tls_callers, &key);
	return 0;
}

#endif
