// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of bpf/follow.h and bpf/window.h around the parsers: both directions of a connection, from its first byte on.
 */
#include "conversations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_conversation_counts_the_same_however_it_is_cut(void **state)
{
	static const char *const names[CUTTINGS] = {"whole", "byte by byte", "two calls", "two segments",
						    "a segment a byte"};
	static struct connection c;
	int wrong = 0;

	(void)state;
	for (int i = 0; i < CONVERSATIONS; i++)
		for (enum cutting cutting = CUT_NOT; cutting < CUTTINGS; cutting++) {
			const struct conversation *v = &conversations[i];
			__u32 cuts = cutting == CUT_CALLS || cutting == CUT_SEGMENTS ? 200 : 1;

			if (v->whole_calls && (cutting == CUT_BYTES || cutting == CUT_CALLS))
				continue;
			for (__u32 cut = 0; cut < cuts; cut++) {
				const char *words = converse(&c, true, v->calls, cutting, cut);

				if (!strcmp(words, v->expected))
					continue;
				print_error("%s, %s at %u: expected '%s', got '%s'\n", v->description, names[cutting],
					    cut, v->expected, words);
				wrong++;
				break;
			}
		}
	assert_int_equal(wrong, 0);
}

static void thousands_of_frames_in_one_call_are_counted(void **state)
{
	static struct connection c;
	static __u8 frames[1 << 17];
	__u32 n = 0;

	(void)state;
	converse(&c, true, (struct call_row[]){OUT(ASK), IN(ANSWER), {}}, CUT_NOT, 0);
	for (n = 0; n + 4 <= sizeof(frames); n += 4)
		memcpy(frames + n, HI, 4);
	for (int i = 0; i < 3; i++)
		call_cut(&c, DIRECTION_RECEIVED, frames, n, CUT_NOT, 0);
	assert_int_equal(cell(CELL_WS_MESSAGES_RECEIVED), 3 * n / 4);
	for (int i = 0; i < UNPARSED_COUNT; i++)
		assert_int_equal(self_cells.cell[SELF_UNPARSED + i], 0);
}

static void bytes_that_no_event_told_of_inside_a_payload_are_skipped(void **state)
{
	static struct connection c;

	(void)state;
	converse(&c, true,
		 (struct call_row[]){OUT(ASK),
				     IN(ANSWER),
				     IN("\x82\x7e\x03\xe8"
					"0123"),
				     {}},
		 CUT_NOT, 0);
	c.tcp.copied_seq += 900; /* spliced to a pipe */
	for (int i = 0; i < 96; i++)
		call_cut(&c, DIRECTION_RECEIVED, "x", 1, CUT_NOT, 0);
	call_cut(&c, DIRECTION_RECEIVED, HI, 4, CUT_NOT, 0);
	assert_string_equal(counted(&c), "opened timed client <text <binary <bytes=1002");
	assert_int_equal(self_cells.cell[SELF_UNPARSED + UNPARSED_GAP], 0);
}

static void a_direction_out_of_step_is_taken_up_again_by_headers_that_chain(void **state)
{
	static struct connection c;
	char word[32];

	(void)state;
	converse(&c, true,
		 (struct call_row[]){OUT(ASK),
				     IN(ANSWER),
				     IN("\x82\x05"
					"01"),
				     {}},
		 CUT_NOT, 0);
	c.tcp.copied_seq += 1000; /* the payload's end and more */
	for (int i = 0; i < 6; i++)
		call_cut(&c, DIRECTION_RECEIVED, HI, 4, CUT_NOT, 0);
	assert_int_equal(c.conn.stream[DIRECTION_RECEIVED].mode, STREAM_FRAMES);
	assert_int_equal(cell(CELL_WS_ERRORS + WS_ERROR_DECODE), 0);
	snprintf(word, sizeof(word), "opened timed client <text=%d", 6);
	assert_memory_equal(counted(&c), word, strlen(word)); /* the held ones too */
}

/* What a direction that is out of step makes of one more call. */
static const char *out_of_step(const char *bytes, __u32 n, enum cutting cutting, __u32 cut)
{
	static struct connection c;

	converse(&c, true, (struct call_row[]){OUT(ASK), IN(ANSWER), IN("\x82\x05\x01\x02"), {}}, CUT_NOT, 0);
	c.tcp.copied_seq += 1000;
	call_cut(&c, DIRECTION_RECEIVED, "..", 2, CUT_NOT, 0);
	assert_int_equal(c.conn.stream[DIRECTION_RECEIVED].mode, STREAM_CANDIDATE);
	call_cut(&c, DIRECTION_RECEIVED, bytes, n, cutting, cut);
	return counted(&c);
}

static void a_close_alone_in_its_call_takes_a_direction_up_again(void **state)
{
	(void)state;
	for (__u32 cut = 0; cut <= 4; cut++)
		assert_string_equal(out_of_step("\x88\x02\x03\xe8", 4, CUT_SEGMENTS, cut),
				    "opened timed client <close <1000");
	assert_string_equal(out_of_step("\x88\x00", 2, CUT_NOT, 0), "opened timed client <close <none");
	/* Payload that looks like one, but for its code. */
	assert_string_equal(out_of_step("\x88\x02no", 4, CUT_NOT, 0), "opened timed client");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_conversation_counts_the_same_however_it_is_cut),
		cmocka_unit_test(thousands_of_frames_in_one_call_are_counted),
		cmocka_unit_test(bytes_that_no_event_told_of_inside_a_payload_are_skipped),
		cmocka_unit_test(a_direction_out_of_step_is_taken_up_again_by_headers_that_chain),
		cmocka_unit_test(a_close_alone_in_its_call_takes_a_direction_up_again),
	};

	return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
