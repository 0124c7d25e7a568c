/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * syscall ──> [files] ──> record: operations on regular files, of the processes whose files are wanted.
 *
 * The hooks see every syscall of the host: the number rejects most, then what is known of the process. The entry
 * notes when the call began and what it is; the return counts it. mmap() and io_uring pass by; so do 32-bit callers,
 * whose numbers mean something else.
 */
#ifndef TAPSTAT_FILES_H
#define TAPSTAT_FILES_H

#include "descriptor.h"
#include "process.h"
#include "rows.h"
#include "syscall.h"

enum { PROTOCOL_FILE = PROTOCOL_REDIS + BACKEND_FILE };

enum file_kind {
	FILE_NONE, /* no operation on files */
	/* on the descriptor that is the first argument: */
	FILE_READ,
	FILE_WRITE,
	FILE_FSYNC,
	FILE_FTRUNCATE,
	/* from one descriptor to another: */
	FILE_SENDFILE,
	FILE_COPY,
	/* by path: */
	FILE_OPEN,
	FILE_OPENAT,
	FILE_OPENAT2,
	FILE_CREAT,
	FILE_RENAME,
	FILE_UNLINK,
	FILE_UNLINKAT,
	FILE_TRUNCATE,
};

enum { FILE_SYSCALLS = 512 }; /* a power of two above their numbers */

static const __u8 file_kinds[FILE_SYSCALLS] = {
#if defined(__TARGET_ARCH_x86)
	[NR_OPEN] = FILE_OPEN,           [NR_CREAT] = FILE_CREAT,           [NR_RENAME] = FILE_RENAME,
	[NR_UNLINK] = FILE_UNLINK,
#endif
	[NR_OPENAT] = FILE_OPENAT,       [NR_OPENAT2] = FILE_OPENAT2,       [NR_READ] = FILE_READ,
	[NR_READV] = FILE_READ,          [NR_PREAD64] = FILE_READ,          [NR_PREADV] = FILE_READ,
	[NR_PREADV2] = FILE_READ,        [NR_WRITE] = FILE_WRITE,           [NR_WRITEV] = FILE_WRITE,
	[NR_PWRITE64] = FILE_WRITE,      [NR_PWRITEV] = FILE_WRITE,         [NR_PWRITEV2] = FILE_WRITE,
	[NR_SENDFILE] = FILE_SENDFILE,   [NR_COPY_FILE_RANGE] = FILE_COPY,  [NR_FSYNC] = FILE_FSYNC,
	[NR_FDATASYNC] = FILE_FSYNC,     [NR_SYNC_FILE_RANGE] = FILE_FSYNC, [NR_RENAMEAT] = FILE_RENAME,
	[NR_RENAMEAT2] = FILE_RENAME,    [NR_UNLINKAT] = FILE_UNLINKAT,     [NR_TRUNCATE] = FILE_TRUNCATE,
	[NR_FTRUNCATE] = FILE_FTRUNCATE,
};

static __always_inline __u32 file_kind(__u64 nr)
{
	return nr < FILE_SYSCALLS ? file_kinds[nr] : FILE_NONE;
}

/* ---- Which files ----------------------------------------------------------------------------------------------- */

/* File systems without data of their own, by their magic (include/uapi/linux/magic.h and, where it says so, the file
 * system's source): what they show as files the kernel makes up at each read. */
static __always_inline bool is_pseudo(__u64 magic)
{
	switch (magic) {
	case 0x9fa0:     /* proc */
	case 0x62656572: /* sysfs */
	case 0x62656570: /* configfs */
	case 0x27e0eb:   /* cgroup */
	case 0x63677270: /* cgroup2 */
	case 0x64626720: /* debugfs */
	case 0x74726163: /* tracefs */
	case 0x73636673: /* securityfs */
	case 0xcafe4a11: /* bpf */
	case 0xde5e81e4: /* efivarfs */
	case 0x6165676c: /* pstore */
	case 0x7655821:  /* resctrl */
	case 0x65735543: /* fuse control (fs/fuse/inode.c FUSE_CTL_SUPER_MAGIC) */
	case 0x42494e4d: /* binfmt_misc */
	case 0x19800202: /* POSIX message queues (ipc/mqueue.c) */
	case 0xf97cff8c: /* SELinux */
	case 0x43415d53: /* Smack */
	case 0x6e736673: /* namespaces */
	case 0x9041934: /* anonymous inodes: event descriptors and the like, regular files by their mode since 6.16 */
		return true;
	default:
		return false;
	}
}

