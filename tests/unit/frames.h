/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * WebSocket frames for the tests: a writer, and a second reader that shares nothing with the one under test. It goes
 * byte by byte through the whole stream as RFC 6455 section 5 tells it.
 */
#ifndef TAPSTAT_TESTS_FRAMES_H
#define TAPSTAT_TESTS_FRAMES_H

#include "stream.h"

/* xorshift64*: the same numbers everywhere. */
static inline __u64 random_next(__u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

static inline __u32 random_below(__u64 *state, __u32 n)
{
	return (random_next(state) >> 32) % n;
}

struct bytes {
	__u8 *at;
	__u64 n, room;
};

static inline void bytes_add(struct bytes *b, const void *more, __u64 n)
{
	if (b->n + n > b->room) {
		b->room = 2 * (b->n + n) + 256;
		b->at = realloc(b->at, b->room);
		require(b->at);
	}
	if (n)
		memcpy(b->at + b->n, more, n);
	b->n += n;
}

static inline void bytes_add_text(struct bytes *b, const char *text)
{
	bytes_add(b, text, strlen(text));
}

static inline void bytes_free(struct bytes *b)
{
	free(b->at);
	*b = (struct bytes){};
}

/* How the length is written. */
enum length_form { LENGTH_SHORTEST, LENGTH_16, LENGTH_64 };

static inline void header_add(struct bytes *b, __u8 first, bool masked, __u64 length, enum length_form form,
			      const __u8 *mask)
{
	__u8 header[14] = {first}, n = 2;
	int i;

	if (form == LENGTH_SHORTEST)
		form = length > 0xffff ? LENGTH_64 : length > 125 ? LENGTH_16 : LENGTH_SHORTEST;
	header[1] = form == LENGTH_64 ? 127 : form == LENGTH_16 ? 126 : length;
	if (masked)
		header[1] |= 0x80;
	if (form != LENGTH_SHORTEST)
		for (i = form == LENGTH_64 ? 56 : 8; i >= 0; i -= 8)
			header[n++] = length >> i;
	if (masked)
		for (i = 0; i < 4; i++)
			header[n++] = mask[i];
	bytes_add(b, header, n);
}

/* A whole frame; the payload is masked on the way. */
static inline void frame_add(struct bytes *b, __u8 first, const __u8 *mask, const void *payload, __u64 length)
{
	__u64 at, i;

	header_add(b, first, mask, length, LENGTH_SHORTEST, mask);
	at = b->n;
	bytes_add(b, payload, length);
	for (i = 0; mask && i < length; i++)
		b->at[at + i] ^= mask[i % 4];
}

/* A frame with any payload of this length. */
static inline void frame_add_length(struct bytes *b, __u8 first, const __u8 *mask, __u64 length, __u64 *seed)
{
	__u8 payload[1024];
	__u64 n, i;

	header_add(b, first, mask, length, LENGTH_SHORTEST, mask);
	for (; length; length -= n) {
		n = length < sizeof(payload) ? length : sizeof(payload);
		for (i = 0; i < n; i++)
			payload[i] = random_next(seed) >> 40;
		bytes_add(b, payload, n);
	}
}

/* A frame as applications send them: text is text, and what is compressed looks random. */
static inline void frame_add_likely(struct bytes *b, bool masked, __u8 *message, __u64 *seed)
{
	__u8 key[4] = {random_next(seed), random_next(seed), random_next(seed), random_next(seed)}, payload[700];
	__u32 kind = random_below(seed, 12), length = random_below(seed, kind % 3 ? 60 : 700), i;
	__u8 first;

	if (kind < 2) {
		first = kind ? 0x89 : 0x8a;
		length %= 126;
	} else if (*message) {
		first = random_below(seed, 3) ? 0x80 : 0x00;
	} else {
		*message = (1 + (kind & 1)) | (kind == 3 ? 0x40 : 0);
		first = *message | (kind == 2 ? 0 : 0x80);
	}
	length += !(first & 0x80) && !length; /* empty and unfinished: who would */
	for (i = 0; i < length; i++)
		payload[i] = *message == 1 ? (__u8) "{\"text\": \"Gr\xc3\xbc\xc3\x9f\"},\n"[i % 20]
					   : random_next(seed) >> 40;
	frame_add(b, first, masked ? key : NULL, payload, length);
	if ((first & 0x88) == 0x80)
		*message = 0;
}

/* ---- The second reader -------------------------------------------------------------------------------------- */

static inline bool reference_code_known(unsigned int code)
{
	static const __u16 registered[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014};
	unsigned int i;

	for (i = 0; i < sizeof(registered) / sizeof(registered[0]); i++)
		if (code == registered[i])
			return true;
	return code >= 3000 && code < 5000;
}

/* Whether a header with this first byte, second byte and length breaks a rule of interface.md. */
static inline bool reference_breaks(__u8 first, __u8 second, __u64 length, const struct ws_rules *rules,
				    bool in_message)
{
	bool fin = first & 0x80, rsv1 = first & 0x40, oversized = (second & 127) > 125;
	__u8 opcode = first & 15;

	if ((first & 0x20) || (first & 0x10))
		return true;
	if ((second >= 0x80) != rules->masked)
		return true;
	if (length >= 1ULL << 63)
		return true;
	switch (opcode) {
	case 0:
		return !in_message || rsv1;
	case 1:
	case 2:
		return in_message || (rsv1 && !rules->rsv1_allowed);
	case 8:
		return !fin || rsv1 || oversized || length == 1;
	case 9:
	case 10:
		return !fin || rsv1 || oversized;
	default:
		return true;
	}
}

static inline void reference_read(struct feed *f, const __u8 *p, __u64 n)
{
	__u8 message_opcode = 0;
	__u64 at = 0, message_bytes = 0, length, payload, i;

	while (at + 2 <= n) {
		__u8 first = p[at], second = p[at + 1], opcode = first & 15, mask[4] = {};
		__u64 extra = (second & 127) == 127 ? 8 : (second & 127) == 126 ? 2 : 0;
		__u32 hash = 2166136261u;
		struct event *e;

		payload = at + 2 + extra + (second & 0x80 ? 4 : 0);
		if (payload > n)
			return;
		length = extra ? 0 : second & 127;
		for (i = 0; i < extra; i++)
			length = length << 8 | p[at + 2 + i];
		if (reference_breaks(first, second, length, &f->rules, message_opcode)) {
			feed_event(f, EVENT_DECODE, at);
			return;
		}
		if (length > n - payload)
			return;
		for (i = 0; i < 4 && (second & 0x80); i++)
			mask[i] = p[payload - 4 + i];
		if (opcode == 8 && length &&
		    !reference_code_known((p[payload] ^ mask[0]) << 8 | (p[payload + 1] ^ mask[1]))) {
			feed_event(f, EVENT_DECODE, at);
			return;
		}
		e = feed_event(f, EVENT_FRAME, payload + length);
		e->opcode = opcode;
		if (opcode == 8 && length)
			e->code = (p[payload] ^ mask[0]) << 8 | (p[payload + 1] ^ mask[1]);
		if (opcode == 9 || opcode == 10) {
			for (i = 0; i < length; i++)
				hash = (hash ^ (p[payload + i] ^ mask[i % 4])) * 16777619u;
			e->hash = hash;
		}
		if (opcode < 8) {
			if (opcode)
				message_opcode = opcode;
			message_bytes += length;
			if (first & 0x80) {
				e->message_opcode = message_opcode;
				e->message_bytes = message_bytes;
				message_opcode = 0;
				message_bytes = 0;
			}
		}
		at = payload + length;
	}
}

#endif
