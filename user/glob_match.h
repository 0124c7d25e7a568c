/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* config ──> [glob_match] ──> endpoints, probe_targets: patterns as the kernel side matches them (bpf/glob.h), in one
 * go. */
#ifndef TAPSTAT_GLOB_MATCH_H
#define TAPSTAT_GLOB_MATCH_H

#include <stdbool.h>

bool glob_match(const char *pattern, const char *text);

#endif
