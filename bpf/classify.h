/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * window ──> [classify] ──> protocol parser: what a connection speaks, from the first bytes of a call. Pure.
 *
 * A protocol joins by one row: its label (catalog.h) and the test of its first bytes. The answer is sticky.
 */
#ifndef TAPSTAT_CLASSIFY_H
#define TAPSTAT_CLASSIFY_H

#include "conn.h"
#include "proto/http.h"

enum {
	CLASSIFY_BYTES = 5,       /* enough for every test below */
	CANDIDATE_ATTEMPTS = 4096 /* calls of an unrecognised connection looked at before it is given up */
};

/* A record of TLS 1.0 to 1.3 or its handshake's SSL 3.0 form (RFC 8446 section 5.1). */
static __always_inline bool tls_starts(const __u8 *p)
{
	__u32 length = p[3] << 8 | p[4];

	return p[0] >= 0x14 && p[0] <= 0x17 && p[1] == 3 && p[2] <= 4 && length && length <= 16384 + 2048;
}

/* The connection preface of HTTP/2 (RFC 9113 section 3.4). */
static __always_inline bool http2_starts(const __u8 *p)
{
	return load32(p) == HTTP_HALF('P', 'R', 'I', ' ') && p[4] == '*';
}

static __always_inline bool http_starts(const __u8 *p)
{
	__u32 word = load32(p);

	return http_is_request(word) || (word == HTTP_HALF('H', 'T', 'T', 'P') && p[4] == '/') ||
	       (word == HTTP_HALF('P', 'R', 'O', 'X') && p[4] == 'Y') ||
	       (word == (__u32)HTTP_PROXY_SIGNATURE && p[4] == 0);
}

#define CLASSIFIERS(C)         \
	C(HTTP, http_starts)   \
	C(HTTP2, http2_starts) \
	C(TLS, tls_starts)

/* PROTOCOL_UNDECIDED: no row knows the bytes. At least CLASSIFY_BYTES must be valid. */
static __always_inline enum label_protocol classify(const __u8 *p)
{
#define CLASSIFY_ROW(protocol, starts) \
	if (starts(p))                 \
		return PROTOCOL_##protocol;
	CLASSIFIERS(CLASSIFY_ROW)
#undef CLASSIFY_ROW
	return PROTOCOL_UNDECIDED;
}

#endif
