// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Frames by sendmmsg, several messages of several segments each, and recvmmsg. Argument: PORT.
 */
#define _GNU_SOURCE
#include "peer.h"

#include <sys/uio.h>

enum { MESSAGES = 24, SEGMENTS = 5, FRAMES_PER_MESSAGE = 3, PAYLOAD = 130, ROUNDS = 20 };

/* Cuts the data into segments of about one size. */
static void cut(struct iovec *segments, unsigned char *data, size_t length)
{
	for (size_t i = 0; i < SEGMENTS; i++) {
		size_t from = length * i / SEGMENTS, to = length * (i + 1) / SEGMENTS;

		segments[i] = (struct iovec){.iov_base = data + from, .iov_len = to - from};
	}
}

static void point(struct mmsghdr *messages, struct iovec (*segments)[SEGMENTS], unsigned char *data, size_t each)
{
	memset(messages, 0, MESSAGES * sizeof(*messages));
	for (size_t i = 0; i < MESSAGES; i++) {
		cut(segments[i], data + i * each, each);
		messages[i].msg_hdr.msg_iov = segments[i];
		messages[i].msg_hdr.msg_iovlen = SEGMENTS;
	}
}

static void transfer(int from, int to, int masked)
{
	static unsigned char sent[MESSAGES * FRAMES_PER_MESSAGE * (MAX_HEADER_BYTES + PAYLOAD)],
		received[sizeof(sent)];
	struct iovec segments[MESSAGES][SEGMENTS];
	struct mmsghdr messages[MESSAGES];
	size_t length = 0, got = 0;

	for (int i = 0; i < MESSAGES * FRAMES_PER_MESSAGE; i++)
		length += make_frame(sent + length, i % 2 ? OPCODE_TEXT : OPCODE_BINARY, PAYLOAD, masked);
	point(messages, segments, sent, length / MESSAGES);
	if (sendmmsg(from, messages, MESSAGES, 0) != MESSAGES)
		die("sendmmsg");
	while (got < length) {
		/* Room in odd sizes, so that messages end anywhere in a frame. */
		size_t each = (length - got) / MESSAGES > SEGMENTS ? (length - got) / MESSAGES - 1 : length - got;

		if (each == length - got) {
			read_all(to, received + got, each);
			break;
		}
		point(messages, segments, received + got, each);
		int count = recvmmsg(to, messages, MESSAGES, MSG_WAITFORONE, NULL);

		if (count < 0)
			die("recvmmsg");
		for (int i = 0; i < count; i++)
			got += messages[i].msg_len;
	}
}

int main(int argc, char **argv)
{
	struct connection connection = open_connection(listen_on(argc > 1 ? atoi(argv[1]) : 0));
	unsigned long each = ROUNDS * MESSAGES * FRAMES_PER_MESSAGE / 2;

	for (int round = 0; round < ROUNDS; round++) {
		transfer(connection.client, connection.server, 1);
		transfer(connection.server, connection.client, 0);
	}
	close_connection(connection);
	printf("{\"sent.text\": %lu, \"sent.binary\": %lu, \"received.text\": %lu, \"received.binary\": %lu, "
	       "\"bytes.sent\": %lu, \"bytes.received\": %lu}\n",
	       each, each, each, each, 2 * each * PAYLOAD, 2 * each * PAYLOAD);
	return 0;
}
