// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of recognition in mid-stream: connections that were open before tapstat started. WebSocket always is
 * recognised, and nothing else ever.
 */
#include "connection.h"
#include "other_protocols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
	RANDOM_STREAMS = 1000000 / SLOWER,
	OTHER_STREAMS = 4000 / SLOWER, /* of each protocol */
	TRUE_STREAMS = 6000 / SLOWER,
};

static struct connection c;

static void random_call(const __u8 *bytes, __u64 n, enum label_direction direction, __u64 *seed)
{
	static const enum cutting cuttings[] = {CUT_NOT, CUT_NOT, CUT_CALLS, CUT_SEGMENTS};

	enum cutting cutting = random_below(seed, 64) ? cuttings[random_below(seed, 4)] : CUT_BYTES;

	call_cut(&c, direction, bytes, n, cutting, random_below(seed, n));
}

static void random_bytes_are_never_taken_for_websocket(void **state)
{
	static __u64 words[4096 / 8];
	__u64 seed = 21;

	(void)state;
	counters_reset();
	for (int round = 0; round < RANDOM_STREAMS; round++) {
		__u32 length = 256 + random_below(&seed, 4096 - 256 + 1), at = 0, n;

		connection_begin(&c, false);
		for (__u32 i = 0; i < (length + 7) / 8; i++)
			words[i] = random_next(&seed);
		for (; at < length; at += n) {
			n = 1 + random_below(&seed, random_below(&seed, 2) ? 64 : 1500);
			n = n < length - at ? n : length - at;
			connection_call(&c, n & 1, (__u8 *)words + at, 0, n);
		}
		assert_int_not_equal(c.conn.protocol, PROTOCOL_WEBSOCKET);
	}
	assert_int_equal(cell(CELL_WS_CONNECTIONS_JOINED), 0);
}

