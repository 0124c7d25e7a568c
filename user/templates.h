/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * maps ──> [templates] ──> snapshot: folds the templates of paths that the kernel side kept apart before it knew
 * better.
 */
#ifndef TAPSTAT_TEMPLATES_H
#define TAPSTAT_TEMPLATES_H

#include <linux/types.h>
#include <stdbool.h>

#include "tapstat/abi.h"

/* Whether the segment behind the prefix with this hash (bpf/endpoint.h) is a variable. */
typedef bool template_is_variable(__u32 series, __u64 prefix_hash, void *context);

/* Rewrites a template in place: literals in the place of a variable become {name}. */
void template_fold(char endpoint[ENDPOINT_BYTES], __u32 series, template_is_variable *is_variable, void *context);

#endif
