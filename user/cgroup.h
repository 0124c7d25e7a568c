/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* options ──> [cgroup] ──> selectors: what --cgroup=PATH means to the kernel. */
#ifndef TAPSTAT_CGROUP_H
#define TAPSTAT_CGROUP_H

#include <linux/types.h>
#include <stddef.h>

/*
 * Ids (inode numbers of the directories) of the cgroup `path`, in every mounted hierarchy that has it. `path` is as in
 * /proc/PID/cgroup, or the whole path of a directory in a mounted hierarchy. Returns how many were put into `ids`,
 * -ENOENT if no hierarchy has it, -E2BIG if more than `max` have it, or another negative errno.
 */
int cgroup_ids(const char *path, __u64 *ids, size_t max);

#endif
