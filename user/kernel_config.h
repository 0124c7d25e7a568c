/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * config, options ──> [kernel_config] ──> opening: what the kernel side is told of the configuration, as the settings
 * that are fixed at load and the maps that are filled before anything is attached.
 */
#ifndef TAPSTAT_KERNEL_CONFIG_H
#define TAPSTAT_KERNEL_CONFIG_H

#include "attach.h"

struct bpf_object;

/* Whether the hook on files is to be loaded. */
bool kernel_config_wants_files(const struct attach_config *config);

/* The settings that no way changes. */
struct settings kernel_config_settings(const struct attach_config *config);

/* Fills the maps of a loaded object. 0 or a negative errno. */
int kernel_config_fill(const struct bpf_object *object, const struct attach_config *config);

/*
 * Whether --files and --storage-libraries can do what is asked for. 0, or -EINVAL and `why` (size bytes) saying what
 * else is needed.
 */
int kernel_config_check(const struct attach_config *config, char *why, size_t size);

#endif
