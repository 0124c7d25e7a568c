/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [listen] ──> HTTP: see listen.h. */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 128 };

static int bad_address(char *why, size_t size)
{
	snprintf(why, size,
		 "not an address: valid are IPV4:PORT, [IPV6]:PORT, localhost:PORT and :PORT (every address), "
		 "PORT from 0 to 65535");
	return -EINVAL;
}

static bool parse_port(const char *text, in_port_t *port_be)
{
	unsigned long port;
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 5 || text[digits])
		return false;
	port = strtoul(text, NULL, 10);
	if (port > 65535)
		return false;
	*port_be = htons((in_port_t)port);
	return true;
}

static bool parse_ipv6(const char *host, struct sockaddr_in6 *sin6)
{
	char address[INET6_ADDRSTRLEN];
	size_t n = strcspn(host, "%");

	if (n >= sizeof(address))
		return false;
	memcpy(address, host, n);
	address[n] = '\0';
	if (host[n] == '%') {
		sin6->sin6_scope_id = if_nametoindex(host + n + 1);
		if (!sin6->sin6_scope_id)
			return false;
	}
	sin6->sin6_family = AF_INET6;
	return inet_pton(AF_INET6, address, &sin6->sin6_addr) == 1;
}

int listen_address_parse(const char *text, struct listen_address *out, char *why, size_t size)
{
	struct listen_address address = {0};
	struct sockaddr_in6 *sin6 = &address.addr.ipv6;
	struct sockaddr_in *sin = &address.addr.ipv4;
	const char *colon = strrchr(text, ':');
	char host[LISTEN_TEXT_BYTES];
	in_port_t port_be;
	size_t n;

	if (!colon || !parse_port(colon + 1, &port_be))
		return bad_address(why, size);
	n = (size_t)(colon - text);
	if (n >= sizeof(host))
		return bad_address(why, size);
	memcpy(host, text, n);
	host[n] = '\0';

	if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		if (!parse_ipv6(host + 1, sin6))
			return bad_address(why, size);
	} else if (!n) {
		sin6->sin6_family = AF_INET6;
		address.any = true;
	} else {
		sin->sin_family = AF_INET;
		if (inet_pton(AF_INET, strcmp(host, "localhost") ? host : "127.0.0.1", &sin->sin_addr) != 1)
			return bad_address(why, size);
	}
	if (address.addr.any.sa_family == AF_INET6) {
		sin6->sin6_port = port_be;
		address.len = sizeof(*sin6);
	} else {
		sin->sin_port = port_be;
		address.len = sizeof(*sin);
	}
	*out = address;
	return 0;
}

static void format_address(const union socket_address *addr, char *text)
{
	const struct sockaddr_in6 *sin6 = &addr->ipv6;
	const struct sockaddr_in *sin = &addr->ipv4;
	char host[INET6_ADDRSTRLEN], scope[IF_NAMESIZE];

	if (addr->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &sin->sin_addr, host, sizeof(host));
		snprintf(text, LISTEN_TEXT_BYTES, "%s:%u", host, ntohs(sin->sin_port));
		return;
	}
	inet_ntop(AF_INET6, &sin6->sin6_addr, host, sizeof(host));
	if (sin6->sin6_scope_id && if_indextoname(sin6->sin6_scope_id, scope))
		snprintf(text, LISTEN_TEXT_BYTES, "[%s%%%s]:%u", host, scope, ntohs(sin6->sin6_port));
	else
		snprintf(text, LISTEN_TEXT_BYTES, "[%s]:%u", host, ntohs(sin6->sin6_port));
}

void listen_address_of(int fd, char *text)
{
	union socket_address addr = {0};
	socklen_t len = sizeof(addr);

	snprintf(text, LISTEN_TEXT_BYTES, "?");
	if (!getsockname(fd, &addr.any, &len))
		format_address(&addr, text);
}

static int open_socket(const struct listen_address *address, int *fd)
{
	const struct sockaddr_in6 *sin6 = &address->addr.ipv6;
	bool ipv6 = address->addr.any.sa_family == AF_INET6;
	int on = 1, only = ipv6 && !IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr);
	int sock = socket(address->addr.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return -errno;
	/* Connections of a tapstat that ended a moment ago, in TIME_WAIT, don't hold the address. */
	if (setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    (ipv6 && setsockopt(sock, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only))) ||
	    bind(sock, &address->addr.any, address->len) || listen(sock, LISTEN_BACKLOG)) {
		int err = -errno;

		close(sock);
		return err;
	}
	*fd = sock;
	return 0;
}

static const char *remedy(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "; another process listens there: end it or choose another --web.listen-address";
	case -EADDRNOTAVAIL:
		return "; no interface of this host has that address: choose another --web.listen-address";
	case -EACCES:
		return "; ports below 1024 need CAP_NET_BIND_SERVICE: choose another --web.listen-address";
	default:
		return "";
	}
}

int listen_address_open(const struct listen_address *address, int *fd, char *why, size_t size)
{
	const struct sockaddr_in6 *sin6 = &address->addr.ipv6;
	char text[LISTEN_TEXT_BYTES];
	int err = open_socket(address, fd);

	if (address->any && (err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL)) {
		/* A kernel without IPv6: every address is every IPv4 address. */
		struct listen_address ipv4 = {.len = sizeof(struct sockaddr_in)};
		struct sockaddr_in *sin = &ipv4.addr.ipv4;

		sin->sin_family = AF_INET;
		sin->sin_port = sin6->sin6_port;
		err = open_socket(&ipv4, fd);
	}
	if (!err)
		return 0;
	format_address(&address->addr, text);
	snprintf(why, size, "cannot listen on %s: %s%s", address->any ? strrchr(text, ':') : text, strerror(-err),
		 remedy(err));
	return err;
}
