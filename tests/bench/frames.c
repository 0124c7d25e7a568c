// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One thread, one WebSocket connection to itself: what a call that sends or receives frames takes. It answers
 * commands on standard input, one line each, so that hooks can be attached and detached between them:
 *
 *   open tcp|unix     a new connection with a complete handshake; the one before is closed
 *   one N             N times: write a frame, read it; ns of the write and of the read
 *   echo N            N times: write a frame, read it, write it back, read it back; ns per call
 *   batch F S N       N times: write F frames of S payload bytes at once, read them at once; ns per write and read
 *   getppid N         N times: getppid(); ns per call
 *   file N            N times: pread() of 64 bytes of a file; ns per call
 *   pipe N            N times: write 64 bytes to a pipe and read them; ns for both
 *   speed N           N times the same work without the kernel; ns each: how fast the CPU is at the moment
 *
 * Times are medians over chunks of wall time, so that what else runs on the machine disturbs few of them.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "net.h"

enum { CHUNK = 64, MAX_CHUNKS = 1 << 16, BUFFER_BYTES = 1 << 20 };

static int client = -1, server = -1;
static uint8_t out[BUFFER_BYTES], in[BUFFER_BYTES];
static double sample[3][MAX_CHUNKS];

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

static void open_pair(const char *family)
{
	int bytes = 4 << 20;

	if (client >= 0) {
		close(client);
		close(server);
	}
	if (!strcmp(family, "tcp")) {
		struct sockaddr_in at;
		int listener = listen_loopback(&at);

		setsockopt(listener, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
		tcp_pair(listener, &at, &client, &server);
		close(listener);
	} else {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			die("socketpair");
		client = pair[0];
		server = pair[1];
	}
	setsockopt(client, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	handshake(client, server);
}

static void one(long iterations)
{
	size_t bytes = ws_frame(out, WS_TEXT, true, 64);
	int chunks = 0;

	for (; iterations > 0 && chunks < MAX_CHUNKS; iterations -= CHUNK, chunks++) {
		double t0, t1, t2;

		t0 = now_ns();
		for (int i = 0; i < CHUNK; i++)
			send_whole(client, out, bytes);
		t1 = now_ns();
		for (int i = 0; i < CHUNK; i++)
			if (read(server, in, bytes) != (ssize_t)bytes)
				die("read");
		t2 = now_ns();
		sample[0][chunks] = (t1 - t0) / CHUNK;
		sample[1][chunks] = (t2 - t1) / CHUNK;
	}
	printf("%.1f %.1f\n", median(sample[0], chunks), median(sample[1], chunks));
}

static void echo(long iterations)
{
	size_t masked = ws_frame(out, WS_TEXT, true, 64), plain = ws_frame(out + 256, WS_TEXT, false, 64);
	int chunks = 0;

	for (; iterations > 0 && chunks < MAX_CHUNKS; iterations -= CHUNK, chunks++) {
		double t0 = now_ns();

		for (int i = 0; i < CHUNK; i++) {
			send_whole(client, out, masked);
			receive_whole(server, in, masked);
			send_whole(server, out + 256, plain);
			receive_whole(client, in, plain);
		}
		sample[0][chunks] = (now_ns() - t0) / CHUNK / 4;
	}
	printf("%.1f\n", median(sample[0], chunks));
}

static void batch(int frames, int payload, long iterations)
{
	size_t bytes = 0;
	int chunks = 0;

	for (int i = 0; i < frames; i++)
		bytes += ws_frame(out + bytes, WS_TEXT, true, payload);
	for (; chunks < iterations && chunks < MAX_CHUNKS; chunks++) {
		double t0, t1, t2;

		t0 = now_ns();
		send_whole(client, out, bytes);
		t1 = now_ns();
		receive_whole(server, in, bytes);
		t2 = now_ns();
		sample[0][chunks] = t1 - t0;
		sample[1][chunks] = t2 - t1;
	}
	printf("%.1f %.1f\n", median(sample[0], chunks), median(sample[1], chunks));
}

static void socketless(const char *what, long iterations)
{
	int chunks = 0, ends[2], file = memfd_create("bench", 0);

	if (file < 0 || pipe(ends) || write(file, out, 64) != 64)
		die("pipe");
	for (; iterations > 0 && chunks < MAX_CHUNKS; iterations -= CHUNK, chunks++) {
		double t0 = now_ns();

		for (int i = 0; i < CHUNK; i++) {
			if (!strcmp(what, "getppid"))
				syscall(SYS_getppid);
			else if (!strcmp(what, "file") && pread(file, in, 64, 0) != 64)
				die("pread");
			else if (!strcmp(what, "pipe") &&
				 (write(ends[1], out, 64) != 64 || read(ends[0], in, 64) != 64))
				die("pipe");
		}
		sample[0][chunks] = (now_ns() - t0) / CHUNK;
	}
	printf("%.1f\n", median(sample[0], chunks));
	close(file);
	close(ends[0]);
	close(ends[1]);
}

/* Work that keeps every port of the core busy, so that a busy sibling thread shows. */
static void speed(long iterations)
{
	uint64_t a = 1, b = 2, c = 3, d = 4;
	int chunks = 0;

	for (; chunks < iterations && chunks < MAX_CHUNKS; chunks++) {
		double t0 = now_ns();

		for (int i = 0; i < 4000; i++) {
			a += in[i];
			b ^= in[i + 64];
			c += i;
			d ^= i;
			__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
		}
		sample[0][chunks] = now_ns() - t0;
	}
	printf("%.1f\n", median(sample[0], chunks));
}

int main(void)
{
	char line[128], word[32];
	int frames, payload;
	long n;

	setlinebuf(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "open %31s", word) == 1) {
			open_pair(word);
			puts("ok");
		} else if (sscanf(line, "one %ld", &n) == 1) {
			one(n);
		} else if (sscanf(line, "echo %ld", &n) == 1) {
			echo(n);
		} else if (sscanf(line, "batch %d %d %ld", &frames, &payload, &n) == 3 &&
			   (payload + 14L) * frames <= BUFFER_BYTES) {
			batch(frames, payload, n);
		} else if (sscanf(line, "speed %ld", &n) == 1) {
			speed(n);
		} else if (sscanf(line, "%31s %ld", word, &n) == 2) {
			socketless(word, n);
		} else {
			puts("what?");
		}
	}
	return 0;
}
