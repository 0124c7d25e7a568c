// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * crowd CONNECTIONS FRAMES: opens WebSocket connections over TCP, sends FRAMES text messages of 64 bytes each way
 * over each of them, prints "open" and keeps them until standard input ends; then closes them with Close frames. Both
 * ends are its own; it has as many processes as the limit of descriptors asks for.
 */
#include <sys/wait.h>

#include "net.h"

enum { PAYLOAD = 64, EACH = 5000 };

/* `ready` is closed once all is open; the connections are closed when `end` reads as ended. */
static void process(int connections, int frames, int ready, int end)
{
	static int ends[EACH][2];
	uint8_t masked[PAYLOAD + 14], plain[PAYLOAD + 14], in[PAYLOAD + 14];
	size_t there = ws_frame(masked, WS_TEXT, true, PAYLOAD), back = ws_frame(plain, WS_TEXT, false, PAYLOAD);
	struct sockaddr_in at;
	int listener = listen_loopback(&at);

	for (int i = 0; i < connections; i++) {
		tcp_pair(listener, &at, &ends[i][0], &ends[i][1]);
		handshake(ends[i][0], ends[i][1]);
	}
	for (int frame = 0; frame < frames; frame++)
		for (int i = 0; i < connections; i++) {
			send_whole(ends[i][0], masked, there);
			receive_whole(ends[i][1], in, there);
			send_whole(ends[i][1], plain, back);
			receive_whole(ends[i][0], in, back);
		}
	close(ready);
	while (read(end, in, sizeof(in)) > 0)
		;
	there = ws_frame(masked, WS_CLOSE, true, 0);
	back = ws_frame(plain, WS_CLOSE, false, 0);
	for (int i = 0; i < connections; i++) {
		send_whole(ends[i][0], masked, there);
		receive_whole(ends[i][1], in, there);
		send_whole(ends[i][1], plain, back);
		receive_whole(ends[i][0], in, back);
		close(ends[i][0]);
		close(ends[i][1]);
	}
}

int main(int argc, char **argv)
{
	int connections = argc == 3 ? atoi(argv[1]) : 0, frames = argc == 3 ? atoi(argv[2]) : -1, ready[2], end[2];
	int status, failed = 0;
	char byte;

	if (connections < 1 || frames < 0) {
		fprintf(stderr, "usage: crowd CONNECTIONS FRAMES\n");
		return 2;
	}
	if (pipe(ready) || pipe(end))
		die("crowd: pipe");
	for (; connections > 0; connections -= EACH) {
		pid_t pid = fork();

		if (pid < 0)
			die("crowd: fork");
		if (!pid) {
			close(ready[0]);
			close(end[1]);
			process(connections < EACH ? connections : EACH, frames, ready[1], end[0]);
			return 0;
		}
	}
	close(ready[1]);
	if (!read(ready[0], &byte, 1))
		puts("open");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	close(end[1]);
	while (wait(&status) > 0)
		failed |= status;
	return failed ? 1 : 0;
}
