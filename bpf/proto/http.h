/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * window ──> classify ──> [protocol parser] ──> record: HTTP/1.0 and 1.1 (RFC 9112) with the WebSocket opening
 * handshake (RFC 6455 section 4).
 *
 * Pure. It walks over message heads, noting the few fields that frame a body or make an upgrade, and over bodies.
 * What is no HTTP is passed over to the end of the call: the next call that begins like a head begins one.
 */
#ifndef TAPSTAT_PROTO_HTTP_H
#define TAPSTAT_PROTO_HTTP_H

#include "exchange.h"

enum http_state {
	HTTP_START,        /* at the start line */
	HTTP_FIELD,        /* at the start of a line of the head */
	HTTP_FIELD_WS,     /* behind "sec-websocket-" */
	HTTP_SKIP_LINE,    /* in a line of no interest */
	HTTP_UPGRADE,      /* in the value of Upgrade, at a token */
	HTTP_CONNECTION,   /* in the value of Connection, at a token */
	HTTP_EXTENSIONS,   /* in the value of Sec-WebSocket-Extensions, at an extension */
	HTTP_CODING,       /* in the value of Transfer-Encoding, at a coding */
	HTTP_UPGRADE_NEXT, /* ... on the way to the next token */
	HTTP_CONNECTION_NEXT,
	HTTP_EXTENSIONS_NEXT,
	HTTP_CODING_NEXT,
	HTTP_CODING_NAME, /* behind "transfer-encodin" */
	HTTP_LENGTH,      /* in the value of Content-Length */
	HTTP_TARGET,      /* at the request target */
	HTTP_AUTHORITY,   /* in its scheme and authority, on the way to the path */
	HTTP_PATH,        /* in its path */
	HTTP_QUERY,       /* behind its path */
	HTTP_VERSION,     /* at the space before the version */
	HTTP_HEAD_END,    /* behind the head: http_after_head() */
	HTTP_BODY,        /* in a body of known length */
	HTTP_CHUNK,       /* at the size of a chunk */
	HTTP_CHUNK_LINE,  /* behind it, in its line */
	HTTP_CHUNK_DATA,  /* in a chunk, with the CR LF behind it */
	HTTP_TRAILER,     /* at a line behind the last chunk */
	HTTP_TRAILER_LINE,
	HTTP_TO_CLOSE,   /* in a body that ends with the connection */
	HTTP_PROXY_LINE, /* in the line of the PROXY protocol, version 1, before the first request */
	HTTP_PROXY_HEAD, /* in its version 2 */
	HTTP_OPAQUE,     /* something else, to the end of the call */
};

enum http_head_bits {
	HTTP_IS_REQUEST = 1 << 0,
	HTTP_IS_GET = 1 << 1,
	HTTP_UPGRADE_WEBSOCKET = 1 << 2,
	HTTP_CONNECTION_UPGRADE = 1 << 3,
	HTTP_WEBSOCKET_KEY = 1 << 4,
	HTTP_RSV1_EXTENSION = 1 << 5,
	HTTP_HAS_CODING = 1 << 6, /* a transfer coding, of whichever kind */
	HTTP_CHUNKED = 1 << 7,
	HTTP_HAS_LENGTH = 1 << 8,
};

enum http_event {
	HTTP_NOTHING,
	HTTP_PATH_PART,        /* struct http_part belongs to the path of the target */
	HTTP_PATH_END,         /* the same, and that was all of it */
	HTTP_HEAD_COMPLETE,    /* the blank line was consumed; s->http.head and s->http_status describe the head */
	HTTP_MESSAGE_COMPLETE, /* the body, or the head where there is none, has passed: http_passed() */
};

/* Flags of a request until its answer. */
enum http_asked {
	HTTP_ASKED_WEBSOCKET = ASKED_SYNC,
	HTTP_ASKED_HEAD = ASKED_A,
	HTTP_ASKED_CONNECT = ASKED_B,
};

/* Heads are passed over in blocks. */
enum {
	HTTP_BLOCK = 64,
	HTTP_LINES = 4,      /* of a block, at most, in one step */
	HTTP_LINE_SEEN = 24, /* bytes of a line that tell whether it matters */
};

#define HTTP_FOREVER (1ULL << 62) /* left, of a body that ends with the connection */

