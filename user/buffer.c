/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* exposition ──> [buffer] ──> HTTP: see buffer.h. */
#include "buffer.h"

#include <stdint.h>
#include <stdlib.h>

enum { BUFFER_FIRST_BYTES = 4096, NS_DIGITS = 9 };

static const __u64 NS_PER_SECOND = 1000000000;

void buffer_clear(struct buffer *b)
{
	b->len = 0;
	b->failed = false;
}

void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){0};
}

bool buffer_grow(struct buffer *b, size_t n)
{
	size_t cap = b->cap ? b->cap : BUFFER_FIRST_BYTES;
	char *data;

	if (b->failed)
		return false;
	while (cap - b->len <= n) {
		if (cap > SIZE_MAX / 2)
			goto fail;
		cap *= 2;
	}
	data = realloc(b->data, cap);
	if (!data)
		goto fail;
	b->data = data;
	b->cap = cap;
	return true;
fail:
	b->failed = true;
	/* What comes next must fail too, or the text would have a hole. */
	b->len = b->cap;
	return false;
}

size_t format_u64(char *out, __u64 value)
{
	char digits[U64_DIGITS];
	size_t n = 0;

	do {
		digits[U64_DIGITS - ++n] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	memcpy(out, digits + U64_DIGITS - n, n);
	return n;
}

void buffer_u64(struct buffer *b, __u64 value)
{
	char digits[U64_DIGITS];

	if (value < 10)
		buffer_char(b, (char)('0' + value));
	else
		buffer_append(b, digits, format_u64(digits, value));
}

void buffer_seconds(struct buffer *b, __u64 ns)
{
	char text[1 + NS_DIGITS];
	__u64 fraction = ns % NS_PER_SECOND;
	size_t n = sizeof(text);

	buffer_u64(b, ns / NS_PER_SECOND);
	if (!fraction)
		return;
	text[0] = '.';
	for (size_t i = NS_DIGITS; i > 0; i--) {
		text[i] = (char)('0' + fraction % 10);
		fraction /= 10;
	}
	while (text[n - 1] == '0')
		n--;
	buffer_append(b, text, n);
}

void buffer_html(struct buffer *b, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			buffer_text(b, "&amp;");
			break;
		case '<':
			buffer_text(b, "&lt;");
			break;
		case '>':
			buffer_text(b, "&gt;");
			break;
		case '"':
			buffer_text(b, "&quot;");
			break;
		case '\'':
			buffer_text(b, "&#39;");
			break;
		default:
			buffer_char(b, *text);
		}
	}
}
