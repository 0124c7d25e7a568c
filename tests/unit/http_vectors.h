/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Streams of HTTP heads with what they are, one direction each.
 */
#ifndef TAPSTAT_TESTS_HTTP_VECTORS_H
#define TAPSTAT_TESTS_HTTP_VECTORS_H

#include "stream.h"

/*
 * Expected: a word for each complete head: `ask` asks for WebSocket and ends the stream, `request` is another one, a
 * status is a response; `/ws` Upgrade names websocket, `/rsv1` an extension that uses RSV1. In `text` a `|` ends a
 * call; a stream without any is cut in every way.
 */
struct http_vector {
	const char *description;
	const char *text;
	const char *expected;
};

#define FIELDS "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\n\r\n"
#define ASK "GET /chat HTTP/1.1\r\nHost: x\r\n" FIELDS
#define ANSWER "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"

static const struct http_vector http_vectors[] = {
	{"a request for WebSocket", ASK, "ask"},
	{"its answer", ANSWER, "101/ws"},
	{"fields in another order and case",
	 "GET / HTTP/1.1\r\nsec-websocket-version: 13\r\nSEC-WEBSOCKET-KEY: eA==\r\ncOnNeCtIoN: uPgRaDe\r\n"
	 "Host: x\r\nUPGRADE: WebSocket\r\n\r\n",
	 "ask"},
	{"Connection is a list", "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n",
	 "ask"},
	{"... without blanks",
	 "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection:keep-alive,close,upgrade,x\r\n\r\n", "ask"},
	{"... with tabs and empty elements",
	 "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection:\t,\t, keep-alive\t,,\tUpgrade\r\n\r\n", "ask"},
	{"... over two fields",
	 "GET / HTTP/1.1\r\nConnection: keep-alive\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "ask"},
	{"Upgrade is a list", "GET / HTTP/1.1\r\nUpgrade: h2c, websocket\r\nConnection: Upgrade\r\n\r\n", "ask"},
	{"blanks around the value", "GET / HTTP/1.1\r\nUpgrade: \t websocket \t\r\nConnection:   Upgrade  \r\n\r\n",
	 "ask"},
	{"lines that end in LF alone", "GET / HTTP/1.1\nHost: x\nUpgrade: websocket\nConnection: upgrade\n\n", "ask"},
	{"... and both", "GET / HTTP/1.1\r\nUpgrade: websocket\nConnection: upgrade\r\n\n", "ask"},
	{"a value that goes on in the next line",
	 "GET / HTTP/1.1\r\nUpgrade: websocket\r\nX-Long: a\r\n\tUpgrade: none\r\n  b\r\nConnection:\r\n upgrade\r\n"
	 "Sec-WebSocket-Key: eA==\r\n\r\n",
	 "ask"},
	{"the path and other fields hold the words",
	 "GET /upgrade:websocket HTTP/1.1\r\nX-Upgrade: websocket\r\nReferer: Upgrade: websocket\r\nConnection: "
	 "x\r\n\r\n",
	 "request"},
	{"names that begin or end alike",
	 "GET / HTTP/1.1\r\nUpgrade-Insecure-Requests: websocket\r\nUpgrad: websocket\r\nConnections: "
	 "upgrade\r\n\r\n",
	 "request"},
	{"no Upgrade field", "GET / HTTP/1.1\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\n\r\n", "request"},
	{"neither Connection nor key", "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "request"},
	{"another protocol", "GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n",
	 "request"},
	{"the wrong method",
	 "POST / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n", "request"},
	{"short lines and empty values", "GET / HTTP/1.1\r\na:\r\nb: \r\nc\r\nUpgrade:\r\nConnection:\r\n:\r\n\r\n",
	 "request"},

	{"permessage-deflate",
	 "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
	 "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
	 "ask/rsv1"},
	{"... agreed upon",
	 "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
	 "101/ws/rsv1"},
	{"... as the second of a list",
	 "HTTP/1.1 101 OK\r\nsec-websocket-extensions: foo; a=b , Permessage-Deflate; x\r\nUpgrade: "
	 "websocket\r\n\r\n",
	 "101/ws/rsv1"},
	{"x-webkit-deflate-frame",
	 "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: x-webkit-deflate-frame\r\n\r\n",
	 "101/ws/rsv1"},
	{"an extension that is not known",
	 "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: mux\r\n\r\n", "101/ws"},
	{"no extension in other fields",
	 "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: permessage-deflate\r\n"
	 "Sec-WebSocket-Protocol: permessage-deflate\r\n\r\n",
	 "101/ws"},
	{"no reason", "HTTP/1.1 101\r\nUpgrade: websocket\r\n\r\n", "101/ws"},
	{"HTTP/1.0", "HTTP/1.0 404 Not Found\r\n\r\n", "404"},
	{"100 before 101", "HTTP/1.1 100 Continue\r\n\r\n" ANSWER, "100 101/ws"},
	{"103 and 100 before 101", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\n\n" ANSWER,
	 "103 100 101/ws"},

	{"requests one behind the other", "GET / HTTP/1.1\r\n\r\nHEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" ASK,
	 "request request ask"},
	{"every method",
	 "GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\n\r\nPUT / HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\n\r\nDELETE / "
	 "HTTP/1.1\r\n\r\n"
	 "OPTIONS * HTTP/1.1\r\n\r\nPATCH / HTTP/1.1\r\n\r\nCONNECT a:1 HTTP/1.1\r\n\r\nTRACE / HTTP/1.1\r\n\r\n",
	 "request request request request request request request request request"},
	{"a body that looks like a request for WebSocket",
	 "POST / HTTP/1.1\r\ncontent-length:  61 \r\n\r\n"
	 "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\r\n" ASK,
	 "request ask"},
	{"an empty body", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n" ASK, "request ask"},
	{"a body of 10 bytes, its length told twice",
	 "POST / HTTP/1.1\r\nContent-Length: 10\r\nContent-Length: 10\r\n\r\n0123456789" ASK, "request ask"},
	{"an empty line before a request", "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx\r\n" ASK, "request ask"},
	{"a chunked body in one call, then a request",
	 "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n|" ASK, "request ask"},
	{"a chunked body that looks like a request, behind its length",
	 "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n|5c\r\n" ASK "\r\n|0\r\n\r\n|" ASK, "request ask"},
	{"responses with bodies, each in its call",
	 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello|HTTP/1.1 404 Not "
	 "Found\r\nContent-Length:0\r\n\r\n|" ANSWER,
	 "200 404 101/ws"},
	{"a body in calls of its own", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n|hello|world|" ANSWER,
	 "200 101/ws"},
	{"no status", "HTTP/1.1 abc\r\n\r\n", "0"},
};

enum { HTTP_VECTORS = sizeof(http_vectors) / sizeof(http_vectors[0]) };

/* The heads as a vector expects them. */
static inline const char *feed_heads(const struct feed *f)
{
	static char words[4096];
	char *at = words, *end = words + sizeof(words);
	__u32 i;

	*at = 0;
	for (i = 0; i < f->events; i++) {
		const struct event *e = &f->event[i];

		if (e->kind != EVENT_HEAD)
			continue;
		if (at > words)
			at += snprintf(at, end - at, " ");
		if (!(e->head & HTTP_IS_REQUEST))
			at += snprintf(at, end - at, "%u%s", e->code, e->head & HTTP_UPGRADE_WEBSOCKET ? "/ws" : "");
		else
			at += snprintf(at, end - at, "%s", http_asks_for_websocket(e->head) ? "ask" : "request");
		at += snprintf(at, end - at, "%s", e->head & HTTP_RSV1_EXTENSION ? "/rsv1" : "");
	}
	return words;
}

#endif
