/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exposition ──> [HTTP]: connections and their limits; see http.h. Answers are in http_routes.c.
 *
 * libevent's evhttp parses and writes. It has no limit on connections, and its timeout starts anew with each byte; so
 * every connection has a slot here, with a reference to its bufferevent and a deadline.
 */
#include "http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "http_server.h"

enum {
	MAX_BODY_BYTES = 1024,                        /* no request here needs one */
	MAX_UNREAD_BYTES = 2 * HTTP_MAX_HEADER_BYTES, /* more than evhttp needs to see that a header is too long */
	SWEEP_MS = 250,
	/* Unsent answers of slow clients, in all: room for one of the largest, 5 MB with 128 services, and some. */
	MAX_UNSENT_BYTES = 8 * 1024 * 1024,
};

struct http_connection {
	struct http_server *server;
	struct bufferevent *bev; /* referenced; NULL: the slot is free */
	__u64 deadline_ms;
};

struct http_server {
	struct event_base *base;
	struct evhttp *evhttp;
	struct event *sweep; /* pending while any slot is taken */
	struct http_routes routes;
	struct http_connection connection[HTTP_MAX_CONNECTIONS];
};

static __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000 + (__u64)now.tv_nsec / 1000000;
}

static void release(struct http_connection *connection)
{
	bufferevent_decref(connection->bev);
	connection->bev = NULL;
}

/* evhttp takes its callbacks away when it frees a connection, which is all that one without a request tells. */
static bool is_abandoned(const struct http_connection *connection)
{
	bufferevent_event_cb event_cb;

	bufferevent_getcb(connection->bev, NULL, NULL, &event_cb, NULL);
	return !event_cb;
}

static void reap(struct http_server *server)
{
	for (int i = 0; i < HTTP_MAX_CONNECTIONS; i++) {
		struct http_connection *connection = &server->connection[i];

		if (connection->bev && is_abandoned(connection))
			release(connection);
	}
}

/* Ends the connection as evhttp would after its own timeout. */
static void end(struct bufferevent *bev)
{
	bufferevent_trigger_event(bev, BEV_EVENT_TIMEOUT | BEV_EVENT_READING, 0);
}

static void sweep_later(struct http_server *server)
{
	const struct timeval period = {.tv_usec = SWEEP_MS * 1000};

	if (!event_pending(server->sweep, EV_TIMEOUT, NULL))
		event_add(server->sweep, &period);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *server = arg;
	__u64 now = now_ms();
	bool any = false;

	(void)fd, (void)what;
	for (int i = 0; i < HTTP_MAX_CONNECTIONS; i++) {
		struct http_connection *connection = &server->connection[i];

		/* The slot is freed by on_close() or by reap(). */
		if (connection->bev && connection->deadline_ms <= now)
			end(connection->bev);
	}
	reap(server);
	for (int i = 0; i < HTTP_MAX_CONNECTIONS; i++)
		any |= server->connection[i].bev != NULL;
	if (any)
		sweep_later(server);
}

static void on_excess(evutil_socket_t fd, short what, void *arg)
{
	struct bufferevent *bev = arg;

	(void)fd, (void)what;
	end(bev);
	bufferevent_decref(bev);
}

/* Called by evhttp between accept and its own set-up of the connection. */
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	/* CLOSE_ON_FREE: the descriptor lives as long as the last reference, and so do the events on it. */
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	struct http_server *server = arg;

	if (!bev)
		return NULL;
	/* evhttp goes on reading while it writes; what waits behind the request must not fill the memory. */
	bufferevent_setwatermark(bev, EV_READ, 0, MAX_UNREAD_BYTES);
	reap(server);
	for (int i = 0; i < HTTP_MAX_CONNECTIONS; i++) {
		struct http_connection *connection = &server->connection[i];

		if (connection->bev)
			continue;
		bufferevent_incref(bev);
		*connection = (struct http_connection){server, bev, now_ms() + server->routes.config.request_ms};
		sweep_later(server);
		return bev;
	}
	/* All taken: closed once evhttp has set it up, before anything is read. */
	bufferevent_incref(bev);
	if (event_base_once(base, -1, EV_TIMEOUT, on_excess, bev, NULL))
		bufferevent_decref(bev);
	return bev;
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	evconnlistener_enable(arg);
}

