// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* config ──> [glob_match] ──> endpoints, probe_targets: see glob_match.h. */
#include "glob_match.h"

#include <string.h>

#include "glob.h"

bool glob_match(const char *pattern, const char *text)
{
	size_t pattern_size = strlen(pattern) + 1, text_size = strlen(text) + 1;
	struct glob glob = {0};

	while (!glob_step(&glob, pattern, (__u32)pattern_size, text, (__u32)text_size))
		;
	return glob.matched;
}
