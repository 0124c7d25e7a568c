/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Streams with what they are, one direction each; the unit tests, the kernel test and the fuzzers' seeds share them.
 */
#ifndef TAPSTAT_TESTS_VECTORS_H
#define TAPSTAT_TESTS_VECTORS_H

#include "frames.h"

/*
 * Expected: a word for each frame. `text=5` ends a message of 5 bytes, `text+` does not, `cont=9` ends one of 9;
 * `close/1000` by its code; `decode` ends the stream.
 */
struct frames_vector {
	const char *description;
	bool masked, rsv1_allowed;
	const char *hex; /* blanks mean nothing */
	const char *expected;
};

static const struct frames_vector frames_vectors[] = {
	/* RFC 6455 section 5.7 */
	{"unmasked text", false, false, "81 05 48656c6c6f", "text=5"},
	{"masked text", true, false, "81 85 37fa213d 7f9f4d5158", "text=5"},
	{"text in two fragments", false, false, "01 03 48656c 80 02 6c6f", "text+ cont=5"},
	{"unmasked ping, masked pong would be the answer", false, false, "89 05 48656c6c6f", "ping"},
	{"masked pong", true, false, "8a 85 37fa213d 7f9f4d5158", "pong"},

	{"empty text", false, false, "81 00", "text=0"},
	{"empty binary, masked", true, false, "82 80 01020304", "binary=0"},
	{"empty ping and pong", false, false, "89 00 8a 00", "ping pong"},
	{"many in one call", false, false, "81 01 61 82 01 62 81 01 63 89 00 82 00",
	 "text=1 binary=1 text=1 ping binary=0"},
	{"control frames between fragments", false, false, "01 01 61 89 01 70 00 01 62 8a 00 80 01 63",
	 "text+ ping cont+ pong cont=3"},
	{"a close between fragments", false, false, "02 01 61 88 00 80 00", "binary+ close/none cont=1"},
	{"empty fragments", false, false, "01 00 00 00 80 00", "text+ cont+ cont=0"},
	{"the empty last fragment", false, false, "02 02 6162 80 00", "binary+ cont=2"},
	{"one message behind the other, both in fragments", true, false,
	 "01 81 00000000 61 80 81 00000000 62 02 81 00000000 63 80 80 00000000", "text+ cont=2 binary+ cont=1"},
	{"a short length in 16 bits", false, false, "82 7e 0003 616263 81 00", "binary=3 text=0"},
	{"a short length in 64 bits", true, false, "82 ff 0000000000000003 11223344 616263 81 80 00000000",
	 "binary=3 text=0"},

	{"close 1000", false, false, "88 02 03e8", "close/1000"},
	{"close 1000 with a reason, masked", true, false, "88 86 01020304 02ea 6160 786c", "close/1000"},
	{"close without a code", false, false, "88 00", "close/none"},
	{"close with a private code", false, false, "88 02 0fa0", "close/4000"},
	{"frames behind a close", false, false, "88 02 03e9 8a 00", "close/1001 pong"},
	{"close with one byte", false, false, "88 01 03", "decode"},
	{"close 1005, which never travels", false, false, "88 02 03ed", "decode"},
	{"close 999", false, false, "88 02 03e7", "decode"},
	{"close 5000", true, false, "88 82 00000000 1388", "decode"},
	{"nothing is counted behind a violation", false, false, "81 01 61 88 02 0001 81 01 61", "text=1 decode"},

	{"RSV1 where it was negotiated", true, true, "c1 83 00000000 4a0400", "text=3"},
	{"RSV1 on the first fragment only", false, true, "41 01 4a 80 02 0400", "text+ cont=3"},
	{"a plain message among compressed ones", false, true, "c2 01 00 81 01 61", "binary=1 text=1"},
	{"RSV1 where it was not negotiated", true, false, "c1 83 00000000 4a0400", "decode"},
	{"RSV1 on a continuation", false, true, "41 01 4a c0 02 0400", "text+ decode"},
	{"RSV1 on a control frame", false, true, "c9 00", "decode"},
	{"RSV2", false, true, "a1 01 61", "decode"},
	{"RSV3", false, true, "91 01 61", "decode"},

	{"opcode 3", false, false, "83 00", "decode"},
	{"opcode 7, unfinished", false, false, "07 01 61", "decode"},
	{"opcode 11", true, false, "8b 80 00000000", "decode"},
	{"opcode 15", false, false, "8f 00", "decode"},
	{"masked where nothing may be", false, false, "81 81 00000000 61", "decode"},
	{"not masked where everything must be", true, false, "81 05 48656c6c6f", "decode"},
	{"a continuation without a start", false, false, "80 01 61", "decode"},
	{"an unfinished continuation without a start", true, false, "00 81 00000000 61", "decode"},
	{"text inside a message in fragments", false, false, "01 01 61 81 01 62", "text+ decode"},
	{"binary inside a message in fragments", false, false, "02 01 61 02 01 62", "binary+ decode"},
	{"a ping in fragments", false, false, "09 00", "decode"},
	{"a close in fragments", false, false, "08 02 03e8", "decode"},
	{"a ping of 126 bytes", false, false, "89 7e 007e", "decode"},
	{"a pong of 65536 bytes", true, false, "8a ff 0000000000010000 00000000", "decode"},
	{"a ping whose short length takes 16 bits", true, false, "89 fe 0002 00000000 6162", "decode"},
	{"a close whose short length takes 64 bits", false, false, "88 7f 0000000000000002 03e8", "decode"},
	{"a length with the highest bit set", false, false, "82 7f 8000000000000000", "decode"},

	{"half a header", false, false, "81 00 81", "text=0"},
	{"a header without its mask", true, false, "81 80 01020304 82 85 010203", "text=0"},
	{"a payload that is not all here", false, false, "81 01 61 82 7e 0100 616161", "text=1"},
	{"a ping that is not all here", false, false, "89 04 616263", ""},
};

enum { FRAMES_VECTORS = sizeof(frames_vectors) / sizeof(frames_vectors[0]) };

static inline int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline void bytes_add_hex(struct bytes *b, const char *hex)
{
	__u8 byte;

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		require(hex_digit(hex[0]) >= 0 && hex_digit(hex[1]) >= 0);
		byte = hex_digit(hex[0]) << 4 | hex_digit(hex[1]);
		bytes_add(b, &byte, 1);
		hex++;
	}
}

/* The events as a vector expects them. */
static inline const char *feed_words(const struct feed *f)
{
	static const char *const names[16] = {"cont", "text", "binary", [8] = "close", "ping", "pong"};
	static char words[4096];
	char *at = words, *end = words + sizeof(words);
	__u32 i;

	*at = 0;
	for (i = 0; i < f->events; i++) {
		const struct event *e = &f->event[i];

		if (i)
			at += snprintf(at, end - at, " ");
		if (e->kind == EVENT_DECODE)
			at += snprintf(at, end - at, "decode");
		else if (e->opcode == WS_CLOSE && !e->code)
			at += snprintf(at, end - at, "close/none");
		else if (e->opcode == WS_CLOSE)
			at += snprintf(at, end - at, "close/%u", e->code);
		else if (e->opcode & WS_CONTROL)
			at += snprintf(at, end - at, "%s", names[e->opcode]);
		else if (e->message_opcode)
			at += snprintf(at, end - at, "%s=%llu", names[e->opcode], e->message_bytes);
		else
			at += snprintf(at, end - at, "%s+", names[e->opcode]);
	}
	return words;
}

#endif
