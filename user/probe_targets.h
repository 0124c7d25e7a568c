/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * config, mappings ──> [probe_targets] ──> attacher: which configured probes are to be looked for in the file that a
 * process maps: by its path as the process sees it, or because it is the executable of a service.
 */
#ifndef TAPSTAT_PROBE_TARGETS_H
#define TAPSTAT_PROBE_TARGETS_H

#include <linux/types.h>
#include <stdbool.h>

#include "mappings.h"

struct config;

/*
 * The probes, by their numbers as bits. For a service they may be too many: the kernel side counts only the calls of
 * processes that it names so. `proc`: "/proc". Waits some milliseconds for a process that is in the middle of an
 * exec.
 */
__u64 probe_targets(const struct config *config, const char *proc, const struct mapping *mapping);

/*
 * Whether the pattern of a probe's binary matches the path; without a slash, its last element. Shared libraries are
 * files with further numbers behind the name that programs ask for: that of libz.so.1 matches libz.so.1.2.13.
 */
bool probe_target_is_path(const char *pattern, const char *path);

#endif
