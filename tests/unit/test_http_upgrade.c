// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of bpf/proto/http.h: which heads of one direction ask for a WebSocket, and which answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frames.h"
#include "http_vectors.h"

static struct feed whole, again;

static void http_begin(struct feed *f)
{
	feed_begin(f, STREAM_HTTP, false, false);
}

static void feed_calls(struct feed *f, const char *text)
{
	const char *end;

	for (; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '|');
		feed_call(f, (const __u8 *)text, end - text);
	}
}

static void every_vector_is_what_it_says_in_every_split(void **state)
{
	int wrong = 0;

	(void)state;
	for (int i = 0; i < HTTP_VECTORS; i++) {
		const struct http_vector *v = &http_vectors[i];
		bool same = true;

		http_begin(&whole);
		if (strchr(v->text, '|'))
			feed_calls(&whole, v->text);
		else
			same = feed_every_split(&whole, &again, (const __u8 *)v->text, strlen(v->text), 300);
		if (!same || strcmp(feed_heads(&whole), v->expected)) {
			print_error("%s: expected '%s', got '%s'\n", v->description, v->expected, feed_heads(&whole));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void a_field_is_found_behind_a_line_of_any_length(void **state)
{
	static const char last[] = "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n";

	(void)state;
	for (int length = 0; length < 5000; length += length < 60 ? 1 : 409) {
		struct bytes b = {};

		bytes_add_text(&b, "GET / HTTP/1.1\r\nCookie: ");
		for (int i = 0; i < length; i++)
			bytes_add(&b, "=", 1);
		bytes_add_text(&b, "\r\n");
		bytes_add_text(&b, last);
		http_begin(&whole);
		assert_true(feed_every_split(&whole, &again, b.at, b.n, 0));
		assert_string_equal(feed_heads(&whole), "ask");
		bytes_free(&b);
	}
}

/* Requests drawn at random, in random calls, against what was drawn. */
static void random_requests_are_read_as_they_were_written(void **state)
{
	static const char *const noise[] = {
		"Host: example.org\r\n",
		"Upgrade-Insecure-Requests: 1\r\n",
		"Accept: */*\r\n",
		"X:\r\n",
		"Sec-WebSocket-Version: 13\r\n",
		"Content-Type: upgrade\n",
		"Cookie: a=b; Connection: upgrade\r\n",
		"Connection: keep-alive\r\n",
		"Sec-WebSocket-Protocol: chat\r\n",
	};
	static const char *const upgrade[] = {"", "Upgrade: websocket\r\n", "upgrade:WEBSOCKET\n"};
	static const char *const connection[] = {"", "Connection: Upgrade\r\n",
						 "CONNECTION: keep-alive , upgrade \r\n"};
	static const char *const extension[] = {"", "Sec-WebSocket-Extensions: permessage-deflate\r\n",
						"sec-websocket-extensions:x-webkit-deflate-frame\n"};
	__u64 seed = 11;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		int drawn[3] = {random_below(&seed, 3), random_below(&seed, 3), random_below(&seed, 3)}, heads = 0;
		struct bytes b = {};
		__u64 from = 0, n;
		char words[128] = "";

		for (heads = random_below(&seed, 3); heads; heads--) {
			int body = random_below(&seed, 60);
			char head[100];

			snprintf(head, sizeof(head), "PUT /%d HTTP/1.1\r\nContent-Length: %d\r\n\r\n", body, body);
			bytes_add_text(&b, head);
			bytes_add(&b, ASK, body);
			strcat(words, "request ");
		}
		bytes_add_text(&b, "GET /ws HTTP/1.1\r\n");
		for (int field = 0; field < 3; field++) {
			for (int lines = random_below(&seed, 3); lines; lines--)
				bytes_add_text(&b, noise[random_below(&seed, sizeof(noise) / sizeof(noise[0]))]);
			bytes_add_text(&b, (field == 0   ? upgrade
					    : field == 1 ? connection
							 : extension)[drawn[field]]);
		}
		bytes_add_text(&b, "\r\n");
		strcat(words, drawn[0] && drawn[1] ? "ask" : "request");
		strcat(words, drawn[2] ? "/rsv1" : "");

		http_begin(&whole);
		whole.poison = random_next(&seed);
		for (; from < b.n; from += n) {
			n = min_u64(1 + random_below(&seed, 40), b.n - from);
			feed_call(&whole, b.at + from, n);
		}
		if (strcmp(feed_heads(&whole), words))
			fail_msg("expected '%s', got '%s' for\n%.*s", words, feed_heads(&whole), (int)b.n,
				 (char *)b.at);
		bytes_free(&b);
	}
}

static void random_bytes_never_break_the_parser(void **state)
{
	static const char letters[] =
		"GET HTTP/1.1 \r\n\r\n:,\t upgradewebsocketconnecti-lengh0123456789SPOD\x80\xff";
	__u64 seed = 12;

	(void)state;
	for (int round = 0; round < 50000; round++) {
		__u8 call[64];

		if (round % 8 == 0)
			http_begin(&whole);
		whole.poison = random_next(&seed);
		for (unsigned int i = 0; i < sizeof(call); i++)
			call[i] = letters[random_below(&seed, sizeof(letters) - 1)];
		feed_call(&whole, call, 1 + random_below(&seed, sizeof(call)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_is_what_it_says_in_every_split),
		cmocka_unit_test(a_field_is_found_behind_a_line_of_any_length),
		cmocka_unit_test(random_requests_are_read_as_they_were_written),
		cmocka_unit_test(random_bytes_never_break_the_parser),
	};

	return cmocka_run_group_tests_name("http_upgrade", tests, NULL, NULL);
}
