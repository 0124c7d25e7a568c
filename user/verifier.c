/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* attach ──> [verifier] ──> doctor: see verifier.h; kernel/bpf/verifier.c, print_verification_stats(). */
#include "verifier.h"

#include <stdio.h>
#include <string.h>

bool verifier_parse(const char *log, struct verifier_stats *stats)
{
	const char *processed = strstr(log, "processed "), *states;
	struct verifier_stats found;

	if (!processed || sscanf(processed, "processed %lu insns", &found.insns) != 1)
		return false;
	states = strstr(processed, " total_states ");
	if (!states || sscanf(states, " total_states %lu peak_states %lu", &found.states, &found.peak_states) != 2)
		return false;
	*stats = found;
	return true;
}
