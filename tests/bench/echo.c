// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A WebSocket echo server with as little of its own as possible: one thread, epoll, one read and one write for what
 * a client sent. echo: listens on a free port of 127.0.0.1, prints it, serves until it is killed.
 */
#include <sys/epoll.h>

#include "net.h"

enum { MAX_FDS = 1 << 17, BUFFER_BYTES = 1 << 16, EVENTS = 64 };

static uint8_t in[BUFFER_BYTES], out[BUFFER_BYTES];
static uint8_t upgraded[MAX_FDS];

/* Frames of at most 125 bytes that came whole, which is all that the bench clients send. Bytes to answer. */
static size_t answer(ssize_t bytes)
{
	size_t n = 0;

	for (ssize_t at = 0; at + 6 <= bytes;) {
		size_t payload = in[at + 1] & 0x7f;
		const uint8_t *mask = in + at + 2, *data = in + at + 6;

		if (payload > 125 || at + 6 + (ssize_t)payload > bytes) {
			fprintf(stderr, "echo: a frame is too long or incomplete\n");
			exit(1);
		}
		out[n] = in[at];
		out[n + 1] = payload;
		for (size_t i = 0; i < payload; i++)
			out[n + 2 + i] = data[i] ^ mask[i & 3];
		n += 2 + payload;
		at += 6 + payload;
	}
	return n;
}

static void serve(int epoll, int fd)
{
	ssize_t n = read(fd, in, sizeof(in));

	if (n <= 0) {
		epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
		close(fd);
		return;
	}
	if (!upgraded[fd]) { /* the request came in one piece */
		upgraded[fd] = 1;
		if (write(fd, WS_RESPONSE, strlen(WS_RESPONSE)) < 0)
			die("echo: write");
		return;
	}
	n = answer(n);
	if (write(fd, out, n) != n)
		fprintf(stderr, "echo: short write\n");
}

int main(void)
{
	struct sockaddr_in at;
	int listener = listen_loopback(&at), epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd != listener) {
				serve(epoll, fd);
				continue;
			}
			fd = accept(listener, NULL, NULL);
			if (fd < 0 || fd >= MAX_FDS)
				die("echo: accept");
			upgraded[fd] = 0;
			no_delay(fd);
			event.data.fd = fd;
			epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
		}
	}
}
