/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every difference between kernels and CPUs, each with what brought it.
 */
#ifndef TAPSTAT_COMPAT_H
#define TAPSTAT_COMPAT_H

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "portable.h"

#define swap_u32(p, v) __sync_lock_test_and_set(p, v)

/* Gives a lock back: what was written before is visible to the next owner. x86 orders stores by itself. */
static __always_inline void store_release_u32(__u32 *p, __u32 v)
{
#if defined(__TARGET_ARCH_x86)
	asm volatile("" ::: "memory");
	*(volatile __u32 *)p = v;
#else
	swap_u32(p, v);
#endif
}

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
