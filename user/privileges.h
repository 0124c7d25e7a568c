/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * serve ──> [privileges]: what must be there to load the programs, and what is given up once they are attached.
 */
#ifndef TAPSTAT_PRIVILEGES_H
#define TAPSTAT_PRIVILEGES_H

#include <stddef.h>

/*
 * Whether this process may load tracing programs, and this kernel describes its types (BTF). 0, or a negative errno
 * and `why` saying what is missing and what to do.
 */
int privileges_check(char *why, size_t size);

/*
 * Gives up every capability but the one that reading maps needs, for good, and the way to gain any by exec. 0 with
 * *kept the name of what is left (static), or a negative errno.
 */
int privileges_drop(const char **kept);

#endif
