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

/* The row of the only endpoint. */
static const struct row *only_row(void)
{
	assert_int_equal(shared.row_count, 1);
	return &row_cells[1];
}

static __u64 row_requests(const struct row *row)
{
	__u64 n = 0;

	for (int i = ROW_STATUS; i <= ROW_UNANSWERED; i++)
		n += row->cell[i];
	return n;
}

static void an_answer_whose_body_ends_with_the_connection_counts_then(void **state)
{
	static const struct call_row whole[] = {OUT(GET), IN("HTTP/1.1 200 OK\r\n\r\nhi"), {}};
	static const struct call_row parts[] = {OUT(GET), IN("HTTP/1.1 200 OK\r\n\r\n"), IN("h"), IN("i"), {}};
	static struct connection c;

	(void)state;
	for (int i = 0; i < 2; i++) {
		converse(&c, true, i ? parts : whole, CUT_NOT, 0);
		assert_int_equal(row_requests(only_row()), 0);
		on_io(&c.sk, DIRECTION_RECEIVED, 0, 0);
		assert_int_equal(only_row()->cell[ROW_STATUS + HTTP_STATUS_NUMBER_200], 1);
		assert_int_equal(row_requests(only_row()), 1);
		/* A millisecond a call, up to the last byte. */
		assert_in_range(only_row()->cell[ROW_CELL_COUNT - 1], i ? 2900000 : 900000, i ? 3100000 : 1100000);
		assert_int_equal(cell(CELL_HTTP_RESPONSE_SIZE + SHAPE_SIZE_CELLS - 1), 2);
	}
}

static void a_refusal_whose_body_ends_with_the_connection_is_one(void **state)
{
	static struct connection c;

	(void)state;
	converse(&c, true, (struct call_row[]){OUT(ASK), IN("HTTP/1.1 403 Forbidden\r\n\r\nno"), {}}, CUT_NOT, 0);
	assert_string_equal(counted(&c), "");
	on_io(&c.sk, DIRECTION_RECEIVED, 0, 0);
	assert_string_equal(counted(&c), "refused/403");
}

static void a_request_without_an_answer_is_counted_at_the_end(void **state)
{
	static struct connection c;

	(void)state;
	converse(&c, true, (struct call_row[]){OUT(GET GET), IN("HTTP/1.1 204 No\r\n\r\nHTTP/1.1 2"), {}}, CUT_NOT,
		 0);
	on_io(&c.sk, DIRECTION_RECEIVED, 0, 0);
	assert_int_equal(only_row()->cell[ROW_STATUS + HTTP_STATUS_NUMBER_204], 1);
	assert_int_equal(only_row()->cell[ROW_UNANSWERED], 1);
	assert_int_equal(row_requests(only_row()), 2);
}

static void what_is_no_http_is_looked_at_once(void **state)
{
	static struct connection c;

	(void)state;
	converse(&c, true,
		 (struct call_row[]){OUT(GET),
				     IN("HTTP/1.1 204 No\r\n\r\n\1\2\3 no HTTP"),
				     IN("\1\2\3\4"),
				     OUT(GET),
				     IN("HTTP/1.1 204 No\r\n\r\n"),
				     {}},
		 CUT_NOT, 0);
	assert_int_equal(only_row()->cell[ROW_STATUS + HTTP_STATUS_NUMBER_204], 2);
	for (int i = 0; i < UNPARSED_COUNT; i++)
		assert_int_equal(self_cells.cell[SELF_UNPARSED + i], 0);
}

#define PING "*1\r\n$4\r\nPING\r\n"

/* It looked like the beginning of a WebSocket frame. */
static void an_answer_that_comes_before_its_protocol_is_known_does_not_hide_the_next(void **state)
{
	static struct connection c;

	(void)state;
	require(!operations_fill(&operations));
	converse(&c, false,
		 (struct call_row[]){IN("\x81\x7e\x03\xe8 of a value"), OUT(PING), IN("+PONG\r\n"), OUT(PING), {}},
		 CUT_NOT, 0);
	assert_int_equal(c.conn.protocol, PROTOCOL_REDIS);
	assert_int_equal(c.conn.stream[DIRECTION_RECEIVED].mode, STREAM_EXCHANGE);
	assert_int_equal(only_row()->cell[OPERATION_STATUS_SUCCESS], 1);
	on_io(&c.sk, DIRECTION_RECEIVED, 0, 0);
	assert_int_equal(only_row()->cell[ROW_UNANSWERED], 1);
}

static void what_was_only_taken_for_a_request_is_not_counted_at_the_end(void **state)
{
	static struct connection c;

	(void)state;
	require(!operations_fill(&operations));
	converse(&c, false, (struct call_row[]){OUT(PING), {}}, CUT_NOT, 0);
	assert_int_equal(c.conn.protocol, PROTOCOL_REDIS);
	on_io(&c.sk, DIRECTION_RECEIVED, 0, 0);
	assert_int_equal(row_requests(only_row()), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_conversation_counts_the_same_however_it_is_cut),
		cmocka_unit_test(thousands_of_frames_in_one_call_are_counted),
		cmocka_unit_test(bytes_that_no_event_told_of_inside_a_payload_are_skipped),
		cmocka_unit_test(a_direction_out_of_step_is_taken_up_again_by_headers_that_chain),
		cmocka_unit_test(a_close_alone_in_its_call_takes_a_direction_up_again),
		cmocka_unit_test(an_answer_whose_body_ends_with_the_connection_counts_then),
		cmocka_unit_test(a_refusal_whose_body_ends_with_the_connection_is_one),
		cmocka_unit_test(a_request_without_an_answer_is_counted_at_the_end),
		cmocka_unit_test(what_is_no_http_is_looked_at_once),
		cmocka_unit_test(an_answer_that_comes_before_its_protocol_is_known_does_not_hide_the_next),
		cmocka_unit_test(what_was_only_taken_for_a_request_is_not_counted_at_the_end),
	};

	return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
