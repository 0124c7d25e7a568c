/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* attach ──> [verifier] ──> doctor: what checking a program took, from the kernel's log (log level 4). */
#ifndef TAPSTAT_VERIFIER_H
#define TAPSTAT_VERIFIER_H

#include <stdbool.h>

struct verifier_stats {
	unsigned long insns; /* walked; the kernel's limit is 1,000,000 */
	unsigned long states, peak_states;
};

/* Finds "processed N insns … total_states N peak_states N …". False, and *stats untouched, if it isn't there. */
bool verifier_parse(const char *log, struct verifier_stats *stats);

#endif
