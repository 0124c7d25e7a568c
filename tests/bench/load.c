// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * load PORT PID CONNECTIONS MILLISECONDS: drives the WebSocket echo server PID on 127.0.0.1:PORT as fast as it
 * answers. Each connection has one masked 64-byte text message under way. At the end it prints a line for every
 * 4 ms or so: the time (seconds, CLOCK_MONOTONIC), the messages answered and the seconds of CPU that the server had
 * used until then.
 *
 * It never sleeps, so that it costs less for a message than any server that waits, and reads only where poll() saw
 * something, so that hooks on socket calls slow it down no more than the server.
 */
#include <poll.h>
#include <time.h>

#include "net.h"

enum { PAYLOAD = 64, MAX_CONNECTIONS = 1024, MAX_SLICES = 100000 };

static const double SLICE_SECONDS = 0.004;

static struct slice {
	double at, server_cpu;
	long messages;
} slices[MAX_SLICES];

static double seconds(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t))
		die("load: clock_gettime");
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int websocket_connect(int port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = connect_to(&to);
	char answer[4096];
	size_t have = 0;

	send_whole(fd, WS_REQUEST, strlen(WS_REQUEST));
	do {
		ssize_t n = read(fd, answer + have, sizeof(answer) - 1 - have);

		if (n <= 0)
			die("load: handshake");
		have += n;
		answer[have] = 0;
	} while (!strstr(answer, "\r\n\r\n"));
	if (strncmp(answer, "HTTP/1.1 101", 12)) {
		fprintf(stderr, "load: %s\n", answer);
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	int connections = argc > 3 ? atoi(argv[3]) : 0, got[MAX_CONNECTIONS] = {0}, n_slices = 0;
	struct pollfd polled[MAX_CONNECTIONS];
	size_t bytes, back = PAYLOAD + 2;
	uint8_t frame[PAYLOAD + 14], answer[4096];
	double next = 0, until;
	clockid_t server;
	long messages = 0;

	if (argc != 5 || connections < 1 || connections > MAX_CONNECTIONS) {
		fprintf(stderr, "usage: load PORT PID CONNECTIONS MILLISECONDS\n");
		return 2;
	}
	if (clock_getcpuclockid(atoi(argv[2]), &server))
		die("load: clock_getcpuclockid");
	bytes = ws_frame(frame, WS_TEXT, true, PAYLOAD);
	for (int i = 0; i < connections; i++)
		polled[i] = (struct pollfd){.fd = websocket_connect(atoi(argv[1])), .events = POLLIN};
	for (int i = 0; i < connections; i++)
		send_whole(polled[i].fd, frame, bytes);

	until = seconds(CLOCK_MONOTONIC) + atoi(argv[4]) / 1e3;
	while (n_slices < MAX_SLICES && next < until) {
		double now;

		for (int round = 0; round < 16; round++) {
			if (poll(polled, connections, 0) < 0)
				die("load: poll");
			for (int i = 0; i < connections; i++) {
				ssize_t n;

				if (!polled[i].revents)
					continue;
				n = recv(polled[i].fd, answer, sizeof(answer), 0);
				if (n <= 0)
					die("load: read");
				got[i] += n;
				if (got[i] < (int)back)
					continue;
				got[i] -= back;
				messages++;
				send_whole(polled[i].fd, frame, bytes);
			}
		}
		now = seconds(CLOCK_MONOTONIC);
		if (now < next)
			continue;
		slices[n_slices++] = (struct slice){now, seconds(server), messages};
		next = now + SLICE_SECONDS;
	}
	for (int i = 0; i < n_slices; i++)
		printf("%.6f %ld %.6f\n", slices[i].at, slices[i].messages, slices[i].server_cpu);
	return 0;
}
