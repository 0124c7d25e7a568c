/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [version], beside the path: what was built, from what, with what. */
#ifndef TAPSTAT_VERSION_H
#define TAPSTAT_VERSION_H

extern const char tapstat_version[], tapstat_commit[], tapstat_compiler[], tapstat_arch[];

#endif