/* Most likely no descriptor is left: without a rest the loop would do nothing but fail to accept. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	const struct timeval rest = {.tv_sec = 1};

	(void)arg; /* evhttp's */
	if (!event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, on_rested, listener, &rest))
		evconnlistener_disable(listener);
}

static void on_close(struct evhttp_connection *evcon, void *arg)
{
	(void)evcon;
	release(arg);
}

static void on_answered(struct evhttp_request *req, void *arg)
{
	struct http_connection *connection = arg;

	(void)req;
	connection->deadline_ms = now_ms() + connection->server->routes.config.request_ms;
}

static bool too_much_unsent(const struct http_server *server)
{
	size_t unsent = 0;

	for (int i = 0; i < HTTP_MAX_CONNECTIONS; i++) {
		if (server->connection[i].bev)
			unsent += evbuffer_get_length(bufferevent_get_output(server->connection[i].bev));
	}
	return unsent > MAX_UNSENT_BYTES;
}

static struct http_connection *find(struct http_server *server, const struct bufferevent *bev)
{
	for (int i = 0; i < HTTP_MAX_CONNECTIONS; i++) {
		if (server->connection[i].bev == bev)
			return &server->connection[i];
	}
	return NULL;
}

static void on_request(struct evhttp_request *req, void *arg)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct http_server *server = arg;
	struct http_connection *connection = find(server, evhttp_connection_get_bufferevent(evcon));

	if (!connection) { /* memory ran out in on_accept() */
		evhttp_send_error(req, HTTP_SERVUNAVAIL, NULL);
		return;
	}
	evhttp_connection_set_closecb(evcon, on_close, connection);
	evhttp_request_set_on_complete_cb(req, on_answered, connection);
	connection->deadline_ms = now_ms() + server->routes.config.response_ms;
	http_routes_answer(&server->routes, req, too_much_unsent(server));
}

struct http_server *http_server_new(struct event_base *base, const struct http_config *config)
{
	struct http_server *server = calloc(1, sizeof(*server));
	struct timeval timeout;

	if (!server)
		return NULL;
	server->base = base;
	server->routes.config = *config;
	if (!config->request_ms)
		server->routes.config.request_ms = HTTP_REQUEST_SECONDS * 1000;
	if (!config->response_ms)
		server->routes.config.response_ms = HTTP_RESPONSE_SECONDS * 1000;
	server->evhttp = evhttp_new(base);
	server->sweep = evtimer_new(base, on_sweep, server);
	if (!server->evhttp || !server->sweep) {
		http_server_free(server);
		return NULL;
	}
	timeout.tv_sec = server->routes.config.response_ms / 1000;
	timeout.tv_usec = server->routes.config.response_ms % 1000 * 1000;
	evhttp_set_timeout_tv(server->evhttp, &timeout);
	evhttp_set_max_headers_size(server->evhttp, HTTP_MAX_HEADER_BYTES);
	evhttp_set_max_body_size(server->evhttp, MAX_BODY_BYTES);
	evhttp_set_allowed_methods(server->evhttp, (ev_uint16_t)~0); /* others get 404 or 405 from the routes */
	evhttp_set_bevcb(server->evhttp, on_accept, server);
	evhttp_set_gencb(server->evhttp, on_request, server);
	return server;
}

int http_server_add_listener(struct http_server *server, int fd)
{
	unsigned int flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
	struct evconnlistener *listener = evconnlistener_new(server->base, NULL, NULL, flags, 0, fd);

	if (!listener) {
		close(fd);
		return -ENOMEM;
	}
	if (!evhttp_bind_listener(server->evhttp, listener)) {
		evconnlistener_free(listener);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(listener, on_accept_error);
	return 0;
}

void http_server_set_ready(struct http_server *server, bool ready)
{
	server->routes.ready = ready;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	if (server->evhttp)
		evhttp_free(server->evhttp);
	reap(server);
	if (server->sweep)
		event_free(server->sweep);
	buffer_free(&server->routes.text);
	free(server);
}
