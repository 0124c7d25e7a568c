/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [nearest], beside config_yaml: which known word somebody meant. A pure function. */
#ifndef TAPSTAT_NEAREST_H
#define TAPSTAT_NEAREST_H

#include <stddef.h>

/*
 * Of the `n` words the one that the fewest letters inserted, left out or replaced (Levenshtein's distance) turn
 * `text` into; NULL if that takes more than a third of the word's letters, one at least.
 */
const char *nearest(const char *text, const char *const *words, size_t n);

#endif
