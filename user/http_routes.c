/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* exposition ──> [HTTP]: from a request to its answer. Connections and limits are in http.c. */
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <string.h>

#include "exposition.h"
#include "gzip.h"
#include "http_server.h"
#include "negotiate.h"

enum { STATUS_METHOD_NOT_ALLOWED = 405 };

static const char text_plain[] = "text/plain; charset=utf-8";

/* Sends routes->text; a HEAD gets its length alone. */
static void send_text(struct http_routes *routes, struct evhttp_request *req, int status, const char *reason,
		      const char *content_type, bool gzip)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct evbuffer *body = evbuffer_new();
	char length[U64_DIGITS + 1];
	int err;

	if (!body || routes->text.failed) {
		err = -1;
	} else if (gzip) {
		err = gzip_append(body, routes->text.data, routes->text.len);
		evhttp_add_header(headers, "Content-Encoding", "gzip");
	} else {
		err = evbuffer_add(body, routes->text.data, routes->text.len);
	}
	if (err) {
		evhttp_clear_headers(headers);
		evhttp_send_error(req, HTTP_INTERNAL, NULL);
		goto out;
	}
	snprintf(length, sizeof(length), "%zu", evbuffer_get_length(body));
	evhttp_add_header(headers, "Content-Type", content_type);
	evhttp_add_header(headers, "Content-Length", length);
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD)
		evbuffer_drain(body, evbuffer_get_length(body));
	evhttp_send_reply(req, status, reason, body);
out:
	if (body)
		evbuffer_free(body);
}

static void send_line(struct http_routes *routes, struct evhttp_request *req, int status, const char *reason,
		      const char *line)
{
	buffer_clear(&routes->text);
	buffer_text(&routes->text, line);
	send_text(routes, req, status, reason, text_plain, false);
}

static void answer_metrics(struct http_routes *routes, struct evhttp_request *req)
{
	struct evkeyvalq *input = evhttp_request_get_input_headers(req);
	struct evkeyvalq *output = evhttp_request_get_output_headers(req);
	enum exposition_format format = negotiate_format(evhttp_find_header(input, "Accept"));
	bool gzip = negotiate_gzip(evhttp_find_header(input, "Accept-Encoding"));
	struct self_metrics self = {.version = "", .commit = "", .libbpf = ""};
	const struct snapshot *snap = routes->config.scrape(routes->config.arg, &self);

	buffer_clear(&routes->text);
	if (!snap || exposition_write(&routes->text, snap, &self, format)) {
		send_line(routes, req, HTTP_INTERNAL, "Internal Server Error",
			  "the kernel's maps could not be read: see tapstat's log\n");
		return;
	}
	evhttp_add_header(output, "Vary", "Accept, Accept-Encoding");
	send_text(routes, req, HTTP_OK, "OK", exposition_content_type[format], gzip);
}

static void answer_page(struct http_routes *routes, struct evhttp_request *req)
{
	struct self_metrics self = {.version = "", .commit = "", .libbpf = ""};
	const struct snapshot *snap = routes->config.scrape(routes->config.arg, &self);
	struct buffer *page = &routes->text;

	buffer_clear(page);
	buffer_text(page,
		    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>tapstat</title>\n"
		    "<style>body{font-family:sans-serif;margin:2em;max-width:50em}"
		    "td{padding:.1em 1em .1em 0}</style>\n</head>\n<body>\n<h1>tapstat</h1>\n<p>Version ");
	buffer_html(page, self.version);
	buffer_text(page, ", commit ");
	buffer_html(page, self.commit);
	buffer_text(page, ", libbpf ");
	buffer_html(page, self.libbpf);
	buffer_text(page, ".</p>\n<ul>\n<li><a href=\"");
	buffer_html(page, routes->config.telemetry_path);
	buffer_text(page, "\">Metrics</a></li>\n<li><a href=\"/-/healthy\">Health</a></li>\n"
			  "<li><a href=\"/-/ready\">Readiness</a></li>\n</ul>\n<h2>Hooks</h2>\n<table>\n");
	for (size_t i = 0; snap && i < snap->n_hooks; i++) {
		buffer_text(page, "<tr><td>");
		buffer_html(page, snap->hook[i].name);
		buffer_text(page, snap->hook[i].attached ? "</td><td>attached</td></tr>\n"
							 : "</td><td>missing</td></tr>\n");
	}
	buffer_text(page, "</table>\n<h2>Services</h2>\n<table>\n");
	for (size_t i = 0; snap && i < snap->n_series; i++) {
		buffer_text(page, "<tr><td>");
		buffer_html(page, snap->series[i].service);
		buffer_text(page, snap->series[i].role == ROLE_SERVER ? "</td><td>server</td></tr>\n"
								      : "</td><td>client</td></tr>\n");
	}
	buffer_text(page, "</table>\n</body>\n</html>\n");
	send_text(routes, req, HTTP_OK, "OK", "text/html; charset=utf-8", false);
}

static void answer_healthy(struct http_routes *routes, struct evhttp_request *req)
{
	send_line(routes, req, HTTP_OK, "OK", "tapstat is healthy.\n");
}

static void answer_ready(struct http_routes *routes, struct evhttp_request *req)
{
	if (routes->ready)
		send_line(routes, req, HTTP_OK, "OK", "tapstat is ready.\n");
	else
		send_line(routes, req, HTTP_SERVUNAVAIL, "Service Unavailable", "tapstat is not attached yet.\n");
}

void http_routes_answer(struct http_routes *routes, struct evhttp_request *req, bool busy)
{
	const struct {
		const char *path;
		void (*answer)(struct http_routes *routes, struct evhttp_request *req);
	} table[] = {
		{routes->config.telemetry_path, answer_metrics}, /* first, so that it may be "/" */
		{"/", answer_page},
		{"/-/healthy", answer_healthy},
		{"/-/ready", answer_ready},
	};
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	enum evhttp_cmd_type method = evhttp_request_get_command(req);

	if (!path || !*path)
		path = "/";
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (strcmp(path, table[i].path) != 0)
			continue;
		if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
			evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", "GET, HEAD");
			send_line(routes, req, STATUS_METHOD_NOT_ALLOWED, "Method Not Allowed",
				  "GET or HEAD only.\n");
		} else if (busy) {
			evhttp_add_header(evhttp_request_get_output_headers(req), "Retry-After", "1");
			send_line(routes, req, HTTP_SERVUNAVAIL, "Service Unavailable", "Too many slow clients.\n");
		} else {
			table[i].answer(routes, req);
		}
		return;
	}
	send_line(routes, req, HTTP_NOTFOUND, "Not Found", "Not found.\n");
}
