/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* options ──> [cgroup] ──> selectors: what --cgroup=PATH means to the kernel. */
#ifndef TAPSTAT_CGROUP_H
#define TAPSTAT_CGROUP_H

#include <stddef.h>

#include "tapstat/abi.h"

/*
 * The cgroup `path` in every mounted hierarchy that has it. `path` is as
 * in /proc/PID/cgroup, or the whole path of a directory in a mounted hierarchy. Returns how many were put into
 * `cgroups`, -ENOENT if no hierarchy has it, -E2BIG if more than `max` have it, or another negative errno.
 */
int cgroup_find(const char *path, struct selected_cgroup *cgroups, size_t max);

#endif
