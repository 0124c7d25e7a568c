// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf/proto/http.h as a protocol of requests and answers: tables of conversations, every split point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exchanges.h"
#include "proto/http.h"

static bool http_is_opaque(const struct stream *s)
{
	return s->http.state == HTTP_OPAQUE;
}

EXCHANGE_STEPS(http, NULL, http_is_opaque)

#define OK "HTTP/1.1 200 OK\r\n"
#define EMPTY "Content-Length: 0\r\n\r\n"
#define LONG_64 "0123456789012345678901234567890123456789012345678901234567890123"
#define LONG_256 LONG_64 LONG_64 LONG_64 LONG_64

/* `expected`: see dialogue_http_add(). */
static const struct {
	const char *what;
	struct line lines[8];
	const char *expected;
} conversations[] = {
	{"a request and its answer", {ASK("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"), ANSWER(OK EMPTY)}, "GET /a 200"},
	{"an answer with a body",
	 {ASK("GET / HTTP/1.1\r\n\r\n"), ANSWER(OK "Content-Length: 5\r\n\r\nhello")},
	 "GET / 200 5"},
	{"bodies both ways",
	 {ASK("POST /p HTTP/1.1\r\ncontent-length:3\r\n\r\nabc"),
	  ANSWER("HTTP/1.0 404 No\r\nCONTENT-LENGTH:\t 2 \r\n\r\nno")},
	 "POST /p +3 404 2"},
	{"every method",
	 {ASK("GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\n\r\nPOST /3 HTTP/1.1\r\n\r\nPUT /4 HTTP/1.1\r\n\r\n"
	      "DELETE /5 HTTP/1.1\r\n\r\nOPTIONS /6 HTTP/1.1\r\n\r\nTRACE /7 HTTP/1.1\r\n\r\nPATCH /8 "
	      "HTTP/1.1\r\n\r\n"),
	  ANSWER(OK EMPTY OK EMPTY OK EMPTY OK EMPTY OK EMPTY OK EMPTY OK EMPTY OK EMPTY)},
	 "GET /1 200, HEAD /2 200, POST /3 200, PUT /4 200, DELETE /5 200, OPTIONS /6 200, TRACE /7 200, PATCH /8 "
	 "200"},
	{"statuses",
	 {ASK("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\nGET /4 HTTP/1.1\r\n\r\n"),
	  ANSWER("HTTP/1.1 301\r\n" EMPTY "HTTP/1.1 599 X\r\n" EMPTY "HTTP/1.1 999 X\r\n" EMPTY
		 "HTTP/1.0 500 \r\n" EMPTY)},
	 "GET /1 301, GET /2 599, GET /3 999, GET /4 500"},
	{"chunks",
	 {ASK("GET / HTTP/1.1\r\n\r\n"),
	  ANSWER(OK "Transfer-Encoding: "
		    "chunked\r\n\r\n5\r\nhello\r\n1A;name=\"v\";x\r\n01234567890123456789012345\r\n0\r\n\r\n")},
	 "GET / 200 31"},
	{"chunks with a trailer",
	 {ASK("PUT /up HTTP/1.1\r\ntransfer-encoding: gzip, Chunked\r\n\r\n0003 \r\nabc\r\n0;last\r\nDigest: " LONG_64
	      "\r\nX: y\r\n\r\nGET /next HTTP/1.1\r\n\r\n"),
	  ANSWER(OK EMPTY OK EMPTY)},
	 "PUT /up +3 200, GET /next 200"},
	{"leading zeros, upper and lower case",
	 {ASK("GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"),
	  ANSWER(OK
		 "Transfer-Encoding: "
		 "chunked\r\n\r\n0000000000000a\r\n0123456789\r\nB\r\n01234567890\r\n000000000000\r\n\r\n" OK EMPTY)},
	 "GET / 200 21, GET /2 200"},
	{"a chunk that looks like an answer",
	 {ASK("GET / HTTP/1.1\r\n\r\n"),
	  ANSWER(OK "Transfer-Encoding: chunked\r\n\r\n2a\r\n" OK "Content-Length: 2\r\n\r\n\r\n\r\n\r\n0\r\n\r\n")},
	 "GET / 200 42"},
	{"an empty element behind chunked",
	 {ASK("GET / HTTP/1.1\r\n\r\n"), ANSWER(OK "Transfer-Encoding: chunked, \r\n\r\n2\r\nhi\r\n0\r\n\r\n")},
	 "GET / 200 2"},
	{"chunks before a length",
	 {ASK("GET / HTTP/1.1\r\n\r\n"),
	  ANSWER(OK "Transfer-Encoding: chunked\r\nContent-Length: 500\r\n\r\n2\r\nhi\r\n0\r\n\r\n")},
	 "GET / 200 2"},
	{"HEAD has no body, whatever it says",
	 {ASK("HEAD /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"),
	  ANSWER(OK "Content-Length: 500\r\n\r\n" OK "Content-Length: 1\r\n\r\nx")},
	 "HEAD /a 200, GET /b 200 1"},
	{"... and chunked neither",
	 {ASK("HEAD /a HTTP/1.1\r\n\r\nHEAD /b HTTP/1.1\r\n\r\n"),
	  ANSWER(OK "Transfer-Encoding: chunked\r\n\r\n" OK "\r\n")},
	 "HEAD /a 200, HEAD /b 200"},
	{"204 and 304 have none",
	 {ASK("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n"),
	  ANSWER("HTTP/1.1 204 N\r\n\r\nHTTP/1.1 304 N\r\nContent-Length: 500\r\n\r\n" OK EMPTY)},
	 "GET /a 204, GET /b 304, GET /c 200"},
	{"100 and 103 before the answer",
	 {ASK("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
	  ANSWER("HTTP/1.1 100 Continue\r\n\r\n"), ASK("hi"),
	  ANSWER("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\n" EMPTY)},
	 "PUT / +2 201"},
	{"101",
	 {ASK("GET /chat?x HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
	  ANSWER("HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n\x81\x02hi"), ASK("\x81\x82....hi")},
	 "GET /chat ^101"},
	{"a tunnel",
	 {ASK("CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n"), ANSWER(OK "\r\n"), ASK("\x16\x03\x01..")},
	 "CONNECT  ^200"},
	{"a tunnel refused",
	 {ASK("CONNECT example.org:443 HTTP/1.1\r\n\r\n"), ANSWER("HTTP/1.1 403 F\r\n" EMPTY),
	  ASK("GET / HTTP/1.1\r\n\r\n")},
	 "CONNECT  403, GET /"},
	{"a body that ends with its connection",
	 {ASK("GET / HTTP/1.0\r\n\r\n"), ANSWER("HTTP/1.0 200 OK\r\n\r\nhello" OK EMPTY)},
	 "GET /"},
	{"... since its coding is not known",
	 {ASK("GET / HTTP/1.1\r\n\r\n"), ANSWER(OK "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nhello")},
	 "GET /"},
	{"absolute form",
	 {ASK("GET http://example.org:80/a/b?c HTTP/1.1\r\n\r\nGET HTTPS://u@h HTTP/1.1\r\n\r\nGET http://h?a=/b "
	      "HTTP/1.1\r\n\r\n"
	      "GET http:///x HTTP/1.1\r\n\r\nGET http:/y HTTP/1.1\r\n\r\n")},
	 "GET /a/b, GET , GET , GET /x, GET http:/y"},
	{"asterisk", {ASK("OPTIONS * HTTP/1.1\r\n\r\n"), ANSWER(OK EMPTY)}, "OPTIONS * 200"},
	{"query and fragment are cut off",
	 {ASK("GET /a?b=/c HTTP/1.1\r\n\r\nGET /d#e?f HTTP/1.1\r\n\r\nGET /? HTTP/1.1\r\n\r\nGET ?x "
	      "HTTP/1.1\r\n\r\n")},
	 "GET /a, GET /d, GET /, GET "},
	{"paths of every length around the lookahead",
	 {ASK("GET /23456789012345 HTTP/1.1\r\n\r\nGET /234567890123456 HTTP/1.1\r\n\r\nGET /2345678901234567 "
	      "HTTP/1.1\r\n\r\n"
	      "GET /" LONG_64 "?" LONG_64 " HTTP/1.1\r\n\r\n")},
	 "GET /23456789012345, GET /234567890123456, GET /2345678901234567, GET /" LONG_64},
	{"a path is not decoded", {ASK("GET /%41//.././\xc3\xa9/ HTTP/1.1\r\n\r\n")}, "GET /%41//.././\xc3\xa9/"},
	{"bare line feeds",
	 {ASK("POST /a HTTP/1.1\nHost: x\nContent-Length: 2\n\nhi"),
	  ANSWER("HTTP/1.1 200 OK\nContent-Length: 3\n\nfoo")},
	 "POST /a +2 200 3"},
	{"empty lines before a request",
	 {ASK("\r\n\r\nGET /a HTTP/1.1\r\n\r\n\r\nGET /b HTTP/1.1\r\n\r\n"), ANSWER(OK EMPTY OK EMPTY)},
	 "GET /a 200, GET /b 200"},
	{"PROXY protocol, version 1",
	 {ASK("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET /a HTTP/1.1\r\n\r\n"), ANSWER(OK EMPTY)},
	 "GET /a 200"},
	{"PROXY protocol, version 2",
	 {ASK("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0cGET GET GET GET /a HTTP/1.1\r\n\r\n"), ANSWER(OK EMPTY)},
	 "GET /a 200"},
	{"lines longer than can be seen",
	 {ASK("GET /a HTTP/1.1\r\nCookie: " LONG_256 "\r\nX: " LONG_64
	      "Content-Length: 5\r\nContent-Length: 1\r\n\r\nx"),
	  ANSWER("HTTP/1.1 200 " LONG_256 "\r\nSet-Cookie: " LONG_64 "\r\n" EMPTY)},
	 "GET /a +1 200"},
	{"a value that goes on in the next line",
	 {ASK("GET /a HTTP/1.1\r\nX: y\r\n Content-Length: 7\r\n\tz\r\n\r\nGET /b HTTP/1.1\r\n\r\n")},
	 "GET /a, GET /b"},
	{"a length told twice",
	 {ASK("POST /a HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\n\r\n")},
	 "POST /a +2, GET /b"},
	{"names that begin or end alike",
	 {ASK("POST /a HTTP/1.1\r\nContent-Length2: 9\r\nX-Content-Length: 9\r\nTransfer-Encodings: "
	      "chunked\r\nTransfer-Encodin\r\n"
	      "Content-Lengt: 9\r\n\r\nGET /b HTTP/1.1\r\n\r\n")},
	 "POST /a, GET /b"},
	{"an answer to nothing", {ANSWER(OK EMPTY), ASK("GET / HTTP/1.1\r\n\r\n"), ANSWER(OK EMPTY)}, "GET / 200"},
	{"a long list",
	 {ASK("GET / HTTP/1.1\r\nConnection: " LONG_64 ", keep-alive\r\nContent-Length: 1\r\n\r\nx")},
	 "GET / +1"},
};

static void conversations_are_read_the_same_however_they_are_cut(void **state)
{
	static struct dialogue d;
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		const char *http;

		dialogue_begin(&d, &http_protocol);
		dialogue_lines(&d, conversations[i].lines, 8);
		http = dialogue_http(&d);
		if (strcmp(http, conversations[i].expected) || d.broken[0] || d.broken[1]) {
			print_error("%s:\n  expected %s\n  got      %s\n", conversations[i].what,
				    conversations[i].expected, http);
			wrong++;
		}
		if (!dialogue_every_split(&http_protocol, false, conversations[i].lines, 8, 600 / SLOWER)) {
			print_error("%s: cut otherwise\n", conversations[i].what);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* What is not HTTP depends on the calls: it passes to the end of its own. */
static void what_is_no_http_passes_to_the_end_of_its_call(void **state)
{
	static const struct {
		const char *what;
		struct line lines[8];
		const char *expected;
	} rows[] = {
		{"a chunk without a size",
		 {ASK("GET / HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"),
		  ANSWER(OK "Transfer-Encoding: chunked\r\n\r\nhello world" OK EMPTY), ANSWER(OK EMPTY)},
		 "GET / 200, GET /b"},
		{"... or of more than 32 bits",
		 {ASK("GET / HTTP/1.1\r\n\r\n"),
		  ANSWER(OK "Transfer-Encoding: chunked\r\n\r\n123456789\r\nhello world")},
		 "GET /"},
		{"something else",
		 {ASK("\1\2\3\4 GET / HTTP/1.1\r\n\r\n"), ASK("GET /b HTTP/1.1\r\n\r\n")},
		 "GET /b"},
		{"an answer where requests are",
		 {ASK(OK EMPTY "GET /a HTTP/1.1\r\n\r\n"), ASK("GET /b HTTP/1.1\r\n\r\n")},
		 "GET /b"},
		{"a request where answers are",
		 {ASK("GET /a HTTP/1.1\r\n\r\n"), ANSWER("GET /a HTTP/1.1\r\n\r\n" OK EMPTY), ANSWER(OK EMPTY)},
		 "GET /a 200"},
	};
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].what);
		dialogue_begin(&d, &http_protocol);
		dialogue_lines(&d, rows[i].lines, 8);
		assert_string_equal(dialogue_http(&d), rows[i].expected);
		assert_false(d.broken[0] || d.broken[1]);
	}
}

static void requests_of_other_protocols_are_malformed(void **state)
{
	static const char *const texts[] = {
		"GET / RTSP/1.0\r\nCSeq: 1\r\n\r\n", "OPTIONS sip:x@y SIP/2.0\r\n\r\n",
		"GET /index.html\r\n\r\n\r\n\r\n",   "POSTAL /x HTTP/1.1\r\n\r\n",
		"GET /a b HTTP/1.1\r\n\r\n",         "GET / HTTP/2.0\r\n\r\n",
	};
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		dialogue_begin(&d, &http_protocol);
		dialogue_call(&d, ASKING, texts[i], strlen(texts[i]));
		if (!d.broken[ASKING] || d.asked_tail)
			fail_msg("%s", texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversations_are_read_the_same_however_they_are_cut),
		cmocka_unit_test(what_is_no_http_passes_to_the_end_of_its_call),
		cmocka_unit_test(requests_of_other_protocols_are_malformed),
	};

	return cmocka_run_group_tests_name("http1", tests, NULL, NULL);
}
