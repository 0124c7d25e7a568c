/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [utf8], beside exposition and log: see utf8.h. */
#include "utf8.h"

#include <stdbool.h>

static bool in_range(unsigned char byte, unsigned char low, unsigned char high)
{
	return byte >= low && byte <= high;
}

size_t utf8_sequence(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (in_range(s[0], 0xc2, 0xdf))
		len = 2;
	else if (in_range(s[0], 0xe0, 0xef))
		len = 3;
	else if (in_range(s[0], 0xf0, 0xf4))
		len = 4;
	else
		return 0;
	/* The second byte's range excludes overlong forms, surrogates and what is past U+10FFFF. */
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (n < len || !in_range(s[1], low, high))
		return 0;
	for (size_t i = 2; i < len; i++) {
		if (!in_range(s[i], 0x80, 0xbf))
			return 0;
	}
	return len;
}
