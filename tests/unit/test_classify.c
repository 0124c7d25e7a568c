// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of bpf/classify.h: the first bytes of real protocols.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#include "classify.h"
#pragma GCC diagnostic pop

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *description;
	const char *bytes;
	size_t n;
	enum label_protocol expected;
} rows[] = {
	{"HTTP GET", BYTES("GET / HTTP/1.1\r\n"), PROTOCOL_HTTP},
	{"HTTP POST", BYTES("POST /a HTTP/1.1\r\n"), PROTOCOL_HTTP},
	{"HTTP PUT", BYTES("PUT /a HTTP/1.1\r\n"), PROTOCOL_HTTP},
	{"HTTP HEAD", BYTES("HEAD / HTTP/1.0\r\n"), PROTOCOL_HTTP},
	{"HTTP DELETE", BYTES("DELETE /a HTTP/1.1\r\n"), PROTOCOL_HTTP},
	{"HTTP OPTIONS", BYTES("OPTIONS * HTTP/1.1\r\n"), PROTOCOL_HTTP},
	{"HTTP PATCH", BYTES("PATCH /a HTTP/1.1\r\n"), PROTOCOL_HTTP},
	{"HTTP CONNECT", BYTES("CONNECT a:443 HTTP/1.1\r\n"), PROTOCOL_HTTP},
	{"HTTP TRACE", BYTES("TRACE / HTTP/1.1\r\n"), PROTOCOL_HTTP},
	{"HTTP response", BYTES("HTTP/1.1 200 OK\r\n"), PROTOCOL_HTTP},
	{"just enough of a response", BYTES("HTTP/"), PROTOCOL_HTTP},
	{"PROXY protocol, version 1", BYTES("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n"), PROTOCOL_HTTP},
	{"PROXY protocol, version 2", BYTES("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"), PROTOCOL_HTTP},
	{"HTTP/2", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), PROTOCOL_HTTP2},
	{"TLS 1.3 ClientHello", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), PROTOCOL_TLS},
	{"TLS 1.2 ServerHello", BYTES("\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"), PROTOCOL_TLS},
	{"TLS application data", BYTES("\x17\x03\x03\x40\x11\x9a\xff\x00\x12\x01"), PROTOCOL_TLS},
	{"TLS alert", BYTES("\x15\x03\x03\x00\x02\x01\x00"), PROTOCOL_TLS},
	{"TLS change of cipher", BYTES("\x14\x03\x03\x00\x01\x01"), PROTOCOL_TLS},
	{"TLS record header read alone", BYTES("\x17\x03\x03\x00\x20"), PROTOCOL_TLS},
	{"a TLS record too long", BYTES("\x17\x03\x03\x48\x01"), PROTOCOL_UNDECIDED},
	{"an empty TLS record", BYTES("\x17\x03\x03\x00\x00"), PROTOCOL_UNDECIDED},

	{"lower-case methods", BYTES("get / http/1.1\r\n"), PROTOCOL_UNDECIDED},
	{"WebSocket, unmasked", BYTES("\x81\x05hello"), PROTOCOL_UNDECIDED},
	{"WebSocket, masked", BYTES("\x82\x85\x01\x02\x03\x04hello"), PROTOCOL_UNDECIDED},
	{"Redis command", BYTES("*1\r\n$4\r\nPING\r\n"), PROTOCOL_UNDECIDED},
	{"Redis reply", BYTES("+PONG\r\n"), PROTOCOL_UNDECIDED},
	{"PostgreSQL start-up", BYTES("\x00\x00\x00\x4f\x00\x03\x00\x00user\x00"), PROTOCOL_UNDECIDED},
	{"PostgreSQL SSLRequest", BYTES("\x00\x00\x00\x08\x04\xd2\x16\x2f"), PROTOCOL_UNDECIDED},
	{"PostgreSQL query", BYTES("Q\x00\x00\x00\x0eselect 1;\x00"), PROTOCOL_UNDECIDED},
	{"MySQL greeting",
	 BYTES("\x4a\x00\x00\x00\x0a"
	       "8.0.33\x00"),
	 PROTOCOL_UNDECIDED},
	{"MongoDB OP_MSG", BYTES("\x3a\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00"),
	 PROTOCOL_UNDECIDED},
	{"memcached text", BYTES("get key\r\n"), PROTOCOL_UNDECIDED},
	{"memcached binary request", BYTES("\x80\x00\x00\x03\x00\x00\x00\x00"), PROTOCOL_UNDECIDED},
	{"memcached binary response", BYTES("\x81\x00\x00\x00\x04\x00\x00\x00"), PROTOCOL_UNDECIDED},
	{"Cassandra v4", BYTES("\x04\x00\x00\x01\x01\x00\x00\x00\x16"), PROTOCOL_UNDECIDED},
	{"AMQP", BYTES("AMQP\x00\x00\x09\x01"), PROTOCOL_UNDECIDED},
	{"MQTT CONNECT", BYTES("\x10\x1f\x00\x04MQTT\x04\x02"), PROTOCOL_UNDECIDED},
	{"Kafka ApiVersions", BYTES("\x00\x00\x00\x24\x00\x12\x00\x03"), PROTOCOL_UNDECIDED},
	{"NATS", BYTES("INFO {\"server_id\""), PROTOCOL_UNDECIDED},
	{"SSH", BYTES("SSH-2.0-OpenSSH_9.2\r\n"), PROTOCOL_UNDECIDED},
	{"SMTP", BYTES("220 mail ESMTP\r\n"), PROTOCOL_UNDECIDED},
	{"DNS over TCP", BYTES("\x00\x1d\x12\x34\x01\x00\x00\x01"), PROTOCOL_UNDECIDED},
	{"LDAP bind", BYTES("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"), PROTOCOL_UNDECIDED},
	{"SOCKS5", BYTES("\x05\x01\x00\x05\x01"), PROTOCOL_UNDECIDED},
	{"FastCGI", BYTES("\x01\x01\x00\x01\x00\x08\x00\x00"), PROTOCOL_UNDECIDED},
	{"D-Bus", BYTES("\0AUTH EXTERNAL\r\n"), PROTOCOL_UNDECIDED},
	{"gzip", BYTES("\x1f\x8b\x08\x00\x00\x00"), PROTOCOL_UNDECIDED},
};

/* Only the valid bytes decide, and nothing behind LOOKAHEAD is touched. */
static void first_bytes_say_what_a_connection_speaks(void **state)
{
	static const __u8 poisons[] = {0, 0xff, 'G'};
	struct guarded view = guarded_new(LOOKAHEAD);
	__u8 *p = view.end - LOOKAHEAD;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned int j = 0; j < sizeof(poisons); j++)
			for (size_t n = CLASSIFY_BYTES; n <= LOOKAHEAD && n <= rows[i].n; n++) {
				memset(p, poisons[j], LOOKAHEAD);
				memcpy(p, rows[i].bytes, n);
				if (classify(p) != rows[i].expected)
					fail_msg("%s, %zu bytes: expected %d, got %d", rows[i].description, n,
						 rows[i].expected, classify(p));
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_bytes_say_what_a_connection_speaks),
	};

	return cmocka_run_group_tests_name("classify", tests, NULL, NULL);
}
