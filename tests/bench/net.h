/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connected sockets with a complete WebSocket handshake.
 */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ws.h"

/* A listener on a free port of 127.0.0.1; *at takes its address. */
static inline int listen_loopback(struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(*at);

	*at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (void *)at, sizeof(*at)) || listen(fd, 4096) || getsockname(fd, (void *)at, &size))
		die("listen");
	return fd;
}

static inline void no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static inline int connect_to(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const void *)at, sizeof(*at)))
		die("connect");
	no_delay(fd);
	return fd;
}

static inline void send_whole(int fd, const void *data, size_t bytes)
{
	if (write(fd, data, bytes) != (ssize_t)bytes)
		die("write");
}

static inline void receive_whole(int fd, uint8_t *to, size_t bytes)
{
	while (bytes) {
		ssize_t n = read(fd, to, bytes);

		if (n <= 0)
			die("read");
		bytes -= n;
	}
}

/* Both ends in this thread. */
static inline void handshake(int client, int server)
{
	uint8_t in[512];

	send_whole(client, WS_REQUEST, strlen(WS_REQUEST));
	receive_whole(server, in, strlen(WS_REQUEST));
	send_whole(server, WS_RESPONSE, strlen(WS_RESPONSE));
	receive_whole(client, in, strlen(WS_RESPONSE));
}

static inline void tcp_pair(int listener, const struct sockaddr_in *at, int *client, int *server)
{
	*client = connect_to(at);
	*server = accept(listener, NULL, NULL);
	if (*server < 0)
		die("accept");
	no_delay(*server);
}

#endif
