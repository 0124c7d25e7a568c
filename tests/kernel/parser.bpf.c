// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The walk over a call (bpf/follow.h: io_parse()) as a program that test_run runs, without a socket: where the bytes
 * are and which connection they belong to is told, everything from the window on is as in the hooks.
 */
#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* No socket, no registers, and one service. */
#define bpf_skc_to_tcp_sock(sk) ((struct tcp_sock *)NULL)
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

static __always_inline __u32 service_current(struct task_struct *task)
{
	return 0;
}

#include "follow.h"
#include "replay.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

struct conn replayed; /* the one connection */

SEC("raw_tp/sys_enter") /* never attached; its kind has the hooks' stack */
int replay(struct replay_call *call)
{
	__u32 key = 0;
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &key);
	struct sock *no_socket;
	struct io io;

	if (!scratch || !conn_parsed(&replayed))
		return 0;
	scratch->msg.name = call->segments ? 0 : call->at;
	scratch->msg.iov = call->at;
	scratch->msg.iovlen = call->segments;
	scratch->call.dir = call->direction & 1;
	scratch->call.now = call->now;
	scratch->call.opened = 0;
	scratch->call.fault = 0;
	io_init(&io, &replayed, scratch, call->direction);
	no_socket = bpf_rdonly_cast(NULL, bpf_core_type_id_kernel(struct sock));
	io_parse(&io, no_socket, bpf_get_current_task_btf(), call->direction & 1, call->len);
	return 0;
}
