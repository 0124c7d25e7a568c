/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A second reader of HTTP that shares nothing with the one under test: it has the whole stream and goes line by line.
 * It ends where something else than a head begins, or a body that ends with its connection.
 */
#ifndef TAPSTAT_TESTS_HEADS_H
#define TAPSTAT_TESTS_HEADS_H

#include "stream.h"

/* Whether the bytes begin with the (lower-case) text, in any case. */
static inline bool heads_begin(const __u8 *p, __u64 n, const char *text)
{
	__u64 i, length = strlen(text);

	if (n < length)
		return false;
	for (i = 0; i < length; i++)
		if ((p[i] | 0x20) != text[i])
			return false;
	return true;
}

/* Whether an element of the list begins with one of two texts. */
static inline bool heads_list_has(const __u8 *p, __u64 n, const char *text, const char *or_text)
{
	while (n) {
		while (n && (*p == ' ' || *p == '\t' || *p == ','))
			p++, n--;
		if (heads_begin(p, n, text) || heads_begin(p, n, or_text))
			return true;
		while (n && *p != ',')
			p++, n--;
	}
	return false;
}

/* The last element of the list says whether the body is in chunks. */
static inline void heads_coding(const __u8 *p, __u64 n, __u32 *head)
{
	for (;;) {
		while (n && (*p == ' ' || *p == '\t' || *p == ','))
			p++, n--;
		if (!n)
			return;
		if (*p != '\r')
			*head = (*head & ~HTTP_CHUNKED) | HTTP_HAS_CODING;
		if (heads_begin(p, n, "chunked"))
			*head |= HTTP_CHUNKED;
		while (n && *p != ',')
			p++, n--;
	}
}

/* One line of a head, without its newline. */
static inline void heads_field(const __u8 *p, __u64 n, __u32 *head, __u64 *length)
{
	if (heads_begin(p, n, "upgrade:") && heads_list_has(p + 8, n - 8, "websocket", "websocket"))
		*head |= HTTP_UPGRADE_WEBSOCKET;
	if (heads_begin(p, n, "connection:") && heads_list_has(p + 11, n - 11, "upgrade", "upgrade"))
		*head |= HTTP_CONNECTION_UPGRADE;
	if (heads_begin(p, n, "sec-websocket-key:"))
		*head |= HTTP_WEBSOCKET_KEY;
	if (heads_begin(p, n, "sec-websocket-extensions:") && heads_list_has(p + 25, n - 25, "permessa", "x-webkit"))
		*head |= HTTP_RSV1_EXTENSION;
	if (heads_begin(p, n, "transfer-encoding:") && p[17] == ':')
		heads_coding(p + 18, n - 18, head);
	if (heads_begin(p, n, "content-length:")) {
		*head |= HTTP_HAS_LENGTH;
		*length = 0;
		for (p += 15, n -= 15; n && ((*p >= '0' && *p <= '9') || *p == ' ' || *p == '\t'); p++, n--)
			if (*p >= '0' && *p <= '9')
				*length = *length * 10 + (*p - '0');
	}
}

/* Bytes of the start line's beginning that tell what it is; 0: it is none. */
static inline __u64 heads_start(const __u8 *p, __u64 n, __u32 *head, __u16 *status)
{
	static const char *const methods[] = {"GET ",   "POST ",    "PUT ",     "HEAD ", "DELETE ",
					      "PATCH ", "OPTIONS ", "CONNECT ", "TRACE "};
	__u32 i;

	*head = *status = 0;
	for (i = 0; i < 9; i++)
		if (n >= 8 && !memcmp(p, methods[i], 4)) {
			__u64 bytes = strlen(methods[i]);

			*head = HTTP_IS_REQUEST | (i ? 0 : HTTP_IS_GET);
			return memcmp(p, methods[i], bytes) ? 4 : bytes;
		}
	if (n < 12 || memcmp(p, "HTTP/1.", 7))
		return 0;
	for (i = 9; i < 12; i++) {
		if (p[i] < '0' || p[i] > '9') {
			*status = 0;
			break;
		}
		*status = *status * 10 + (p[i] - '0');
	}
	return 12;
}