#define HTTP_WORD(a, b, c, d, e, f, g, h)                                                                           \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40 | \
	 (__u64)(g) << 48 | (__u64)(h) << 56)
#define HTTP_LOWER 0x2020202020202020ULL
#define HTTP_LINE_END ('\r' | '\n' << 8)
#define HTTP_VERSION_1 HTTP_WORD(' ', 'H', 'T', 'T', 'P', '/', '1', '.')
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

/* Bytes of the LOOKAHEAD at `p` before the first newline or, if `list`, comma; at most `avail`. */
static __always_inline __u32 http_span(const __u8 *p, __u32 avail, bool list)
{
	__u64 low = load64(p), high = load64(p + 8), in_low = match_byte(low, '\n'), in_high = match_byte(high, '\n');
	__u32 n = LOOKAHEAD;

	if (list) {
		in_low |= match_byte(low, ',');
		in_high |= match_byte(high, ',');
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

/* The newlines of the 64 bytes at `p`, a bit each. */
static __always_inline __u64 http_newlines(const __u8 *p)
{
	const __u64 rest = 0x7f7f7f7f7f7f7f7fULL;
	__u64 newlines = 0, word;

#pragma clang loop unroll(full)
	for (int i = 0; i < 8; i++) {
		word = load64(p + 8 * i) ^ '\n' * 0x0101010101010101ULL;
		word = ~(((word & rest) + rest) | word | rest) >> 7; /* 1 for each byte that is one */
		newlines |= (word * 0x0102040810204080ULL) >> 56 << 8 * i;
	}
	return newlines;
}

/* Bytes before the first newline of the next 64; `avail`: there is none. */
static __always_inline __u32 http_line(const __u8 *p, __u32 avail)
{
	__u64 newlines = http_newlines(p);
	__u32 n = newlines ? lowest_bit(newlines) : HTTP_BLOCK;

	opaque(n);
	return n < avail ? n : avail;
}

/*
 * Whether the line that begins at `p`, of which HTTP_LINE_SEEN bytes can be read, may say how a body ends or where an
 * upgrade leads, or ends the head. "Connection: keep-alive" and "close" don't: what frames a body are its length and
 * its coding.
 */
static __always_inline bool http_line_matters(const __u8 *p)
{
	__u64 name = load64(p) | HTTP_LOWER, behind;

	if (p[0] <= ' ')
		return true;
	if (name == HTTP_WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-'))
		return (p[8] | 0x20) == 'l';
	if (name == HTTP_WORD('c', 'o', 'n', 'n', 'e', 'c', 't', 'i')) {
		behind = load64(p + 8) | HTTP_LOWER;
		if (behind == HTTP_WORD('o', 'n', ':', ' ', 'k', 'e', 'e', 'p'))
			return (load64(p + 16) | (HTTP_LOWER & HTTP_WORD(0, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0))) !=
			       HTTP_WORD('-', 'a', 'l', 'i', 'v', 'e', '\r', '\n');
		return behind != HTTP_WORD('o', 'n', ':', ' ', 'c', 'l', 'o', 's') ||
		       (load32(p + 16) | 0x20) != HTTP_HALF('e', '\r', '\n', p[19]);
	}
	return name == HTTP_WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r') ||
	       name == HTTP_WORD('u', 'p', 'g', 'r', 'a', 'd', 'e', ':') ||
	       name == HTTP_WORD('s', 'e', 'c', '-', 'w', 'e', 'b', 's');
}

/*
 * From the middle of a line, *consumed bytes behind `p`, over it and all lines that don't matter. True: *consumed is
 * the start of a line; false: the end of what can be seen.
 */
static __always_inline bool http_skip_lines(const __u8 *p, __u32 avail, __u64 *consumed)
{
	__u64 newlines, line, from = *consumed;

	*consumed = avail;
#pragma clang loop unroll(disable)
	for (__u64 at = 0; at < LOOK_BYTES; at += HTTP_BLOCK) {
		if (at >= avail)
			break;
		if (at + HTTP_BLOCK <= from)
			continue;
		newlines = http_newlines(p + at);
		if (at <= from)
			newlines &= ~0ULL << (from - at);
#pragma clang loop unroll(disable)
		for (int i = 0; i < HTTP_LINES && newlines; i++) {
			line = at + lowest_bit(newlines) + 1;
			newlines &= newlines - 1;
			if (line > avail)
				return false;
			opaque(line);
			if ((newlines && i == HTTP_LINES - 1) || line + HTTP_LINE_SEEN > avail ||
			    line > LOOK_BYTES - HTTP_LINE_SEEN || http_line_matters(p + line)) {
				*consumed = line;
				return true;
			}
		}
	}
	return false;
}

/* On to behind the newline, then `next`; or over all that can be seen. */
static __always_inline void http_skip_line(struct stream *s, const __u8 *p, __u32 avail, __u64 *consumed,
					   enum http_state next)
{
	__u32 n;

	avail = avail < HTTP_BLOCK ? avail : HTTP_BLOCK;
	n = http_line(p, avail);
	*consumed = n;
	if (n < avail) {
		*consumed = n + 1;
		s->http.state = next;
	}
}

/* What is no HTTP passes to the end of what the caller has. */
static __always_inline void http_opaque(struct stream *s, __u64 left, __u64 *consumed)
{
	s->http.left = left - *consumed;
	s->http.state = HTTP_OPAQUE;
}

/* The method whose name, with the space behind it, is at `p`; *bytes: how long that is, 0: none of these. */
static __always_inline enum label_method http_method(const __u8 *p, __u32 *bytes)
{
	__u64 word = load64(p);

#define HTTP_METHOD(method, n, ...)                                                              \
	if ((word & (n >= 8 ? ~0ULL : (1ULL << (8 * (n & 7))) - 1)) == HTTP_WORD(__VA_ARGS__)) { \
		*bytes = n;                                                                      \
		return METHOD_##method;                                                          \
	}
	HTTP_METHOD(GET, 4, 'G', 'E', 'T', ' ', 0, 0, 0, 0)
	HTTP_METHOD(POST, 5, 'P', 'O', 'S', 'T', ' ', 0, 0, 0)
	HTTP_METHOD(HEAD, 5, 'H', 'E', 'A', 'D', ' ', 0, 0, 0)
	HTTP_METHOD(PUT, 4, 'P', 'U', 'T', ' ', 0, 0, 0, 0)
	HTTP_METHOD(DELETE, 7, 'D', 'E', 'L', 'E', 'T', 'E', ' ', 0)
	HTTP_METHOD(PATCH, 6, 'P', 'A', 'T', 'C', 'H', ' ', 0, 0)
	HTTP_METHOD(OPTIONS, 8, 'O', 'P', 'T', 'I', 'O', 'N', 'S', ' ')
	HTTP_METHOD(CONNECT, 8, 'C', 'O', 'N', 'N', 'E', 'C', 'T', ' ')
	HTTP_METHOD(TRACE, 6, 'T', 'R', 'A', 'C', 'E', ' ', 0, 0)
#undef HTTP_METHOD
	*bytes = 0;
	return METHOD_OTHER;
}

/* Where the part of a path ends that is at `p`: a byte behind the path, or what is no part of any; at most 16. */
static __always_inline __u32 http_path_span(const __u8 *p)
{
	__u64 low = load64(p), high = load64(p + 8), in_low, in_high;
	const __u64 tops = 0x8080808080808080ULL;

	/* Space and below, '?', '#'. */
	in_low = ((low - 0x2121212121212121ULL) & ~low & tops) | match_byte(low, '?') | match_byte(low, '#');
	in_high = ((high - 0x2121212121212121ULL) & ~high & tops) | match_byte(high, '?') | match_byte(high, '#');
	if (in_low)
		return lowest_bit(in_low) >> 3;
	return in_high ? 8 + (lowest_bit(in_high) >> 3) : 16;
}

/* In the path, `at` bytes (at most 8) behind `p`; on to the version if that can be seen. */
static __always_inline void http_path(struct stream *s, const __u8 *p, __u32 at, __u32 avail, __u64 *consumed,
				      __u32 *event, struct http_part *part)
{
	__u64 from = at, n;

	clamp_mask(from, 15);
	p += from;
	avail -= at;
	n = http_path_span(p);
	part->at = at;
	part->bytes = n < avail ? n : avail;
	*consumed = at + part->bytes;
	*event = HTTP_PATH_PART;
	if (n >= 16 || n >= avail)
		return;
	clamp_mask(n, 15);
	s->http.state = p[n] == ' ' ? HTTP_VERSION : HTTP_QUERY;
	if (n + 8 <= avail && load64(p + n) == HTTP_VERSION_1) {
		s->http.state = HTTP_SKIP_LINE;
		*event = HTTP_PATH_END;
	}
}

static __always_inline enum verdict http_start_line(struct stream *s, const __u8 *p, __u32 avail, __u64 left,
						    __u64 *consumed, __u32 *event, struct http_part *part)
{
	__u64 word = load64(p);
	bool short_of_bytes = avail == left; /* the call has no more than can be seen */

	if (avail < 4 && short_of_bytes)
		return INCOMPLETE;
	if (http_is_request((__u32)word)) {
		__u32 method, bytes;

		if (avail < 8 && short_of_bytes)
			return INCOMPLETE;
		method = http_method(p, &bytes);
		s->http.head = HTTP_IS_REQUEST | (method == METHOD_GET ? HTTP_IS_GET : 0);
		s->http.size = 0;
		s->http_method = method;
		s->http.state = bytes ? HTTP_TARGET : HTTP_QUERY;
		*consumed = bytes ?: 4;
		if (bytes && bytes < avail && p[bytes & 15] == '/' && method != METHOD_CONNECT) { /* origin form */
			s->http.state = HTTP_PATH;
			s->http.digits = 0;
			http_path(s, p, bytes, avail, consumed, event, part);
		}
		return CONSUMED;
	}
	if ((__u32)word == HTTP_HALF('H', 'T', 'T', 'P') && avail < 12 && short_of_bytes)
		return INCOMPLETE;
	if (http_is_response(word) && avail >= 12) {
		__u32 a = p[9] - '0', b = p[10] - '0', c = p[11] - '0';

		s->http.head = 0;
		s->http.size = 0;
		s->http_status = a < 10 && b < 10 && c < 10 ? a * 100 + b * 10 + c : 0;
		s->http.state = HTTP_SKIP_LINE;
		*consumed = 12;
		return CONSUMED;
	}
	if ((__u32)word == (__u32)HTTP_PROXY_SIGNATURE && avail < 16 && short_of_bytes)
		return INCOMPLETE;
	if ((__u32)word == HTTP_HALF('P', 'R', 'O', 'X')) {
		s->http.state = HTTP_PROXY_LINE;
	} else if (word == HTTP_PROXY_SIGNATURE) {
		s->http.left = 16 + (p[14] << 8 | p[15]);
		s->http.state = HTTP_PROXY_HEAD;
	} else if ((__u16)word == HTTP_LINE_END) { /* an empty line before a request (RFC 9112 section 2.2) */
		*consumed = 2;
	} else {
		http_opaque(s, left, consumed);
	}
	return CONSUMED;
}

/* " 1024" and a line end behind "Content-Length:", all to be seen: a step instead of one for each digit. */
static __always_inline void http_length(struct stream *s, const __u8 *p, __u32 avail, __u64 *consumed)
{
	__u64 word = load64(p + 16), end = match_byte(word, '\r');
	__u32 digits = lowest_bit(end) >> 3;

	if (avail < 24 || p[15] != ' ' || !end || !digits || low_bytes(no_digits(word), digits))
		return;
	s->http.size = decimal(word, digits);
	s->http.state = HTTP_SKIP_LINE;
	*consumed = 16 + digits;
}

/* At the start of a line: which field it is. Names are compared in lower case; bit 5 of '-' and ':' is set. */
static __always_inline enum verdict http_field(struct stream *s, const __u8 *p, __u32 avail, __u64 left,
					       __u64 *consumed, __u32 *event)
{
	__u64 low = load64(p) | HTTP_LOWER, high = load64(p + 8) | HTTP_LOWER;
	__u32 end = p[0] == '\r' && avail > 1 && p[1] == '\n' ? 2 : p[0] == '\n' ? 1 : 0;

	if (avail < LOOKAHEAD && avail == left && !http_has_newline(p, avail))
		return INCOMPLETE;
	if (end) {
		*consumed = end;
		*event = HTTP_HEAD_COMPLETE;
		s->http.state = HTTP_HEAD_END;
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
		s->http.size = 0; /* told twice, it counts once (RFC 9110 section 8.6) */
		s->http.head |= HTTP_HAS_LENGTH;
		*consumed = 15;
		http_length(s, p, avail, consumed);
	} else if (low == HTTP_WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r') &&
		   high == HTTP_WORD('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n')) {
		s->http.state = HTTP_CODING_NAME;
		*consumed = 16;
	} else {
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
	if (p[0] == '\r' || p[0] == '\n') { /* none: the list is at its end */
		s->http.state += HTTP_UPGRADE_NEXT - HTTP_UPGRADE;
		return CONSUMED;
	}
	if (s->http.state == HTTP_UPGRADE) {
		if (word == HTTP_WORD('w', 'e', 'b', 's', 'o', 'c', 'k', 'e') && (p[8] | 0x20) == 't')
			s->http.head |= HTTP_UPGRADE_WEBSOCKET;
		s->http.state = HTTP_UPGRADE_NEXT;
	} else if (s->http.state == HTTP_CONNECTION) {
		if ((word & 0xffffffffffffffULL) == HTTP_WORD('u', 'p', 'g', 'r', 'a', 'd', 'e', 0))
			s->http.head |= HTTP_CONNECTION_UPGRADE;
		s->http.state = HTTP_CONNECTION_NEXT;
	} else if (s->http.state == HTTP_CODING) { /* it must be the last, or there is none */
		s->http.head &= ~HTTP_CHUNKED;
		if ((word & 0xffffffffffffffULL) == HTTP_WORD('c', 'h', 'u', 'n', 'k', 'e', 'd', 0))
			s->http.head |= HTTP_CHUNKED;
		s->http.head |= HTTP_HAS_CODING;
		s->http.state = HTTP_CODING_NEXT;
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
	__u32 n;

	avail = avail < LOOKAHEAD ? avail : LOOKAHEAD; /* as far as http_span() sees */
	n = http_span(p, avail, true);
	*consumed = n;
	if (n >= avail)
		return;
	*consumed = n + 1;
	/* The newline is the nearer of the two, or the comma is. */
	s->http.state =
		http_span(p, avail, false) == n ? HTTP_FIELD : s->http.state - HTTP_UPGRADE_NEXT + HTTP_UPGRADE;
}

/* At the target (RFC 9112 section 3.2): origin form, "*", or absolute form. */
static __always_inline enum verdict http_target(struct stream *s, const __u8 *p, __u32 avail, __u64 left)
{
	__u64 word = load64(p) | HTTP_LOWER;

	if (avail < 8 && avail == left && p[0] != '/' && !http_has_newline(p, avail))
		return INCOMPLETE;
	s->http.state = HTTP_PATH;
	if (s->http_method == METHOD_CONNECT) {
		s->http.state = HTTP_QUERY;
	} else if ((word & 0xffffffffffffffULL) == HTTP_WORD('h', 't', 't', 'p', ':', '/' | 0x20, '/' | 0x20, 0) ||
		   word == HTTP_WORD('h', 't', 't', 'p', 's', ':', '/' | 0x20, '/' | 0x20)) {
		s->http.state = HTTP_AUTHORITY;
	}
	s->http.digits = 0;
	return CONSUMED;
}

/* Over what is behind the path, to the space before the version. */
static __always_inline void http_query(struct stream *s, const __u8 *p, __u32 avail, __u64 *consumed)
{
	__u64 word = load64(p), in = ((word - 0x2121212121212121ULL) & ~word & 0x8080808080808080ULL);
	__u32 n = in ? lowest_bit(in) >> 3 : 8;

	*consumed = n < avail ? n : avail;
	if (n < 8 && n < avail)
		s->http.state = HTTP_VERSION;
}

/* " HTTP/1." and a line end: without it, it was no request of HTTP/1 (of SIP, RTSP, HTTP/0.9 ...). */
static __always_inline enum verdict http_version(struct stream *s, const __u8 *p, __u32 avail, __u64 left,
						 __u32 *event)
{
	if (avail < 8 && avail == left)
		return INCOMPLETE;
	if (load64(p) != HTTP_VERSION_1)
		return MALFORMED;
	s->http.state = HTTP_SKIP_LINE;
	*event = HTTP_PATH_END;
	return CONSUMED;
}

/* In "http://host": its path begins at the third slash. A target without a path (RFC 3986 section 3.2) has "/". */
static __always_inline void http_authority(struct stream *s, const __u8 *p, __u64 *consumed)
{
	if (p[0] == '/' && s->http.digits == 2) {
		s->http.state = HTTP_PATH;
		return;
	}
	if (p[0] <= ' ' || p[0] == '?' || p[0] == '#') {
		s->http.state = HTTP_QUERY;
		return;
	}
	s->http.digits += p[0] == '/';
	*consumed = 1;
}

/* The hexadecimal number of the first `digits` bytes (at most 8) of a word. */
static __always_inline __u64 http_hex(__u64 word, __u32 digits)
{
	__u64 nibbles = (word & 0x0f0f0f0f0f0f0f0fULL) + 9 * (word >> 6 & 0x0101010101010101ULL);

	nibbles = digits ? nibbles << ((64 - 8 * digits) & 63) : 0;
	nibbles = __builtin_bswap64(nibbles);
	nibbles = (nibbles | nibbles >> 4) & 0x00ff00ff00ff00ffULL;
	nibbles = (nibbles | nibbles >> 8) & 0x0000ffff0000ffffULL;
	return (nibbles | nibbles >> 16) & 0xffffffff;
}

/* Marks the bytes of a word that are no hexadecimal digits in their top bit; exact up to and including the first. */
static __always_inline __u64 http_no_hex(__u64 word)
{
	const __u64 tops = 0x8080808080808080ULL;
	__u64 lower = word | HTTP_LOWER, low = word & ~tops, low_lower = lower & ~tops;
	__u64 digit = (low + 0x5050505050505050ULL) & ~(low + 0x4646464646464646ULL);
	__u64 letter = (low_lower + 0x1f1f1f1f1f1f1f1fULL) & ~(low_lower + 0x1919191919191919ULL);

	return (~(digit | letter) | word) & tops;
}

/* Behind the line with its size. The last one is empty. */
static __always_inline void http_chunk_begins(struct stream *s)
{
	__u64 size = s->http.begun;

	s->http.begun = 0;
	s->http.size += size;
	s->http.left = size ? size + 2 : 0;
	s->http.state = size ? HTTP_CHUNK_DATA : HTTP_TRAILER;
}

/* At the size of a chunk (RFC 9112 section 7.1). */
static __always_inline enum verdict http_chunk(struct stream *s, const __u8 *p, __u32 avail, __u64 left,
					       __u64 *consumed)
{
	__u64 word = load64(p), other = http_no_hex(word);
	__u32 digits = other ? lowest_bit(other) >> 3 : 8;

	if (digits >= avail && avail == left && avail < 9)
		return INCOMPLETE;
	if (p[0] == '0' && digits > 1) { /* leading zeros */
		*consumed = 1;
		return CONSUMED;
	}
	if (!digits || digits >= avail || (digits == 8 && !(http_no_hex(p[8]) & 0x80))) {
		http_opaque(s, left, consumed);
		return CONSUMED;
	}
	s->http.begun = http_hex(word, digits); /* not in use inside a body */
	*consumed = digits;
	s->http.state = HTTP_CHUNK_LINE;
	if (p[digits] == '\r' && digits + 1 < avail && p[digits + 1] == '\n') { /* no extension */
		*consumed = digits + 2;
		http_chunk_begins(s);
	}
	return CONSUMED;
}

/* What http_step() does, up to a line of no interest. */
static __always_inline enum verdict http_state_step(struct stream *s, const __u8 *p, __u32 avail, __u64 left,
						    __u64 *consumed, __u32 *event, struct http_part *part)
{
	__u32 state = s->http.state, n;

	*consumed = 0;
	*event = HTTP_NOTHING;
	part->at = part->bytes = 0;
	switch (state) {
	case HTTP_START:
		return http_start_line(s, p, avail, left, consumed, event, part);
	case HTTP_TARGET:
		return http_target(s, p, avail, left);
	case HTTP_AUTHORITY:
		http_authority(s, p, consumed);
		return CONSUMED;
	case HTTP_PATH:
		http_path(s, p, 0, avail, consumed, event, part);
		return CONSUMED;
	case HTTP_QUERY:
		http_query(s, p, avail, consumed);
		return CONSUMED;
	case HTTP_VERSION:
		return http_version(s, p, avail, left, event);
	case HTTP_FIELD:
		return http_field(s, p, avail, left, consumed, event);
	case HTTP_FIELD_WS:
		return http_field_ws(s, p, avail, left, consumed);
	case HTTP_UPGRADE:
	case HTTP_CONNECTION:
	case HTTP_EXTENSIONS:
	case HTTP_CODING:
		return http_token(s, p, avail, left, consumed);
	case HTTP_UPGRADE_NEXT:
	case HTTP_CONNECTION_NEXT:
	case HTTP_EXTENSIONS_NEXT:
	case HTTP_CODING_NEXT:
		http_next_token(s, p, avail, consumed);
		return CONSUMED;
	case HTTP_CODING_NAME:
		if (avail < 2 && avail == left)
			return INCOMPLETE;
		s->http.state = (p[0] | 0x20) == 'g' && p[1] == ':' ? HTTP_CODING : HTTP_SKIP_LINE;
		*consumed = s->http.state == HTTP_CODING ? 2 : 0;
		return CONSUMED;
	case HTTP_SKIP_LINE:
		return CONSUMED;
	case HTTP_PROXY_LINE:
		http_skip_line(s, p, avail, consumed, HTTP_START);
		return CONSUMED;
	case HTTP_LENGTH:
		if (p[0] == ' ' || p[0] == '\t') {
			*consumed = 1;
			return CONSUMED;
		}
		n = p[0] - '0';
		if (n < 10)
			s->http.size = s->http.size * 10 + n;
		*consumed = n < 10;
		if (n >= 10)
			s->http.state = HTTP_SKIP_LINE;
		return CONSUMED;
	case HTTP_CHUNK:
		return http_chunk(s, p, avail, left, consumed);
	case HTTP_CHUNK_LINE:
		http_skip_line(s, p, avail, consumed, HTTP_CHUNK_DATA);
		if (s->http.state == HTTP_CHUNK_DATA)
			http_chunk_begins(s);
		return CONSUMED;
	case HTTP_TRAILER:
		if (p[0] == '\r' && avail < 2 && avail == left)
			return INCOMPLETE;
		n = p[0] == '\n' ? 1 : p[0] == '\r' && p[1] == '\n' ? 2 : 0;
		s->http.state = n ? HTTP_HEAD_END : HTTP_TRAILER_LINE;
		*consumed = n;
		return CONSUMED;
	case HTTP_TRAILER_LINE:
		http_skip_line(s, p, avail, consumed, HTTP_TRAILER);
		return CONSUMED;
	default: /* HTTP_OPAQUE */
		http_opaque(s, left, consumed);
		return CONSUMED;
	}
}

/*
 * One step of a direction in STREAM_HTTP. At HTTP_HEAD_COMPLETE the caller decides what follows with
 * http_after_head() or by changing the mode; behind each step it passes over s->http.left bytes and asks
 * http_passed().
 */
static __always_inline enum verdict http_step(struct stream *s, const __u8 *p, __u32 avail, __u64 left,
					      __u64 *consumed, __u32 *event, struct http_part *part)
{
	enum verdict verdict = http_state_step(s, p, avail, left, consumed, event, part);
	__u64 line;

	if (verdict != CONSUMED || s->http.state != HTTP_SKIP_LINE)
		return verdict;
	spare_stack();
	if (!http_skip_lines(p, avail, consumed))
		return CONSUMED;
	s->http.state = HTTP_FIELD;
	line = *(volatile __u64 *)consumed;
	opaque(line);
	if (*event == HTTP_NOTHING && line + 2 <= avail && line < LOOK_BYTES && load16(p + line) == HTTP_LINE_END) {
		*consumed = line + 2;
		*event = HTTP_HEAD_COMPLETE;
		s->http.state = HTTP_HEAD_END;
	}
	return CONSUMED;
}

/* Whether the complete request head asks for a WebSocket (RFC 6455 section 4.2.1), be it a faulty one. */
static __always_inline bool http_asks_for_websocket(__u32 head)
{
	return (head & HTTP_IS_GET) && (head & HTTP_UPGRADE_WEBSOCKET) &&
	       (head & (HTTP_CONNECTION_UPGRADE | HTTP_WEBSOCKET_KEY));
}

/*
 * What follows a complete head that changes nothing; `bodiless`: an answer that has no body whatever it says of it
 * (to HEAD, RFC 9110 section 6.4.1).
 */
static __always_inline void http_after_head(struct stream *s, bool bodiless)
{
	__u32 head = s->http.head;
	bool request = head & HTTP_IS_REQUEST;

	s->http.left = 0;
	if (!request && (bodiless || s->http_status < 200 || s->http_status == 204 || s->http_status == 304)) {
		s->http.size = 0;
		s->http.state = HTTP_HEAD_END;
	} else if (head & HTTP_CHUNKED) {
		s->http.size = 0;
		s->http.state = HTTP_CHUNK;
	} else if (!request && ((head & HTTP_HAS_CODING) || !(head & HTTP_HAS_LENGTH))) {
		s->http.size = 0;
		s->http.left = HTTP_FOREVER;
		s->http.state = HTTP_TO_CLOSE;
	} else {
		s->http.left = s->http.size;
		s->http.state = HTTP_BODY;
	}
}

/* s->http.left has come down to 0: what is complete. */
static __always_inline enum http_event http_passed(struct stream *s)
{
	switch (s->http.state) {
	case HTTP_CHUNK_DATA:
		s->http.state = HTTP_CHUNK;
		return HTTP_NOTHING;
	case HTTP_OPAQUE:
	case HTTP_PROXY_HEAD:
		s->http.state = HTTP_START;
		return HTTP_NOTHING;
	case HTTP_HEAD_END:
	case HTTP_BODY:
		s->http.state = HTTP_START;
		return HTTP_MESSAGE_COMPLETE;
	default:
		return HTTP_NOTHING;
	}
}

/* ---- As a protocol of requests and answers: exchange.h --------------------------------------------------------- */

static __always_inline void http_request_told(struct stream *s, struct exchange *x, enum http_event event)
{
	__u32 head = s->http.head;

	if (event == HTTP_PATH_PART || event == HTTP_PATH_END) {
		x->event = event == HTTP_PATH_END ? EXCHANGE_PATH_END : EXCHANGE_PATH;
		x->id = s->http_method;
	} else if (event == HTTP_HEAD_COMPLETE && (head & HTTP_IS_REQUEST)) {
		x->event = EXCHANGE_ASKED;
		x->flags = http_asks_for_websocket(head)      ? HTTP_ASKED_WEBSOCKET
			   : s->http_method == METHOD_HEAD    ? HTTP_ASKED_HEAD
			   : s->http_method == METHOD_CONNECT ? HTTP_ASKED_CONNECT
							      : 0;
		http_after_head(s, false);
	} else if (event == HTTP_HEAD_COMPLETE) { /* an answer in the wrong direction: not understood */
		http_opaque(s, x->left, &x->consumed);
	}
}

static __always_inline void http_request_passed(struct stream *s, struct queue *q, struct exchange *x)
{
	if (http_passed(s) != HTTP_MESSAGE_COMPLETE)
		return;
	x->length = s->http.size;
	if (x->event == EXCHANGE_NOTHING)
		x->event = EXCHANGE_SIZED;
}

static __always_inline void http_answer_told(struct stream *s, struct exchange *x, enum http_event event)
{
	if (event != HTTP_HEAD_COMPLETE)
		return;
	if (s->http.head & HTTP_IS_REQUEST) {
		http_opaque(s, x->left, &x->consumed);
		return;
	}
	x->id = s->http_status;
	if (s->http_status == 101) {
		x->event = EXCHANGE_UPGRADED;
		s->http.state = HTTP_START;
	} else {
		http_after_head(s, x->asked_flags & HTTP_ASKED_HEAD);
		if ((x->asked_flags & HTTP_ASKED_CONNECT) && s->http_status / 100 == 2)
			x->event = EXCHANGE_UPGRADED; /* a tunnel */
	}
}

/* One step of the direction that x->asks, so that it is there once. */
static __always_inline enum verdict http_message(struct stream *s, struct queue *q, const __u8 *p, struct exchange *x)
{
	enum verdict verdict = http_step(s, p, x->avail, x->left, &x->consumed, &x->own, &x->part);

	if (x->asks)
		http_request_told(s, x, x->own);
	else
		http_answer_told(s, x, x->own);
	return verdict;
}

static __always_inline void http_answer_passed(struct stream *s, struct queue *q, struct exchange *x)
{
	if (x->event != EXCHANGE_NOTHING || http_passed(s) != HTTP_MESSAGE_COMPLETE || s->http_status < 200)
		return;
	x->event = EXCHANGE_ANSWERED;
	x->id = s->http_status;
	x->length = s->http.size;
}

#endif
