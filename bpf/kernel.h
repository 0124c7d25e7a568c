/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that tapstat reads, with no more than the members it uses. CO-RE relocates every access against
 * the running kernel's BTF, so that nothing here depends on the build host; tests/check/kernel_types compares each
 * member with a kernel's BTF.
 */
#ifndef TAPSTAT_KERNEL_H
#define TAPSTAT_KERNEL_H

#include <linux/types.h>

typedef int pid_t;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)

#include <linux/bpf.h>

/* include/uapi and include/linux constants; stable ABI, or checked in comments where they are not. */
enum {
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	SOCK_STREAM = 1,
	S_IFMT = 0170000,
	S_IFSOCK = 0140000,
	S_IFREG = 0100000,
	O_PATH = 010000000,
	O_TMPFILE_BIT = 020000000, /* __O_TMPFILE; O_TMPFILE holds O_DIRECTORY, too */
	AT_REMOVEDIR = 0x200,
	IPPROTO_TCP = 6,
	IPPROTO_MPTCP = 262,
	TCP_ESTABLISHED = 1,
	TCP_CLOSE = 7,
	MSG_OOB = 0x1,
	MSG_PEEK = 0x2,
	MSG_TRUNC = 0x20,
	MSG_ERRQUEUE = 0x2000,
	EINTR = 4,
	EAGAIN = 11,
	ENOSYS = 38,
	ETIMEDOUT = 110,
	ERESTARTSYS = 512,
	ERESTART_RESTARTBLOCK = 516,
	PF_IO_WORKER = 0x00000010,
	PF_KTHREAD = 0x00200000,
	TS_COMPAT = 0x0002,  /* x86 thread_info.status */
	TIF_32BIT = 1 << 22, /* arm64 thread_info.flags */
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next, *prev;
};

/* arch/x86/include/asm/ptrace.h, arch/arm64/include/asm/ptrace.h */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r14, bx, r10, r9, r8, ax, cx, dx, si, di, orig_ax, sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 orig_x0;
	__s32 syscallno;
};
#endif

struct thread_info {
	unsigned long flags;
	__u32 status; /* x86 only */
};

struct qstr {
	const unsigned char *name;
};

struct super_block {
	struct dentry *s_root;
	unsigned long s_magic;
};

struct dentry {
	struct qstr d_name;
	struct dentry *d_parent;
};

struct vfsmount {
	struct dentry *mnt_root;
};

/* fs/mount.h */
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct inode {
	unsigned short i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct mm_struct {
	unsigned long arg_start, arg_end;
	unsigned long env_end;
	struct file *exe_file;
};

struct kernfs_node {
	const char *name;
	__u64 id;
	struct kernfs_node *parent;
};

struct kernfs_node___parent_rcu { /* 6.15, commit 633488947ef6 */
	struct kernfs_node *__parent;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup_subsys_state *subsys[12];
	struct cgroup *dfl_cgrp;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live; /* threads */
};

struct task_struct {
	struct thread_info thread_info;
	void *stack;
	unsigned int flags;
	pid_t pid, tgid;
	struct task_struct *group_leader, *real_parent;
	__u64 start_boottime;
	__u32 self_exec_id;
	struct mm_struct *mm;
	struct css_set *cgroups;
	struct files_struct *files;
	struct signal_struct *signal;
	char comm[16];
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	__be32 skc_daddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
};

struct sock;

struct socket {
	struct sock *sk;
};

/* include/net/sock.h: a socket and its inode are one allocation. */
struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};

struct msghdr {
	unsigned int msg_flags;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	int sk_err;
	struct socket *sk_socket;
};

/* Where the stream stands, in sequence numbers (include/linux/tcp.h). */
struct tcp_sock {
	__u32 copied_seq; /* next byte that user space reads */
	__u32 rcv_nxt;
	__u32 write_seq; /* next byte that user space writes */
	__u32 snd_una;
	__u64 bytes_received;
	__u64 bytes_acked;
};

struct bpf_iter_meta;

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

#pragma clang attribute pop

/* ABI of user memory (include/uapi/linux/uio.h, include/linux/socket.h struct user_msghdr): not relocated. */
struct user_iovec {
	__u64 base;
	__u64 len;
};

struct user_msghdr {
	__u64 name;
	__u32 namelen;
	__u32 pad0;
	__u64 iov;
	__u64 iovlen;
	__u64 control;
	__u64 controllen;
	__u32 flags;
	__u32 pad1;
};

struct user_mmsghdr {
	struct user_msghdr hdr;
	__u32 len;
	__u32 pad;
};

#endif
