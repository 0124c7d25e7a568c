/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * /sys/kernel/btf/vmlinux ──> [kernel_types] ──> hooks: which of the types and functions that hooks need the kernel
 * has. One pass over the raw BTF takes less than half of what libbpf does to parse and search it; to load, libbpf
 * parses it once more.
 */
#ifndef TAPSTAT_KERNEL_TYPES_H
#define TAPSTAT_KERNEL_TYPES_H

#include <linux/types.h>
#include <stddef.h>

enum kernel_type {
	KERNEL_TRACE_SOCK_SEND_LENGTH,
	KERNEL_TRACE_SOCK_RECV_LENGTH,
	KERNEL_TRACE_SYS_EXIT,
	KERNEL_TRACE_SYS_ENTER,
	KERNEL_TRACE_TCP_DESTROY_SOCK,
	KERNEL_TRACE_INET_SOCK_SET_STATE,
	KERNEL_ITERATOR_SK_STORAGE,
	KERNEL_ITERATOR_MAP_ELEM,
	KERNEL_FUNCTION_INET_SENDMSG,
	KERNEL_FUNCTION_INET6_SENDMSG,
	KERNEL_FUNCTION_UNIX_SENDMSG,
	KERNEL_FUNCTION_INET_SENDPAGE,
	KERNEL_FUNCTION_INET_RECVMSG,
	KERNEL_FUNCTION_INET6_RECVMSG,
	KERNEL_FUNCTION_UNIX_RECVMSG,
	KERNEL_FUNCTION_UNIX_RELEASE,
	KERNEL_FUNCTION_TCP_SPLICE_READ,
	KERNEL_TRACE_SCHED_PROCESS_EXIT,
	KERNEL_TRACE_SCHED_PROCESS_EXEC,
	KERNEL_MEMORY_ALLOCATOR, /* maps that grow may be used by every program: 6.1, commit 7c8199e24fa0 */
	KERNEL_UPROBE_LINK,      /* UPROBE_BY_LINK */
	KERNEL_HELPER_LOOP,
	KERNEL_TYPE_COUNT
};

struct kernel_types {
	__u32 id[KERNEL_TYPE_COUNT]; /* in the kernel's BTF; 0: the kernel has no such type */
};

extern const char kernel_types_path[];

/* Reads the running kernel's types. 0, or a negative errno with *types untouched. */
int kernel_types_read(struct kernel_types *types);

/* The same from `size` bytes of BTF in memory (Documentation/bpf/btf.rst). -EINVAL: not BTF, or a kind unknown. */
int kernel_types_scan(struct kernel_types *types, const void *btf, size_t size);

#endif
