/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the peers share that use a TLS library: WebSocket between both ends of a connection, which are in this
 * process. Who includes it says beforehand what an end is: `tls_end`.
 */
#ifndef TAPSTAT_E2E_TLS_PEER_H
#define TAPSTAT_E2E_TLS_PEER_H

#include "peer.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>

enum {
	ROUNDS = 3,
	FRAMES = 40,
	LARGE_FRAMES = 20,
	LARGE = 60000,
	ROOM = LARGE_FRAMES * (LARGE + MAX_HEADER_BYTES),
	SMALL_BUFFER = 8192,
	SLOW_READ = 1000,
};

/* Both ends of a TLS connection. */
struct ends {
	tls_end server, client;
};

/* How a scene writes and reads: how many bytes were, 0 if it has to wait. */
struct way {
	size_t (*write)(tls_end tls, const void *data, size_t length);
	size_t (*read)(tls_end tls, void *data, size_t length);
};

struct scene {
	const char *name;
	void (*run)(void);
};

static const size_t frame_sizes[] = {0, 1, 125, 126, 200, 4000};
static unsigned long texts, binaries, bytes; /* that each role sent, and received */

/* Ends the program with what the library says. */
static void fail(const char *what);

/* The socket of an end, or -1. */
static int socket_of(tls_end tls);

static inline void wait_readable(tls_end tls)
{
	struct pollfd readable = {.fd = socket_of(tls), .events = POLLIN};

	if (readable.fd >= 0)
		poll(&readable, 1, 1);
}

/* Moves bytes from one end to the other; `pump`, if any, carries records between them. */
static inline void transfer(struct way way, tls_end from, tls_end to, const void *data, size_t length,
			    void (*pump)(void))
{
	static unsigned char received[ROOM];
	size_t written = 0, got = 0;

	while (got < length) {
		size_t count;

		if (written < length)
			written += way.write(from, (const char *)data + written, length - written);
		if (pump)
			pump();
		count = way.read(to, received + got, length - got);
		got += count;
		if (count == 0 && written == length && !pump)
			wait_readable(to);
	}
	if (memcmp(data, received, length))
		fail("other bytes arrived");
}

static inline size_t frame_size(int number)
{
	return frame_sizes[number % (sizeof(frame_sizes) / sizeof(*frame_sizes))];
}

static inline size_t make_frames(unsigned char *data, int masked)
{
	size_t length = 0;

	for (int i = 0; i < FRAMES; i++)
		length += make_frame(data + length, i % 2 ? OPCODE_TEXT : OPCODE_BINARY, frame_size(i), masked);
	return length;
}

static inline void count_frames(void)
{
	for (int i = 0; i < FRAMES; i++)
		bytes += frame_size(i);
	texts += FRAMES / 2;
	binaries += FRAMES / 2;
}

/* The opening handshake, frames both ways, and the closing handshake if wanted. */
static inline void converse(struct way way, struct ends ends, bool closing, void (*pump)(void))
{
	static unsigned char data[ROOM];
	size_t length;

	transfer(way, ends.client, ends.server, upgrade_request, sizeof(upgrade_request) - 1, pump);
	transfer(way, ends.server, ends.client, upgrade_response, sizeof(upgrade_response) - 1, pump);
	for (int i = 0; i < ROUNDS; i++) {
		transfer(way, ends.client, ends.server, data, make_frames(data, 1), pump);
		transfer(way, ends.server, ends.client, data, make_frames(data, 0), pump);
		count_frames();
	}
	if (!closing)
		return;
	length = make_frame(data, OPCODE_CLOSE, 0, 1);
	transfer(way, ends.client, ends.server, data, length, pump);
	length = make_frame(data, OPCODE_CLOSE, 0, 0);
	transfer(way, ends.server, ends.client, data, length, pump);
}

/* Each way more than sockets of SMALL_BUFFER hold, so that writes have to be tried again. */
static inline void exchange_large(struct way way, struct ends ends)
{
	static unsigned char data[ROOM];

	for (int masked = 0; masked < 2; masked++) {
		size_t length = 0;

		for (int i = 0; i < LARGE_FRAMES; i++)
			length += make_frame(data + length, OPCODE_BINARY, LARGE, masked);
		transfer(way, masked ? ends.client : ends.server, masked ? ends.server : ends.client, data, length,
			 NULL);
	}
	binaries += LARGE_FRAMES;
	bytes += (unsigned long)LARGE_FRAMES * LARGE;
}

/* A new connection whose sockets don't wait and, unless 0, hold so many bytes to be sent. */
static inline struct connection connect_plain(int listener, int send_buffer)
{
	struct connection plain = connect_ends(listener);

	if (send_buffer) {
		setsockopt(plain.server, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
		setsockopt(plain.client, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
	}
	fcntl(plain.server, F_SETFL, O_NONBLOCK);
	fcntl(plain.client, F_SETFL, O_NONBLOCK);
	return plain;
}

/* Plays the scene of this name as soon as it reads a line, and then says the counts. The status to exit with. */
static inline int play(const struct scene *scenes, size_t count, const char *name)
{
	getchar();
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, scenes[i].name) == 0) {
			scenes[i].run();
			printf("{\"sent.text\": %lu, \"sent.binary\": %lu, \"bytes.sent\": %lu, "
			       "\"received.text\": %lu, \"received.binary\": %lu, \"bytes.received\": %lu}\n",
			       texts, binaries, bytes, texts, binaries, bytes);
			return 0;
		}
	return 2;
}

#endif
