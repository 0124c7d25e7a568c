/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * window ──> classify ──> [protocol parser] ──> record: the WebSocket opening handshake in HTTP/1.1, RFC 6455
 * section 4, RFC 9112 sections 2 to 6.
 *
 * Pure. It walks over message heads, a word at a time, noting the few fields that make an upgrade, and over bodies of
 * known length. A body of unknown length is passed over to the end of the call: the next call that begins like a head
 * begins one.
 */
#ifndef TAPSTAT_PROTO_HTTP_UPGRADE_H
#define TAPSTAT_PROTO_HTTP_UPGRADE_H

#include "../conn.h"
#include "verdict.h"

enum http_state {
	HTTP_START,        /* at the start line */
	HTTP_FIELD,        /* at the start of a line of the head */
	HTTP_FIELD_WS,     /* behind "sec-websocket-" */
	HTTP_SKIP_LINE,    /* in a line of no interest */
	HTTP_UPGRADE,      /* in the value of Upgrade, at a token */
	HTTP_CONNECTION,   /* in the value of Connection, at a token */
	HTTP_EXTENSIONS,   /* in the value of Sec-WebSocket-Extensions, at an extension */
	HTTP_UPGRADE_NEXT, /* ... on the way to the next token */
	HTTP_CONNECTION_NEXT,
	HTTP_EXTENSIONS_NEXT,
	HTTP_LENGTH,     /* in the value of Content-Length */
	HTTP_BODY,       /* in a body of known length */
	HTTP_PROXY_LINE, /* in the line of the PROXY protocol, version 1, before the first request */
	HTTP_OPAQUE,     /* something else, to the end of the call */
};

enum http_head_bits {
	HTTP_IS_REQUEST = 1 << 0,
	HTTP_IS_GET = 1 << 1,
	HTTP_UPGRADE_WEBSOCKET = 1 << 2,
	HTTP_CONNECTION_UPGRADE = 1 << 3,
	HTTP_WEBSOCKET_KEY = 1 << 4,
	HTTP_RSV1_EXTENSION = 1 << 5,
	HTTP_UNKNOWN_LENGTH = 1 << 6,
};

enum http_event {
	HTTP_NOTHING,
	HTTP_HEAD_BEGINS,   /* the start line was recognised */
	HTTP_HEAD_COMPLETE, /* the blank line was consumed; s->http.head and .status describe the head */
};

#define HTTP_WORD(a, b, c, d, e, f, g, h)                                                                           \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40 | \
	 (__u64)(g) << 48 | (__u64)(h) << 56)
#define HTTP_LOWER 0x2020202020202020ULL
#define HTTP_HALF(a, b, c, d) ((__u32)(a) | (__u32)(b) << 8 | (__u32)(c) << 16 | (__u32)(d) << 24)

/* Whether the bytes begin a request (RFC 9110 section 9; a method and its space, seen in its first four bytes). */
static __always_inline bool http_is_request(__u32 word)
{
	return word == HTTP_HALF('G', 'E', 'T', ' ') || word == HTTP_HALF('P', 'O', 'S', 'T') ||
	       word == HTTP_HALF('P', 'U', 'T', ' ') || word == HTTP_HALF('H', 'E', 'A', 'D') ||
	       word == HTTP_HALF('D', 'E', 'L', 'E') || word == HTTP_HALF('O', 'P', 'T', 'I') ||
	       word == HTTP_HALF('P', 'A', 'T', 'C') || word == HTTP_HALF('C', 'O', 'N', 'N') ||
	       word == HTTP_HALF('T', 'R', 'A', 'C');
}

/* The PROXY protocol, version 2: signature of 12 bytes, 2 more, length of the rest (HAProxy, proxy-protocol.txt). */
#define HTTP_PROXY_SIGNATURE HTTP_WORD('\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q')

/* Whether the bytes begin a status line: "HTTP/1." */
static __always_inline bool http_is_response(__u64 word)
{
	return word << 8 == HTTP_WORD(0, 'H', 'T', 'T', 'P', '/', '1', '.');
}

