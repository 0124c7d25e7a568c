/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hook ──> [where the bytes are]: from the registers of the syscall under way to the user memory that it read or
 * wrote. What differs between CPUs, the ABI of syscalls and of user functions, has its home here.
 */
#ifndef TAPSTAT_SYSCALL_H
#define TAPSTAT_SYSCALL_H

#include "maps.h"

/* clang-format off */
#if defined(__TARGET_ARCH_x86) /* arch/x86/entry/syscalls/syscall_64.tbl */
enum {
	NR_READ = 0,
	NR_WRITE = 1,
	NR_OPEN = 2,
	NR_PREAD64 = 17,
	NR_PWRITE64 = 18,
	NR_READV = 19,
	NR_WRITEV = 20,
	NR_SENDFILE = 40,
	NR_SENDTO = 44,
	NR_RECVFROM = 45,
	NR_SENDMSG = 46,
	NR_RECVMSG = 47,
	NR_FSYNC = 74,
	NR_FDATASYNC = 75,
	NR_TRUNCATE = 76,
	NR_FTRUNCATE = 77,
	NR_RENAME = 82,
	NR_CREAT = 85,
	NR_UNLINK = 87,
	NR_OPENAT = 257,
	NR_UNLINKAT = 263,
	NR_RENAMEAT = 264,
	NR_SPLICE = 275,
	NR_SYNC_FILE_RANGE = 277,
	NR_PREADV = 295,
	NR_PWRITEV = 296,
	NR_RECVMMSG = 299,
	NR_SENDMMSG = 307,
	NR_RENAMEAT2 = 316,
	NR_COPY_FILE_RANGE = 326,
	NR_PREADV2 = 327,
	NR_PWRITEV2 = 328,
	NR_IO_URING_ENTER = 426,
	NR_OPENAT2 = 437,
	O_DIRECTORY = 0200000,
};
#define REGS_SYSCALL(regs) regs_read(regs, orig_ax)
#define REGS_ARG1(regs) regs_read(regs, di)
#define REGS_ARG2(regs) regs_read(regs, si)
#define REGS_ARG3(regs) regs_read(regs, dx)
#define REGS_ARG4(regs) regs_read(regs, r10)
/* The result register holds -ENOSYS from the entry of a syscall to its end. */
#define REGS_IN_SYSCALL(regs) ((int)regs_read(regs, ax) == -ENOSYS)
#define TASK_IS_COMPAT(task) (task_read(task, thread_info.status) & TS_COMPAT)
/* Of a kernel function, in a probe. */
#define FUNCTION_ARG1(regs) ((regs)->di)
#define FUNCTION_ARG2(regs) ((regs)->si)
#define FUNCTION_ARG4(regs) ((regs)->cx)
#define FUNCTION_RESULT(regs) ((regs)->ax)
#define FUNCTION_ARG3(regs) ((regs)->dx)
#define FUNCTION_ARG5(regs) ((regs)->r8)
#define FUNCTION_ARG6(regs) ((regs)->r9)
/* The stack pointer; RETURN_STACK: as it was at the entry, where a return probe runs, behind the return. */
#define STACK_POINTER(regs) ((regs)->sp)
#define RETURN_STACK(regs) ((regs)->sp - 8)
/* Where a function of C++ leaves an object that does not fit into registers. */
#define RESULT_PLACE(regs) FUNCTION_ARG1(regs)
#define RESULT_PLACE_ARGUMENTS 1 /* that it takes the registers of */
/* The current goroutine (Go, src/cmd/compile/abi-internal.md). */
#define REGS_GOROUTINE(regs) regs_read(regs, r14)
#define GOROUTINE(regs) ((regs)->r14)
#define GO_ARG1(regs) ((regs)->ax)
#define GO_SPILL_OFFSET 8 /* from the stack pointer at a return instruction */
#define GO_ARG2(regs) ((regs)->bx)
#elif defined(__TARGET_ARCH_arm64) /* include/uapi/asm-generic/unistd.h */
enum {
	NR_UNLINKAT = 35,
	NR_RENAMEAT = 38,
	NR_TRUNCATE = 45,
	NR_FTRUNCATE = 46,
	NR_OPENAT = 56,
	NR_READ = 63,
	NR_WRITE = 64,
	NR_READV = 65,
	NR_WRITEV = 66,
	NR_PREAD64 = 67,
	NR_PWRITE64 = 68,
	NR_PREADV = 69,
	NR_PWRITEV = 70,
	NR_SENDFILE = 71,
	NR_SPLICE = 76,
	NR_FSYNC = 82,
	NR_FDATASYNC = 83,
	NR_SYNC_FILE_RANGE = 84,
	NR_SENDTO = 206,
	NR_RECVFROM = 207,
	NR_SENDMSG = 211,
	NR_RECVMSG = 212,
	NR_RECVMMSG = 243,
	NR_SENDMMSG = 269,
	NR_RENAMEAT2 = 276,
	NR_COPY_FILE_RANGE = 285,
	NR_PREADV2 = 286,
	NR_PWRITEV2 = 287,
	NR_IO_URING_ENTER = 426,
	NR_OPENAT2 = 437,
	O_DIRECTORY = 040000,
};
#define REGS_SYSCALL(regs) regs_read(regs, syscallno)
#define REGS_ARG1(regs) regs_read(regs, orig_x0) /* x0 takes the result */
#define REGS_ARG2(regs) regs_read(regs, regs[1])
#define REGS_ARG3(regs) regs_read(regs, regs[2])
#define REGS_ARG4(regs) regs_read(regs, regs[3])
/* syscallno becomes NO_SYSCALL (-1) only with the next entry that is none: nothing tells the end of the syscall. */
#define REGS_IN_SYSCALL(regs) (regs_read(regs, syscallno) >= 0)
#define TASK_IS_COMPAT(task) (task_read(task, thread_info.flags) & TIF_32BIT)
#define FUNCTION_ARG1(regs) ((regs)->regs[0])
#define FUNCTION_ARG2(regs) ((regs)->regs[1])
#define FUNCTION_ARG4(regs) ((regs)->regs[3])
#define FUNCTION_RESULT(regs) ((regs)->regs[0])
#define FUNCTION_ARG3(regs) ((regs)->regs[2])
#define FUNCTION_ARG5(regs) ((regs)->regs[4])
#define FUNCTION_ARG6(regs) ((regs)->regs[5])
#define STACK_POINTER(regs) ((regs)->sp)
#define RETURN_STACK(regs) ((regs)->sp)
#define RETURN_ADDRESS(regs) ((regs)->regs[30])
#define RESULT_PLACE(regs) ((regs)->regs[8])
#define RESULT_PLACE_ARGUMENTS 0
#define REGS_GOROUTINE(regs) regs_read(regs, regs[28])
#define GOROUTINE(regs) ((regs)->regs[28])
#define GO_ARG1(regs) ((regs)->regs[0])
#define GO_SPILL_OFFSET 8 /* behind the word that keeps the frame's alignment */
#define GO_ARG2(regs) ((regs)->regs[1])
#endif

