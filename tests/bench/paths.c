// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * paths PORT REQUESTS: as many HTTP requests to a port of 127.0.0.1, each for a random path below /none/, of which
 * the responses have no body. Eight go in a write, a new connection begins every 64. Prints the number of responses
 * and of connections.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

enum { IN_A_WRITE = 8, ON_A_CONNECTION = 64 };

static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static size_t put_requests(char *out, size_t room, unsigned count)
{
	size_t size = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned long long random = next_random();
		const char *form = random & 1 ? "/none/%llx" : "/none/user/%llu/item";

		size += snprintf(out + size, room - size, "GET ");
		size += snprintf(out + size, room - size, form, random >> 1);
		size += snprintf(out + size, room - size, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
	}
	return size;
}

static void await_responses(int fd, unsigned count)
{
	static const char end[] = "\r\n\r\n";
	unsigned matched = 0;
	char in[8192];

	while (count) {
		ssize_t n = read(fd, in, sizeof(in));

		if (n <= 0)
			die("read");
		for (ssize_t i = 0; i < n; i++) {
			matched = in[i] == end[matched] ? matched + 1 : in[i] == end[0];
			if (matched == sizeof(end) - 1) {
				matched = 0;
				count--;
			}
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	unsigned long requests, done = 0, connections = 0;
	char out[IN_A_WRITE * 256];

	if (argc != 3)
		die("usage: paths PORT REQUESTS");
	at.sin_port = htons(atoi(argv[1]));
	requests = strtoul(argv[2], NULL, 10);
	while (done < requests) {
		int fd = connect_to(&at);

		connections++;
		for (unsigned on = 0; on < ON_A_CONNECTION && done < requests; on += IN_A_WRITE) {
			unsigned count = requests - done < IN_A_WRITE ? requests - done : IN_A_WRITE;

			send_whole(fd, out, put_requests(out, sizeof(out), count));
			await_responses(fd, count);
			done += count;
		}
		close(fd);
	}
	printf("%lu %lu\n", done, connections);
	return 0;
}