/* Marks each byte of `word` that equals `byte` in its top bit; exact up to and including the first one. */
static __always_inline __u64 http_match(__u64 word, __u8 byte)
{
	__u64 x = word ^ (byte * 0x0101010101010101ULL);

	return (x - 0x0101010101010101ULL) & ~x & 0x8080808080808080ULL;
}

/* Bytes of the LOOKAHEAD at `p` before the first newline or, if `list`, comma; at most `avail`. */
static __always_inline __u32 http_span(const __u8 *p, __u32 avail, bool list)
{
	__u64 low = load64(p), high = load64(p + 8), in_low = http_match(low, '\n'), in_high = http_match(high, '\n');
	__u32 n = LOOKAHEAD;

	if (list) {
		in_low |= http_match(low, ',');
		in_high |= http_match(high, ',');
	}
	if (in_low)
		n = lowest_bit(in_low) >> 3;
	else if (in_high)
		n = 8 + (lowest_bit(in_high) >> 3);
	return n < avail ? n : avail;
}

static __always_inline bool http_has_newline(const __u8 *p, __u32 avail)
{
	return http_span(p, avail, false) < avail;
}

static __always_inline enum verdict http_start_line(struct stream *s, const __u8 *p, __u32 avail, __u64 left,
						    __u64 *consumed, enum http_event *event)
{
	__u64 word = load64(p);
	bool short_of_bytes = avail == left; /* the call has no more than can be seen */

	if (avail < 4 && short_of_bytes)
		return INCOMPLETE;
	s->http.head = 0;
	s->http.status = 0;
	s->http.body_left = 0;
	if (http_is_request((__u32)word)) {
		s->http.head = HTTP_IS_REQUEST | ((__u32)word == HTTP_HALF('G', 'E', 'T', ' ') ? HTTP_IS_GET : 0);
		s->http.state = HTTP_SKIP_LINE;
		*consumed = 4;
		*event = HTTP_HEAD_BEGINS;
		return CONSUMED;
	}
	if ((__u32)word == HTTP_HALF('H', 'T', 'T', 'P') && avail < 12 && short_of_bytes)
		return INCOMPLETE;
	if (http_is_response(word) && avail >= 12) {
		__u32 a = p[9] - '0', b = p[10] - '0', c = p[11] - '0';

		s->http.status = a < 10 && b < 10 && c < 10 ? a * 100 + b * 10 + c : 0;
		s->http.state = HTTP_SKIP_LINE;
		*consumed = 12;
		*event = HTTP_HEAD_BEGINS;
		return CONSUMED;
	}
	if ((__u32)word == (__u32)HTTP_PROXY_SIGNATURE && avail < 16 && short_of_bytes)
		return INCOMPLETE;
	s->http.state = HTTP_OPAQUE;
	if ((__u32)word == HTTP_HALF('P', 'R', 'O', 'X')) {
		s->http.state = HTTP_PROXY_LINE;
	} else if (word == HTTP_PROXY_SIGNATURE) {
		s->http.body_left = 16 + (p[14] << 8 | p[15]);
		s->http.state = HTTP_BODY;
	} else if ((__u16)word == ('\r' | '\n' << 8)) { /* an empty line before a request (RFC 9112 section 2.2) */
		s->http.state = HTTP_START;
		*consumed = 2;
	}
	return CONSUMED;
}

