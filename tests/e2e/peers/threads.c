// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Threads that share sockets and move over the CPUs: every thread sends on every connection and reads on every one,
 * as a server with a pool of workers does. One lock for each end and direction keeps frames whole, as any
 * application must. Arguments: PORT FRAMES (by each thread).
 */
#define _GNU_SOURCE
#include "peer.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 8, CONNECTIONS = 4, PAYLOAD = 64, MOVE_EVERY = 64 };

/* One direction of one connection. */
struct way {
	int from, to, masked;
	pthread_mutex_t send, receive;
	atomic_ulong sent_bytes, received_bytes;
};

static struct way ways[2 * CONNECTIONS];
static unsigned long frames;
static atomic_int sending = THREADS / 2;

static void move(unsigned turn)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(turn % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *send_frames(void *argument)
{
	unsigned char frame[MAX_HEADER_BYTES + PAYLOAD];
	unsigned long first = (unsigned long)argument;

	for (unsigned long i = 0; i < frames; i++) {
		struct way *way = &ways[(first + i) % (2 * CONNECTIONS)];
		size_t length =
			make_frame(frame, i % 2 ? OPCODE_TEXT : OPCODE_BINARY, i % (PAYLOAD + 1), way->masked);

		if (i % MOVE_EVERY == 0)
			move(first + i / MOVE_EVERY);
		pthread_mutex_lock(&way->send);
		write_all(way->from, frame, length);
		pthread_mutex_unlock(&way->send);
		atomic_fetch_add(&way->sent_bytes, length);
	}
	atomic_fetch_sub(&sending, 1);
	return NULL;
}

static int all_received(void)
{
	if (atomic_load(&sending))
		return 0;
	for (int i = 0; i < 2 * CONNECTIONS; i++)
		if (atomic_load(&ways[i].received_bytes) != atomic_load(&ways[i].sent_bytes))
			return 0;
	return 1;
}

static void *receive_frames(void *argument)
{
	unsigned char data[1000];

	for (unsigned long turn = (unsigned long)argument; !all_received(); turn++) {
		struct way *way = &ways[turn % (2 * CONNECTIONS)];
		struct pollfd readable = {.fd = way->to, .events = POLLIN};

		if (turn % MOVE_EVERY == 0)
			move(turn / MOVE_EVERY);
		pthread_mutex_lock(&way->receive);
		if (poll(&readable, 1, 0) == 1) {
			ssize_t count = read(way->to, data, 1 + turn * 7 % sizeof(data));

			if (count <= 0)
				die("read");
			atomic_fetch_add(&way->received_bytes, count);
		}
		pthread_mutex_unlock(&way->receive);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct connection connections[CONNECTIONS];
	pthread_t threads[THREADS];
	unsigned long each, bytes[2] = {0};

	if (argc != 3)
		return 2;
	int listener = listen_on(atoi(argv[1]));

	frames = strtoul(argv[2], NULL, 10);
	each = THREADS / 2 * frames / 2;
	for (int i = 0; i < CONNECTIONS; i++) {
		connections[i] = open_connection(listener);
		ways[2 * i] = (struct way){.from = connections[i].client, .to = connections[i].server, .masked = 1};
		ways[2 * i + 1] = (struct way){.from = connections[i].server, .to = connections[i].client};
	}
	for (int i = 0; i < 2 * CONNECTIONS; i++) {
		pthread_mutex_init(&ways[i].send, NULL);
		pthread_mutex_init(&ways[i].receive, NULL);
	}
	for (unsigned long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, i % 2 ? receive_frames : send_frames, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < CONNECTIONS; i++)
		close_connection(connections[i]);
	/* A sender's first way is an even one: even frames, the binary ones, go to the server, odd ones from it. */
	for (unsigned long i = 0; i < frames; i++)
		bytes[i % 2] += THREADS / 2 * (i % (PAYLOAD + 1));
	printf("{\"to_server\": {\"binary\": %lu, \"bytes\": %lu}, \"to_client\": {\"text\": %lu, \"bytes\": %lu}, "
	       "\"connections\": %d}\n",
	       each, bytes[0], each, bytes[1], CONNECTIONS);
	return 0;
}
