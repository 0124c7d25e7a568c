// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Frames by io_uring after a handshake by ordinary calls. The receive is armed before there is data, so that it
 * completes while the process is in some other system call, whose registers describe other bytes: valid frames of
 * another kind, which a reader of stale registers would count. Argument: PORT.
 */
#include "peer.h"

#include <liburing.h>

enum { ROUNDS = 50, PAYLOAD = 100 };

static void submit(struct io_uring *ring)
{
	if (io_uring_submit(ring) != 1)
		die("io_uring_submit");
}

static int completed(struct io_uring *ring)
{
	struct io_uring_cqe *entry;

	if (io_uring_wait_cqe(ring, &entry))
		die("io_uring_wait_cqe");
	int result = entry->res;

	io_uring_cqe_seen(ring, entry);
	if (result <= 0) {
		errno = -result;
		die("io_uring");
	}
	return result;
}

/* One frame from end to end; returns how many of its bytes io_uring moved at both ends. */
static unsigned long transfer(struct io_uring *sender, struct io_uring *receiver, int from, int to, int masked,
			      int bait[2])
{
	unsigned char frame[MAX_HEADER_BYTES + PAYLOAD], data[sizeof(frame)], decoy[sizeof(frame)];
	size_t length = make_frame(frame, OPCODE_BINARY, PAYLOAD, masked);
	size_t decoy_length = make_frame(decoy, OPCODE_TEXT, 1, masked);

	io_uring_prep_recv(io_uring_get_sqe(receiver), to, data, sizeof(data), 0);
	submit(receiver);
	io_uring_prep_send(io_uring_get_sqe(sender), from, frame, length, 0);
	submit(sender);
	write_all(bait[1], decoy, decoy_length);
	read_all(bait[0], decoy, decoy_length);
	if (completed(sender) != (int)length)
		die("short send");
	if (completed(receiver) != (int)length)
		die("short receive");
	return 2 * length;
}

int main(int argc, char **argv)
{
	struct connection connection = open_connection(listen_on(argc > 1 ? atoi(argv[1]) : 0));
	struct io_uring rings[2];
	unsigned long bytes = 0;
	int bait[2];

	for (int i = 0; i < 2; i++) {
		int error = io_uring_queue_init(8, &rings[i], 0);

		if (error) {
			printf("{\"unsupported\": \"io_uring_queue_init: %s\"}\n", strerror(-error));
			return 0;
		}
	}
	if (pipe(bait))
		die("pipe");
	for (int i = 0; i < ROUNDS; i++) {
		bytes += transfer(&rings[0], &rings[1], connection.client, connection.server, 1, bait);
		bytes += transfer(&rings[1], &rings[0], connection.server, connection.client, 0, bait);
	}
	close_connection(connection);
	printf("{\"bytes\": %lu, \"messages\": %d}\n", bytes, ROUNDS);
	return 0;
}
