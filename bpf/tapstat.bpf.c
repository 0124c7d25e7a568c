// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * [hook] ──> connection ──> …: every program, a few lines each. A hook gathers its arguments and calls the handler.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "follow.h"
#include "scan.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Linux 6.3, commit 6e6eda44b939 ("sock: add tracepoint for send recv length"). */
SEC("tp_btf/sock_send_length")
int BPF_PROG(ts_send_length, struct sock *sk, int ret, int flags)
{
	return on_io(sk, DIRECTION_SENT, ret, flags & ~MSG_TRUNC);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(ts_recv_length, struct sock *sk, int ret, int flags)
{
	return on_io(sk, DIRECTION_RECEIVED, ret, flags);
}

/* In whatever context the last reference goes away, often softirq. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(ts_tcp_destroy, struct sock *sk)
{
	struct conn *conn = bpf_sk_storage_get(&conns, sk, 0, 0);

	if (conn)
		conn_end(sk, conn);
	return 0;
}

/* TCP gives up on a silent peer: the error is there for a moment, until the service fetches it. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(ts_tcp_state, struct sock *sk, int before, int state)
{
	struct conn *conn;

	if (state != TCP_CLOSE || sk->sk_err != ETIMEDOUT)
		return 0;
	conn = bpf_sk_storage_get(&conns, sk, 0, 0);
	if (conn)
		conn_flag(conn, CONN_TIMED_OUT);
	return 0;
}

SEC("iter/bpf_sk_storage_map")
int ts_scan(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	struct conn *conn = ctx->value;

	return sk && conn ? scan_socket(sk, conn) : 0;
}
