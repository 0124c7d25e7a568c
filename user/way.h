/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * probe, kernel_types ──> [way] ──> attach: whether a way of hooking sockets can be used here, found out without
 * loading tapstat's own programs.
 */
#ifndef TAPSTAT_WAY_H
#define TAPSTAT_WAY_H

#include <stdbool.h>
#include <stddef.h>

#include "hooks.h"

/* What the ways share; zero it but for `types`. Answers are kept, so that nothing is probed twice. */
struct way_context {
	struct kernel_types types;
	struct {
		bool known;
		int err;
	} trampolines;
};

/*
 * `tried`: with a small program, not by the kernel's types alone. 0, or a negative errno and `why`, the
 * reason in words. -ENODATA: it can be attached, but the calls go around it.
 */
int way_examine(struct way_context *context, enum way way, bool tried, char *why, size_t size);

/* Whether the kernel takes programs on its functions: 0 or a negative errno. Found out at the first call. */
int way_trampolines(struct way_context *context);

#endif
