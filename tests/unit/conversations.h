/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Conversations with what is counted of them, from their first byte on; the unit tests and the kernel test share
 * them.
 */
#ifndef TAPSTAT_TESTS_CONVERSATIONS_H
#define TAPSTAT_TESTS_CONVERSATIONS_H

#include "connection.h"
#include "http_vectors.h"

#define ANSWER_DEFLATE "HTTP/1.1 101 OK\r\nSec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: websocket\r\n\r\n"
#define MASKED_HI "\x81\x82\x01\x02\x03\x04\x69\x6b"
#define HI "\x81\x02hi"
#define GET "GET /page HTTP/1.1\r\nHost: x\r\n\r\n"

struct conversation {
	const char *description;
	const struct call_row calls[12];
	const char *expected;
};

static const struct conversation conversations[] = {
	{"server: handshake and an echo",
	 {IN(ASK), OUT(ANSWER), IN(MASKED_HI), OUT(HI)},
	 "opened timed server <text <bytes=2 >text >bytes=2 text-answered"},
	{"client: handshake and an echo",
	 {OUT(ASK), IN(ANSWER), OUT(MASKED_HI), IN(HI)},
	 "opened timed client <text <bytes=2 >text >bytes=2 text-answered"},
	{"first frames in the segment of the 101",
	 {OUT(ASK), IN(ANSWER HI "\x89\x00" HI), OUT(MASKED_HI)},
	 "opened timed client <text=2 <ping <bytes=4 >text >bytes=2"},
	{"first frames in the segment of the request",
	 {IN(ASK MASKED_HI MASKED_HI), OUT(ANSWER HI)},
	 "opened timed server <text=2 <bytes=4 >text >bytes=2 text-answered"},
	{"compressed frames, negotiated",
	 {OUT(ASK), IN(ANSWER_DEFLATE "\xc1\x02hi")},
	 "opened timed client <text <bytes=2"},
	{"compressed frames, not negotiated", {OUT(ASK), IN(ANSWER "\xc1\x02hi")}, "opened timed client decode"},
	{"a violation in each direction is one error each",
	 {IN(ASK), OUT(ANSWER), IN(HI), OUT("\x83\x00"), IN(MASKED_HI), OUT(HI)},
	 "opened timed server decode=2"},
	{"closes with codes",
	 {IN(ASK), OUT(ANSWER), IN("\x88\x82\x00\x00\x00\x00\x03\xe8"), OUT("\x88\x04\x03\xe8ok")},
	 "opened timed server <close <1000 >close >1000"},
	{"closes without and with private codes",
	 {OUT(ASK), IN(ANSWER), IN("\x88\x00"), OUT("\x88\x82\x00\x00\x00\x00\x0f\xa0")},
	 "opened timed client <close <none >close >other"},
	{"pings and their pongs",
	 {IN(ASK), OUT(ANSWER), OUT("\x89\x04ping\x89\x04pong"), IN("\x8a\x84\x01\x02\x03\x04qkmc"),
	  IN("\x8a\x84\x01\x02\x03\x04qmmc")},
	 "opened timed server <pong=2 >ping=2 ping-answered=2"},
	{"100 before the 101",
	 {IN(ASK), OUT("HTTP/1.1 100 Continue\r\n\r\n" ANSWER HI)},
	 "opened timed server >text >bytes=2"},
	{"requests before the handshake",
	 {IN(GET), OUT("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), IN(GET),
	  OUT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), IN(ASK), OUT(ANSWER),
	  IN(MASKED_HI)},
	 "opened timed server <text <bytes=2"},
	{"an answer without a body before the handshake",
	 {IN(GET), OUT("HTTP/1.1 304 Not Modified\r\n\r\n"), IN(ASK), OUT(ANSWER), IN(MASKED_HI)},
	 "opened timed server <text <bytes=2"},
	{"refused", {IN(ASK), OUT("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")}, "refused/403"},
	{"refused, then another request",
	 {IN(ASK), OUT("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"), IN(GET),
	  OUT("HTTP/1.1 200 OK\r\n\r\nhi")},
	 "refused/404"},
	{"refused, then asked again with a password",
	 {IN(ASK), OUT("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"),
	  IN("GET / HTTP/1.1\r\nAuthorization: x\r\n" FIELDS), OUT(ANSWER HI), IN(MASKED_HI)},
	 "opened timed server refused/401 <text <bytes=2 >text >bytes=2"},
	{"client: refused, then asked again",
	 {OUT(ASK), IN("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"), OUT(ASK), IN(ANSWER HI),
	  OUT(MASKED_HI)},
	 "opened timed client refused/401 <text <bytes=2 >text >bytes=2"},
	{"the answer's event comes before the request's",
	 {OUT(ANSWER), IN(ASK), IN(MASKED_HI), OUT(HI)},
	 "opened server <text <bytes=2 >text >bytes=2 text-answered"},
	{"a 101 to another protocol",
	 {IN("GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
	  OUT("HTTP/1.1 101 OK\r\nUpgrade: h2c\r\n\r\n"), IN("PRI * HTTP/2.0\r\n\r\n"), OUT("\x81\x02hi\x81\x02hi")},
	 ""},
	{"fake requests in a body",
	 {IN("POST / HTTP/1.1\r\nContent-Length: 102\r\n\r\n" ASK "."), OUT("HTTP/1.1 204 No Content\r\n\r\n")},
	 ""},
	{"behind a PROXY line",
	 {IN("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" ASK), OUT(ANSWER HI), IN(MASKED_HI)},
	 "opened timed server <text <bytes=2 >text >bytes=2"},
	{"behind a PROXY header, version 2",
	 {IN("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
	     "\x0a\0\0\1\x0a\0\0\2\0\1\0\2" ASK),
	  OUT(ANSWER HI), IN(MASKED_HI)},
	 "opened timed server <text <bytes=2 >text >bytes=2"},
	{"TLS", {IN("\x16\x03\x01\x00\x05hello"), OUT("\x16\x03\x03\x00\x05hello" ANSWER)}, ""},
	{"a protocol that nobody knows",
	 {IN("\x81\x00\x81\x00\x81\x00\x81\x00\x81\x00\x81\x00\x81\x00\x81\x00")},
	 ""},
	{"a message in fragments over many frames",
	 {OUT(ASK),
	  IN(ANSWER "\x01\x03"
		    "abc\x89\x01!\x00\x00\x80\x02zz"),
	  IN("\x82\x7e\x00\x80"
	     "0123456789012345678901234567890123456789"
	     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567")},
	 "opened timed client <frames=5 <text <binary <ping <bytes=133"},
};

enum { CONVERSATIONS = sizeof(conversations) / sizeof(conversations[0]) };

#endif
