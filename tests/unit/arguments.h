/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names a process by its executable and arguments as bpf/process.h does, with whatever lay in the buffers before.
 */
#ifndef TAPSTAT_TESTS_ARGUMENTS_H
#define TAPSTAT_TESTS_ARGUMENTS_H

#include "kernel_side.h"

/* `arguments`: each with its NUL, one behind the other, the program's own name first. */
static inline const char *name_of(struct identity *id, const char *exe, const char *arguments, size_t n, __u8 before)
{
	struct dentry dentry = {.d_name.name = (const unsigned char *)exe};
	struct file file = {.f_path.dentry = &dentry};
	struct mm_struct mm = {.exe_file = &file,
			       .arg_start = (__u64)arguments,
			       .arg_end = (__u64)arguments + n,
			       .env_end = (__u64) ""}; /* how it was invoked: not told */
	struct task_struct task = {.mm = &mm, .group_leader = &task};

	memset(id, before, sizeof(*id));
	identify_program(id, &task);
	require(!id->program.name[sizeof(id->program.name) - 1]);
	return id->program.name;
}

#endif