static void other_protocols_are_never_taken_for_websocket(void **state)
{
	int wrong = 0;

	(void)state;
	for (int i = 0; i < OTHER_PROTOCOLS; i++) {
		const struct other_protocol *other = &other_protocols[i];
		__u64 seed = 100 + i;

		counters_reset();
		for (int round = 0; round < OTHER_STREAMS; round++) {
			struct bytes b[DIRECTION_COUNT] = {};
			bool aligned = random_below(&seed, 2), one_way = random_below(&seed, 4) == 0;

			connection_begin(&c, false);
			for (int calls = 0; calls < 40; calls++) {
				bool reply = !one_way && (calls & 1);
				struct bytes *to = &b[reply];
				__u64 n;

				for (int messages = 1 + random_below(&seed, 12); messages; messages--)
					other->write(to, &seed, reply);
				n = min_u64(aligned ? to->n : random_below(&seed, to->n + 1), 65536);
				if (!n)
					continue;
				random_call(to->at, n, (round & 1) ^ reply, &seed);
				to->n -= n;
				memmove(to->at, to->at + n, to->n);
			}
			bytes_free(&b[0]);
			bytes_free(&b[1]);
		}
		if (cell(CELL_WS_CONNECTIONS_JOINED)) {
			print_error("%s: %llu of %d streams taken for WebSocket\n", other->name,
				    cell(CELL_WS_CONNECTIONS_JOINED), OTHER_STREAMS);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static __u64 frames_counted(void)
{
	__u64 n = 0;

	for (int i = 0; i < DIRECTION_COUNT * OPCODE_COUNT; i++)
		n += cell(CELL_WS_FRAMES_RECEIVED + i);
	return n;
}

/* Calls of whole frames; direction `silent` (if below 2) says nothing. */
static void true_calls(int calls, bool server, int silent, __u8 message[DIRECTION_COUNT], __u64 *seed, __u64 *frames)
{
	for (; calls; calls--) {
		enum label_direction direction = silent < DIRECTION_COUNT ? 1 - silent : (int)random_below(seed, 2);
		bool masked = server == (direction == DIRECTION_RECEIVED);
		struct bytes b = {};

		for (int n = 1 + random_below(seed, 4); n; n--, ++*frames)
			frame_add_likely(&b, masked, &message[direction], seed);
		random_call(b.at, b.n, direction, seed);
		bytes_free(&b);
	}
}

static void websocket_is_always_recognised_and_then_counted_exactly(void **state)
{
	__u64 seed = 31, frames, before;

	(void)state;
	for (int round = 0; round < TRUE_STREAMS; round++) {
		bool server = round & 1;
		__u8 message[DIRECTION_COUNT] = {};
		int silent = random_below(&seed, 6);

		counters_reset();
		connection_begin(&c, false);
		/* A chain that begins inside a message in fragments waits for its end. */
		true_calls(60, server, silent, message, &seed, &frames);
		assert_int_equal(c.conn.protocol, PROTOCOL_WEBSOCKET);
		assert_int_equal(conn_role(&c.conn), server ? ROLE_SERVER : ROLE_CLIENT);
		assert_int_equal(cell(CELL_WS_CONNECTIONS_JOINED), 1);
		assert_int_equal(cell(CELL_WS_CONNECTIONS), 0);

		before = frames_counted();
		frames = 0;
		true_calls(20, server, silent, message, &seed, &frames);
		if (frames_counted() - before != frames || cell(CELL_WS_ERRORS + WS_ERROR_DECODE))
			fail_msg("round %d: %llu frames, counted %llu, decode errors %llu", round, frames,
				 frames_counted() - before, cell(CELL_WS_ERRORS + WS_ERROR_DECODE));
	}
}

static void headers_that_chain_make_a_connection_and_the_last_frames_count(void **state)
{
#define TEXT "\x81\x01x"
#define TEXTS TEXT TEXT TEXT TEXT
	static const char pongs[] = "\x8a\x80\x9e\x21\xc4\x57\x8a\x80\x15\xd6\x77\xa8"
				    "\x8a\x80\x62\xb3\x14\xc5\x8a\x80\xd3\x24\x94\x56";
	static const struct {
		const char *description;
		struct call_row calls[4];
		const char *expected; /* to begin with */
	} cases[] = {
		{"two headers are too few", {OUT(TEXT TEXT)}, ""},
		{"a dozen is enough", {OUT(TEXTS TEXTS TEXTS)}, "joined server >text"},
		{"... over calls too", {OUT(TEXTS), OUT(TEXTS), OUT(TEXTS)}, "joined server >text"},
		{"... and in step from then on", {OUT(TEXTS TEXTS TEXTS), OUT("\x83\x00")}, "joined server >text"},
		{"both directions make one chain", {OUT(TEXTS), IN(pongs)}, "joined server <pong"},
		{"... whose masking says who is who", {IN(TEXTS), OUT(pongs)}, "joined client >pong"},
		{"two directions of the same masking make none", {OUT(TEXTS), IN(TEXTS)}, ""},
		{"HTTP in one direction is HTTP in both", {IN(pongs), OUT("HTTP/1.1 200 OK\r\n\r\n"), IN(pongs)}, ""},
	};
#undef TEXT
#undef TEXTS
	int wrong = 0;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *words = converse(&c, false, cases[i].calls, CUT_NOT, 0);

		if (strncmp(words, cases[i].expected, strlen(cases[i].expected)) ||
		    !words[0] != !cases[i].expected[0]) {
			print_error("%s: expected '%s', got '%s'\n", cases[i].description, cases[i].expected, words);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* As many libraries write. */
static void headers_apart_from_their_payloads_make_a_chain(void **state)
{
	static const enum cutting cuttings[] = {CUT_NOT, CUT_SEGMENTS, CUT_CALLS};

	(void)state;
	for (int i = 0; i < 3; i++) {
		counters_reset();
		connection_begin(&c, false);
		for (int j = 0; j < 20; j++)
			call_cut(&c, DIRECTION_SENT, "\x81\x05hello", 7, cuttings[i], 2);
		assert_int_equal(c.conn.protocol, PROTOCOL_WEBSOCKET);
		assert_int_equal(conn_role(&c.conn), ROLE_SERVER);
	}
}

static void an_undecided_connection_is_given_up_after_a_bounded_number_of_calls(void **state)
{
	(void)state;
	connection_begin(&c, false);
	for (int i = 0; i < CANDIDATE_ATTEMPTS; i++) {
		assert_int_equal(c.conn.protocol, PROTOCOL_UNDECIDED);
		call_cut(&c, i & 1, "\x83\x01xxxxxx", 8, CUT_NOT, 0);
	}
	assert_int_equal(c.conn.protocol, PROTOCOL_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_bytes_are_never_taken_for_websocket),
		cmocka_unit_test(other_protocols_are_never_taken_for_websocket),
		cmocka_unit_test(websocket_is_always_recognised_and_then_counted_exactly),
		cmocka_unit_test(headers_that_chain_make_a_connection_and_the_last_frames_count),
		cmocka_unit_test(headers_apart_from_their_payloads_make_a_chain),
		cmocka_unit_test(an_undecided_connection_is_given_up_after_a_bounded_number_of_calls),
	};

	return cmocka_run_group_tests_name("recognition", tests, NULL, NULL);
}
