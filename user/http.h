/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exposition ──> [HTTP]: answers GET and HEAD for the metrics, the page for people, and health. One thread, no
 * waiting: connections, header size, time and unsent bytes are limited, so that a slow or hostile client holds up
 * nobody.
 */
#ifndef TAPSTAT_HTTP_H
#define TAPSTAT_HTTP_H

#include <stdbool.h>

#include "self_metrics.h"
#include "snapshot.h"

struct event_base;
struct http_server;

enum {
	HTTP_MAX_CONNECTIONS = 64,
	HTTP_MAX_HEADER_BYTES = 16 * 1024,
	HTTP_REQUEST_SECONDS = 10,  /* from the connection, or the answer before, to the end of the request */
	HTTP_RESPONSE_SECONDS = 30, /* to read the answer */
};

struct http_config {
	const char *telemetry_path;
	/* Fills *self and returns a reading that stays valid until the next call, or NULL if there is none. */
	const struct snapshot *(*scrape)(void *arg, struct self_metrics *self);
	void *arg;
	unsigned int request_ms, response_ms; /* 0: the limits above */
};

/* NULL if there is no memory. *config is copied, its strings are not. */
struct http_server *http_server_new(struct event_base *base, const struct http_config *config);

/* Answers on a listening, non-blocking socket. 0 or -ENOMEM; the server owns the socket either way. */
int http_server_add_listener(struct http_server *server, int fd);

/* What /-/ready says; not ready at first. */
void http_server_set_ready(struct http_server *server, bool ready);

/* Ends every connection and listener. The event base is freed next; its loop does not run in between. */
void http_server_free(struct http_server *server);

#endif
