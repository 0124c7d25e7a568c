// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of bpf/proto/websocket.h: what one direction's frames are, however the calls cut them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vectors.h"

static struct feed whole, again, expected;
static const __u8 some_mask[4] = {0x37, 0xfa, 0x21, 0x3d};

static void frames_begin(struct feed *f, bool masked, bool rsv1_allowed)
{
	feed_begin(f, STREAM_FRAMES, masked, rsv1_allowed);
}

/* Both readers agree on the stream, cut in any way. */
static void check_against_reference(const struct bytes *b, bool masked, bool rsv1_allowed, __u64 pairs_max)
{
	frames_begin(&whole, masked, rsv1_allowed);
	assert_true(feed_every_split(&whole, &again, b->at, b->n, pairs_max));
	frames_begin(&expected, masked, rsv1_allowed);
	reference_read(&expected, b->at, b->n);
	if (!feed_same(&whole, &expected)) {
		feed_print(&whole);
		fprintf(stderr, "expected:\n");
		feed_print(&expected);
		fail_msg("the readers disagree");
	}
}

static void every_vector_is_what_it_says_in_every_split(void **state)
{
	int wrong = 0;

	(void)state;
	for (int i = 0; i < FRAMES_VECTORS; i++) {
		const struct frames_vector *v = &frames_vectors[i];
		struct bytes b = {};
		bool same;

		bytes_add_hex(&b, v->hex);
		frames_begin(&whole, v->masked, v->rsv1_allowed);
		same = feed_every_split(&whole, &again, b.at, b.n, 64);
		bytes_free(&b);
		if (!same || strcmp(feed_words(&whole), v->expected)) {
			print_error("%s: expected '%s', got '%s'\n", v->description, v->expected, feed_words(&whole));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void the_reference_reads_every_vector_as_it_says(void **state)
{
	(void)state;
	for (int i = 0; i < FRAMES_VECTORS; i++) {
		const struct frames_vector *v = &frames_vectors[i];
		struct bytes b = {};

		bytes_add_hex(&b, v->hex);
		frames_begin(&expected, v->masked, v->rsv1_allowed);
		reference_read(&expected, b.at, b.n);
		bytes_free(&b);
		assert_string_equal(feed_words(&expected), v->expected);
	}
}

static void every_first_byte_and_length_is_judged_by_the_rules(void **state)
{
	static const __u64 lengths[] = {0,       1,          2,     124,        125,
					126,     127,        128,   0xffff,     0x10000,
					1 << 24, 1ULL << 32, ~0ULL, 1ULL << 63, (1ULL << 63) - 1};

	(void)state;
	for (int first = 0; first < 256; first++)
		for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
			for (int bits = 0; bits < 16; bits++) {
				struct ws_rules rules = {.masked = bits & 1, .rsv1_allowed = bits & 2};
				bool in_message = bits & 4, masked = bits & 8, ok;
				struct ws_header h = {};
				struct bytes b = {};
				__u8 view[LOOKAHEAD] = {};

				header_add(&b, first, masked, lengths[i], LENGTH_SHORTEST, some_mask);
				memcpy(view, b.at, b.n);
				assert_int_equal(ws_header_decode(view, b.n - 1, &h), INCOMPLETE);
				assert_int_equal(ws_header_decode(view, b.n, &h), CONSUMED);
				assert_int_equal(h.bytes, b.n);
				assert_int_equal(h.first, first);
				assert_int_equal(h.masked, masked);
				assert_true(h.payload == lengths[i] && h.minimal);
				ok = ws_header_valid(&h, &rules, in_message ? WS_BINARY : 0);
				assert_int_equal(ok,
						 !reference_breaks(b.at[0], b.at[1], lengths[i], &rules, in_message));
				bytes_free(&b);
			}
}

static void payloads_of_every_length_are_passed_over_exactly(void **state)
{
	static const __u64 lengths[] = {0,   1,   7,   8,   9,   15,  16,    17,    124,
					125, 126, 127, 128, 511, 512, 65535, 65536, 70001};
	__u64 seed = 1;

	(void)state;
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (int masked = 0; masked < 2; masked++)
			for (enum length_form form = LENGTH_SHORTEST; form <= LENGTH_64; form++) {
				struct bytes b = {}, payload = {};
				__u64 cuts[3];

				if (form == LENGTH_16 && lengths[i] > 0xffff)
					continue;
				header_add(&b, 0x82, masked, lengths[i], form, some_mask);
				while (payload.n < lengths[i])
					bytes_add(&payload, &(__u8){random_next(&seed)}, 1);
				bytes_add(&b, payload.at, payload.n);
				frame_add(&b, 0x89, masked ? some_mask : NULL, "!", 1);

				frames_begin(&expected, masked, false);
				reference_read(&expected, b.at, b.n);
				assert_int_equal(expected.events, 2);
				for (int round = 0; round < 50; round++) {
					cuts[0] = 1 + random_below(&seed, b.n < 15 ? b.n : 15);
					cuts[1] = cuts[0] + random_below(&seed, b.n - cuts[0] + 1);
					cuts[2] = b.n - random_below(&seed, b.n - cuts[1] + 1);
					frames_begin(&whole, masked, false);
					feed_split(&whole, b.at, b.n, cuts, 3);
					assert_true(feed_same(&whole, &expected));
				}
				bytes_free(&b);
				bytes_free(&payload);
			}
}

static void a_payload_of_gigabytes_is_not_read(void **state)
{
	__u64 length = 5ULL << 30;
	struct bytes b = {};
	__u8 few[LOOKAHEAD] = {};

	(void)state;
	header_add(&b, 0x02, true, length, LENGTH_SHORTEST, some_mask);
	frames_begin(&whole, true, false);
	feed_call(&whole, b.at, b.n);
	feed_call(&whole, few, length - 1);
	assert_int_equal(whole.events, 0);
	feed_call(&whole, few, 1);
	assert_int_equal(whole.events, 1);
	b.n = 0;
	header_add(&b, 0x80, true, length, LENGTH_SHORTEST, some_mask);
	feed_call(&whole, b.at, b.n);
	feed_call(&whole, few, length);
	assert_int_equal(whole.events, 2);
	assert_true(whole.event[1].message_bytes == 2 * length);
	assert_true(whole.event[1].at == 2 * length + 28);
	assert_int_equal(whole.event[1].message_opcode, WS_BINARY);
	bytes_free(&b);
}

static void every_close_code_is_known_or_a_violation(void **state)
{
	(void)state;
	for (unsigned int code = 0; code < 65536; code++)
		for (int masked = 0; masked < 2; masked++) {
			__u8 payload[5] = {code >> 8, code, 'b', 'y', 'e'};
			struct bytes b = {};

			frame_add(&b, 0x88, masked ? some_mask : NULL, payload, 2 + code % 4);
			frames_begin(&whole, masked, false);
			if (code % 3)
				feed_call(&whole, b.at, b.n);
			else
				feed_split(&whole, b.at, b.n, (__u64[]){b.n - 1 - code % 4}, 1);
			assert_int_equal(whole.events, 1);
			if (reference_code_known(code)) {
				assert_int_equal(whole.event[0].kind, EVENT_FRAME);
				assert_int_equal(whole.event[0].code, code);
			} else {
				assert_int_equal(whole.event[0].kind, EVENT_DECODE);
				assert_int_equal(whole.stream.mode, STREAM_DEAD);
			}
			bytes_free(&b);
		}
}

static void the_hash_of_a_ping_depends_on_its_payload_alone(void **state)
{
	static const __u8 masks[][4] = {
		{0, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}, {0x37, 0xfa, 0x21, 0x3d}, {0, 0, 0, 1}};
	__u8 payload[125];
	__u64 seed = 2;

	(void)state;
	for (__u32 length = 0; length <= 125; length++) {
		__u32 hash = 0;

		for (__u32 i = 0; i < length; i++)
			payload[i] = random_next(&seed) >> 24;
		for (int m = -1; m < 4; m++) {
			struct bytes b = {};

			frame_add(&b, length & 1 ? 0x89 : 0x8a, m < 0 ? NULL : masks[m], payload, length);
			check_against_reference(&b, m >= 0, false, 0);
			assert_int_equal(whole.events, 1);
			if (m < 0)
				hash = whole.event[0].hash;
			assert_int_equal(whole.event[0].hash, hash);
			bytes_free(&b);
		}
	}
}

static void a_long_mixed_stream_is_the_same_in_every_split(void **state)
{
	static const __u8 firsts[] = {0x81, 0x82, 0x89, 0x01, 0x8a, 0x00, 0x89, 0x00, 0x80, 0xc1, 0x42, 0x8a, 0x80};
	static const __u64 lengths[] = {0, 3, 0, 125, 17, 126, 1, 12, 127, 300, 8, 64, 2};

	(void)state;
	for (int masked = 0; masked < 2; masked++) {
		struct bytes b = {};
		__u64 seed = 3;

		for (int i = 0; i < 13; i++)
			frame_add_length(&b, firsts[i], masked ? some_mask : NULL, lengths[i], &seed);
		frame_add(&b, 0x88, masked ? some_mask : NULL, "\x03\xe8 bye", 6);
		check_against_reference(&b, masked, true, 2000);
		assert_int_equal(whole.events, 14);
		assert_int_equal(whole.event[13].code, 1000);
		bytes_free(&b);
	}
}

static void a_frame_counts_with_its_last_byte(void **state)
{
	struct bytes b = {};
	__u64 seed = 4;

	(void)state;
	for (int i = 0; i < 20; i++)
		frame_add_length(&b, i % 3 ? 0x82 : 0x8a, some_mask, i * 5 % 90, &seed);
	for (__u64 n = 0; n <= b.n; n++) {
		frames_begin(&whole, true, false);
		feed_call(&whole, b.at, n);
		frames_begin(&expected, true, false);
		reference_read(&expected, b.at, n);
		assert_true(feed_same(&whole, &expected));
	}
	bytes_free(&b);
}

/* Mostly valid frames, with a wrong bit now and then. */
static void random_frames(struct bytes *b, bool masked, __u64 *seed)
{
	static const __u8 firsts[] = {0x81, 0x82, 0x01, 0x02, 0x80, 0x00, 0x88, 0x89, 0x8a, 0xc1, 0x42};
	int frames = 1 + random_below(seed, 30);

	for (int i = 0; i < frames; i++) {
		__u8 mask[4] = {random_next(seed), random_next(seed), random_next(seed), random_next(seed)};
		__u64 length = random_below(seed, 4) ? random_below(seed, 40) : random_below(seed, 400);
		__u8 first = firsts[random_below(seed, sizeof(firsts))];

		if (first == 0x88)
			frame_add(b, first, masked ? mask : NULL, "\x03\xe8", random_below(seed, 20) ? 2 : 1);
		else
			frame_add_length(b, first, masked ? mask : NULL, length, seed);
	}
	if (!random_below(seed, 4))
		b->at[random_below(seed, b->n)] ^= 1 << random_below(seed, 8);
}

static void both_readers_agree_on_random_frames_in_random_calls(void **state)
{
	__u64 seed = 5, frames = 0;

	(void)state;
	for (int round = 0; round < 40000; round++) {
		bool masked = round & 1, rsv1 = round & 2;
		struct bytes b = {};
		__u64 from = 0;

		random_frames(&b, masked, &seed);
		frames_begin(&expected, masked, rsv1);
		reference_read(&expected, b.at, b.n);
		frames_begin(&whole, masked, rsv1);
		whole.poison = random_next(&seed);
		while (from < b.n) {
			__u64 n = 1 + random_below(&seed, random_below(&seed, 2) ? 12 : 200);

			n = min_u64(n, b.n - from);
			feed_call(&whole, b.at + from, n);
			from += n;
		}
		if (!feed_same(&whole, &expected)) {
			feed_print(&whole);
			feed_print(&expected);
			fail_msg("round %d", round);
		}
		frames += whole.events;
		bytes_free(&b);
	}
	assert_true(frames > 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_is_what_it_says_in_every_split),
		cmocka_unit_test(the_reference_reads_every_vector_as_it_says),
		cmocka_unit_test(every_first_byte_and_length_is_judged_by_the_rules),
		cmocka_unit_test(payloads_of_every_length_are_passed_over_exactly),
		cmocka_unit_test(a_payload_of_gigabytes_is_not_read),
		cmocka_unit_test(every_close_code_is_known_or_a_violation),
		cmocka_unit_test(the_hash_of_a_ping_depends_on_its_payload_alone),
		cmocka_unit_test(a_long_mixed_stream_is_the_same_in_every_split),
		cmocka_unit_test(a_frame_counts_with_its_last_byte),
		cmocka_unit_test(both_readers_agree_on_random_frames_in_random_calls),
	};

	return cmocka_run_group_tests_name("websocket", tests, NULL, NULL);
}