/* clang-format on */

/*
 * How far a stack pointer is from the upper end of the goroutine's stack, which stays when Go moves the stack. The
 * end is stack.hi, the second word of struct g (src/runtime/runtime2.go, since Go 1.2).
 */
static __always_inline __u64 goroutine_depth(__u64 goroutine, __u64 stack_pointer)
{
	__u64 end = 0;

	bpf_probe_read_user(&end, sizeof(end), (void *)(goroutine + sizeof(end)));
	return end - stack_pointer;
}

/* The user memory of one call: a buffer, or a vector of them. */
struct payload {
	__u64 buffer; /* 0: `vector` counts */
	__u64 vector; /* struct user_iovec[segments] */
	__u64 segments;
};

/*
 * A call of sendmmsg or recvmmsg gives one event for each message: counts them. The index goes back to 0 with another
 * vector and behind the last message.
 */
static __always_inline __u32 mmsg_index(struct task_struct *task, __u32 nr, __u64 vector, __u64 messages)
{
	struct mmsg_progress next = {.vector = vector, .nr = nr}, *known;
	__u32 pid = task_read(task, pid), index = 0;

	known = bpf_map_lookup_elem(&mmsg_by_pid, &pid);
	if (known && known->vector == vector && known->nr == nr)
		index = known->next;
	next.next = index + 1 >= messages ? 0 : index + 1;
	bpf_map_update_elem(&mmsg_by_pid, &pid, &next, BPF_ANY);
	return index;
}

