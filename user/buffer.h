/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exposition ──> [buffer] ──> HTTP: text that grows, and the number formats of the exposition. Knows nothing else.
 *
 * A failed allocation is remembered in `failed` and drops what follows, so that writers need to check only once.
 */
#ifndef TAPSTAT_BUFFER_H
#define TAPSTAT_BUFFER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Zero it before first use; buffer_free() gives the memory back. `data` is not NUL-terminated. */
struct buffer {
	char *data;
	size_t len, cap;
	bool failed;
};

enum { U64_DIGITS = 20 };

/* Empties it and keeps its memory for the next use. */
void buffer_clear(struct buffer *b);
void buffer_free(struct buffer *b);

/* Room for `n` more bytes: true, or false with `failed` set. */
bool buffer_grow(struct buffer *b, size_t n);

static inline void buffer_append(struct buffer *b, const void *data, size_t n)
{
	if (n >= b->cap - b->len && !buffer_grow(b, n))
		return;
	memcpy(b->data + b->len, data, n);
	b->len += n;
}

static inline void buffer_text(struct buffer *b, const char *text)
{
	buffer_append(b, text, strlen(text));
}

static inline void buffer_char(struct buffer *b, char c)
{
	buffer_append(b, &c, 1);
}

/* Decimal digits of `value` at `out` (U64_DIGITS bytes); returns how many. */
size_t format_u64(char *out, __u64 value);

void buffer_u64(struct buffer *b, __u64 value);

/* Nanoseconds as seconds: the shortest decimal text that is exact ("0.0001", "2.5", "10"). */
void buffer_seconds(struct buffer *b, __u64 ns);

/* With `&`, `<`, `>` and both quotes replaced for HTML text and attributes. */
void buffer_html(struct buffer *b, const char *text);

#endif
