// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * [hook] ──> connection ──> …: every program, a few lines each. A hook gathers its arguments and calls the handler.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "files.h"
#ifndef TAPSTAT_5_10
#include "functions.h"
#endif
#include "scan.h"
#ifndef TAPSTAT_5_10
#include "storage_library.h"
#endif
#include "syscall_end.h"
#include "tls.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* ---- --hooks=sock_length: Linux 6.3, commit 6e6eda44b939 ("sock: add tracepoint for send recv length") ------- */

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

/*
 * ---- --hooks=fexit: at the end of what the socket calls come down to. The kernel calls these through pointers, so
 * that no compiler inlines them, as some do with sock_sendmsg() and sock_recvmsg(). ------------------------------
 */

#define FEXIT_SENDMSG(family)                                                                        \
	SEC("fexit/" #family "_sendmsg")                                                             \
	int BPF_PROG(ts_send_##family, struct socket *sock, struct msghdr *msg, __u64 size, int ret) \
	{                                                                                            \
		struct sock *sk = sock->sk;                                                          \
                                                                                                     \
		return sk ? on_io(sk, DIRECTION_SENT, ret, msg->msg_flags & ~MSG_TRUNC) : 0;         \
	}
FEXIT_SENDMSG(inet)
FEXIT_SENDMSG(inet6)
FEXIT_SENDMSG(unix_stream)

#define FEXIT_RECVMSG(family)                                                                                   \
	SEC("fexit/" #family "_recvmsg")                                                                        \
	int BPF_PROG(ts_recv_##family, struct socket *sock, struct msghdr *msg, __u64 size, int flags, int ret) \
	{                                                                                                       \
		struct sock *sk = sock->sk;                                                                     \
                                                                                                                \
		return sk ? on_io(sk, DIRECTION_RECEIVED, ret, flags) : 0;                                      \
	}
FEXIT_RECVMSG(inet)
FEXIT_RECVMSG(inet6)
FEXIT_RECVMSG(unix_stream)

/* sendfile and splice into a socket of TCP, before 6.5 (commit dc97391e6610, "sock: Remove ->sendpage*() in favour of
 * sendmsg(MSG_SPLICE_PAGES)"). */
SEC("fexit/inet_sendpage")
int BPF_PROG(ts_sendpage_inet, struct socket *sock, void *page, int offset, __u64 size, int flags, long ret)
{
	struct sock *sk = sock->sk;

	return sk ? on_io(sk, DIRECTION_SENT, ret, 0) : 0;
}

/* Bytes that splice took from a socket pass no other hook. */
SEC("fexit/tcp_splice_read")
int BPF_PROG(ts_splice_read_fexit, struct socket *sock, __s64 *position, void *pipe, __u64 size, unsigned int flags,
	     long ret)
{
	return on_spliced(sock->sk, ret);
}

/* The last process lets go of an AF_UNIX socket. */
SEC("fentry/unix_release")
int BPF_PROG(ts_unix_release_fentry, struct socket *sock)
{
	return on_unix_release(sock->sk);
}

/*
 * ---- --hooks=kprobe: the same functions, each program on those of every family. The entry notes the socket for the
 * return. ---------------------------------------------------------------------------------------------------------
 */

SEC("kprobe")
int ts_send_entry(struct pt_regs *regs)
{
	struct msghdr *msg = (void *)FUNCTION_ARG2(regs);

	return on_function_entry((void *)FUNCTION_ARG1(regs), DIRECTION_SENT,
				 BPF_CORE_READ(msg, msg_flags) & ~MSG_TRUNC);
}

SEC("kprobe")
int ts_sendpage_entry(struct pt_regs *regs)
{
	return on_function_entry((void *)FUNCTION_ARG1(regs), DIRECTION_SENT, 0);
}

SEC("kretprobe")
int ts_send_return(struct pt_regs *regs)
{
	struct entered_call call;

	if (!on_function_return(DIRECTION_SENT, &call))
		return 0;
	return on_io((struct sock *)call.sock, DIRECTION_SENT, FUNCTION_RESULT(regs), call.flags);
}

SEC("kprobe")
int ts_recv_entry(struct pt_regs *regs)
{
	return on_function_entry((void *)FUNCTION_ARG1(regs), DIRECTION_RECEIVED, FUNCTION_ARG4(regs));
}

SEC("kretprobe")
int ts_recv_return(struct pt_regs *regs)
{
	struct entered_call call;

	if (!on_function_return(DIRECTION_RECEIVED, &call))
		return 0;
	return on_io((struct sock *)call.sock, DIRECTION_RECEIVED, FUNCTION_RESULT(regs), call.flags);
}

SEC("kprobe")
int ts_splice_read_entry(struct pt_regs *regs)
{
	return on_function_entry((void *)FUNCTION_ARG1(regs), DIRECTION_RECEIVED, 0);
}

SEC("kretprobe")
int ts_splice_read_return(struct pt_regs *regs)
{
	struct entered_call call;

	if (!on_function_return(DIRECTION_RECEIVED, &call))
		return 0;
	return on_spliced((struct sock *)call.sock, FUNCTION_RESULT(regs));
}

SEC("kprobe")
int ts_unix_release_entry(struct pt_regs *regs)
{
	struct socket *sock = (void *)FUNCTION_ARG1(regs);

	return on_unix_release(BPF_CORE_READ(sock, sk));
}

/* ---- --hooks=sys_exit -------------------------------------------------------------------------------------------
 */

SEC("tp_btf/sys_exit")
int BPF_PROG(ts_sys_exit, struct pt_regs *regs, long ret)
{
	return on_syscall_end(ret);
}

/* ---- Files, where they are wanted: syscalls of every process, see files.h ----------------------------------------
 */

SEC("tp_btf/sys_enter")
int BPF_PROG(ts_file_enter, struct pt_regs *regs, long id)
{
	return on_file_enter(regs, id);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(ts_file_exit, struct pt_regs *regs, long ret)
{
	return on_file_exit(regs, ret);
}

#ifndef TAPSTAT_5_10

/*
 * ---- Function probes, told apart by their cookies: user/probes.h -------------------------------------------------
 */

SEC("uprobe")
int ts_function_entry(struct pt_regs *regs)
{
	return on_probe_entry(regs);
}

/* At a return address, or in front of an instruction that returns. */
SEC("uretprobe")
int ts_function_return(struct pt_regs *regs)
{
	return on_probe_return(regs);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(ts_thread_exit, struct task_struct *task)
{
	return on_thread_exit(task);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(ts_exec, struct task_struct *task, pid_t old_pid)
{
	return on_exec(task, old_pid);
}

#endif

/* ---- Always -----------------------------------------------------------------------------------------------------
 */

/* In whatever context the last reference goes away, often softirq. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(ts_tcp_destroy, struct sock *sk)
{
	struct conn *conn = conn_of_any(sk);

	if (conn) {
		if (settings.tls && conn->protocol == PROTOCOL_TLS)
			tls_socket_end(sk, conn);
		conn_end(sk, conn);
		conn_remove(sk);
	}
	return 0;
}

/* TCP gives up on a silent peer: the error is there for a moment, until the service fetches it. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(ts_tcp_state, struct sock *sk, int before, int state)
{
	struct conn *conn;

	if (state != TCP_CLOSE || sk->sk_err != ETIMEDOUT)
		return 0;
	conn = conn_of_any(sk);
	if (conn && settings.tls && conn->protocol == PROTOCOL_TLS)
		conn = tls_conn_find(conn->tls_object);
	if (conn)
		conn_flag(conn, CONN_TIMED_OUT);
	return 0;
}

SEC("iter/bpf_sk_storage_map")
int ts_scan(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	struct conn *conn = ctx->value;

	scan_begins();
	return sk && conn ? scan_socket(sk, conn) : 0;
}

SEC("iter/bpf_map_elem")
int ts_scan_hash(struct bpf_iter__bpf_map_elem *ctx)
{
	__u64 *key = ctx->key;

	scan_begins();
	return key ? scan_hashed(*key) : 0;
}

/* ---- TLS in clear: user/attacher.c puts these on the functions of the libraries, as user/libraries.c says -------
 */

#define TLS_ENTRY(name, kind)                                         \
	SEC("uprobe")                                                 \
	int ts_tls_##name(struct pt_regs *regs)                       \
	{                                                             \
		return on_tls_entry(regs, kind, attach_cookie(regs)); \
	}
TLS_ENTRY(read, TLS_READ)
TLS_ENTRY(write, TLS_WRITE)
TLS_ENTRY(read_ex, TLS_READ_EX)
TLS_ENTRY(write_ex, TLS_WRITE_EX)
TLS_ENTRY(sendfile, TLS_SENDFILE)
TLS_ENTRY(packet, TLS_PACKET)
TLS_ENTRY(uncork, TLS_UNCORK)
TLS_ENTRY(handshake, TLS_HANDSHAKE)
TLS_ENTRY(new, TLS_NEW)
TLS_ENTRY(new_at, TLS_NEW_AT)

SEC("uprobe")
int ts_tls_clear(struct pt_regs *regs)
{
	return on_tls_clear(FUNCTION_ARG1(regs), attach_cookie(regs));
}

SEC("uprobe")
int ts_tls_free(struct pt_regs *regs)
{
	return on_tls_free(FUNCTION_ARG1(regs));
}

SEC("uprobe")
int ts_tls_return(struct pt_regs *regs)
{
	__u64 cookie = attach_cookie(regs);

	if ((cookie & COOKIE_LIBRARY) == LIBRARY_GO)
		return on_go_return(regs, cookie & COOKIE_WRITES);
	return on_tls_return(regs);
}

SEC("uprobe")
int ts_go_read(struct pt_regs *regs)
{
	return on_go_entry(regs, TLS_READ);
}

SEC("uprobe")
int ts_go_write(struct pt_regs *regs)
{
	return on_go_entry(regs, TLS_WRITE);
}

SEC("uprobe")
int ts_go_begin(struct pt_regs *regs)
{
	tls_begins(GO_ARG1(regs), LIBRARY_GO);
	return 0;
}

SEC("uprobe")
int ts_go_end(struct pt_regs *regs)
{
	return on_tls_free(GO_ARG1(regs));
}

#ifndef TAPSTAT_5_10

/* ---- Storage libraries: put where they belong in the same way. A program serves many functions, told apart by what
 * it is attached with, which older kernels don't know. ------------------------------------------------------------
 */

SEC("uprobe")
int ts_storage_entry(struct pt_regs *regs)
{
	return on_storage_entry(regs, attach_cookie(regs));
}

SEC("uprobe")
int ts_sqlite_prepare(struct pt_regs *regs)
{
	return on_sqlite_prepare(regs, attach_cookie(regs));
}

SEC("uprobe")
int ts_sqlite_step(struct pt_regs *regs)
{
	return on_sqlite_step(regs, attach_cookie(regs));
}

SEC("uprobe")
int ts_sqlite_reset(struct pt_regs *regs)
{
	return on_sqlite_end(regs, false);
}

SEC("uprobe")
int ts_sqlite_finalize(struct pt_regs *regs)
{
	return on_sqlite_end(regs, true);
}

SEC("uretprobe")
int ts_storage_return(struct pt_regs *regs)
{
	return on_storage_return(regs, attach_cookie(regs));
}

#endif

/* ---- Both -------------------------------------------------------------------------------------------------------
 */

SEC("tp_btf/sched_process_exit")
int BPF_PROG(ts_task_exit, struct task_struct *task)
{
	return on_task_exit(task);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(ts_task_exec, struct task_struct *task)
{
	return on_task_exec(task);
}
