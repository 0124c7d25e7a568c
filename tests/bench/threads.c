// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * threads RATE SECONDS: eight threads that share eight WebSocket connections (TCP, to this process itself) without
 * any lock and move over the CPUs. Each sends its share of RATE messages a second in whole frames, in turn over every
 * connection and both ways, and reads whole frames wherever they wait. Prints the messages sent to the servers, those
 * sent to the clients, the messages a second, and the reads that got a part of a frame (then nobody could tell the
 * frames apart: the run is void).
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "net.h"

enum { THREADS = 8, CONNECTIONS = 8, WAYS = 2 * CONNECTIONS, PAYLOAD = 64, MOVE_EVERY = 64 };

/* One direction of one connection: even ones go to the server. */
static struct way {
	int from, to;
} ways[WAYS];

static uint8_t frame[2][PAYLOAD + 14];
static size_t bytes[2];
static atomic_long sent[2], received, parts;
static long each;
static double interval;

static double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void move(long turn)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(turn % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Takes one frame, if any waits. */
static void take(int way)
{
	uint8_t in[PAYLOAD + 14];
	ssize_t n = recv(ways[way].to, in, bytes[way & 1], MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("threads: read");
	if (n != (ssize_t)bytes[way & 1])
		atomic_fetch_add(&parts, 1);
	atomic_fetch_add(&received, 1);
}

static void *work(void *argument)
{
	long me = (long)argument, turn = me;
	double start = now_seconds();

	for (long i = 0; i < each; i++, turn++) {
		int way = turn % WAYS;
		double ahead = start + i * interval - now_seconds();

		if (i % MOVE_EVERY == 0)
			move(me + i / MOVE_EVERY);
		if (ahead > 0.001)
			usleep(ahead * 1e6);
		if (send(ways[way].from, frame[way & 1], bytes[way & 1], 0) != (ssize_t)bytes[way & 1])
			die("threads: write");
		atomic_fetch_add(&sent[way & 1], 1);
		take((turn * 7 + 3) % WAYS);
		take((turn * 5) % WAYS);
	}
	while (atomic_load(&received) < THREADS * each && !atomic_load(&parts))
		take(turn++ % WAYS);
	return NULL;
}

int main(int argc, char **argv)
{
	double rate = argc == 3 ? atof(argv[1]) : 0, duration = argc == 3 ? atof(argv[2]) : 0, start;
	pthread_t threads[THREADS];
	struct sockaddr_in at;
	int listener;

	if (rate <= 0 || duration <= 0) {
		fprintf(stderr, "usage: threads RATE SECONDS\n");
		return 2;
	}
	each = rate * duration / THREADS;
	interval = THREADS / rate;
	bytes[0] = ws_frame(frame[0], WS_TEXT, true, PAYLOAD);
	bytes[1] = ws_frame(frame[1], WS_BINARY, false, PAYLOAD);
	listener = listen_loopback(&at);
	for (int i = 0; i < CONNECTIONS; i++) {
		int client, server;

		tcp_pair(listener, &at, &client, &server);
		handshake(client, server);
		ways[2 * i] = (struct way){client, server};
		ways[2 * i + 1] = (struct way){server, client};
	}
	start = now_seconds();
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%ld %ld %.0f %ld\n", atomic_load(&sent[0]), atomic_load(&sent[1]),
	       THREADS * each / (now_seconds() - start), atomic_load(&parts));
	return 0;
}
