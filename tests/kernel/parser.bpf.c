// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The walk over a call (bpf/follow.h: io_parse()) as a program that test_run runs, without a socket: where the bytes
 * are and which connection they belong to is told, everything from the window on is as in the hooks.
 */
#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* No socket, no registers, and one service. */
#define payload_find payload_find_in_registers
#include "syscall.h"
#undef payload_find

static __always_inline int payload_find(struct payload *payload, struct task_struct *task, struct user_msghdr *told,
					bool outgoing)
{
	payload->buffer = told->name;
	payload->vector = told->iov;
	payload->segments = told->iovlen;
	return 0;
}

#define service_current service_of_process
#include "process.h"
#undef service_current

static __always_inline __u32 service_current(struct task_struct *task, __u32 slot)
{
	return 0;
}

#include "follow.h"
#include "replay.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("raw_tp/sys_enter") /* never attached; its kind has the hooks' stack */
int replay(struct replay_call *call)
{
	struct scratch *scratch = scratch_current();
	struct sock *no_socket = NULL;
	struct conn *conn;
	struct io io;

	if (!scratch)
		return 0;
	scratch->sock = REPLAYED_SOCK;
	conn = conn_of_call(scratch);
	if (!conn || !conn_watched(conn))
		return 0;
	scratch->msg.name = call->segments ? 0 : call->at;
	scratch->msg.iov = call->at;
	scratch->msg.iovlen = call->segments;
	scratch->call.dir = call->direction & 1;
	scratch->call.now = scratch->call.entered = call->now;
	scratch->call.opened = 0;
	scratch->call.fault = 0;
	scratch->call.turn = TURN_NONE;
	io_init(&io, conn, scratch, call->direction);
	opaque(no_socket);
	io_parse(&io, no_socket, current_task_struct(), call->direction & 1, call->len, 0);
	if (is_exchange(conn->protocol))
		exchange_bytes(&io, call->len);
	http_path_keep(&io);
	return 0;
}