/* Whether a descriptor of the current task is a regular file. */
static __always_inline bool fd_is_regular(struct task_struct *task, __u32 fd)
{
	struct file *file = file_of_fd(task, fd);
	struct inode *inode;

	if (!file)
		return false;
	inode = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return false;
	return !is_pseudo(BPF_CORE_READ(inode, i_sb, s_magic));
}

/* Whether an open with these flags may give a regular file to read or write. */
static __always_inline bool opens_file(__u64 flags)
{
	return !(flags & O_PATH) && (!(flags & O_DIRECTORY) || (flags & O_TMPFILE_BIT));
}

static __always_inline bool openat2_opens_file(__u64 how) /* user address of a struct open_how */
{
	__u64 flags = 0;

	bpf_probe_read_user(&flags, sizeof(flags), (void *)how);
	return opens_file(flags);
}

/* ---- One call -------------------------------------------------------------------------------------------------- */

/* What the call under way is: call->operation, and call->second where it is two; OPERATION_NONE: nothing that counts.
 * A global function, so that the verifier looks at it once. */
__noinline int file_operation(__u32 kind, __u64 arg1, __u64 arg2, __u64 arg3)
{
	struct task_struct *task = current_task_struct();
	__u32 first = 0, second = 0, in, out;

	switch (kind) {
	case FILE_READ:
		first = fd_is_regular(task, arg1) ? OPERATION_FILE_READ : 0;
		break;
	case FILE_WRITE:
		first = fd_is_regular(task, arg1) ? OPERATION_FILE_WRITE : 0;
		break;
	case FILE_FSYNC:
		first = fd_is_regular(task, arg1) ? OPERATION_FILE_FSYNC : 0;
		break;
	case FILE_FTRUNCATE:
		first = fd_is_regular(task, arg1) ? OPERATION_FILE_TRUNCATE : 0;
		break;
	case FILE_SENDFILE:
	case FILE_COPY:
		in = kind == FILE_COPY ? arg1 : arg2;
		out = kind == FILE_COPY ? arg3 : arg1;
		first = fd_is_regular(task, in) ? OPERATION_FILE_READ : 0;
		second = fd_is_regular(task, out) ? OPERATION_FILE_WRITE : 0;
		break;
	case FILE_OPEN:
		first = opens_file(arg2) ? OPERATION_FILE_OPEN : 0;
		break;
	case FILE_OPENAT:
		first = opens_file(arg3) ? OPERATION_FILE_OPEN : 0;
		break;
	case FILE_OPENAT2:
		first = openat2_opens_file(arg3) ? OPERATION_FILE_OPEN : 0;
		break;
	case FILE_CREAT:
		first = OPERATION_FILE_OPEN;
		break;
	case FILE_RENAME:
		first = OPERATION_FILE_RENAME;
		break;
	case FILE_UNLINK:
		first = OPERATION_FILE_UNLINK;
		break;
	case FILE_UNLINKAT:
		first = arg3 & AT_REMOVEDIR ? 0 : OPERATION_FILE_UNLINK;
		break;
	case FILE_TRUNCATE:
		first = OPERATION_FILE_TRUNCATE;
		break;
	default:
		break;
	}
	return first | second << 16;
}

/* The mark of a thread in file_threads. */
static __always_inline __u8 *file_thread(__u32 pid)
{
	__u32 key = pid / FILE_THREADS_EACH % FILE_THREADS;
	struct file_threads *threads = bpf_map_lookup_elem(&file_threads, &key);

	return threads ? &threads->noted[pid % FILE_THREADS_EACH] : NULL;
}

/* Whether the operations of the current process on files are counted. *service: its index, if it is known. */
static __always_inline bool files_are_wanted(struct task_struct *task, __u32 *service)
{
	struct task_struct *leader = task_read(task, group_leader);
	struct process *process;
	struct file_unwanted *last;
	__u32 key = 0;

	last = bpf_map_lookup_elem(&file_unwanted, &key);
	if (!last)
		return false;
	if (likely(last->tgid == (__u32)task_read(task, tgid) && last->exec_id == task_read(task, self_exec_id) &&
		   last->start_ns == task_read(leader, start_boottime)))
		return false;
	process = process_obtain(task, false);
	if (!process)
		return false;
	if (!process->files) {
		last->start_ns = process->start_ns;
		last->exec_id = process->exec_id;
		last->tgid = task_read(task, tgid);
		return false;
	}
	*service = process->service;
	return true;
}

