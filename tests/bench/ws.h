/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * As much WebSocket as the bench programs speak: a fixed handshake and frames of any length.
 */
#ifndef BENCH_WS_H
#define BENCH_WS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WS_REQUEST                                                                                \
	"GET /bench HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define WS_RESPONSE                                                                         \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8 };

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

/* A final frame of `payload` bytes at `out`, 14 bytes longer at most. The number of its bytes. */
static inline size_t ws_frame(uint8_t *out, int opcode, bool masked, uint64_t payload)
{
	size_t n = 2;

	out[0] = 0x80 | opcode;
	if (payload < 126) {
		out[1] = payload;
	} else if (payload < 65536) {
		out[1] = 126;
		out[2] = payload >> 8;
		out[3] = payload;
		n = 4;
	} else {
		out[1] = 127;
		for (int i = 0; i < 8; i++)
			out[2 + i] = payload >> (56 - 8 * i);
		n = 10;
	}
	if (masked) {
		out[1] |= 0x80;
		memcpy(out + n, "\x11\x22\x33\x44", 4);
		n += 4;
	}
	for (uint64_t i = 0; i < payload; i++)
		out[n + i] = masked ? 'x' ^ (0x11 * (1 + i % 4)) : 'x';
	return n + payload;
}

#endif
