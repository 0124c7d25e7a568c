/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * [hook] ──> connection, where nothing tells of the socket: from the end of a syscall, by its file descriptor. It
 * costs every syscall of the host, and is the last resort.
 */
#ifndef TAPSTAT_SYSCALL_END_H
#define TAPSTAT_SYSCALL_END_H

#include "descriptor.h"
#include "follow.h"

enum { IO_MAX_MESSAGES = 1024 }; /* of one sendmmsg or recvmmsg (UIO_MAXIOV) */

/* The stream socket behind a descriptor of the current task, or NULL. */
static __always_inline struct sock *sock_of_fd(struct task_struct *task, __u32 fd)
{
	struct file *file = file_of_fd(task, fd);
	struct socket *socket;

	if (!file)
		return NULL;
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* The handler as global functions, so that the verifier looks at them once; one for each direction needs less stack.
 */
__noinline int on_sent(__u64 sock, __s32 len, __u32 flags, __u32 later)
{
	return on_io_before((struct sock *)sock, DIRECTION_SENT, len, flags, later);
}

__noinline int on_received(__u64 sock, __s32 len, __u32 flags, __u32 later)
{
	return on_io_before((struct sock *)sock, DIRECTION_RECEIVED, len, flags, later);
}

static __always_inline __u32 message_len(__u64 vector, __u32 i)
{
	__u64 at = vector + i * sizeof(struct user_mmsghdr) + __builtin_offsetof(struct user_mmsghdr, len);
	__u32 len = 0;

	bpf_probe_read_user(&len, sizeof(len), (void *)at);
	return len;
}

/* Bytes of all messages. Global, so that the verifier does not multiply this loop with the next. */
__noinline int messages_bytes(__u64 vector, __u32 messages)
{
	__u32 bytes = 0;

	for (__u32 i = 0; i < IO_MAX_MESSAGES && i < messages; i++)
		bytes += message_len(vector, i);
	return bytes;
}

/* The call that has ended. In map memory, since the stack is short. */
struct ended_call {
	__u64 sock;
	__u64 vector; /* sendmmsg, recvmmsg: struct user_mmsghdr[messages] */
	__u32 messages;
	__u32 dir, flags;
	__u32 later; /* bytes of the messages that are still to be told of */
};

/* Per CPU, for the length of one program run. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ended_call);
} ended_calls SEC(".maps");

static __always_inline struct ended_call *ended_call(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&ended_calls, &key);
}

/* Finds out about the syscall of the current task that ends with this result. 0: it concerns no socket. A global
 * function, so that its part of the stack is free again behind it. */
__noinline int syscall_find(__s64 result)
{
	struct task_struct *task = current_task_struct();
	struct pt_regs *regs = task_regs(task);
	struct ended_call *call = ended_call();
	__u32 dir = DIRECTION_RECEIVED, flags = 0;
	long nr = REGS_SYSCALL(regs);
	struct sock *sk;

	switch (nr) {
	case NR_READ:
	case NR_READV:
	case NR_PREADV2:
		break;
	case NR_RECVFROM:
	case NR_RECVMMSG:
		flags = REGS_ARG4(regs);
		break;
	case NR_RECVMSG:
		flags = REGS_ARG3(regs);
		break;
	case NR_SENDTO:
	case NR_SENDMMSG:
		flags = REGS_ARG4(regs) & ~MSG_TRUNC;
		dir = DIRECTION_SENT;
		break;
	case NR_SENDMSG:
		flags = REGS_ARG3(regs) & ~MSG_TRUNC;
		dir = DIRECTION_SENT;
		break;
	case NR_WRITE:
	case NR_WRITEV:
	case NR_PWRITEV2:
	case NR_SENDFILE:
	case NR_SPLICE:
		dir = DIRECTION_SENT;
		break;
	default:
		return 0;
	}
	if (result == -EAGAIN || TASK_IS_COMPAT(task)) /* its numbers mean something else */
		return 0;
	sk = sock_of_fd(task, nr == NR_SPLICE ? REGS_ARG3(regs) : REGS_ARG1(regs));
	if (!sk && nr == NR_SPLICE) {
		dir = DIRECTION_RECEIVED;
		sk = sock_of_fd(task, REGS_ARG1(regs));
	}
	if (!sk || !call)
		return 0;
	call->sock = (__u64)sk;
	call->dir = dir;
	call->flags = flags;
	call->later = 0;
	call->messages = 0;
	if ((nr == NR_SENDMMSG || nr == NR_RECVMMSG) && result > 0) {
		call->vector = REGS_ARG2(regs);
		call->messages = result;
		call->later = messages_bytes(call->vector, result);
	}
	return 1;
}

static __always_inline void call_ended(struct ended_call *call, __s32 result)
{
	if (call->dir == DIRECTION_SENT)
		on_sent(call->sock, result, call->flags, call->later);
	else
		on_received(call->sock, result, call->flags, call->later);
}

static __always_inline int on_syscall_end(__s64 result)
{
	struct ended_call *call;
	__u32 pid;

	if (!syscall_find(result))
		return 0;
	call = ended_call();
	if (!call)
		return 0;
	if (!call->messages) {
		call_ended(call, result);
		return 0;
	}
	for (__u32 i = 0; i < IO_MAX_MESSAGES && i < call->messages; i++) {
		__u32 len = message_len(call->vector, i);

		call->later -= len;
		call_ended(call, len);
	}
	pid = bpf_get_current_pid_tgid(); /* fewer messages than asked for leave the index where it stands */
	bpf_map_delete_elem(&mmsg_by_pid, &pid);
	return 0;
}

#endif
