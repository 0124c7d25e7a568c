/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens, loads and attaches the BPF programs, hook by hook; owns every descriptor of the kernel side.
 */
#ifndef TAPSTAT_ATTACH_H
#define TAPSTAT_ATTACH_H

#include <stdbool.h>
#include <stddef.h>

#include "tapstat/abi.h"

struct attachment;

/* What to watch and how much of it; fixed between open and load. */
struct attach_config {
	struct selectors selectors;
	unsigned int max_connections;
	const char
		*hooks; /* "auto" or the one way to use; a way this build lacks is an error that lists what it has */
};

/*
 * Loads and attaches. On success *out owns everything until attachment_close(). On failure: negative errno, *out
 * untouched, and `why` (size bytes) one line for people: what failed, the kernel's reason, what to do.
 */
int attachment_open(struct attachment **out, const struct attach_config *config, char *why, size_t size);
void attachment_close(struct attachment *att);

/* The most bytes that the kernel maps can take with this configuration, connection state included. */
__u64 attachment_memory_ceiling(const struct attachment *att);

/* Prints, hook by hook, what this kernel and these privileges allow (`tapstat doctor`). 0: tapstat can run here. */
int attachment_doctor(const struct attach_config *config);

#endif