/* At the start of a line: which field it is. Names are compared in lower case; bit 5 of '-' and ':' is set. */
static __always_inline enum verdict http_field(struct stream *s, const __u8 *p, __u32 avail, __u64 left,
					       __u64 *consumed, enum http_event *event)
{
	__u64 low = load64(p) | HTTP_LOWER, high = load64(p + 8) | HTTP_LOWER;
	__u32 end = p[0] == '\r' && avail > 1 && p[1] == '\n' ? 2 : p[0] == '\n' ? 1 : 0;

	if (avail < LOOKAHEAD && avail == left && !http_has_newline(p, avail))
		return INCOMPLETE;
	if (end) {
		*consumed = end;
		*event = HTTP_HEAD_COMPLETE;
		s->http.state = HTTP_START;
		return CONSUMED;
	}
	if (low == HTTP_WORD('u', 'p', 'g', 'r', 'a', 'd', 'e', ':')) {
		s->http.state = HTTP_UPGRADE;
		*consumed = 8;
	} else if (low == HTTP_WORD('c', 'o', 'n', 'n', 'e', 'c', 't', 'i') &&
		   (high & 0xffffff) == (HTTP_WORD('o', 'n', ':', 0, 0, 0, 0, 0) & 0xffffff)) {
		s->http.state = HTTP_CONNECTION;
		*consumed = 11;
	} else if (low == HTTP_WORD('s', 'e', 'c', '-', 'w', 'e', 'b', 's') &&
		   (high & 0xffffffffffffULL) == HTTP_WORD('o', 'c', 'k', 'e', 't', '-', 0, 0)) {
		s->http.state = HTTP_FIELD_WS;
		*consumed = 14;
	} else if (low == HTTP_WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-') &&
		   (high & 0xffffffffffffffULL) == HTTP_WORD('l', 'e', 'n', 'g', 't', 'h', ':', 0)) {
		s->http.state = HTTP_LENGTH;
		s->http.body_left = 0; /* told twice, it counts once (RFC 9110 section 8.6) */
		*consumed = 15;
	} else {
		if (low == HTTP_WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r') &&
		    high == HTTP_WORD('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n'))
			s->http.head |= HTTP_UNKNOWN_LENGTH;
		s->http.state = HTTP_SKIP_LINE;
	}
	return CONSUMED;
}

static __always_inline enum verdict http_field_ws(struct stream *s, const __u8 *p, __u32 avail, __u64 left,
						  __u64 *consumed)
{
	__u64 word = load64(p) | HTTP_LOWER, high = load64(p + 8) | HTTP_LOWER;

	if (avail < 11 && avail == left && !http_has_newline(p, avail))
		return INCOMPLETE;
	s->http.state = HTTP_SKIP_LINE;
	if ((__u32)word == HTTP_HALF('k', 'e', 'y', ':')) {
		s->http.head |= HTTP_WEBSOCKET_KEY;
	} else if (word == HTTP_WORD('e', 'x', 't', 'e', 'n', 's', 'i', 'o') &&
		   (high & 0xffffff) == (HTTP_WORD('n', 's', ':', 0, 0, 0, 0, 0) & 0xffffff)) {
		s->http.state = HTTP_EXTENSIONS;
		*consumed = 11;
	}
	return CONSUMED;
}

/* At a token of a list: notes the one that matters. */
static __always_inline enum verdict http_token(struct stream *s, const __u8 *p, __u32 avail, __u64 left,
					       __u64 *consumed)
{
	__u64 word = load64(p) | HTTP_LOWER;

	if (p[0] == ' ' || p[0] == '\t' || p[0] == ',') {
		*consumed = 1;
		return CONSUMED;
	}
	if (avail < 9 && avail == left && !http_has_newline(p, avail))
		return INCOMPLETE;
	if (s->http.state == HTTP_UPGRADE) {
		if (word == HTTP_WORD('w', 'e', 'b', 's', 'o', 'c', 'k', 'e') && (p[8] | 0x20) == 't')
			s->http.head |= HTTP_UPGRADE_WEBSOCKET;
		s->http.state = HTTP_UPGRADE_NEXT;
	} else if (s->http.state == HTTP_CONNECTION) {
		if ((word & 0xffffffffffffffULL) == HTTP_WORD('u', 'p', 'g', 'r', 'a', 'd', 'e', 0))
			s->http.head |= HTTP_CONNECTION_UPGRADE;
		s->http.state = HTTP_CONNECTION_NEXT;
	} else { /* permessage-deflate (RFC 7692) and its forerunners and kin */
		if (word == HTTP_WORD('p', 'e', 'r', 'm', 'e', 's', 's', 'a') ||
		    word == HTTP_WORD('x', '-', 'w', 'e', 'b', 'k', 'i', 't'))
			s->http.head |= HTTP_RSV1_EXTENSION;
		s->http.state = HTTP_EXTENSIONS_NEXT;
	}
	return CONSUMED;
}

