/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the C peers share: both ends of a TCP connection in one process, the opening handshake, frames, and what was
 * sent. Each program says what it did as one JSON line of the counts of either role (tests/e2e/peers/peer.js).
 */
#ifndef TAPSTAT_E2E_PEER_H
#define TAPSTAT_E2E_PEER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum opcode { OPCODE_TEXT = 1, OPCODE_BINARY = 2, OPCODE_CLOSE = 8 };

enum { MAX_HEADER_BYTES = 14 };

struct connection {
	int server, client;
};

/* The opening handshake. */
static const char upgrade_request[] =
	"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
static const char upgrade_response[] =
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

static inline int listen_on(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* accepted sockets inherit it */
	if (listener < 0 || bind(listener, (void *)&address, sizeof(address)) || listen(listener, 128))
		die("listen");
	return listener;
}

static inline void write_all(int socket, const void *data, size_t length)
{
	for (const char *at = data; length;) {
		ssize_t count = write(socket, at, length);

		if (count < 0)
			die("write");
		at += count;
		length -= count;
	}
}

static inline void read_all(int socket, void *data, size_t length)
{
	for (char *at = data; length;) {
		ssize_t count = read(socket, at, length);

		if (count <= 0)
			die("read");
		at += count;
		length -= count;
	}
}

/* Both ends of a new TCP connection through this listener. */
static inline struct connection connect_ends(int listener)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	struct connection connection = {.client = socket(AF_INET, SOCK_STREAM, 0)};
	int on = 1;

	setsockopt(connection.client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (getsockname(listener, (void *)&address, &size) || connect(connection.client, (void *)&address, size))
		die("connect");
	connection.server = accept(listener, NULL, NULL);
	if (connection.server < 0)
		die("accept");
	return connection;
}

/* Both ends of a new WebSocket connection through this listener. */
static inline struct connection open_connection(int listener)
{
	struct connection connection = connect_ends(listener);
	char buffer[sizeof(upgrade_request) + sizeof(upgrade_response)];

	write_all(connection.client, upgrade_request, sizeof(upgrade_request) - 1);
	read_all(connection.server, buffer, sizeof(upgrade_request) - 1);
	write_all(connection.server, upgrade_response, sizeof(upgrade_response) - 1);
	read_all(connection.client, buffer, sizeof(upgrade_response) - 1);
	return connection;
}

/* Writes a whole frame of at most 65535 payload bytes to `frame`; returns its length. */
static inline size_t make_frame(unsigned char *frame, enum opcode opcode, size_t length, int masked)
{
	static const unsigned char key[4] = {0x37, 0xfa, 0x21, 0x3d};
	size_t at = 2;

	frame[0] = 0x80 | opcode;
	frame[1] = (masked ? 0x80 : 0) | (length < 126 ? length : 126);
	if (length >= 126) {
		frame[at++] = length >> 8;
		frame[at++] = length;
	}
	if (masked) {
		memcpy(frame + at, key, sizeof(key));
		at += sizeof(key);
	}
	for (size_t i = 0; i < length; i++)
		frame[at + i] = 'x' ^ (masked ? key[i & 3] : 0);
	return at + length;
}

/* The closing handshake with an empty payload each way, and the end of both descriptors. */
static inline void close_connection(struct connection connection)
{
	unsigned char frame[MAX_HEADER_BYTES];
	size_t length = make_frame(frame, OPCODE_CLOSE, 0, 1);

	write_all(connection.client, frame, length);
	read_all(connection.server, frame, length);
	length = make_frame(frame, OPCODE_CLOSE, 0, 0);
	write_all(connection.server, frame, length);
	read_all(connection.client, frame, length);
	close(connection.server);
	close(connection.client);
}

#endif