/* A negative event ends a sendmmsg or recvmmsg early. */
static __always_inline void mmsg_failed(struct task_struct *task)
{
	struct pt_regs *regs = task_regs(task);
	__u32 pid = task_read(task, pid);
	long nr = REGS_SYSCALL(regs);

	if (nr == NR_SENDMMSG || nr == NR_RECVMMSG)
		bpf_map_delete_elem(&mmsg_by_pid, &pid);
}

static __always_inline int payload_of_msg(struct payload *payload, struct user_msghdr *msg, __u64 user)
{
	if (bpf_probe_read_user(msg, sizeof(*msg), (void *)user))
		return -UNPARSED_FAULT - 1;
	payload->vector = msg->iov;
	payload->segments = msg->iovlen;
	return 0;
}

/*
 * Finds the memory of the call under way. `outgoing` is the direction that the hook saw. 0, or minus one minus the
 * enum label_unparsed that says why the bytes are out of reach.
 */
static __always_inline int payload_find(struct payload *payload, struct task_struct *task, struct user_msghdr *msg,
					bool outgoing)
{
	struct pt_regs *regs = task_regs(task);
	long nr = REGS_SYSCALL(regs);

	payload->buffer = 0;
	/* A receive that io_uring runs as task work finds the registers of whatever syscall came before. */
	if (unlikely((task_read(task, flags) & (PF_IO_WORKER | PF_KTHREAD)) || nr == NR_IO_URING_ENTER ||
		     !(settings.at_syscall_end || REGS_IN_SYSCALL(regs))))
		return -UNPARSED_IO_URING - 1;
	if (unlikely(TASK_IS_COMPAT(task)))
		return -UNPARSED_COMPAT - 1;

	if (outgoing) {
		if (nr == NR_WRITE || nr == NR_SENDTO) {
			payload->buffer = REGS_ARG2(regs);
			return 0;
		}
		if (nr == NR_WRITEV || nr == NR_PWRITEV2) {
			payload->vector = REGS_ARG2(regs);
			payload->segments = REGS_ARG3(regs);
			return 0;
		}
		if (nr == NR_SENDMSG)
			return payload_of_msg(payload, msg, REGS_ARG2(regs));
		if (nr == NR_SENDMMSG)
			return payload_of_msg(payload, msg,
					      REGS_ARG2(regs) +
						      sizeof(struct user_mmsghdr) *
							      mmsg_index(task, nr, REGS_ARG2(regs), REGS_ARG3(regs)));
		if (nr == NR_SENDFILE || nr == NR_SPLICE)
			return -UNPARSED_SPLICE - 1;
	} else {
		if (nr == NR_READ || nr == NR_RECVFROM) {
			payload->buffer = REGS_ARG2(regs);
			return 0;
		}
		if (nr == NR_READV || nr == NR_PREADV2) {
			payload->vector = REGS_ARG2(regs);
			payload->segments = REGS_ARG3(regs);
			return 0;
		}
		if (nr == NR_RECVMSG)
			return payload_of_msg(payload, msg, REGS_ARG2(regs));
		if (nr == NR_RECVMMSG)
			return payload_of_msg(payload, msg,
					      REGS_ARG2(regs) +
						      sizeof(struct user_mmsghdr) *
							      mmsg_index(task, nr, REGS_ARG2(regs), REGS_ARG3(regs)));
		if (nr == NR_SPLICE)
			return -UNPARSED_SPLICE - 1;
	}
	/* io_uring's task work may also run inside a syscall that waits for something else. */
	return -UNPARSED_UNSUPPORTED_SYSCALL - 1;
}

#endif