/* On to the next token of the list or to the next line. */
static __always_inline void http_next_token(struct stream *s, const __u8 *p, __u32 avail, __u64 *consumed)
{
	__u32 n = http_span(p, avail, true);

	*consumed = n;
	if (n >= avail)
		return;
	*consumed = n + 1;
	/* The newline is the nearer of the two, or the comma is. */
	s->http.state =
		http_span(p, avail, false) == n ? HTTP_FIELD : s->http.state - HTTP_UPGRADE_NEXT + HTTP_UPGRADE;
}

/*
 * One step of a direction in STREAM_HTTP. At HTTP_HEAD_COMPLETE the caller decides what follows with
 * http_after_head() or by changing the mode.
 */
static __always_inline enum verdict http_step(struct stream *s, const __u8 *p, __u32 avail, __u64 left,
					      __u64 *consumed, enum http_event *event)
{
	__u32 state = s->http.state, n;

	*consumed = 0;
	*event = HTTP_NOTHING;
	switch (state) {
	case HTTP_START:
		return http_start_line(s, p, avail, left, consumed, event);
	case HTTP_FIELD:
		return http_field(s, p, avail, left, consumed, event);
	case HTTP_FIELD_WS:
		return http_field_ws(s, p, avail, left, consumed);
	case HTTP_UPGRADE:
	case HTTP_CONNECTION:
	case HTTP_EXTENSIONS:
		return http_token(s, p, avail, left, consumed);
	case HTTP_UPGRADE_NEXT:
	case HTTP_CONNECTION_NEXT:
	case HTTP_EXTENSIONS_NEXT:
		http_next_token(s, p, avail, consumed);
		return CONSUMED;
	case HTTP_SKIP_LINE:
	case HTTP_PROXY_LINE:
		n = http_span(p, avail, false);
		*consumed = n;
		if (n < avail) {
			*consumed = n + 1;
			s->http.state = state == HTTP_SKIP_LINE ? HTTP_FIELD : HTTP_START;
		}
		return CONSUMED;
	case HTTP_LENGTH:
		n = p[0] - '0';
		if (n < 10)
			s->http.body_left = s->http.body_left * 10 + n;
		if (n < 10 || p[0] == ' ' || p[0] == '\t')
			*consumed = 1;
		else
			s->http.state = HTTP_SKIP_LINE;
		return CONSUMED;
	case HTTP_BODY:
		*consumed = min_u64(s->http.body_left, left);
		s->http.body_left -= *consumed;
		if (!s->http.body_left)
			s->http.state = HTTP_START;
		return CONSUMED;
	default:
		*consumed = left;
		s->http.state = HTTP_START;
		return CONSUMED;
	}
}

/* Whether the complete request head asks for a WebSocket (RFC 6455 section 4.2.1), be it a faulty one. */
static __always_inline bool http_asks_for_websocket(__u32 head)
{
	return (head & HTTP_IS_GET) && (head & HTTP_UPGRADE_WEBSOCKET) &&
	       (head & (HTTP_CONNECTION_UPGRADE | HTTP_WEBSOCKET_KEY));
}

/*
 * What follows a complete head that changes nothing, with `left` bytes still in the call. Bodies of responses, and
 * those of unknown length, are passed over to its end.
 */
static __always_inline void http_after_head(struct stream *s, __u64 left)
{
	bool opaque_body =
		s->http.head & HTTP_IS_REQUEST ? s->http.head & HTTP_UNKNOWN_LENGTH : s->http.status >= 200;

	if (opaque_body)
		s->http.state = left ? HTTP_OPAQUE : HTTP_START;
	else if (!(s->http.head & HTTP_IS_REQUEST))
		s->http.state = HTTP_START;
	else
		s->http.state = s->http.body_left ? HTTP_BODY : HTTP_START;
}

#endif
