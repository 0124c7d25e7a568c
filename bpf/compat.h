/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every difference between kernels and CPUs, each with what brought it.
 *
 * Two objects are built. The ordinary one needs bpf_loop() (5.17) and takes the rest for granted. The other, built
 * with TAPSTAT_5_10, uses nothing that 5.10 lacks: user/attach.c takes it where bpf_loop() is missing. What differs
 * by hook are members of `settings`, constants to the verifier, which drops the other branch.
 */
#ifndef TAPSTAT_COMPAT_H
#define TAPSTAT_COMPAT_H

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "portable.h"
#include "tapstat/abi.h"

/* user/object.c sets the one, user/attachment.c maps the other: see abi.h. */
const volatile struct settings settings SEC(".rodata.settings") = {
	.max_connections = 65536, .max_combinations = 100, .segment_limit = 40, .max_services = MAX_SERVICES};
struct shared shared = {};

#ifndef TAPSTAT_5_10

/*
 * Programs on tracepoints may be preempted, so that several are under way on one CPU, since 7.0 (commit a46023d5616e,
 * "tracing: Guard __DECLARE_TRACE() use of __DO_TRACE_CALL() with SRCU-fast"), those on functions since 5.12
 * (ca06f55b9002, "bpf: Add per-program recursion prevention mechanism"): each takes working memory of its own.
 */
enum { SCRATCH_SLOTS = 4 };

/* Of one call: a request, its refusal, another; new paths of pipelined requests. */
enum { MAX_TURNS = 32 };

/* State in sk_storage: 5.11, commit 8e4597c627fb ("bpf: Allow using bpf_sk_storage in FENTRY/FEXIT/RAW_TP"), and only
 * where the socket is a pointer that the verifier knows: not in a kprobe, nor behind a file descriptor. */
#define HASHED settings.hashed

/* The current task, and what it points to, as pointers that can be followed: 5.11, commit 3ca1032ab7ab. */
#define current_task_struct() bpf_get_current_task_btf()
#define task_read(task, member) ((task)->member)

/* What user space attached a probe with: 5.15, commit 7adfc6c9b315 ("bpf: Add bpf_get_attach_cookie() BPF helper").
 */
#define attach_cookie(context) bpf_get_attach_cookie(context)

/* The registers of the syscall under way: bpf_task_pt_regs(), 5.15, commit dd6e10fbd9fb. */
#define task_regs(task) ((struct pt_regs *)bpf_task_pt_regs(task))
#define regs_read(regs, member) ((regs)->member)

/* Atomic operations that return the value from before: 5.12, commits 5ca419f2864a and 5ffa25502b5a. */
#define try_lock(p) (!__sync_lock_test_and_set(p, 1))
#define compare_and_swap(p, before, after) (__sync_val_compare_and_swap(p, before, after) == (before))
#define take_number(p, number) ((number) = __sync_fetch_and_add(p, 1), true)

/* Gives a lock back: what was written before is visible to the next owner. x86 orders stores by itself. */
static __always_inline void unlock(__u32 *p)
{
#if defined(__TARGET_ARCH_x86)
	asm volatile("" ::: "memory");
	*(volatile __u32 *)p = 0;
#else
	__sync_lock_test_and_set(p, 0);
#endif
}

/* Loops by callback: bpf_loop(), 5.17, commit e6f2dd0f8067. See portable.h for STEP() and repeat(). */
#ifdef __bpf__
#define DEFINE_STEP(step, type)                                            \
	static __always_inline long step##_once(__u32 i, struct type *it); \
	static long step(__u32 i, struct type **context)                   \
	{                                                                  \
		return step##_once(i, *context);                           \
	}
#define repeat(n, step, it) bpf_loop(n, step, &(it), 0)
#endif

/* Pointers as arguments of global functions: 5.12, commit e5069b9c23b3. */
#define CALL_PARAMS struct conn *conn, struct scratch *scratch
#define CALL_ARGS(conn, scratch) conn, scratch
#define CALL_ENTER
#define DEFINE_CALL_STEP(step)
#define repeat_call(n, step, io) bpf_loop(n, step, io, 0)

/* All steps of a call. A global function, so that the verifier looks at it once. */
#define DEFINE_WALK(walk, step)                                 \
	__noinline int walk(CALL_PARAMS)                        \
	{                                                       \
		struct io io;                                   \
                                                                \
		if (!conn || !scratch)                          \
			return 0;                               \
		io_init(&io, conn, scratch, scratch->call.dir); \
		repeat_call(MAX_STEPS, step, &io);              \
		return 0;                                       \
	}

#else

#define HASHED 1

enum { SCRATCH_SLOTS = 1 };

#define attach_cookie(context) 0

#define current_task_struct() ((struct task_struct *)bpf_get_current_task())
#define task_read(task, member) BPF_CORE_READ(task, member)

