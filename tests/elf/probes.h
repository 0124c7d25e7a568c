/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the two probes of one function saw: that at its entry and that at its landing. */
#ifndef TAPSTAT_TESTS_PROBES_H
#define TAPSTAT_TESTS_PROBES_H

#include <linux/types.h>

enum { OF_ENTRY, OF_LANDING, PLACES };
enum { ARGUMENTS = 6 };

struct seen {
	__u64 hits, arguments[ARGUMENTS], stack; /* sums over the hits */
	__u64 returns, results;
};

struct probed {
	struct seen at[PLACES];
};

#endif
