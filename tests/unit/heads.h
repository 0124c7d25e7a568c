/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A second reader of HTTP heads that shares nothing with the one under test: it has the whole stream and goes line by
 * line. It ends where a body of unknown length or something else than a head begins.
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
	if (heads_begin(p, n, "transfer-encodin"))
		*head |= HTTP_UNKNOWN_LENGTH;
	if (heads_begin(p, n, "content-length:")) {
		*length = 0;
		for (p += 15, n -= 15; n && ((*p >= '0' && *p <= '9') || *p == ' ' || *p == '\t'); p++, n--)
			if (*p >= '0' && *p <= '9')
				*length = *length * 10 + (*p - '0');
	}
}

/* Bytes of the start line's beginning that tell what it is; 0: it is none. */
static inline __u64 heads_start(const __u8 *p, __u64 n, __u32 *head, __u16 *status)
{
	static const char methods[][5] = {"GET ", "POST", "PUT ", "HEAD", "DELE", "OPTI", "PATC", "CONN", "TRAC"};
	__u32 i;

	*head = *status = 0;
	for (i = 0; i < 9; i++)
		if (n >= 4 && !memcmp(p, methods[i], 4)) {
			*head = HTTP_IS_REQUEST | (i ? 0 : HTTP_IS_GET);
			return 4;
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

static inline void heads_read(struct feed *f, const __u8 *p, __u64 n)
{
	__u64 at = 0, start, line, end, length;
	struct event *e;
	__u32 head;
	__u16 status;

	for (;;) {
		while ((start = heads_before(p + at, n - at)))
			at += start;
		start = heads_start(p + at, n - at, &head, &status);
		if (!start)
			return;
		at += start;
		e = feed_event(f, EVENT_BEGINS, at);
		e->code = status;
		length = 0;
		for (line = at;; line = end + 1) {
			for (end = line; end < n && p[end] != '\n'; end++)
				;
			if (end == n)
				return;
			if (line != at && (end == line || (end == line + 1 && p[line] == '\r')))
				break;
			if (line != at)
				heads_field(p + line, end - line, &head, &length);
		}
		at = end + 1;
		e = feed_event(f, EVENT_HEAD, at);
		e->code = status;
		e->head = head;
		if (http_asks_for_websocket(head) || status == 101)
			return;
		if (!(head & HTTP_IS_REQUEST) ? status >= 200 : head & HTTP_UNKNOWN_LENGTH)
			return;
		if (!(head & HTTP_IS_REQUEST))
			length = 0;
		if (length > n - at)
			return;
		at += length;
	}
}

#endif
