/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [listen] ──> HTTP: addresses of --web.listen-address and the sockets opened on them. */
#ifndef TAPSTAT_LISTEN_H
#define TAPSTAT_LISTEN_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

union socket_address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

struct listen_address {
	union socket_address addr;
	socklen_t len;
	bool any; /* given as ":PORT": every address, IPv4 and IPv6 */
};

/* "[address%interface]:port" with its terminating NUL. */
enum { LISTEN_TEXT_BYTES = INET6_ADDRSTRLEN + IF_NAMESIZE + 10 };

/*
 * Reads "ADDR:PORT", "[IPV6]:PORT", "localhost:PORT" or ":PORT" (port 0: the kernel chooses one). 0, or -EINVAL with
 * `why` saying what is valid and *out untouched. No name is looked up: a static binary has no resolver.
 */
int listen_address_parse(const char *text, struct listen_address *out, char *why, size_t size);

/* A listening, non-blocking socket. 0 with *fd owned by the caller, or a negative errno and `why`. */
int listen_address_open(const struct listen_address *address, int *fd, char *why, size_t size);

/* The address that `fd` is bound to, as text; `text` holds LISTEN_TEXT_BYTES. */
void listen_address_of(int fd, char *text);

#endif
