/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Conversations on one connection, told as lists of calls, and what the kernel side counted of them in words.
 */
#ifndef TAPSTAT_TESTS_CONNECTION_H
#define TAPSTAT_TESTS_CONNECTION_H

#include "kernel_side.h"

struct call_row {
	enum label_direction direction;
	__u32 len; /* 0: no more */
	const char *bytes;
};

#define IN(text)                                           \
	{                                                  \
		DIRECTION_RECEIVED, sizeof(text) - 1, text \
	}
#define OUT(text)                                      \
	{                                              \
		DIRECTION_SENT, sizeof(text) - 1, text \
	}

enum { SEGMENTS_MAX = 4096 };

/* How the bytes of a call come. */
enum cutting {
	CUT_NOT,
	CUT_BYTES,         /* a call for each byte */
	CUT_CALLS,         /* two calls */
	CUT_SEGMENTS,      /* one call, two segments */
	CUT_BYTE_SEGMENTS, /* one call, a segment for each byte, empty ones between them */
	CUTTINGS
};

static struct guarded call_source, call_vector;

/* One call, its bytes and its vector ending where readable memory ends. */
static inline void call_cut(struct connection *c, enum label_direction direction, const void *bytes, __u32 len,
			    enum cutting cutting, __u32 cut)
{
	static struct user_iovec segments[SEGMENTS_MAX];
	__u32 i, n = 0;
	__u8 *at;

	if (!call_source.end) {
		call_source = guarded_new(1 << 17);
		call_vector = guarded_new(sizeof(segments));
	}
	at = guarded_copy(&call_source, bytes, len);
	switch (cutting) {
	case CUT_BYTES:
		for (i = 0; i < len; i++)
			connection_call(c, direction, at + i, 0, 1);
		return;
	case CUT_CALLS:
		if (cut && cut < len) {
			call_cut(c, direction, bytes, cut, CUT_NOT, 0);
			call_cut(c, direction, (const __u8 *)bytes + cut, len - cut, CUT_NOT, 0);
			return;
		}
		break;
	case CUT_SEGMENTS:
		if (cut > len)
			cut = len;
		segments[n++] = (struct user_iovec){(__u64)at, cut};
		segments[n++] = (struct user_iovec){(__u64)at + cut, len - cut + 100 * !(cut & 1)};
		break;
	case CUT_BYTE_SEGMENTS:
		for (i = 0; i < len && n < SEGMENTS_MAX - 2; i++) {
			segments[n++] = (struct user_iovec){(__u64)at + i, 1};
			if (i % 3 == 0)
				segments[n++] = (struct user_iovec){0, 0};
		}
		break;
	default:
		break;
	}
	if (n)
		connection_call(c, direction, guarded_copy(&call_vector, segments, n * sizeof(segments[0])), n, len);
	else
		connection_call(c, direction, at, 0, len);
}

static inline __u64 samples(__u32 first, __u32 cells)
{
	__u64 n = 0;

	while (--cells) /* the last one is the sum */
		n += cell(first++);
	return n;
}

/* What was counted, in words. */
static inline const char *counted(const struct connection *c)
{
	static const char *const types[] = {"text", "binary", "close", "ping", "pong"};
	static const char *const codes[] = {"1000", "1001", "1002", "1003", "1007", "1008", "1009",
					    "1010", "1011", "1012", "1013", "1014", "none", "other"};
	static const char *const answers[] = {"text", "binary", "ping"};
	static char words[4096];
	char *at = words, *end = words + sizeof(words);
	__u32 dir, i;
	__u64 n;

#define WORD(number, ...)                                                                                \
	do {                                                                                             \
		n = (number);                                                                            \
		if (n) {                                                                                 \
			at += snprintf(at, end - at, __VA_ARGS__);                                       \
			at += n > 1 ? snprintf(at, end - at, "=%llu ", n) : snprintf(at, end - at, " "); \
		}                                                                                        \
	} while (0)

	WORD(cell(CELL_WS_CONNECTIONS + CONNECTION_STATUS_OPENED), "opened");
	WORD(samples(CELL_WS_HANDSHAKE_DURATION, SHAPE_DURATION_CELLS), "timed");
	WORD(cell(CELL_WS_CONNECTIONS_JOINED), "joined");
	if (c->conn.protocol == PROTOCOL_WEBSOCKET)
		WORD(1, conn_role(&c->conn) == ROLE_SERVER ? "server" : "client");
	for (i = 0; i < 1000; i++)
		WORD(refused_count[i], "refused/%u", i);
	for (dir = 0; dir < DIRECTION_COUNT; dir++) {
		__u64 frames = 0, messages = 0;

		for (i = 0; i < OPCODE_COUNT; i++)
			frames += cell(CELL_WS_FRAMES_RECEIVED + dir * OPCODE_COUNT + i);
		for (i = 0; i < MESSAGE_TYPE_COUNT; i++)
			messages += cell(CELL_WS_MESSAGES_RECEIVED + dir * MESSAGE_TYPE_COUNT + i);
		if (frames != messages)
			WORD(frames, "%cframes", "<>"[dir]);
		for (i = 0; i < MESSAGE_TYPE_COUNT; i++)
			WORD(cell(CELL_WS_MESSAGES_RECEIVED + dir * MESSAGE_TYPE_COUNT + i), "%c%s", "<>"[dir],
			     types[i]);
		for (i = 0; i < CLOSE_CODE_COUNT; i++)
			WORD(cell(CELL_WS_CLOSES + dir * CLOSE_CODE_COUNT + i), "%c%s", "<>"[dir], codes[i]);
		WORD(cell(CELL_MESSAGE_SIZE + (dir + 1) * SHAPE_SIZE_CELLS - 1), "%cbytes", "<>"[dir]);
	}
	for (i = 0; i < LATENCY_TYPE_COUNT; i++)
		WORD(samples(CELL_WS_MESSAGE_LATENCY + i * SHAPE_DURATION_CELLS, SHAPE_DURATION_CELLS), "%s-answered",
		     answers[i]);
	WORD(cell(CELL_WS_ERRORS + WS_ERROR_DECODE), "decode");
#undef WORD
	if (at > words)
		at[-1] = 0;
	else
		*at = 0;
	return words;
}

/* A conversation from the first byte of the connection on (`fresh`) or later. */
static inline const char *converse(struct connection *c, bool fresh, const struct call_row *calls,
				   enum cutting cutting, __u32 cut)
{
	counters_reset();
	maps_forget();
	connection_begin(c, fresh);
	for (; calls->len; calls++)
		call_cut(c, calls->direction, calls->bytes, calls->len, cutting, cut);
	return counted(c);
}

#endif