/* A syscall begins, in the context of the task that makes it. */
static __always_inline int on_file_enter(struct pt_regs *regs, __u64 nr)
{
	struct task_struct *task;
	struct file_call call = {};
	struct file_call *known;
	__u32 kind = file_kind(nr), operations, pid;
	__u8 *noted;

	if (likely(!kind))
		return 0;
	task = current_task_struct();
	if ((__u32)task_read(task, tgid) == shared.self_tgid)
		return 0;
	if (likely(!files_are_wanted(task, &call.service)) || TASK_IS_COMPAT(task))
		return 0;
	pid = task_read(task, pid);
	operations = file_operation(kind, REGS_ARG1(regs), REGS_ARG2(regs), REGS_ARG3(regs));
	if (!operations)
		return 0;
	call.nr = nr;
	call.operation = operations;
	call.second = operations >> 16;
	known = bpf_map_lookup_elem(&file_calls, &pid);
	if (likely(known)) {
		*known = call;
		known->begun_ns = bpf_ktime_get_ns();
		return 0;
	}
	call.begun_ns = bpf_ktime_get_ns();
	noted = file_thread(pid);
	if (noted)
		*noted = 1;
	bpf_map_update_elem(&file_calls, &pid, &call, BPF_ANY);
	return 0;
}

static __always_inline void file_record(__u32 series_index, __u32 operation, __s64 result, __u64 ns)
{
	struct series *to = series_lookup(series_index);

	opaque(operation);
	if (!operation)
		return;
	record_row(operation_row(series_index, operation),
		   result < 0 ? OPERATION_STATUS_FAILED : OPERATION_STATUS_SUCCESS, ns, 1);
	if (!to || result <= 0)
		return;
	if (operation == OPERATION_FILE_READ)
		cell_add(to, CELL_STORAGE_BYTES + BACKEND_FILE * DIRECTION_COUNT + DIRECTION_RECEIVED, result);
	else if (operation == OPERATION_FILE_WRITE)
		cell_add(to, CELL_STORAGE_BYTES + BACKEND_FILE * DIRECTION_COUNT + DIRECTION_SENT, result);
}

/* A call that was noted has ended. Global, so that the verifier looks at it once. */
__noinline int file_done(__u32 operations, __u32 service, __s64 result, __u64 ns)
{
	struct task_struct *task = current_task_struct();
	struct process *process;
	struct service *entry;

	if (operations == OPERATION_FILE_OPEN && result >= 0 && !fd_is_regular(task, result))
		return 0;
	if (unlikely(service > SERVICE_OTHER)) {
		process = process_obtain(task, true);
		service = process && process->service <= SERVICE_OTHER ? process->service : SERVICE_OTHER;
	}
	entry = bpf_map_lookup_elem(&services, &service);
	if (entry && !(entry->seen[ROLE_CLIENT] & 1U << PROTOCOL_FILE))
		entry->seen[ROLE_CLIENT] |= 1U << PROTOCOL_FILE;
	if (unlikely(service == SERVICE_OTHER))
		self_add(SELF_FOLDED_STORAGE, 1);
	file_record(SERIES_INDEX(service, ROLE_CLIENT), operations & 0xffff, result, ns);
	file_record(SERIES_INDEX(service, ROLE_CLIENT), operations >> 16, result, ns);
	return 0;
}

/* A call that did nothing and is to be made again, or would have had to wait. */
static __always_inline bool is_no_result(__s64 result)
{
	return result == -EAGAIN || result == -EINTR || (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK);
}

/* A syscall ends. */
static __always_inline int on_file_exit(struct pt_regs *regs, __s64 result)
{
	__u32 pid, nr = REGS_SYSCALL(regs);
	struct file_call *call;
	__u64 begun_ns;
	__u8 *noted;

	if (likely(!file_kind(nr)))
		return 0;
	pid = bpf_get_current_pid_tgid();
	noted = file_thread(pid);
	if (likely(!noted || !*noted))
		return 0;
	call = bpf_map_lookup_elem(&file_calls, &pid);
	if (likely(!call || !call->begun_ns))
		return 0;
	begun_ns = call->begun_ns;
	call->begun_ns = 0;
	if (call->nr != nr || is_no_result(result))
		return 0;
	return file_done(call->operation | (__u32)call->second << 16, call->service, result,
			 bpf_ktime_get_ns() - begun_ns);
}

#endif