/* At the end of the kernel stack, of 16 KiB on x86 and on arm64 with 4 KiB pages (THREAD_SIZE). */
#define task_regs(task) \
	((struct pt_regs *)((char *)BPF_CORE_READ(task, stack) + (16 << 10) - bpf_core_type_size(struct pt_regs)))
#define regs_read(regs, member) BPF_CORE_READ(regs, member)

/* Adds itself, and is the owner if it then is alone: whoever finds another one steps back. */
static __always_inline bool try_lock(__u32 *p)
{
	__sync_fetch_and_add(p, 1);
	if (*(volatile __u32 *)p == 1)
		return true;
	__sync_fetch_and_add(p, -1);
	return false;
}

static __always_inline void unlock(__u32 *p)
{
	__sync_fetch_and_add(p, -1);
}

/* A lock around the few operations that a CPU of today does atomically; a failure is a failure of theirs. It is held
 * for a few instructions. */
static __always_inline bool lock_shared(void)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < 16; i++)
		if (try_lock(&shared.lock))
			return true;
	return false;
}

#define compare_and_swap(p, before, after)                           \
	({                                                           \
		bool same = false;                                   \
		if (lock_shared()) {                                 \
			same = *(volatile typeof(p))(p) == (before); \
			if (same)                                    \
				*(volatile typeof(p))(p) = (after);  \
			unlock(&shared.lock);                        \
		}                                                    \
		same;                                                \
	})
#define take_number(p, number)                                   \
	({                                                       \
		bool taken = lock_shared();                      \
		if (taken) {                                     \
			(number) = *(volatile typeof(p))(p);     \
			*(volatile typeof(p))(p) = (number) + 1; \
			unlock(&shared.lock);                    \
		}                                                \
		taken;                                           \
	})

/* Loops of calls to a global function, which the verifier looks at once; it finds its data by itself. The verifier
 * walks through every round: long loops are two. */
enum { LOOP_MAX = 4096, LOOP_ROUND = 4096, LOOP_ROUNDS = 32, MAX_TURNS = 16 };
#define DEFINE_STEP(step, type)                                            \
	static __always_inline struct type *type##_current(void);          \
	static __always_inline long step##_once(__u32 i, struct type *it); \
	__noinline int step(__u32 i)                                       \
	{                                                                  \
		struct type *it = type##_current();                        \
		return it ? step##_once(i, it) : 1;                        \
	}
#define repeat(n, step, it)                                                 \
	for (__u32 step_i = 0; step_i < (n) && step_i < LOOP_MAX; step_i++) \
		if (step(step_i))                                           \
			break;

#define CALL_PARAMS __u32 unused
#define CALL_ARGS(conn, scratch) 0
#define CALL_ENTER                                                  \
	struct scratch *scratch = scratch_current();                \
	struct conn *conn = scratch ? conn_of_call(scratch) : NULL; \
	opaque(unused); /* else the compiler leaves out the argument, which the verifier wants */
#define DEFINE_CALL_STEP(step)                                        \
	__noinline int step##_alone(CALL_PARAMS)                      \
	{                                                             \
		struct io io;                                         \
		CALL_ENTER                                            \
                                                                      \
		if (!conn || !scratch)                                \
			return 1;                                     \
		io_init(&io, conn, scratch, scratch->call.dir);       \
		return step(0, &io);                                  \
	}                                                             \
	__noinline int step##_round(CALL_PARAMS)                      \
	{                                                             \
		opaque(unused);                                       \
		for (__u32 step_i = 0; step_i < LOOP_ROUND; step_i++) \
			if (step##_alone(0))                          \
				return 1;                             \
		return 0;                                             \
	}
#define repeat_call(n, step, io)                                                            \
	for (__u32 step_i = 0; step_i < (n) / LOOP_ROUND && step_i < LOOP_ROUNDS; step_i++) \
		if (step##_round(0))                                                        \
			break;

/* In the caller: a function less on the stack. */
#define DEFINE_WALK(walk, step)                       \
	static __always_inline int walk(CALL_PARAMS)  \
	{                                             \
		repeat_call(MAX_STEPS, step, unused); \
		return 0;                             \
	}

#endif

/* A member of a struct sock or tcp_sock. */
#define sk_read(sk, member) (HASHED ? BPF_CORE_READ(sk, member) : (sk)->member)

/* The parent of a kernfs node: renamed in 6.15, commit 633488947ef6 ("kernfs: Use RCU to access
 * kernfs_node::parent"). */
static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	struct kernfs_node___parent_rcu *renamed = (void *)kn;

	if (bpf_core_field_exists(renamed->__parent))
		return BPF_CORE_READ(renamed, __parent);
	return BPF_CORE_READ(kn, parent);
}

#endif
