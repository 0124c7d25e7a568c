/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [nearest], beside config_yaml: see nearest.h. */
#include "nearest.h"

#include <string.h>

enum { WORD_BYTES = 64 }; /* of the words */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* row[2][j]: distance of what was read of `text` to the first j letters; row[1], row[0]: of one and two less. */
static size_t distance(const char *text, const char *word, size_t n)
{
	size_t row[3][WORD_BYTES + 1] = {{0}};

	for (size_t j = 0; j <= n; j++)
		row[2][j] = j;
	for (size_t i = 1; text[i - 1]; i++) {
		memmove(row[0], row[1], 2 * sizeof(row[0]));
		row[2][0] = i;
		for (size_t j = 1; j <= n; j++) {
			row[2][j] = least(row[1][j - 1] + (text[i - 1] != word[j - 1]),
					  least(row[1][j], row[2][j - 1]) + 1);
			if (i > 1 && j > 1 && text[i - 1] == word[j - 2] && text[i - 2] == word[j - 1])
				row[2][j] = least(row[2][j], row[0][j - 2] + 1);
		}
	}
	return row[2][n];
}

const char *nearest(const char *text, const char *const *words, size_t n)
{
	size_t best = (size_t)-1, length = strlen(text);
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t letters = strlen(words[i]), allowed = letters < 6 ? 1 : letters / 3, d;

		if (letters > WORD_BYTES || length > letters + allowed)
			continue;
		d = distance(text, words[i], letters);
		if (d <= allowed && d < best) {
			best = d;
			found = words[i];
		}
	}
	return found;
}
