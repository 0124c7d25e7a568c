/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shell patterns for the selectors: `*`, `?` and everything else itself. Pure; one step at a time, so that the
 * verifier sees no long loop. `*` matches `/` too.
 */
#ifndef TAPSTAT_GLOB_H
#define TAPSTAT_GLOB_H

#include "portable.h"

/* Work in progress; zero it to begin. Positions stay below the sizes given to glob_step(). */
struct glob {
	__u32 pattern, text;           /* next byte of each */
	__u32 star_pattern, star_text; /* behind the latest `*` (0: none yet), and what it takes in next */
	__u32 matched;
};

/* One step; 1: done, glob->matched says how. Both strings end with a NUL inside their (power of two) sizes. */
static __always_inline long glob_step(struct glob *glob, const char *pattern, __u32 pattern_size, const char *text,
				      __u32 text_size)
{
	__u32 i = glob->pattern, j = glob->text;
	char want, have;
	__u32 k = glob->star_text;

	if (i >= pattern_size || j >= text_size)
		return 1;
	want = pattern[i];
	have = text[j];
	if (want == '*') {
		glob->pattern = glob->star_pattern = i + 1;
		glob->star_text = j;
	} else if (have && (want == '?' || want == have)) {
		glob->pattern = i + 1;
		glob->text = j + 1;
	} else if (!want && !have) {
		glob->matched = 1;
		return 1;
	} else if (glob->star_pattern && k < text_size && text[k]) {
		glob->pattern = glob->star_pattern;
		glob->text = glob->star_text = k + 1;
	} else {
		return 1;
	}
	return 0;
}

#endif
