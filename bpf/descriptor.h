/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* hook ──> [file descriptor] ──> connection, files: from a number to the open file behind it. */
#ifndef TAPSTAT_DESCRIPTOR_H
#define TAPSTAT_DESCRIPTOR_H

#include "maps.h"

/* The open file behind a descriptor of the current task, or NULL. */
static __always_inline struct file *file_of_fd(struct task_struct *task, __u32 fd)
{
	struct files_struct *files = task_read(task, files);
	struct file **slots, *file = NULL;
	struct fdtable *table;

	if (!files)
		return NULL;
	table = task_read(files, fdt);
	if (!table || fd >= task_read(table, max_fds))
		return NULL;
	slots = task_read(table, fd);
	if (bpf_probe_read_kernel(&file, sizeof(file), slots + fd))
		return NULL;
	return file;
}

#endif