/* Bytes that may stand before a start line: empty lines (RFC 9112 section 2.2), the PROXY protocol's. */
static inline __u64 heads_before(const __u8 *p, __u64 n)
{
	static const __u8 signature[8] = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q'};
	__u64 end;

	if (n >= 16 && !memcmp(p, signature, 8))
		return min_u64(n, 16 + (p[14] << 8 | p[15]));
	if (n >= 4 && !memcmp(p, "PROX", 4)) {
		for (end = 4; end < n && p[end] != '\n'; end++)
			;
		return end < n ? end + 1 : n;
	}
	if (n >= 4 && n < 16 && !memcmp(p, signature, 4)) /* of two empty lines that will tell */
		return n;
	return n >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

/* Behind the line that begins at `at`; 0: it has no end. */
static inline __u64 heads_line(const __u8 *p, __u64 n, __u64 at)
{
	while (at < n && p[at] != '\n')
		at++;
	return at < n ? at + 1 : 0;
}

static inline bool heads_line_is_empty(const __u8 *p, __u64 from, __u64 next)
{
	return next == from + 1 || (next == from + 2 && p[from] == '\r');
}

/* The target: its path becomes an event. Where the space before the version is; 0: there is none. */
static inline __u64 heads_target(struct feed *f, const __u8 *p, __u64 n, __u64 begin, __u64 at, bool has_path)
{
	__u64 path, slashes = 0;
	__u32 hash = 0;

	if (has_path && (heads_begin(p + at, n - at, "http://") || heads_begin(p + at, n - at, "https://")))
		while (at < n && p[at] > ' ' && p[at] != '?' && p[at] != '#' && !(p[at] == '/' && slashes == 2))
			slashes += p[at++] == '/';
	for (path = at; has_path && at < n && p[at] > ' ' && p[at] != '?' && p[at] != '#'; at++)
		;
	hash = path_hash(hash, p + path, at - path);
	while (at < n && p[at] > ' ')
		at++;
	if (n - at < 8 || memcmp(p + at, " HTTP/1.", 8))
		return 0;
	feed_event(f, EVENT_PATH, begin)->hash = hash;
	return at;
}

/* Behind the chunks and their trailer; 0: they have no end, or are none. */
static inline __u64 heads_chunks(const __u8 *p, __u64 n, __u64 at, __u64 *total)
{
	__u64 size, digits, next;

	for (;;) {
		for (size = digits = 0; at < n && strchr("0123456789abcdefABCDEF", p[at] ?: '!'); at++) {
			size = size * 16 + (p[at] <= '9' ? p[at] - '0' : (p[at] | 0x20) - 'a' + 10);
			if (size >> 32)
				return 0;
			digits++;
		}
		at = digits ? heads_line(p, n, at) : 0;
		if (!at)
			return 0;
		if (!size)
			break;
		*total += size;
		if (size + 2 > n - at)
			return 0;
		at += size + 2;
	}
	for (;; at = next) {
		next = heads_line(p, n, at);
		if (!next || heads_line_is_empty(p, at, next))
			return next;
	}
}

/* Behind the body; 0: it does not end here. */
static inline __u64 heads_body(const __u8 *p, __u64 n, __u64 at, const struct event *head, __u64 length, __u64 *size)
{
	bool request = head->head & HTTP_IS_REQUEST;

	*size = 0;
	if (!request && (head->code < 200 || head->code == 204 || head->code == 304))
		return at;
	if (head->head & HTTP_CHUNKED)
		return heads_chunks(p, n, at, size);
	if (!request && ((head->head & HTTP_HAS_CODING) || !(head->head & HTTP_HAS_LENGTH)))
		return 0;
	*size = length;
	return length > n - at ? 0 : at + length;
}

static inline void heads_read(struct feed *f, const __u8 *p, __u64 n)
{
	__u64 at = 0, start, line, next, length, size;
	struct event *e;
	__u32 head;
	__u16 status;

	for (;;) {
		while ((start = heads_before(p + at, n - at)))
			at += start;
		start = heads_start(p + at, n - at, &head, &status);
		if (!start)
			return;
		start += at;
		feed_event(f, EVENT_BEGINS, at)->code = status;
		if (head & HTTP_IS_REQUEST) {
			bool known = p[start - 1] == ' ';

			start = heads_target(f, p, n, at, start, known && memcmp(p + at, "CONNECT", 7));
			if (!start)
				return;
		}
		length = 0;
		line = heads_line(p, n, start);
		if (!line)
			return;
		for (;; line = next) {
			next = heads_line(p, n, line);
			if (!next)
				return;
			if (heads_line_is_empty(p, line, next))
				break;
			heads_field(p + line, next - 1 - line, &head, &length);
		}
		e = feed_event(f, EVENT_HEAD, next);
		e->code = status;
		e->head = head;
		if (http_asks_for_websocket(head) || status == 101)
			return;
		at = heads_body(p, n, next, e, length, &size);
		if (!at)
			return;
		if (size)
			feed_event(f, EVENT_BODY, at)->message_bytes = size;
	}
}

#endif
